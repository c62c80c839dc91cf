"""Everything that is known of a patient, as one JSON file."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import insonate
from insonate.anatomy.findings import FINDINGS
from insonate.anatomy.patient import Parameters, Patient
from insonate.biometry import load_law
from insonate.biometry.growth import MEASURES
from insonate.biometry.weight import estimate_weight, weight_centile
from insonate.data.files import replacing
from insonate.data.region_style import is_fetal
from insonate.scene import Scene

__all__ = ["biometry", "count_triangles", "ground_truth", "truth_unit", "write_ground_truth"]

_ABOUT = (
    "A simulated patient. Lengths in mm, world axes LPS: x to her left, y to her back, z to her "
    "head. Poses are probe to world: x lateral, y elevation, z depth. `patient` is read back by "
    "insonate, `parameters` are the same with everything that was drawn."
)
#: True values by measure, from the outer to the outer edge of the skull ...
_TRUE = {"HC": "hc", "BPD": "bpd_outer_outer", "OFD": "ofd", "AC": "ac", "FL": "femur_length"}
#: ... or as Hadlock took them.
_TRUE_HADLOCK = _TRUE | {"BPD": "bpd_outer_inner"}
#: Units of true values that are no lengths, by the end of their name.
_UNITS = {
    "_volume": "ml",
    "_degrees": "degrees",
    "_vessels": "count",
    "_count": "count",
    "_coiling": "turns in 10 mm",
}


def ground_truth(patient: Patient, scene: Scene, files: Sequence[str] = ()) -> dict[str, Any]:
    """What is known of a patient: plain values, ready for JSON.

    Args:
        patient: built if she was not.
        scene: hers.
        files: written beside, relative to the file.
    """
    given = {f.name: getattr(patient, f.name) for f in dataclasses.fields(Parameters)}
    truth = patient.truth.items()
    return _plain(
        {
            "insonate": insonate.__version__,
            "name": patient.name,
            "about": _ABOUT,
            "patient": given,
            "parameters": _parameters(patient),
            "findings": [
                {"name": name, "degree": degree, **_finding(name)}
                for name, degree in patient.findings.items()
            ],
            "biometry": biometry(patient),
            "truth": {name: {"value": v, "unit": truth_unit(name)} for name, v in truth},
            "landmarks": dict(patient.landmarks),
            "planes": {name: _plane(patient, name) for name in patient.planes},
            "views": {name: _view(patient, name) for name in patient.views},
            "regions": _regions(scene),
            "groups": _groups(patient),
            "triangles": count_triangles(scene),
            "files": list(files),
        }
    )


def write_ground_truth(content: Mapping[str, Any], path: str | os.PathLike[str]) -> list[Path]:
    """Write what `ground_truth` gave as JSON, without NaN and infinity.

    Args:
        content: to write.
        path: of the file.

    Returns:
        The file.

    Raises:
        InputError: the file cannot be written.
    """
    with replacing(path) as beside:
        text = json.dumps(content, indent=1, allow_nan=False)
        beside.write_text(text + "\n", encoding="utf-8")
    return [Path(path)]


def truth_unit(name: str) -> str:
    """Unit of a true value, by its name."""
    return next((unit for end, unit in _UNITS.items() if name.endswith(end)), "mm")


def biometry(patient: Patient) -> dict[str, Any]:
    """True sizes beside what the patient's growth law says of her fetus's age.

    For every measure: `value` and the law's `median` [mm], the `centile` and the standard
    deviations `z`; then the weight that Hadlock's formula estimates from them [g].
    """
    law, weeks = load_law(patient.law), patient.gestational_age
    names = _TRUE_HADLOCK if law.name == "hadlock" else _TRUE
    sizes = {measure: patient.truth[names[measure]] for measure in MEASURES}
    found: dict[str, Any] = {"law": law.name, "source": law.source, "weeks": weeks}
    for measure, size in sizes.items():
        found[measure] = {
            "value": size,
            "unit": "mm",
            "median": law.value(measure, weeks),
            "centile": law.centile(measure, weeks, size),
            "z": law.z(measure, weeks, size),
        }
    grams = estimate_weight(sizes)
    found["EFW"] = {"value": grams, "unit": "g", "centile": weight_centile(weeks, grams)}
    return found


def _parameters(patient: Patient) -> dict[str, Any]:
    """All parameters; those that only the finished anatomy knows are taken from it."""
    filled = dataclasses.asdict(patient.parameters)
    for name in ("amniotic_fluid_index", "rectus"):
        if filled[name] is None:
            filled[name] = patient.truth[name]
    return filled


def _finding(name: str) -> dict[str, Any]:
    """Unit and meaning of a degree, the true value that records it, the planes that show it."""
    fields = dataclasses.asdict(FINDINGS[name])
    return {key: fields[key] for key in ("unit", "about", "truth", "planes")}


def _plane(patient: Patient, name: str) -> dict[str, Any]:
    fields = dataclasses.asdict(patient.planes[name])
    return fields | {"can_be_seen": name in patient.views}


def _view(patient: Patient, name: str) -> dict[str, Any]:
    view = patient.views[name]
    return dataclasses.asdict(view) | {"pose": view.pose()}


def _regions(scene: Scene) -> list[dict[str, Any]]:
    """Label, name, tissue and number of triangles of every region."""
    count = np.bincount(scene.pairs.ravel(), minlength=len(scene.regions))
    return [
        {
            "label": label,
            "name": region.name,
            "of": "fetus" if is_fetal(region.name) else "mother",
            "triangles": count[label],
            "tissue": dataclasses.asdict(region.tissue),
        }
        for label, region in enumerate(scene.regions)
    ]


def _groups(patient: Patient) -> dict[str, dict[str, int]]:
    """Vertices and triangles of the surfaces that were meshed together."""
    return {
        name: {
            "vertices": span.last_vertex - span.first_vertex,
            "triangles": span.last_face - span.first_face,
        }
        for name, span in patient.surfaces.spans.items()
    }


def count_triangles(scene: Scene) -> dict[str, int]:
    """How many triangles a scene has: `total`, those of the `fetus` with its cord, `mother`."""
    fetal = np.array([is_fetal(region.name) for region in scene.regions])
    fetus = int(fetal[scene.pairs].any(axis=1).sum())
    return {"total": scene.triangles, "fetus": fetus, "mother": scene.triangles - fetus}


def _plain(value: Any) -> Any:
    """NumPy's arrays and numbers as JSON has them; what is no number becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value

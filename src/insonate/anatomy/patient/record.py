"""What a built patient is, and the cache that keeps it under the hash of what made it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.array_cache import load_arrays, store_arrays
from insonate.anatomy.fetus.plan import Posture
from insonate.anatomy.implicit.mesh import Span, Surfaces, region_tissues
from insonate.anatomy.patient.parameters import Parameters, fill
from insonate.anatomy.patient.probe_search import Seeker, Window
from insonate.anatomy.patient.transvaginal import cervix_view
from insonate.anatomy.planes import Plane
from insonate.anatomy.scene_spec import View
from insonate.probe import load_probe

__all__ = ["Record", "build_record", "load_record", "source_hash"]

Vector = NDArray[np.float64]

#: Rooms whose source shapes a patient.
_SOURCES = ("anatomy", "biometry", "acoustics", "scene", "geometry")
_ARRAYS = ("vertices", "faces", "pairs", "normals")
#: With which a fetus is looked at.
PROBE = "c5_2v_res"
#: Room beyond the plane's reach in an image [mm], and its least and greatest depth [mm].
_BEYOND, _SHALLOW, _DEEP = 12.0, 60.0, 230.0


@dataclass(frozen=True)
class Record:
    """A built patient.

    Attributes:
        parameters: with everything filled in.
        posture: of the fetus, its limbs settled.
        matrix: fetal frame to world `(4, 4)` [mm].
        surfaces: all triangles.
        planes: by name.
        views: by name.
        landmarks: `(3,)` by name [mm].
        truth: by name [mm, ml].
    """

    parameters: Parameters
    posture: Posture
    matrix: Vector
    surfaces: Surfaces
    planes: Mapping[str, Plane]
    views: Mapping[str, View]
    landmarks: Mapping[str, Vector]
    truth: Mapping[str, float]


def load_record(given: Parameters) -> Record:
    """The patient from the cache, or built and put there."""
    key = f"patient-{_key(fill(given))}"
    record = _read(key)
    if record is None:
        record = build_record(given)
        _write(key, record)
    return record


def build_record(given: Parameters) -> Record:
    """Build a patient.

    Raises:
        InputError: the parameters cannot be met together.
    """
    from insonate.anatomy.patient.build import TISSUES, design, kept_planes, mesh

    anatomy = design(given)
    surfaces = mesh(anatomy)
    planes = kept_planes(anatomy.planes, surfaces)
    tissues = region_tissues({region: TISSUES[region] for region in surfaces.regions})
    window = Window(10.0, anatomy.mother.xiphoid_height - 10.0)
    seeker = Seeker(surfaces.scene(tissues), window, load_probe(PROBE))
    views = {name: _view(seeker, name, plane) for name, plane in planes.items()}
    views["cervix"] = cervix_view(anatomy.landmarks)
    return Record(
        parameters=anatomy.parameters,
        posture=anatomy.fetus.posture,
        matrix=anatomy.matrix,
        surfaces=surfaces,
        planes=planes,
        views={name: view for name, view in views.items() if view is not None},
        landmarks=anatomy.landmarks,
        truth=anatomy.truth,
    )


def _view(seeker: Seeker, name: str, plane: Plane) -> View | None:
    """The probe where a plane is seen best; the image's right is her left, or her feet."""
    contact = seeker.best(plane)
    if contact is None:
        return None
    lateral = np.cross(contact.normal, contact.beam)
    side = lateral[0] if abs(lateral[0]) > abs(lateral[2]) else -lateral[2]
    lateral = lateral if side >= 0.0 else -lateral
    depth = contact.depth + plane.reach + _BEYOND
    return View(
        at=_point(contact.at),
        aim=_point(contact.at + contact.depth * contact.beam),
        lateral=_point(lateral),
        press=True,
        probe=PROBE,
        depth=float(np.clip(np.ceil(depth / 10.0) * 10.0, _SHALLOW, _DEEP)),
        about=name.replace("_", " "),
    )


def _point(vector: Vector) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 4) for value in vector)
    return x, y, z


def _key(given: Parameters) -> str:
    """Hash of the parameters and of the source that turns them into a patient."""
    text = json.dumps(dataclasses.asdict(given), sort_keys=True)
    return hashlib.sha256((source_hash() + text).encode()).hexdigest()[:32]


@cache
def source_hash() -> str:
    """Hash of all source that shapes a patient."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for room in _SOURCES:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in (".py", ".csv"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(key: str) -> Record | None:
    """The record kept under `key`; None if there is none, or if it is not one."""
    kept = load_arrays(key, _ARRAYS)
    if kept is None:
        return None
    arrays, about = kept
    try:
        spans = {name: Span(*span) for name, span in about["spans"].items()}
        return Record(
            parameters=Parameters(**about["parameters"]),
            posture=Posture(**_tuples(about["posture"])),
            matrix=np.array(about["matrix"]),
            surfaces=Surfaces(**arrays, regions=tuple(about["regions"]), spans=spans),
            planes={name: _plane(fields) for name, fields in about["planes"].items()},
            views={name: View(**_tuples(fields)) for name, fields in about["views"].items()},
            landmarks={name: np.array(point) for name, point in about["landmarks"].items()},
            truth=about["truth"],
        )
    except (ValueError, KeyError, TypeError):
        return None


def _tuples(fields: Mapping[str, object]) -> dict:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}


def _plane(fields: Mapping) -> Plane:
    axis = fields["axis"]
    return Plane(
        origin=np.array(fields["origin"]),
        normal=np.array(fields["normal"]),
        beams=tuple(np.array(beam) for beam in fields["beams"]),
        spread=fields["spread"],
        shows=tuple(fields["shows"]),
        hides=tuple(fields["hides"]),
        reach=fields["reach"],
        axis=None if axis is None else np.array(axis),
    )


def _write(key: str, record: Record) -> None:
    """Keep a record under `key`."""
    surfaces = record.surfaces
    about = {
        "parameters": dataclasses.asdict(record.parameters),
        "posture": dataclasses.asdict(record.posture),
        "matrix": record.matrix,
        "regions": surfaces.regions,
        "spans": {name: dataclasses.astuple(span) for name, span in surfaces.spans.items()},
        "planes": {name: dataclasses.asdict(plane) for name, plane in record.planes.items()},
        "views": {name: dataclasses.asdict(view) for name, view in record.views.items()},
        "landmarks": dict(record.landmarks),
        "truth": dict(record.truth),
    }
    store_arrays(key, {name: getattr(surfaces, name) for name in _ARRAYS}, about)

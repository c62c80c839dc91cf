"""Every finding beside the normal: the same plane of the same patient without and with it.

python examples/findings.py [FOLDER]

Tiles are kept in the folder one by one, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from insonate import Frame, Patient, Settings
from insonate.data.patient_figure import plane_settings, render_planes


@dataclass(frozen=True)
class Case:
    """A finding, and where it is looked for.

    Attributes:
        degree: of the finding, or of a parameter.
        plane: standard plane that shows it.
        patient: who has it: a name of `PATIENTS`.
        truth: what it changes in the truth.
        region: whose section it changes.
    """

    degree: float
    plane: str
    patient: str
    truth: str
    region: str


#: Findings of one patient do not touch each other.
CASES: Mapping[str, Case] = {
    "ventriculomegaly": Case(16.0, "transventricular", "one", "atrium", "fetal_ventricle"),
    "enlarged_cisterna_magna": Case(
        13.0, "transcerebellar", "two", "cisterna_magna", "fetal_cisterna_magna"
    ),
    "cleft_lip": Case(4.0, "lips", "two", "cleft_lip", "amniotic_fluid"),
    "cleft_lip_right": Case(4.0, "lips", "one", "cleft_lip_right", "amniotic_fluid"),
    "short_femur": Case(0.6, "femur_left", "one", "femur_length", "fetal_femur_left"),
    "hydronephrosis": Case(11.0, "kidneys", "one", "renal_pelvis_left", "fetal_renal_pelvis_left"),
    "hydronephrosis_right": Case(
        9.0, "kidneys", "one", "renal_pelvis_right", "fetal_renal_pelvis_right"
    ),
    "absent_stomach": Case(
        1.0, "abdominal_circumference", "three", "stomach_transverse", "fetal_stomach"
    ),
    "double_bubble": Case(0.8, "abdominal_circumference", "two", "duodenum", "fetal_stomach"),
    "atrioventricular_septal_defect": Case(
        0.3, "four_chamber", "one", "atrioventricular_septal_gap", "fetal_myocardium"
    ),
    "single_umbilical_artery": Case(1.0, "cord", "one", "cord_vessels", "cord_artery_left"),
    "oligohydramnios": Case(
        30.0, "deepest_pocket", "three", "amniotic_fluid_index", "amniotic_fluid"
    ),
    "polyhydramnios": Case(
        320.0, "deepest_pocket", "two", "amniotic_fluid_index", "amniotic_fluid"
    ),
    "placenta_praevia": Case(20.0, "placental_edge", "four", "placenta_edge_to_os", "placenta"),
    "fibroid": Case(50.0, "fibroid_1", "three", "fibroid_1", "fibroid"),
    "ovarian_cyst": Case(60.0, "ovary_left", "four", "ovarian_cyst", "ovarian_cyst"),
    "short_cervix": Case(12.0, "cervix", "five", "cervix_length", "cervix"),
    "contraction": Case(1.0, "contraction", "five", "contraction", "myometrial_contraction"),
}
_LATER = {"gestational_age": 24.0, "placenta": "posterior", "bladder_volume": 150.0}
_EARLIER = {"gestational_age": 18.0, "placenta": "posterior", "bladder_volume": 250.0}
#: Parameters of everybody; a placenta praevia is a finding, so hers is not said.
PATIENTS: Mapping[str, Mapping[str, Any]] = {
    "one": _LATER,
    "two": _LATER,
    "three": _LATER,
    "four": {"gestational_age": 22.0, "bladder_volume": 250.0},
    "five": _EARLIER,
}
COMMON: Mapping[str, Any] = {
    "seed": 7, "presentation": "cephalic", "back": "left", "fat": 10.0, "detail": 250_000,
}  # fmt: skip
TILE, ACROSS = 240, 3
#: Half a tile over the radius that a plane wants to have in the image.
MARGIN = 1.2


@cache
def person(name: str, with_findings: bool = True) -> Patient:
    """Somebody of `PATIENTS` with what she has, or as she would be without it."""
    given = {n: case.degree for n, case in CASES.items() if case.patient == name}
    contraction = given.pop("contraction", 0.0)
    own = dict(COMMON) | dict(PATIENTS[name])
    if with_findings:
        own |= {"findings": given, "contraction": contraction}
    return Patient(**own)


def pair(name: str) -> tuple[Patient, Patient]:
    """The patient without and with a finding."""
    who = CASES[name].patient
    return person(who, False), person(who)


def plane_of(patient: Patient, name: str) -> str:
    """The plane that shows a finding, or the place where it would be."""
    plane = CASES[name].plane
    return plane if plane in patient.planes else "placenta"


def tile(patient: Patient, name: str, settings: Settings | None = None) -> NDArray[np.uint8]:
    """The place of a finding in a patient, `(TILE, TILE)`; black if it cannot be seen."""
    view = plane_of(patient, name)
    plane = patient.planes[view]
    for _, frame in render_planes(patient, [view], settings or plane_settings(480)):
        return _zoomed(frame, plane.origin, MARGIN * plane.reach)
    return np.zeros((TILE, TILE), np.uint8)


def _zoomed(frame: Frame, middle: NDArray[np.float64], reach: float) -> NDArray[np.uint8]:
    """What lies around a point of the image plane as a square tile `(TILE, TILE)`."""
    column, row = (np.linalg.inv(frame.image_to_world()) @ [*middle, 1.0])[:2]
    half = reach / frame.spacing
    left, top, side = round(column - half), round(row - half), round(2.0 * half)
    cut = Image.fromarray(frame.image()).crop((left, top, left + side, top + side))
    return np.array(cut.resize((TILE, TILE), Image.Resampling.LANCZOS))


def sheet(tiles: Mapping[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> Image.Image:
    """All findings on one sheet, each to the right of the normal."""
    wide, high = 2 * TILE + 14, TILE + 18
    rows = -(-len(tiles) // ACROSS)
    picture = Image.new("L", (ACROSS * wide, rows * high), 255)
    draw = ImageDraw.Draw(picture)
    for k, (name, both) in enumerate(tiles.items()):
        x, y = (k % ACROSS) * wide, (k // ACROSS) * high
        case = CASES[name]
        words = f"{name.replace('_', ' ')} {case.degree:g}: {case.plane.replace('_', ' ')}"
        draw.text((x + 3, y + 3), words, fill=0)
        for side, image in enumerate(both):
            picture.paste(Image.fromarray(image), (x + side * (TILE + 2), y + 18))
    return picture


def _kept(name: str, folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both tiles of a finding from the folder, or rendered and put there."""
    done = folder / f"{name}.npz"
    if not done.exists():
        normal, found = (tile(patient, name) for patient in pair(name))
        np.savez_compressed(done, normal=normal, found=found)
        print(done, flush=True)
    with np.load(done, allow_pickle=False) as stored:
        return stored["normal"], stored["found"]


def main() -> None:
    """Render everything and write the sheet."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/findings")
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(CASES, key=lambda name: CASES[name].patient)
    tiles = {name: _kept(name, folder) for name in ordered}
    picture = sheet({name: tiles[name] for name in CASES})
    picture.save(folder / "findings.jpg", quality=85)
    print(folder / "findings.jpg")


if __name__ == "__main__":
    main()

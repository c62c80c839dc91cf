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

from insonate import Frame, Patient, Settings, Simulator
from insonate.anatomy.contact import press
from insonate.anatomy.findings import FINDINGS
from insonate.anatomy.planes import Plane
from insonate.anatomy.scene_spec import View
from insonate.data.patient_figure import crop_around, plane_settings


@dataclass(frozen=True)
class Case:
    """A finding and who has it.

    Attributes:
        degree: of the finding.
        who: a name of `PEOPLE`.
        child: cases of one person with the same number are findings of one patient.
    """

    degree: float
    who: str
    child: int


COMMON: Mapping[str, Any] = {
    "seed": 7, "detail": 650_000, "fat": 8.0, "bladder_volume": 60.0,
    "placenta": "posterior", "amniotic_fluid_index": 110.0,
}  # fmt: skip
#: Each shows her planes well: the head near and across the beam, the fetal left or right side
#: towards the probe, the face or the cord in front.
PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "head up": {"presentation": "breech", "back": "left"},
    "left side near": {"presentation": "cephalic", "back": "right"},
    "right side near": {"presentation": "cephalic", "back": "left"},
    "face near": {"presentation": "breech", "back": "posterior", "gestational_age": 26.0,
                  "amniotic_fluid_index": 200.0, "seed": 3},
    "cord near": {"presentation": "cephalic", "back": "left", "gestational_age": 36.0,
                  "amniotic_fluid_index": 200.0, "seed": 2, "detail": 1_500_000},
}  # fmt: skip
CASES: Mapping[str, Case] = {
    "ventriculomegaly": Case(15.0, "head up", 1),
    "enlarged_cisterna_magna": Case(12.0, "head up", 1),
    "cleft_lip": Case(5.0, "face near", 1),
    "cleft_lip_right": Case(5.0, "face near", 2),
    "short_femur": Case(0.6, "left side near", 2),
    "hydronephrosis": Case(10.0, "left side near", 1),
    "hydronephrosis_right": Case(8.0, "right side near", 1),
    "absent_stomach": Case(1.0, "head up", 1),
    "double_bubble": Case(0.8, "right side near", 1),
    "atrioventricular_septal_defect": Case(0.3, "left side near", 1),
    "single_umbilical_artery": Case(1.0, "cord near", 1),
    "oligohydramnios": Case(30.0, "head up", 2),
    "polyhydramnios": Case(320.0, "head up", 3),
    "placenta_praevia": Case(20.0, "right side near", 3),
    "fibroid": Case(50.0, "left side near", 2),
    "ovarian_cyst": Case(60.0, "left side near", 2),
    "short_cervix": Case(12.0, "right side near", 2),
}
#: What a finding says itself is not said as a parameter.
SAID = {
    "oligohydramnios": "amniotic_fluid_index",
    "polyhydramnios": "amniotic_fluid_index",
    "placenta_praevia": "placenta",
}
TILE, ACROSS = 260, 3
#: Half a tile over the radius that a plane wants to have in the image.
MARGIN = 1.15
#: Planes whose origins and normals differ by less are the same [mm], [cosine].
SAME_PLACE, SAME_WAY = 1.0, 0.9998


@cache
def person(who: str, child: int = 0) -> Patient:
    """One of `PEOPLE`: her normal fetus (0), or the one with the findings of that number."""
    found = {n: case.degree for n, case in CASES.items() if (case.who, case.child) == (who, child)}
    given = dict(COMMON) | dict(PEOPLE[who])
    for name in found:
        given.pop(SAID.get(name, ""), None)
    return Patient(**given, findings=found)


def pair(name: str) -> tuple[Patient, Patient]:
    """The patient without and with a finding."""
    case = CASES[name]
    return person(case.who), person(case.who, case.child)


def places(name: str) -> tuple[tuple[Plane, View], tuple[Plane, View]]:
    """Plane and probe for the normal and for the finding.

    Where the finding left the plane in its place the probe stays, too. A plane that only the
    finding has, such as that of a fibroid, is looked at in the normal patient as well.
    """
    normal, found = pair(name)
    title = FINDINGS[name].planes[0]
    plane, view = found.planes[title], found.views[title]
    other, own = normal.planes.get(title, plane), normal.views.get(title, view)
    near = np.linalg.norm(other.origin - plane.origin) < SAME_PLACE
    same = near and other.normal @ plane.normal > SAME_WAY
    if same or np.allclose(own.pose(), view.pose(), atol=1e-3):
        return (plane, view), (plane, view)
    return (other, own), (plane, view)


def frames(name: str, settings: Settings | None = None) -> tuple[Frame, Frame]:
    """B-mode images of a finding's plane, normal and with the finding."""
    normal, found = (
        _frame(patient, view, settings or plane_settings(640))
        for patient, (_, view) in zip(pair(name), places(name), strict=True)
    )
    return normal, found


def _frame(patient: Patient, view: View, settings: Settings) -> Frame:
    probe, pose = view.load_probe(), view.pose()
    if probe.name == "endocavity":  # no wall of the abdomen whose layers clutter the near field
        settings = settings.replace(clutter=None)
    simulator = Simulator(press(patient.scene(), probe, pose), probe, settings)
    simulator.even_tgc(pose, seed=1)
    return simulator.frame(pose, seed=1)


def tiles(name: str, settings: Settings | None = None) -> NDArray[np.uint8]:
    """The place of a finding without and with it, on one scale, `(2, TILE, TILE)`."""
    planes = [plane for plane, _ in places(name)]
    reach = MARGIN * max(plane.reach for plane in planes)
    both = zip(frames(name, settings), planes, strict=True)
    return np.stack([crop_around(frame, plane.origin, reach, TILE) for frame, plane in both])


def sheet(pairs: Mapping[str, NDArray[np.uint8]]) -> Image.Image:
    """All findings on one sheet, each to the right of the normal."""
    wide, high = 2 * TILE + 12, TILE + 20
    rows = -(-len(pairs) // ACROSS)
    picture = Image.new("L", (ACROSS * wide, rows * high), 255)
    draw = ImageDraw.Draw(picture)
    for k, (name, both) in enumerate(pairs.items()):
        x, y = (k % ACROSS) * wide, (k // ACROSS) * high
        words = f"{name.replace('_', ' ')} {CASES[name].degree:g}, {FINDINGS[name].planes[0]}"
        draw.text((x + 3, y + 4), words.replace("_", " "), fill=0)
        for side, image in enumerate(both):
            picture.paste(Image.fromarray(image), (x + side * (TILE + 2), y + 18))
    return picture


def _kept(name: str, folder: Path) -> NDArray[np.uint8]:
    """Both tiles of a finding from the folder, or rendered and put there."""
    done = folder / f"{name}.png"
    if not done.exists():
        Image.fromarray(np.concatenate([*tiles(name)], axis=1)).save(done)
        print(done, flush=True)
    return np.stack(np.split(np.array(Image.open(done)), 2, axis=1))


def main() -> None:
    """Render everything and write the sheet."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/findings")
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(CASES, key=lambda name: (CASES[name].who, CASES[name].child))
    pairs = {name: _kept(name, folder) for name in ordered}
    sheet({name: pairs[name] for name in CASES}).save(folder / "findings.jpg", quality=70)
    print(folder / "findings.jpg")


if __name__ == "__main__":
    main()

"""Twenty patients of different age, build and luck, each by head, abdomen and femur.

python examples/patients.py [FOLDER [COUNT]]

Planes are kept in the folder one by one, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from insonate import Patient, Settings
from insonate.data.patient_figure import crop_around, plane_settings, render_planes

#: Rows of the sheet: the first of these views that can be seen stands for the plane, of both
#: femora the shallower one.
ROWS: Mapping[str, tuple[str, ...]] = {
    "head": ("transthalamic", "transventricular", "transcerebellar"),
    "abdomen": ("abdominal_circumference", "kidneys", "cord_insertion"),
    "femur": ("femur_left", "femur_right"),
}
#: What some of them have.
FINDINGS: Mapping[int, Mapping[str, float]] = {
    3: {"ventriculomegaly": 14.0},
    6: {"hydronephrosis": 11.0},
    9: {"short_femur": 0.65},
    11: {"double_bubble": 0.7},
    14: {"enlarged_cisterna_magna": 14.0},
    16: {"polyhydramnios": 300.0},
    18: {"absent_stomach": 1.0},
}
AGES = np.linspace(15.0, 38.0, 20)
DETAIL = 600_000
TILE = 200  # pixels
ACROSS = 10
#: Half a tile over the radius that a plane wants to have in the image.
MARGIN = 1.35


def cast(count: int = 20) -> list[Patient]:
    """Patients from 15 to 38 weeks, everything else drawn or as `FINDINGS` says."""
    weeks = np.round(AGES[np.linspace(0, len(AGES) - 1, count).round().astype(int)], 1)
    return [
        Patient(float(age), seed=100 + k, findings=FINDINGS.get(k, {}), detail=DETAIL)
        for k, age in enumerate(weeks)
    ]


def strip(patient: Patient, settings: Settings | None = None) -> dict[str, NDArray[np.uint8]]:
    """Images of a patient by row; a plane that cannot be seen is missing."""
    images = {}
    for row, names in ROWS.items():
        seen = [name for name in names if name in patient.views]
        if row == "femur":
            seen.sort(key=lambda name: patient.views[name].depth or 0.0)
        for name, frame in render_planes(patient, seen[:1], settings or plane_settings(640)):
            plane = patient.planes[name]
            images[row] = crop_around(frame, plane.origin, MARGIN * plane.reach, TILE)
    return images


def sheet(strips: list[dict[str, NDArray[np.uint8]]], titles: list[str]) -> Image.Image:
    """Everybody on one sheet: a column a patient, in blocks of three rows."""
    blocks, head = -(-len(strips) // ACROSS), 18
    high = head + len(ROWS) * (TILE + 2)
    picture = Image.new("L", (ACROSS * (TILE + 2), blocks * high), 255)
    draw = ImageDraw.Draw(picture)
    for k, (images, title) in enumerate(zip(strips, titles, strict=True)):
        x, y = (k % ACROSS) * (TILE + 2), (k // ACROSS) * high
        draw.text((x + 3, y + 3), title, fill=0)
        for r, row in enumerate(ROWS):
            tile = images.get(row, np.zeros((TILE, TILE), np.uint8))
            picture.paste(Image.fromarray(tile), (x, y + head + r * (TILE + 2)))
            if row not in images:
                draw.text((x + 8, y + head + r * (TILE + 2) + 8), "not seen from here", fill=160)
    return picture


def _kept(patient: Patient, folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Images of a patient from the folder, or rendered and put there."""
    done = folder / f"{patient.name}.npz"
    if not done.exists():
        np.savez_compressed(done, **strip(patient))  # type: ignore[arg-type]
        print(done, flush=True)
    with np.load(done, allow_pickle=False) as stored:
        return {row: stored[row] for row in stored.files}


def main() -> None:
    """Render everybody and write the sheet."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/patients")
    folder.mkdir(parents=True, exist_ok=True)
    patients = cast(int(sys.argv[2]) if len(sys.argv) > 2 else 20)
    titles = [
        f"{p.gestational_age:.1f} w  {', '.join(p.findings).replace('_', ' ')}"[:32]
        for p in patients
    ]
    picture = sheet([_kept(patient, folder) for patient in patients], titles)
    gray = (np.asarray(picture) // 8) * 8  # 32 levels keep the file small
    Image.fromarray(gray).save(folder / "patients.png", optimize=True)
    print(folder / "patients.png")


if __name__ == "__main__":
    main()

"""Simulated transthalamic planes between real ones of HC18, each pair with heads of one size.

HC18=FOLDER python examples/real_heads.py [PICTURE]

HC18: van den Heuvel et al. 2018, "Automated measurement of fetal head circumference using 2D
ultrasound images", doi 10.5281/zenodo.1327317, CC BY 4.0. FOLDER holds `full/NAME.png`, filled
masks `full/NAME_mask.png`, and `index.csv` with columns `name` and `head_circumference_mm`.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from insonate import InputError, Patient, Settings
from insonate.biometry.dating import weeks_from
from insonate.data.patient_figure import plane_settings, render_planes

#: Rows and columns of the picture of a head, and the share of its height that the head fills.
TILE, FILLED = (300, 400), 0.62
#: Images with a midline and a whole skull in one fan, by eye.
NAMES = ("t398_HC", "t430_HC", "t624_HC", "t656_HC")
VIEWS = ("transthalamic", "transventricular")
#: Patients that are tried for a head.
TRIES = 8


@dataclass(frozen=True)
class Head:
    """A real image.

    Attributes:
        image: `(rows, columns)`.
        box: left, top, right and bottom edge of the head [pixels].
        circumference: of the head [mm].
    """

    image: NDArray[np.uint8]
    box: tuple[int, int, int, int]
    circumference: float


def real_heads(folder: Path, names: Sequence[str] = NAMES) -> Iterator[Head]:
    """Heads of HC18 by name."""
    with (folder / "index.csv").open() as file:
        sizes = {row["name"]: row["head_circumference_mm"] for row in csv.DictReader(file)}
    for name in names:
        image = Image.open(folder / "full" / f"{name}.png").convert("L")
        mask = Image.open(folder / "full" / f"{name}_mask.png").convert("L")
        yield Head(np.array(image), _box(np.array(mask) > 0), float(sizes[name]))


def simulated_head(circumference: float, seed: int = 7, settings: Settings | None = None) -> Head:
    """The head plane of the first patient of that size in whom it can be seen.

    Args:
        circumference: of the head [mm].
        seed: of the first patient; later ones count on.
        settings: of the image.

    Raises:
        InputError: none of them shows it.
    """
    weeks = weeks_from({"HC": circumference}, "intergrowth")
    weeks = round(min(max(weeks, 14.0), 40.0), 1)
    for number in range(seed, seed + TRIES):
        patient = Patient(weeks, seed=number, centiles={"HC": 50.0})
        names = [name for name in VIEWS if name in patient.views][:1]
        for _, frame in render_planes(patient, names, settings or plane_settings(720)):
            skull = frame.labels == frame.region_names.index("fetal_skull")
            return Head(frame.image(), _box(skull), circumference)
    raise InputError(f"no head plane can be seen at {weeks:g} weeks")


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def tile(head: Head) -> Image.Image:
    """A head in the middle of a picture, all heads of one height."""
    rows, columns = TILE
    left, top, right, bottom = head.box
    scale = (bottom - top) / (FILLED * rows)  # pixels of the image for one of the picture
    x, y = 0.5 * (left + right), 0.5 * (top + bottom)
    box = (x - 0.5 * columns * scale, y - 0.5 * rows * scale)
    size = (round(box[0] + columns * scale), round(box[1] + rows * scale))
    cut = Image.fromarray(head.image).crop((round(box[0]), round(box[1]), *size))
    return cut.resize((columns, rows), Image.Resampling.LANCZOS)


def pairs(heads: list[Head]) -> Image.Image:
    """Real heads above, simulated ones of the same size below."""
    rows, columns = TILE
    picture = Image.new("L", (len(heads) * (columns + 4), 2 * (rows + 4)), 255)
    for k, head in enumerate(heads):
        for row, shown in enumerate((head, simulated_head(head.circumference, 7 + TRIES * k))):
            picture.paste(tile(shown), (k * (columns + 4), row * (rows + 4)))
    return picture


def main() -> None:
    """Write the picture."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "out/heads.jpg")
    folder = os.environ.get("HC18")
    if not folder:
        raise InputError("HC18: expected the folder of the data set, see the head of this file")
    path.parent.mkdir(parents=True, exist_ok=True)
    pairs(list(real_heads(Path(folder)))).save(path, quality=82)
    print(path)


if __name__ == "__main__":
    main()

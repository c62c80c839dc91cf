"""What all layouts ask of a dataset: who is in a frame, and whether anyone labelled it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from insonate.data.dataset import Dataset
from insonate.data.palette import label_colors
from insonate.errors import InputError

__all__ = [
    "Progress",
    "case_name",
    "is_labelled",
    "region_names",
    "require_labels",
    "row_of",
    "save_image",
    "save_labels",
    "write_json",
    "write_table",
]

Progress = Callable[[Iterable[int]], Iterable[int]]


def require_labels(dataset: Dataset, layout: str) -> None:
    """See that there are labels.

    Raises:
        InputError: there are none.
    """
    if "labels" not in dataset.layout.images:
        raise InputError(f"{dataset.where}: no labels, which {layout} is for")


def region_names(dataset: Dataset) -> list[str]:
    """Names by label; labels beyond the regions are named by their number."""
    names = list(dataset.attributes.regions)
    return names + [f"label_{k}" for k in range(len(names), 256)]


def is_labelled(dataset: Dataset, labels: NDArray[np.uint8]) -> bool:
    """False if no pixel of a frame's labels, `(rows, columns)`, was labelled.

    What was padded to the size of the dataset has label 0 in any case.
    """
    nobody, present = dataset.attributes.unlabelled, set(np.unique(labels).tolist())
    return nobody not in present or not present <= {0, nobody}


def case_name(dataset: Dataset, index: int) -> str:
    """What the files of a frame are called: its number."""
    return f"{int(dataset.frames[index]):07d}"


def row_of(dataset: Dataset, index: int) -> dict[str, Any]:
    """Who and what is in a frame, for a table; what is not known is empty.

    The size of a pixel is said as `insonate import` reads it: in one number, or where pixels
    are not square by the width of one and a size of the image in square ones.
    """
    about, layout = dataset.attributes, dataset.layout
    row: dict[str, Any] = {"name": case_name(dataset, index)}
    for name, names in (("split", about.splits), ("plane", about.planes)):
        number = int(dataset.raw(name, index))
        row[name] = names[number] if 0 <= number < len(names) else ""
    for name in ("patient", "sequence"):
        number = int(dataset.raw(name, index))
        row[name] = number if number >= 0 else ""
    down, across = dataset.raw("spacing", index).tolist()
    if down > 0.0 and across > 0.0:
        square = abs(down / across - 1.0) < 1e-9
        row["pixel_mm"] = across if square else ""
        row["full_pixel_mm"] = "" if square else across
        row["full_width_px"] = "" if square else layout.columns
        row["full_height_px"] = "" if square else layout.rows * down / across
    return row


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as CSV; columns that are empty throughout are left out."""
    names = dict.fromkeys(name for row in rows for name in row)
    kept = [name for name in names if any(row.get(name, "") != "" for row in rows)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, kept, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def write_json(path: Path, said: Any) -> None:
    """An object as JSON."""
    text = json.dumps(said, ensure_ascii=False, indent=1, default=str)
    path.write_text(text + "\n", encoding="utf-8")


def save_image(values: NDArray[np.uint8], path: Path) -> None:
    """Gray values `(rows, columns)` as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, format="PNG")


def save_labels(labels: NDArray[np.uint8], path: Path) -> None:
    """Labels `(rows, columns)` as a PNG whose pixels are the labels, and which shows colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels)
    image.putpalette(label_colors(256).tobytes())
    image.save(path, format="PNG")

"""PNG folders with a table, as `insonate import` reads them back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from insonate.data.dataset import Dataset
from insonate.data.export.labelled import (
    Progress,
    case_name,
    is_labelled,
    row_of,
    save_image,
    save_labels,
    write_json,
    write_table,
)

__all__ = ["export_png"]

#: Folders of arrays that are not called as they are.
FOLDERS = {"bmode": "images", "labels": "masks", "mask": "fans"}


def export_png(dataset: Dataset, folder: Path, progress: Progress) -> str:
    """Write `images`, `masks` (labels in colours) and what else there is, and `index.csv`.

    Args:
        dataset: to write.
        folder: that is empty.
        progress: is given the frames to go through.

    Returns:
        What was written, in a line.
    """
    rows = []
    for index in progress(range(len(dataset))):
        name = f"{case_name(dataset, index)}.png"
        for array in dataset.layout.images:
            values, place = dataset.raw(array, index), folder / FOLDERS.get(array, array) / name
            if array != "labels":
                save_image(values * 255 if array == "mask" else values, place)
            elif is_labelled(dataset, values):
                save_labels(values, place)
        rows.append(row_of(dataset, index))
    write_table(folder / "index.csv", rows)
    about = dataclasses.asdict(dataset.attributes)
    write_json(folder / "dataset.json", about)
    folders = ", ".join(FOLDERS.get(name, name) for name in dataset.layout.images)
    return f"{len(rows):,} frames in {folders}; index.csv, dataset.json"

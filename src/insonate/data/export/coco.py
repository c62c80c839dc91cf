"""COCO: images, and for every region in them its mask as run lengths, its box and its area."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import Dataset
from insonate.data.export.labelled import (
    Progress,
    case_name,
    is_labelled,
    region_names,
    require_labels,
    row_of,
    save_image,
    write_json,
)

__all__ = ["export_coco", "run_lengths"]


def export_coco(dataset: Dataset, folder: Path, progress: Progress) -> str:
    """Write `images` and a file `annotations/instances_SPLIT.json` for every split.

    A category is a region, its identity the label; what a frame has of a region is one
    annotation. Frames that nobody labelled have no annotations, so they are left out.

    Args:
        dataset: to write.
        folder: that is empty.
        progress: is given the frames to go through.

    Returns:
        What was written, in a line.

    Raises:
        InputError: the dataset has no labels.
    """
    require_labels(dataset, "COCO")
    images: dict[str, list[dict[str, Any]]] = defaultdict(list)
    annotations: dict[str, list[dict[str, Any]]] = defaultdict(list)
    used: set[int] = set()
    number = 1
    for index in progress(range(len(dataset))):
        labels = dataset.raw("labels", index)
        if not is_labelled(dataset, labels):
            continue
        name = f"{case_name(dataset, index)}.png"
        save_image(dataset.raw("bmode", index), folder / "images" / name)
        row = row_of(dataset, index)
        split = row["split"] or "all"
        identity = int(dataset.frames[index]) + 1
        images[split].append(_image(dataset, identity, name, row))
        for label in _labels(dataset, labels):
            annotations[split].append(_annotation(number, identity, label, labels == label))
            used.add(label)
            number += 1
    (folder / "annotations").mkdir(parents=True)
    categories = _categories(dataset, used)
    for split, listed in images.items():
        said = {"info": _info(dataset), "licenses": [_licence(dataset)], "images": listed,
                "annotations": annotations[split], "categories": categories}  # fmt: skip
        write_json(folder / "annotations" / f"instances_{split}.json", said)
    count = sum(map(len, images.values()))
    return f"{count:,} frames, {number - 1:,} annotations of {len(categories)} regions"


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Lengths of runs of 0 and 1 by turns, column by column, the first of 0.

    Args:
        mask: `(rows, columns)`.
    """
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff([0, *changes.tolist(), flat.size]).tolist()
    return [0, *lengths] if flat[0] else lengths


def _labels(dataset: Dataset, labels: NDArray[np.uint8]) -> list[int]:
    """Labels in a frame, but for the background and what nobody labelled."""
    return [k for k in np.unique(labels).tolist() if k and k != dataset.attributes.unlabelled]


def _annotation(number: int, image: int, label: int, mask: NDArray[np.bool_]) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return {
        "id": number,
        "image_id": image,
        "category_id": label,
        "iscrowd": 0,
        "area": int(mask.sum()),
        "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
        "segmentation": {"size": list(mask.shape), "counts": run_lengths(mask)},
    }


def _image(dataset: Dataset, identity: int, name: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": identity,
        "file_name": name,
        "height": dataset.layout.rows,
        "width": dataset.layout.columns,
        "license": 1,
        **{k: row[k] for k in ("patient", "sequence", "plane") if row[k] != ""},
    }


def _categories(dataset: Dataset, used: set[int]) -> list[dict[str, Any]]:
    """All regions that have a name, and labels that are used without one."""
    names, about = region_names(dataset), dataset.attributes
    known = set(range(1, len(about.regions))) - {dataset.attributes.unlabelled}
    return [
        {"id": k, "name": names[k], "supercategory": about.tissues.get(names[k], "tissue")}
        for k in sorted(known | used)
        if k is not None
    ]


def _info(dataset: Dataset) -> dict[str, Any]:
    return {"description": dataset.attributes.provenance, "version": "1"}


def _licence(dataset: Dataset) -> dict[str, Any]:
    return {"id": 1, "name": dataset.attributes.licence or "not known", "url": ""}

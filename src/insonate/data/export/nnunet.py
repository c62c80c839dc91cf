"""nnU-Net v2: a raw dataset of PNG images and labels, with `dataset.json`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

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
    write_table,
)
from insonate.errors import InputError

__all__ = ["export_nnunet"]


def export_nnunet(dataset: Dataset, folder: Path, progress: Progress) -> str:
    """Write `imagesTr`, `labelsTr`, `imagesTs`, `labelsTs`, `dataset.json`, `splits_final.json`.

    The split test goes to Ts, all else to Tr; `splits_final.json`, which belongs into nnU-Net's
    preprocessed folder, is the split of the rest in train and validation. Labels are counted
    anew, since nnU-Net wants those that are used without gaps; `unlabelled` is its `ignore`.
    Frames that nobody labelled go to `imagesTs`.

    Args:
        dataset: to write.
        folder: that is empty; nnU-Net expects its name to be like `Dataset001_Name`.
        progress: is given the frames to go through.

    Returns:
        What was written, in a line.

    Raises:
        InputError: the dataset has no labels, or only one.
    """
    require_labels(dataset, "nnU-Net")
    names, table = _renumbered(dataset)
    parts: dict[str, list[str]] = defaultdict(list)
    rows = []
    for index in progress(range(len(dataset))):
        labels, row = dataset.raw("labels", index), row_of(dataset, index)
        case, labelled = case_name(dataset, index), is_labelled(dataset, labels)
        end = "Tr" if labelled and row["split"] != "test" else "Ts"
        save_image(dataset.raw("bmode", index), folder / f"images{end}" / f"{case}_0000.png")
        if labelled:
            save_image(table[labels], folder / f"labels{end}" / f"{case}.png")
        parts[end].append(case)
        if end == "Tr":
            parts["val" if row["split"] == "validation" else "train"].append(case)
        rows.append(row)
    if not parts["Tr"]:
        raise InputError(f"{dataset.where}: no labelled frames outside of the split test")
    _write_about(dataset, folder, names, len(parts["Tr"]))
    if parts["val"] and parts["train"]:
        write_json(folder / "splits_final.json", [{"train": parts["train"], "val": parts["val"]}])
    write_table(folder / "index.csv", rows)
    return (
        f"{len(parts['Tr']):,} frames to train, {len(parts['Ts']):,} to test; "
        f"{len(names)} labels in dataset.json"
    )


def _renumbered(dataset: Dataset) -> tuple[dict[str, int], np.ndarray]:
    """Names of labels as nnU-Net wants them, and a new label for each `(256,)`."""
    present = np.zeros(256, bool)
    for index in range(len(dataset)):
        labels = dataset.raw("labels", index)
        if is_labelled(dataset, labels):
            present[np.unique(labels)] = True
    nobody, names = dataset.attributes.unlabelled, region_names(dataset)
    used = [k for k in np.flatnonzero(present).tolist() if k and k != nobody]
    if not used:
        raise InputError(f"{dataset.where}: no labels but the background")
    table = np.zeros(256, np.uint8)
    table[used] = np.arange(1, len(used) + 1)
    said = {"background": 0} | {_free(names, k): int(table[k]) for k in used}
    if nobody is not None and nobody and present[nobody]:
        said["ignore"] = table[nobody] = len(used) + 1
    return said, table


def _free(names: list[str], label: int) -> str:
    """The name of a label; with its number if that is taken, or means something."""
    name = names[label]
    taken = name in ("background", "ignore") or name in names[1:label]
    return f"{name}_{label}" if taken else name


def _write_about(dataset: Dataset, folder: Path, names: dict[str, int], count: int) -> None:
    about = dataset.attributes
    write_json(
        folder / "dataset.json",
        {
            "channel_names": {"0": "ultrasound"},
            "labels": names,
            "numTraining": count,
            "file_ending": ".png",
            "licence": about.licence,
            "description": about.provenance,
        },
    )

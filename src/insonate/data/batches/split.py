"""The frames that train, or are held out: as a dataset has them, or dealt anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from insonate.config import to_plain
from insonate.data.dataset import Dataset
from insonate.data.dataset.splits import groups_by, split_frames
from insonate.errors import InputError, closest

__all__ = ["Unit", "manifest", "open_split"]

#: What a split never divides; "stored" leaves frames in the splits that the dataset says.
Unit = Literal["stored", "frame", "sequence", "patient"]
#: Splits that are dealt anew, and their shares (Tomar et al. 2021).
DEALT = {"train": 0.8, "validation": 0.1, "test": 0.1}
_COLUMNS = ("complete", "split", "patient", "sequence", "seed")


def open_split(data: str, arrays: Sequence[str], split: str, unit: Unit = "stored") -> Dataset:
    """The frames of a split.

    Dealt anew, they are the same for every recipe and seed, so that no run has trained on what
    another one is tested with.

    Args:
        data: folder or URL of a dataset.
        arrays: of a sample.
        split: name of it.
        unit: what it never divides.

    Raises:
        InputError: the dataset has no such split, or not one of the arrays; names those it has.
    """
    _check_arrays(data, arrays)
    if unit == "stored":
        return Dataset(data, arrays, split=split)
    if split not in DEALT:
        raise InputError(f"{data}: no split '{split}' by {unit}; {closest(split, DEALT)}")
    frames = _dealt(Dataset(data, ()), unit)
    return Dataset(data, arrays, frames=frames[list(DEALT).index(split)])


def _check_arrays(data: str, arrays: Sequence[str]) -> None:
    there = Dataset(data, ()).layout.images
    missing = [name for name in arrays if name not in there]
    if missing:
        raise InputError(
            f"{data}: no {', '.join(missing)}; expected {', '.join(arrays)}, there are "
            f"{', '.join(there)}"
        )


def _dealt(dataset: Dataset, unit: Unit) -> list[NDArray[np.int64]]:
    """Numbers of the complete frames of every split."""
    columns = {name: dataset.column(name)[dataset.frames] for name in ("sequence", "patient")}
    number = split_frames(groups_by(unit, columns), list(DEALT.values()))
    return [dataset.frames[number == k] for k in range(len(DEALT))]


def manifest(dataset: Dataset) -> str:
    """A hash of what a dataset says of its frames; images are not read.

    Frames that become complete, other splits, other regions: all are other data.
    """
    digest = hashlib.sha256()
    about = {"layout": to_plain(dataset.layout), "attributes": to_plain(dataset.attributes)}
    digest.update(json.dumps(about, sort_keys=True, default=str).encode())
    for name in _COLUMNS:
        digest.update(name.encode() + np.ascontiguousarray(dataset.column(name)).tobytes())
    return digest.hexdigest()[:16]

"""Labels that come as numbers: their names, and those of a sequence slice by slice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.stack import Stack
from insonate.errors import InputError

__all__ = ["as_labels", "label_names", "label_slices", "largest_label"]

_MOST = 255
_LARGEST_TABLE = 2**20  # bytes
#: Number, colour, opacity, visibility, mesh, name, as ITK-SNAP writes them.
_ROW = re.compile(r'\s*(\d{1,3})\s+\d+\s+\d+\s+\d+\s+\S+\s+\S+\s+\S+\s+"(.*)"\s*$')


def as_labels(values: NDArray, where: str) -> NDArray[np.uint8]:
    """Whole numbers from 0 to 255, whatever type they come in.

    Raises:
        InputError: there are others.
    """
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if not (low >= 0 and high <= _MOST):  # NaN fails as well
        raise InputError(f"{where}: labels from {low} to {high}; expected 0 to {_MOST}")
    labels = values.astype(np.uint8)
    if not np.array_equal(labels, values):
        raise InputError(f"{where}: expected whole numbers as labels, found fractions")
    return labels


def label_names(path: Path, largest: int, given: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of labels 0 to `largest`: those given, or of a `labels.txt` beside their file.

    Args:
        path: of the labels.
        largest: of them.
        given: names by label, the background first; more or fewer than needed.
    """
    names = ["background", *(f"region_{k}" for k in range(1, largest + 1))]
    if given:
        return (*given, *names[len(given) :])
    table = path.parent / "labels.txt"
    try:
        if table.is_file() and table.stat().st_size <= _LARGEST_TABLE:
            for line in table.read_text(encoding="utf-8", errors="replace").splitlines():
                match = _ROW.match(line)
                if match and int(match[1]) <= largest:
                    names[int(match[1])] = match[2]
    except OSError:
        pass  # a table that cannot be read names nothing
    return tuple(names)


def label_slices(labels: Stack, image: Stack) -> Iterator[NDArray[np.uint8]]:
    """Slices of labels for those of an image.

    Raises:
        InputError: they are not of the image's size, or no labels.
    """
    sizes = [(s.columns, s.rows, s.slices) for s in (labels, image)]
    if sizes[0] != sizes[1] or labels.channels != 1:
        by = [" x ".join(map(str, size)) for size in sizes]
        raise InputError(f"{labels.path}: labels of {by[0]} for {image.path.name} of {by[1]}")
    for slice_ in labels:
        yield as_labels(slice_, str(labels.path))


def largest_label(labels: Stack, pixels: int, slices: int) -> int:
    """The largest number in a file of labels.

    Raises:
        InputError: it is too large, or holds no labels.
    """
    labels.at_most(pixels, slices)
    return max((int(as_labels(s, str(labels.path)).max()) for s in labels), default=0)

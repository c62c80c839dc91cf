"""Held-out frames of a dataset, simulated or real, and the windows of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from insonate.data.batches import Unit, open_split
from insonate.data.batches.split import DEALT
from insonate.data.dataset import Dataset, Window
from insonate.errors import InputError
from insonate.evaluation.plan import Arrays, spread, stacked
from insonate.metrics import quantize

__all__ = ["FEWEST", "Chunk", "Frames", "levels", "open_splits", "windows_inside"]

#: Frames that a distance of sets takes: halves of them have subsets of two.
FEWEST = 8
#: Every split but the one that trains.
HELD_OUT, TRAIN = "held-out", "train"


@dataclass(frozen=True)
class Chunk:
    """Some frames at a time.

    Attributes:
        first: place of the first of them.
        indices: of each in the dataset.
        samples: their arrays, as `Dataset` gives them.
    """

    first: int
    indices: list[int]
    samples: list[Arrays]

    def frames(self) -> Arrays:
        """Stacked."""
        return stacked(self.samples)


class Frames:
    """Frames of a split.

    Args:
        where: folder or URL of a dataset.
        arrays: that are read, besides the mask where there is one.
        split: that is measured; several names, or `held-out`, as `open_splits` takes them.
        unit: what it never divides.
        most: at most so many, spread over the split; all when None.
        batch: how many at a time.
        numbers: of frames, of whatever split, instead.

    Raises:
        InputError: no dataset, no such split, no frames in it, or arrays that are missing.
    """

    def __init__(
        self,
        where: str,
        arrays: Sequence[str],
        split: str,
        unit: Unit = "stored",
        most: int | None = None,
        batch: int = 4,
        numbers: Sequence[int] | None = None,
    ):
        there = Dataset(where, ()).layout.images
        missing = [name for name in arrays if name not in (*there, "coordinates")]
        if missing:
            raise InputError(f"{where}: no {', '.join(missing)}; there are {', '.join(there)}")
        masked = ["mask"] if "mask" in there else []
        names = list(dict.fromkeys([*arrays, *masked]))
        if numbers is None:
            self.dataset = open_splits(where, names, split, unit)
        else:
            self.dataset = Dataset(where, names, frames=numbers)
        if not len(self.dataset):
            raise InputError(f"{where}: split '{split}' has no complete frames")
        self.split, self.unit, self.batch = split, unit, batch
        self.shape = (self.dataset.layout.rows, self.dataset.layout.columns)
        self.chosen = spread(len(self.dataset), most)

    def __len__(self) -> int:
        """How many frames are measured."""
        return len(self.chosen)

    @property
    def where(self) -> str:
        """Folder or URL of the dataset."""
        return self.dataset.where

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Of the frames in the dataset `(frames,)`."""
        return self.dataset.frames[self.chosen]

    def check_enough(self, what: str) -> None:
        """See that there are frames enough for distances of sets.

        Raises:
            InputError: says how many there are, and are needed.
        """
        if len(self) < FEWEST:
            raise InputError(
                f"{self.where}: {len(self)} {what} of split '{self.split}'; distances of sets of "
                f"images need {FEWEST} or more"
            )

    def mask(self, index: int) -> NDArray[np.bool_]:
        """Where the frame with an index in the dataset has content `(rows, columns)`."""
        if "mask" not in self.dataset.layout.images:
            return np.ones(self.shape, bool)
        return self.dataset.raw("mask", index) > 0

    def windows(self, index: int, side: int, count: int, seed: int, inside: float) -> list[Window]:
        """Windows of a frame that lie in its mask, the same whoever asks; none if none fits."""
        rng = np.random.default_rng((seed, int(self.dataset.frames[index])))
        return windows_inside(self.mask(index), side, count, inside, rng)

    def chunks(self) -> list[range]:
        """Places of the frames that are read at a time."""
        count, size = len(self), self.batch
        return [range(start, min(start + size, count)) for start in range(0, count, size)]

    def read(self, places: range) -> Chunk:
        """The frames at some places.

        Raises:
            InputError: one cannot be read.
        """
        indices = [int(self.chosen[place]) for place in places]
        return Chunk(places.start, indices, [self.dataset[index] for index in indices])

    def __iter__(self) -> Iterator[Chunk]:
        """Some frames after the others."""
        return (self.read(places) for places in self.chunks())


def open_splits(where: str, arrays: Sequence[str], said: str, unit: Unit = "stored") -> Dataset:
    """The frames of one split or several.

    Args:
        where: folder or URL of a dataset.
        arrays: of a sample.
        said: names of splits with spaces between; `held-out` is every split but `train`.
        unit: what they never divide.

    Raises:
        InputError: as `open_split`.
    """
    names = said.split()
    if names == [HELD_OUT]:
        there = Dataset(where, ()).attributes.splits if unit == "stored" else DEALT
        names = [name for name in there if name != TRAIN]
    if len(names) < 2:
        return open_split(where, arrays, names[0] if names else said, unit)
    frames = [open_split(where, (), name, unit).frames for name in names]
    return Dataset(where, arrays, frames=np.unique(np.concatenate(frames)))


def levels(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Gray levels `(n, rows, columns)`.

    Args:
        images: `(n, 1, rows, columns)` in [-1, 1].
    """
    return quantize(torch.from_numpy(np.ascontiguousarray(images))).double().numpy()


def windows_inside(
    mask: NDArray[np.bool_], side: int, count: int, inside: float, rng: np.random.Generator
) -> list[Window]:
    """Square windows in random places that lie in a mask; none where none fits.

    Args:
        mask: `(rows, columns)`.
        side: of the windows [pixels].
        count: how many; they may overlap.
        inside: least share of a window that lies in the mask.
        rng: that draws.
    """
    sums = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    area = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    places = np.argwhere(area >= inside * side * side)
    if not len(places):
        return []
    drawn = places[rng.integers(len(places), size=count)]
    return [Window(int(row), int(column), side, side) for row, column in drawn]

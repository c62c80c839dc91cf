"""Which frames are measured, and which parts of them; the same for all candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.batches import open_split
from insonate.data.dataset import Dataset, Window
from insonate.errors import InputError
from insonate.evaluation.settings import EvaluationSettings
from insonate.evaluation.windows import centre_window, draw_crops, tiles

__all__ = ["MAPS", "Arrays", "Chunk", "Chunks", "Plan", "Progress", "cut", "spread", "stacked"]

Arrays = Mapping[str, NDArray[Any]]
#: Wraps what is iterated over, to show how far it is; the text says what is done.
Progress = Callable[[Iterable[Any], str], Iterable[Any]]

#: What is known of a frame beside the pair of its images, where the dataset has it.
MAPS = ("mask", "labels", "attenuation", "shadow")
_PAIR = ("bmode", "bmode_fast")


@dataclass(frozen=True)
class Chunk:
    """Some frames at a time.

    Attributes:
        first: place of the first of them in the plan.
        samples: their arrays, as `Dataset` gives them.
        metadata: what is said of each.
        windows: crops of each.
    """

    first: int
    samples: list[Arrays]
    metadata: list[Mapping[str, Any]]
    windows: list[list[Window]]

    def frames(self) -> Arrays:
        """Whole frames, stacked."""
        return stacked(self.samples)

    def crops(self) -> Arrays:
        """The crops of all frames, stacked."""
        pairs = zip(self.samples, self.windows, strict=True)
        return stacked([cut(sample, window) for sample, mine in pairs for window in mine])

    def centres(self, window: Window) -> Arrays:
        """One window of all frames, stacked."""
        return stacked([cut(sample, window) for sample in self.samples])


class Plan:
    """Frames of a split of a dataset of pairs, and the crops and tiles of each.

    Args:
        where: folder or URL of a dataset.
        settings: of the protocol.
        more: arrays that candidates need beside the images of pairs.
        frames: numbers of frames, of whatever split; those of the split when None.

    Raises:
        InputError: no dataset, no such split, no frames in it, arrays that are missing, or
            crops that are larger than frames.
    """

    def __init__(
        self,
        where: str,
        settings: EvaluationSettings,
        more: Iterable[str] = (),
        frames: Sequence[int] | None = None,
    ):
        self.settings = settings
        names = arrays_of(where, more)
        if frames is None:
            self.dataset = open_split(where, names, settings.split, settings.unit)
        else:
            self.dataset = _these(where, names, frames)
        if not len(self.dataset):
            raise InputError(f"{where}: split '{settings.split}' has no complete frames")
        self.shape = (self.dataset.layout.rows, self.dataset.layout.columns)
        self.crop, self.tile = settings.crop_side(self.shape), settings.tile_side(self.shape)
        self.centre = centre_window(self.shape, self.tile)
        self.chosen = spread(len(self.dataset), settings.frames)

    def __len__(self) -> int:
        """How many frames are measured."""
        return len(self.chosen)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Of the frames in the dataset `(frames,)`."""
        return self.dataset.frames[self.chosen]

    @property
    def maps(self) -> tuple[str, ...]:
        """What is known of frames beside their images."""
        return tuple(name for name in self.dataset.arrays if name in MAPS)

    def windows(self, index: int) -> list[Window]:
        """Crops of the frame with an index in the dataset; the frame itself if it is whole."""
        if self.settings.whole:
            return [Window(0, 0, *self.shape)]
        s, number = self.settings, int(self.dataset.frames[index])
        return draw_crops(self._fan(index), self.crop, s.crops, s.seed, number, s.inside)

    def tiles(self) -> list[Window]:
        """Of the centre."""
        return tiles(self.centre.rows, self.tile)

    def chunks(self) -> Chunks:
        """All frames, as many at a time as make up a batch of crops."""
        size = self.settings.batch // (1 if self.settings.whole else self.settings.crops)
        return Chunks(self, max(size, 1))

    def sample(self, number: int) -> Arrays:
        """Arrays of the frame with a number in the dataset."""
        return self.dataset[int(np.searchsorted(self.dataset.frames, number))]

    def _fan(self, index: int) -> NDArray[np.bool_]:
        if "mask" not in self.dataset.layout.images:
            return np.ones(self.shape, bool)
        return self.dataset.raw("mask", index) > 0


@dataclass(frozen=True)
class Chunks:
    """The frames of a plan, some at a time, read when it is their turn.

    Attributes:
        plan: whose frames.
        size: how many at a time.
    """

    plan: Plan
    size: int

    def __len__(self) -> int:
        """How many chunks there are."""
        return -(-len(self.plan) // self.size)

    def __iter__(self) -> Iterator[Chunk]:
        """One after the other."""
        for start in range(0, len(self.plan), self.size):
            indices = [int(index) for index in self.plan.chosen[start : start + self.size]]
            yield Chunk(
                start,
                [self.plan.dataset[index] for index in indices],
                [self.plan.dataset.metadata(index) for index in indices],
                [self.plan.windows(index) for index in indices],
            )


def _these(where: str, names: Sequence[str], frames: Sequence[int]) -> Dataset:
    """Frames by their numbers, all of which must be there."""
    dataset = Dataset(where, names, frames=frames)
    missing = sorted(set(frames) - set(dataset.frames.tolist()))
    if missing:
        raise InputError(f"{where}: frame {missing[0]} is not complete; expected others")
    return dataset


def arrays_of(where: str, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Arrays of a dataset that an evaluation reads: the pair, its maps, what methods need.

    Raises:
        InputError: names all that are missing.
    """
    there = Dataset(where, ()).layout.images
    wanted = dict.fromkeys((*_PAIR, *more))
    missing = [name for name in wanted if name not in there and name != "coordinates"]
    if missing:
        raise InputError(
            f"{where}: no array {', '.join(missing)}, which the evaluation needs; there are "
            f"{', '.join(there)}"
        )
    return tuple(dict.fromkeys((*wanted, *(name for name in MAPS if name in there))))


def cut(arrays: Arrays, window: Window) -> Arrays:
    """A part of arrays `(..., rows, columns)` by name."""
    rows = slice(window.row, window.row + window.rows)
    columns = slice(window.column, window.column + window.columns)
    return {name: array[..., rows, columns] for name, array in arrays.items()}


def stacked(samples: Iterable[Arrays]) -> Arrays:
    """Arrays of some samples by name, one behind the other."""
    samples = list(samples)
    return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}


def spread(count: int, most: int | None) -> NDArray[np.int64]:
    """Indices `(n,)` of at most so many of `count` frames, spread evenly.

    Args:
        count: of frames.
        most: of them; all when None.
    """
    if most is None or most >= count:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.int64))

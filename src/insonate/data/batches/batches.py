"""The batch of every step, from a seed: frames in shuffled order, each by a random window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from insonate.data.batches.batch import Batch
from insonate.data.batches.chance import Chance
from insonate.data.batches.resizing import resized
from insonate.data.batches.split import Unit
from insonate.data.dataset import IMAGES, Dataset, Window
from insonate.errors import InputError

__all__ = ["BatchSettings", "Batches"]

_ORDER, _WINDOW = 0, 1  # streams of random numbers


@dataclass(frozen=True)
class BatchSettings:
    """What a batch is made of.

    Attributes:
        size: samples of a step, on all ranks together.
        crop: side of the square windows [pixels]; whole frames when None.
        inside: least share of a window that lies in the fan, where a frame has room for one.
        resize: side of the square that frames are resized to before windows are cut [pixels].
            Not with `inside`, since squares have no room to choose.
        resize_epochs: after so many, frames are resized to the window itself.
        flip: mirror half of the samples left to right, all arrays alike.
        split: name of the one that trains.
        validation: name of the one that is looked at while training.
        unit: what a split never divides: as the dataset has it (stored), or dealt anew by
            frame, sequence or patient.
        workers: processes that load; 0 loads between steps.

    Raises:
        InputError: a number out of its range; names it.
    """

    size: int = 16
    crop: int | None = 512
    inside: float = 0.0
    resize: int | None = None
    resize_epochs: int | None = None
    flip: bool = False
    split: str = "train"
    validation: str = "validation"
    unit: Unit = "stored"
    workers: int = 2

    def __post_init__(self) -> None:
        """Refuse numbers that make no batch."""
        least = {"size": 1, "crop": 1, "resize": 1, "resize_epochs": 0, "workers": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise InputError(f"batches.{name}: expected at least {low}, got {value}")
        if not 0.0 <= self.inside <= 1.0:
            raise InputError(f"batches.inside: expected a share from 0 to 1, got {self.inside:g}")
        if self.resize is not None and (self.crop is None or self.crop > self.resize):
            raise InputError(
                f"batches.resize: {self.resize} pixels; expected at least batches.crop, {self.crop}"
            )
        if self.resize is not None and self.inside:
            raise InputError(
                f"batches.inside: {self.inside:g} together with batches.resize, whose windows lie "
                "anywhere; expected one of them"
            )


class Batches:
    """Batches by step: `batches[step]`, a map-style dataset for `torch.utils.data.DataLoader`.

    Batch and step hold for each other whatever came before, so that a run which goes on needs
    no state: every epoch is one permutation of the frames, drawn from seed and epoch.

    Args:
        dataset: with the arrays that are wanted.
        settings: of the batch.
        seed: of the run.
        rank: which part of every batch this is.
        ranks: in how many parts every batch is divided.
        draws: samples for every place of a batch, one behind the other.

    Raises:
        InputError: windows larger than frames, no frames, or a batch that the ranks cannot
            share.
    """

    def __init__(
        self, dataset: Dataset, settings: BatchSettings, seed: int, rank: int = 0, ranks: int = 1,
        draws: int = 1,
    ):  # fmt: skip
        layout, crop = dataset.layout, settings.crop
        if crop is not None and not settings.resize and crop > min(layout.rows, layout.columns):
            raise InputError(
                f"batches.crop: {crop} pixels, larger than the frames of {dataset.where}, "
                f"{layout.rows} x {layout.columns}; expected at most "
                f"{min(layout.rows, layout.columns)}"
            )
        if settings.size % ranks or settings.size < ranks:
            raise InputError(f"batches.size: {settings.size} samples, expected a multiple of the "
                             f"{ranks} ranks that share them")  # fmt: skip
        if not len(dataset):
            raise InputError(f"{dataset.where}: no frames to make batches of")
        self.dataset, self.settings, self.seed, self.draws = dataset, settings, seed, draws
        self.local = settings.size // ranks
        self.first = rank * self.local
        self._orders: dict[int, NDArray[np.int64]] = {}

    def epoch(self, step: int) -> float:
        """How often every frame has been seen before a step; further draws do not count."""
        return step * self.settings.size / len(self.dataset)

    def __getitem__(self, step: int) -> Batch:
        """The samples of this rank in the batch of a step."""
        return self.at(step, self.epoch(step))

    def at(self, step: int, epoch: float) -> Batch:
        """The same, resized as at another epoch: that of frames which these are drawn beside.

        Args:
            step: of the batch.
            epoch: that `resize_epochs` is compared with.
        """
        places = range(self.first * self.draws, (self.first + self.local) * self.draws)
        samples = [self._sample(step, place, epoch) for place in places]
        arrays = {
            name: torch.from_numpy(np.stack([sample[name] for sample in samples]))
            for name in self.dataset.arrays
        }
        return Batch(arrays, Chance(self.seed, step, self.first))

    def _sample(self, step: int, place: int, epoch: float) -> dict[str, Any]:
        number = step * self.settings.size * self.draws + place
        order, at = divmod(number, len(self.dataset))
        rng = np.random.default_rng((self.seed, _WINDOW, number))
        index = int(self._order(order)[at])
        sample = self._cut(index, epoch, rng)
        self._check_labels(sample, index)
        if self.settings.flip and rng.random() < 0.5:
            return {name: _mirrored(name, value) for name, value in sample.items()}
        return sample

    def _cut(self, index: int, epoch: float, rng: np.random.Generator) -> dict[str, Any]:
        """A frame, or a window of it, or of what it is resized to."""
        settings, layout = self.settings, self.dataset.layout
        if settings.crop is None:
            return self.dataset.sample(index)
        if settings.resize is not None:
            ended = settings.resize_epochs is not None and epoch >= settings.resize_epochs
            side = settings.crop if ended else settings.resize
            window = Window.draw((side, side), settings.crop, rng)
            return resized(self.dataset.sample(index), side, window)
        if settings.inside and "mask" in layout.images:
            fan = self.dataset.raw("mask", index)
            window = Window.draw_inside(fan, settings.crop, settings.inside, rng)
        else:
            window = Window.draw((layout.rows, layout.columns), settings.crop, rng)
        return self.dataset.sample(index, window)

    def _check_labels(self, sample: dict[str, Any], index: int) -> None:
        """See that every label has a region."""
        count = len(self.dataset.attributes.regions)
        if "labels" in sample and count and (most := int(sample["labels"].max())) >= count:
            raise InputError(
                f"{self.dataset.where}: label {most} in frame {self.dataset.frames[index]} has no "
                f"region; expected 0 to {count - 1}"
            )

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """All frames, shuffled; kept for the next sample, since it costs as much as there are."""
        if epoch not in self._orders:
            rng = np.random.default_rng((self.seed, _ORDER, epoch))
            self._orders = {epoch: rng.permutation(len(self.dataset))}
        return self._orders[epoch]


def _mirrored(name: str, value: Any) -> Any:
    """Left to right, if it is an image."""
    return np.ascontiguousarray(value[..., ::-1]) if name in (*IMAGES, "coordinates") else value

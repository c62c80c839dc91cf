"""The batch of every step, from a seed: frames in shuffled order, each by a random window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from insonate.data.batches.batch import Batch
from insonate.data.batches.chance import Chance
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
    flip: bool = False
    split: str = "train"
    validation: str = "validation"
    unit: Unit = "stored"
    workers: int = 2

    def __post_init__(self) -> None:
        """Refuse numbers that make no batch."""
        for name, low in {"size": 1, "crop": 1, "workers": 0}.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise InputError(f"batches.{name}: expected at least {low}, got {value}")


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

    Raises:
        InputError: windows larger than frames, no frames, or a batch that the ranks cannot
            share.
    """

    def __init__(
        self, dataset: Dataset, settings: BatchSettings, seed: int, rank: int = 0, ranks: int = 1
    ):
        layout, crop = dataset.layout, settings.crop
        if crop is not None and crop > min(layout.rows, layout.columns):
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
        self.dataset, self.settings, self.seed = dataset, settings, seed
        self.local = settings.size // ranks
        self.first = rank * self.local
        self._orders: dict[int, NDArray[np.int64]] = {}

    def epoch(self, step: int) -> float:
        """How often every frame has been seen before a step."""
        return step * self.settings.size / len(self.dataset)

    def __getitem__(self, step: int) -> Batch:
        """The samples of this rank in the batch of a step."""
        places = range(self.first, self.first + self.local)
        samples = [self._sample(step, place) for place in places]
        arrays = {
            name: torch.from_numpy(np.stack([sample[name] for sample in samples]))
            for name in self.dataset.arrays
        }
        return Batch(arrays, Chance(self.seed, step, self.first))

    def _sample(self, step: int, place: int) -> dict[str, Any]:
        number = step * self.settings.size + place
        epoch, at = divmod(number, len(self.dataset))
        rng = np.random.default_rng((self.seed, _WINDOW, number))
        sample = self.dataset.sample(int(self._order(epoch)[at]), self._window(rng))
        if self.settings.flip and rng.random() < 0.5:
            return {name: _mirrored(name, value) for name, value in sample.items()}
        return sample

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """All frames, shuffled; kept for the next sample, since it costs as much as there are."""
        if epoch not in self._orders:
            rng = np.random.default_rng((self.seed, _ORDER, epoch))
            self._orders = {epoch: rng.permutation(len(self.dataset))}
        return self._orders[epoch]

    def _window(self, rng: np.random.Generator) -> Window | None:
        if self.settings.crop is None:
            return None
        layout = self.dataset.layout
        return Window.draw((layout.rows, layout.columns), self.settings.crop, rng)


def _mirrored(name: str, value: Any) -> Any:
    """Left to right, if it is an image."""
    return np.ascontiguousarray(value[..., ::-1]) if name in (*IMAGES, "coordinates") else value

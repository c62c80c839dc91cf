"""Batches of simulated and of real frames that do not belong together."""

from __future__ import annotations

import dataclasses

import numpy as np

from insonate.data.batches.batch import Batch
from insonate.data.batches.batches import Batches, BatchSettings
from insonate.data.dataset import Dataset
from insonate.errors import InputError

__all__ = ["REAL", "Feed", "Unpaired", "real_seed"]

#: How names of arrays of the real dataset begin.
REAL = "real_"


class Unpaired:
    """Batches by step of two datasets, drawn independently of each other.

    Epochs are those of the simulated frames.

    Args:
        simulated: batches of these.
        real: of the same settings, with a seed of its own (`real_seed`).

    Raises:
        InputError: whole frames of different sizes.
    """

    def __init__(self, simulated: Batches, real: Batches):
        layouts = [(b.dataset.layout.rows, b.dataset.layout.columns) for b in (simulated, real)]
        if simulated.settings.crop is None and layouts[0] != layouts[1]:
            (rows, columns), (others, wide) = layouts
            raise InputError(
                f"{real.dataset.where}: frames of {others} x {wide}, those of "
                f"{simulated.dataset.where} are {rows} x {columns}; expected one size, or "
                "batches.crop"
            )
        self.simulated, self.real = simulated, real

    @property
    def dataset(self) -> Dataset:
        """The simulated one."""
        return self.simulated.dataset

    @property
    def settings(self) -> BatchSettings:
        """Of both."""
        return self.simulated.settings

    def epoch(self, step: int) -> float:
        """How often every simulated frame has been seen before a step."""
        return self.simulated.epoch(step)

    def __getitem__(self, step: int) -> Batch:
        """The samples of this rank in the batch of a step; names of real arrays begin so."""
        batch, epoch = self.simulated[step], self.epoch(step)
        # what ends with an epoch, such as resizing, ends for both at once
        arrays = self.real.at(step, epoch).arrays
        real = {REAL + name: array for name, array in arrays.items()}
        return dataclasses.replace(batch, arrays={**batch.arrays, **real})


#: What a loop takes its batches from.
Feed = Batches | Unpaired


def real_seed(seed: int) -> int:
    """The seed of real frames, so that they are not drawn as the simulated ones are."""
    return int(np.random.SeedSequence((seed, 1)).generate_state(1)[0])

"""A batch of samples on its way from a dataset through a method."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from insonate.data.batches.chance import Chance
from insonate.data.batches.padding import Padding, padded
from insonate.errors import InputError, closest

__all__ = ["Batch"]


@dataclass(frozen=True)
class Batch:
    """Arrays of some samples by name, and their random numbers.

    Attributes:
        arrays: as `Dataset` gives them, stacked: `bmode`, `bmode_fast` `(batch, 1, rows,
            columns)` in [-1, 1], -1 outside the fan; `mask`, `attenuation`, `shadow` of that
            shape in [0, 1]; `labels` `(batch, rows, columns)`, int64. Those of a second, real
            dataset begin with `real_`.
        chance: random numbers of these samples.
    """

    arrays: Mapping[str, Tensor]
    chance: Chance

    def __getitem__(self, name: str) -> Tensor:
        """An array by name.

        Raises:
            InputError: the batch has no such array.
        """
        if name not in self.arrays:
            raise InputError(f"batch: no array '{name}'; {closest(name, self.arrays)}")
        return self.arrays[name]

    def __len__(self) -> int:
        """How many samples there are."""
        return len(next(iter(self.arrays.values())))

    def draw(self, number: int, draws: int) -> Batch:
        """One of several independent draws that a batch holds: each has a sample a place."""
        return self._each(lambda array: array[number::draws])

    def to(self, device: torch.device | str) -> Batch:
        """The batch on a device."""
        return self._each(lambda array: array.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """The batch in memory that a GPU copies from while it computes."""
        return self._each(lambda array: array.pin_memory())

    def padded(self, stride: int, padding: Padding = "outside") -> Batch:
        """The batch with rows below and columns at the right.

        Args:
            stride: of which sides become multiples [pixels].
            padding: with what lies outside of a fan, or the images mirrored.
        """
        return dataclasses.replace(self, arrays=padded(self.arrays, stride, padding))

    def _each(self, change) -> Batch:
        arrays = {name: change(array) for name, array in self.arrays.items()}
        return dataclasses.replace(self, arrays=arrays)

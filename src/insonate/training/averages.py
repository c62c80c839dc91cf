"""Exponential moving averages of generators, which translate more steadily than the last step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from insonate.training.trainable import Trainable

__all__ = ["Averages"]


class Averages:
    """Averages of the weights of a method's generators; none if the decay is 0.

    After step n an average moves by 1 - min(decay, (1 + n) / (10 + n)) towards the weights, so
    that those of the start are soon forgotten. Buffers are copied.

    Args:
        method: with its networks on their device.
        decay: of the average.
    """

    def __init__(self, method: Trainable, decay: float):
        self.decay = decay
        names = method.generators if decay else ()
        self._networks = {name: method.get_submodule(name) for name in names}
        self._averages = {
            name: {key: value.detach().clone() for key, value in network.state_dict().items()}
            for name, network in self._networks.items()
        }

    def __bool__(self) -> bool:
        """True if averages are kept."""
        return bool(self._averages)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, the first of which is 1."""
        share = 1.0 - min(self.decay, (1 + step) / (10 + step))
        for average, weights in self._pairs():
            if weights.is_floating_point():
                average.lerp_(weights, share)
            else:
                average.copy_(weights)

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Averages by network and name."""
        return self._averages

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the networks use their averages, for a block."""
        with torch.no_grad():
            weights = [value.clone() for _, value in self._pairs()]
            for average, value in self._pairs():
                value.copy_(average)
        try:
            yield
        finally:
            with torch.no_grad():
                for (_, value), kept in zip(self._pairs(), weights, strict=True):
                    value.copy_(kept)

    def _pairs(self) -> Iterator[tuple[Tensor, Tensor]]:
        for name, network in self._networks.items():
            weights = network.state_dict()
            yield from ((self._averages[name][key], weights[key]) for key in weights)

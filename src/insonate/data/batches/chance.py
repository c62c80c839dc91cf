"""Random numbers that follow from seed, step and sample, on whatever rank they are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

__all__ = ["Chance"]

_SHARED = 2**31  # the stream that no sample has


@dataclass
class Chance:
    """Counter-based random numbers of one batch.

    The numbers of a sample depend on its place in the whole batch and not on how the batch is
    divided, so two ranks draw what one process would.

    Attributes:
        seed: of the run.
        step: of the batch.
        first: place of the first sample here in the whole batch.
    """

    seed: int
    step: int
    first: int = 0
    _drawn: int = field(default=0, repr=False)

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers of the shape `(batch, ...)`, type and device of a tensor."""
        return self._fill(like, lambda sample, source: sample.normal_(generator=source))

    def uniform(self, like: Tensor) -> Tensor:
        """Numbers from 0 to 1 of the shape `(batch, ...)`, type and device of a tensor."""
        return self._fill(like, lambda sample, source: sample.uniform_(generator=source))

    def shared(self) -> np.random.Generator:
        """A generator that is the same for all samples, on all ranks; a new one every call."""
        return np.random.default_rng(self._key(_SHARED))

    def _fill(self, like: Tensor, draw) -> Tensor:
        drawn, key = torch.empty_like(like), self._key
        number = self._drawn
        for place, sample in enumerate(drawn):
            source = torch.Generator(like.device)
            seed = np.random.SeedSequence(key(self.first + place, number)).generate_state(1)
            draw(sample, source.manual_seed(int(seed[0])))
        self._drawn += 1
        return drawn

    def _key(self, stream: int, number: int | None = None) -> tuple[int, ...]:
        if number is None:
            number, self._drawn = self._drawn, self._drawn + 1
        return self.seed, self.step, stream, number

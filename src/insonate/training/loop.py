"""The loop's step: every network updated in turn, in the precision and on the ranks there are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from insonate.data.batches import Batch, Feed
from insonate.training import snapshot
from insonate.training.averages import Averages
from insonate.training.checkpoint import Checkpoint
from insonate.training.optimisers import Optimisers
from insonate.training.ranks import Ranks
from insonate.training.settings import TrainingSettings
from insonate.training.trainable import Trainable

__all__ = ["Loop"]


class Loop:
    """Trains a method; owns optimisers, precision, averages, and the order of a step.

    Args:
        method: with the weights that it begins with.
        batches: of this rank.
        settings: of the training.
        ranks: that train together.
    """

    def __init__(self, method: Trainable, batches: Feed, settings: TrainingSettings, ranks: Ranks):
        self.method, self.batches, self.settings, self.ranks = method, batches, settings, ranks
        method.to(ranks.device)
        if settings.channels_last:
            method.to(memory_format=torch.channels_last)
        ranks.share(self._weights())
        if settings.compile:
            for _, network in method.named_children():
                network.compile()
        self.optimisers = Optimisers(method, ranks, settings.schedule, settings.clip)
        self.averages = Averages(method, settings.ema)
        self.step = 0

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            InputError: it is damaged, or of other networks.
        """
        snapshot.restore(self.method, self.averages, self.optimisers, checkpoint)
        self.step = checkpoint.step

    def advance(self, batch: Batch) -> dict[str, Tensor]:
        """One step: every network, in the order in which the method yields its loss.

        Args:
            batch: of this step and rank.

        Returns:
            Losses as NETWORK.TERM, and norms of gradients if they are clipped.
        """
        torch.manual_seed(_seed(self.settings.seed, self.step, self.ranks.rank))
        self.optimisers.set_epoch(self.batches.epoch(self.step))
        said: dict[str, Tensor] = {}
        for shared, terms in self._losses(batch.padded(self.method.stride)):
            names = (shared,) if isinstance(shared, str) else shared
            total = torch.stack([term.float() for term in terms.values()]).sum()
            norms = self.optimisers.update(names, total)
            said |= {f"{names[0]}.{term}": value.detach() for term, value in terms.items()}
            said |= {f"{name}.gradient": norm for name, norm in norms.items()}
        self.ranks.share(buffer for _, buffer in self.method.named_buffers())
        self.step += 1
        self.averages.update(self.step)
        return said

    def _losses(self, batch: Batch) -> Iterator[tuple[str | tuple[str, ...], Mapping[str, Tensor]]]:
        """The method's losses; networks in their precision, what is done with losses in 32 bits."""
        losses = self.method.losses(batch)
        while True:
            with self.ranks.autocast():
                pair = next(losses, None)
            if pair is None:
                return
            yield pair

    @contextlib.contextmanager
    def translating(self) -> Iterator[Trainable]:
        """The method as it would be used: ready to translate, averaged if averages are kept."""
        self.method.eval()
        try:
            with self.averages.in_place():
                yield self.method
        finally:
            self.method.train()

    def _weights(self) -> Iterator[Tensor]:
        for _, network in self.method.named_children():
            yield from network.state_dict().values()


def _seed(seed: int, step: int, rank: int) -> int:
    """The global generator's seed for a step, so that no state of it has to be kept."""
    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0] >> 1)

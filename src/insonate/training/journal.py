"""Losses of steps: checked one by one, averaged for the log."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from insonate.training.ranks import Ranks

__all__ = ["Journal"]


class Journal:
    """Losses since the last line of the log.

    They stay on their device until someone asks, so that a GPU need not be waited for.

    Args:
        ranks: over which losses are averaged.
        diverged: a loss beyond this is given up.
        last_good: says where one may go on after that.
    """

    def __init__(self, ranks: Ranks, diverged: float, last_good: Callable[[], str]):
        self.ranks, self.diverged, self.last_good = ranks, diverged, last_good
        self._pending: list[tuple[int, dict[str, Tensor]]] = []
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self.latest: dict[str, float] = {}

    def add(self, step: int, losses: Mapping[str, Tensor]) -> None:
        """Losses of a step by name."""
        self._pending.append((step, dict(losses)))

    def settle(self) -> None:
        """Take in what was added.

        Raises:
            InputError: a loss is not finite, or too large; names step, loss and checkpoint.
        """
        values = [loss for _, losses in self._pending for loss in losses.values()]
        if not values:
            return
        flat = torch.stack([value.detach().float().reshape(()) for value in values])
        means = iter(self.ranks.mean(flat).tolist())
        for step, losses in self._pending:
            self.latest = {name: next(means) for name in losses}
            for name, value in self.latest.items():
                self._check(step, name, value)
                self._sums[name] = self._sums.get(name, 0.0) + value
                self._counts[name] = self._counts.get(name, 0) + 1
        self._pending.clear()

    def means(self) -> dict[str, float]:
        """Means of losses since this was asked last."""
        found = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return found

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"sums": dict(self._sums), "counts": dict(self._counts), "latest": self.latest}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])
        self.latest = dict(state["latest"])

    def _check(self, step: int, name: str, value: float) -> None:
        # norms of gradients are no losses: those of vectors brought to length 1 begin large
        large = abs(value) > self.diverged and not name.endswith(".gradient")
        if large or not math.isfinite(value):
            self.ranks.stop(f"diverged at step {step}: loss {name} is {value:g}; "
                            f"{self.last_good()}")  # fmt: skip

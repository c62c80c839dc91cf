"""What every learned method is: networks, losses in the order of their updates, a translation."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from insonate.data.batches import Batch
from insonate.errors import InputError

__all__ = ["Adam", "Losses", "Method", "at_least", "at_most", "from_one_to"]

#: The network that is to be updated, or those that share a loss, and its terms by name, to be
#: added up.
Losses = Iterator[tuple[str | tuple[str, ...], Mapping[str, Tensor]]]


@dataclass(frozen=True)
class Adam:
    """The optimiser of a network.

    Attributes:
        lr: learning rate at the start.
        betas: decay rates of both moments.
        weight_decay: coupled, an L2 penalty.
    """

    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Refuse rates that lead nowhere.

        Raises:
            InputError: names the field and what it may be.
        """
        at_least("adam.lr", self.lr, 0)
        at_least("adam.weight_decay", self.weight_decay, 0)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise InputError(f"method.adam.betas: expected 0 to less than 1, got {self.betas}")


class Method(nn.Module, abc.ABC):
    """A learned method: its networks are its children, by name.

    A loop asks it for `losses` and does the rest: gradients, optimisers, precision, ranks.

    Attributes:
        inputs: arrays of a batch that `translate` needs.
        target: array that `translate` should equal, for a method that learns from pairs.
        real: arrays of a second, real dataset that `losses` needs, where they begin with `real_`.
        draws: samples that `losses` needs for every place of a batch, one behind the other.
        generators: names of the networks that `translate` uses; averages are kept of these.
        stride: sides of whole images are padded to a multiple of it [pixels].
        window: side of the only windows that it can be trained with [pixels]; None if it can be
            with any.
        adam: optimiser by network.
    """

    inputs: tuple[str, ...]
    target: str | None
    generators: tuple[str, ...] = ("generator",)
    stride: int
    window: int | None = None
    adam: Mapping[str, Adam]
    real: tuple[str, ...] = ()
    draws: int = 1

    @property
    def needs(self) -> tuple[str, ...]:
        """Arrays of a batch that `losses` needs."""
        return self.inputs if self.target is None else (*self.inputs, self.target)

    @property
    def used(self) -> tuple[str, ...]:
        """Those of `generators` that `translate` uses between the domains it is turned to."""
        return self.generators

    @abc.abstractmethod
    def losses(self, batch: Batch) -> Losses:
        """Yield each network that is to be updated, with its loss, in order.

        Whoever iterates updates the network before asking for the next, so that what follows
        is computed with it. Gradients of a loss go to its network alone.
        """

    def turn(self, source: str | None = None, to: str | None = None) -> None:
        """Translate between other domains than by itself; `inputs` follow.

        Args:
            source: domain that is translated; its own when None.
            to: domain that is translated to; its own when None.

        Raises:
            InputError: it cannot; names the ways it can.
        """
        if (source, to) != (None, None):
            raise InputError(
                f"{type(self).__name__}: learns from pairs of images; expected no other domain "
                f"to translate from or to"
            )

    @abc.abstractmethod
    def translate(self, batch: Batch) -> Tensor:
        """Images `(batch, 1, rows, columns)` in [-1, 1], -1 outside the fan, without gradients.

        Sides are multiples of `stride`.
        """


def at_least(name: str, value: float, least: float) -> None:
    """Refuse a field of a method's configuration that is too small.

    Args:
        name: of the field.
        value: of it.
        least: that it may be.

    Raises:
        InputError: names the field and what it may be.
    """
    if not value >= least:
        raise InputError(f"method.{name}: expected at least {least}, got {value}")


def at_most(name: str, value: float, most: float) -> None:
    """Refuse a field of a method's configuration that is too large.

    Args:
        name: of the field.
        value: of it.
        most: that it may be.

    Raises:
        InputError: names the field and what it may be.
    """
    if not value <= most:
        raise InputError(f"method.{name}: expected at most {most}, got {value}")


def from_one_to(config: object, most: Mapping[str, float]) -> None:
    """Refuse fields of a method's configuration that are below 1 or too large.

    Args:
        config: that has them.
        most: that each may be, by name.

    Raises:
        InputError: names the field and what it may be.
    """
    for name, limit in most.items():
        at_least(name, getattr(config, name), 1)
        at_most(name, getattr(config, name), limit)

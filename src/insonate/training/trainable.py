"""What a loop asks of a method; every one of `insonate.methods` has this shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from insonate.data.batches import Batch

__all__ = ["OptimiserSettings", "Trainable"]


class OptimiserSettings(Protocol):
    """The settings of Adam."""

    @property
    def lr(self) -> float:
        """Learning rate at the start."""
        ...

    @property
    def betas(self) -> tuple[float, float]:
        """Decay rates of both moments."""
        ...

    @property
    def weight_decay(self) -> float:
        """Coupled, an L2 penalty."""
        ...


class Trainable(Protocol):
    """A module whose children are networks; see `insonate.methods.Method` for what each means."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Arrays of a batch that `translate` needs."""
        ...

    @property
    def target(self) -> str | None:
        """Array that `translate` should equal, if there is one."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Arrays of a batch that `losses` needs."""
        ...

    @property
    def generators(self) -> tuple[str, ...]:
        """Networks of which averages are kept."""
        ...

    @property
    def stride(self) -> int:
        """Sides of whole images are multiples of it [pixels]."""
        ...

    @property
    def adam(self) -> Mapping[str, OptimiserSettings]:
        """Optimiser by network."""
        ...

    @property
    def real(self) -> tuple[str, ...]:
        """Arrays of a second, real dataset that `losses` needs."""
        ...

    @property
    def draws(self) -> int:
        """Samples for every place of a batch."""
        ...

    def losses(self, batch: Batch) -> Iterator[tuple[str | tuple[str, ...], Mapping[str, Tensor]]]:
        """Networks with their losses, in the order of their updates."""
        ...

    def translate(self, batch: Batch) -> Tensor:
        """Images `(batch, 1, rows, columns)`."""
        ...

    def get_submodule(self, target: str) -> nn.Module:
        """A network by name."""
        ...

    def named_children(self) -> Iterator[tuple[str, nn.Module]]:
        """Networks by name."""
        ...

    def named_buffers(self, prefix: str = ..., recurse: bool = ...) -> Iterator[tuple[str, Tensor]]:
        """Tensors that are not learned by gradients."""
        ...

    def register_buffer(self, name: str, tensor: Tensor) -> None:
        """Keep a tensor that is not learned by gradients."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Get ready to learn."""
        ...

    def eval(self) -> Any:
        """Get ready to translate."""
        ...

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Move to a device or a memory layout."""
        ...

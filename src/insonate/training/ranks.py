"""The processes that train together: devices, precision, and what they tell each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import torch
import torch.distributed as distributed
from lightning_fabric import Fabric
from torch import Tensor

from insonate.errors import InputError

__all__ = ["Ranks"]

T = TypeVar("T")


class Ranks:
    """This process among those that train together; started here, or by torchrun or Slurm.

    Every rank holds all weights and computes the gradients of its part of a batch.

    Args:
        device: cpu, cuda, or one such as cuda:1.
        devices: processes of this machine, a GPU each; 1, or what torchrun started.
        nodes: machines; 1, or what torchrun started.
        precision: of the networks, 32 or bf16.

    Raises:
        InputError: no such device, or other numbers than those of torchrun.
    """

    def __init__(
        self,
        device: str = "cpu",
        devices: int | None = None,
        nodes: int | None = None,
        precision: str = "32",
    ):
        chosen = _chosen_devices(device, devices, nodes)
        several = chosen["num_nodes"] > 1 or (
            chosen["devices"] not in (1, [1]) and not isinstance(chosen["devices"], list)
        )
        self.fabric = Fabric(
            accelerator="cuda" if device.startswith("cuda") else "cpu",
            strategy="ddp" if several else "auto",
            precision="bf16-mixed" if precision == "bf16" else "32-true",
            **chosen,
        )
        self.fabric.launch()
        self.device = self.fabric.device
        self.rank, self.count = self.fabric.global_rank, self.fabric.world_size

    @property
    def is_first(self) -> bool:
        """True for the one that writes and speaks."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[Any]:
        """The precision of networks, for a block."""
        return self.fabric.autocast()

    def average_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Make gradients those of the whole batch, equal on all ranks to the bit."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        for gradient, mean in zip(gradients, self._split(self.mean(flat), gradients), strict=True):
            gradient.copy_(mean)

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a tensor over ranks; the tensor may be overwritten."""
        if self.count > 1:
            distributed.all_reduce(values)
            values /= self.count
        return values

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Make tensors what the first rank has."""
        if self.count > 1:
            for tensor in tensors:
                whole = tensor.detach().contiguous()
                distributed.broadcast(whole, 0)
                tensor.detach().copy_(whole)

    def first(self, do: Callable[[], T]) -> T:
        """Have the first rank do something; what it returns or raises, all do.

        Raises:
            InputError: on the first rank; the others end without a word.
        """
        if self.count == 1:
            return do()
        done, error = None, None
        if self.is_first:
            try:
                done = do()
            except (InputError, OSError) as raised:
                error = raised
        done, failed = self.fabric.broadcast((done, error is not None))
        if error is not None:
            raise error
        if failed:
            raise SystemExit(2)
        return done  # type: ignore[return-value]

    def stop(self, message: str) -> None:
        """End all ranks, which all have come here; the first one says why.

        Raises:
            InputError: on the first rank; the others end without a word.
        """
        if self.is_first:
            raise InputError(message)
        raise SystemExit(2)

    @staticmethod
    def _split(flat: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
        parts = flat.split([tensor.numel() for tensor in like])
        return [part.view(tensor.shape) for part, tensor in zip(parts, like, strict=True)]


def _chosen_devices(device: str, devices: int | None, nodes: int | None) -> dict[str, Any]:
    """Fabric's `devices` and `num_nodes`."""
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdigit())):
        raise InputError(f"device: expected cpu, cuda or one such as cuda:1, got '{device}'")
    for name, value in (("devices", devices), ("nodes", nodes)):
        if value is not None and value < 1:
            raise InputError(f"{name}: expected at least 1, got {value}")
    if distributed.is_available() and distributed.is_torchelastic_launched():
        devices, nodes = _of_torchrun(devices, nodes)
    devices, nodes = devices or 1, nodes or 1
    if kind == "cuda":
        _check_gpus(device, int(number or 0) + 1 if number else devices)
    if number and (devices > 1 or nodes > 1):
        raise InputError(f"device: {device} is one device, expected cuda for several")
    return {"devices": [int(number)] if number else devices, "num_nodes": nodes}


def _of_torchrun(devices: int | None, nodes: int | None) -> tuple[int, int]:
    started = int(os.environ["LOCAL_WORLD_SIZE"])
    machines = int(os.environ["WORLD_SIZE"]) // started
    for name, wanted, found in (("devices", devices, started), ("nodes", nodes, machines)):
        if wanted not in (None, found):
            raise InputError(f"{name}: expected {found}, as torchrun started, got {wanted}")
    return started, machines


def _check_gpus(device: str, count: int) -> None:
    found = torch.cuda.device_count()
    if found < count:
        raise InputError(f"device: {device}: {count} expected, this machine has {found} GPUs")

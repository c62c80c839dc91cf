"""The processes that train together: devices, precision, and what they tell each other."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NoReturn, TypeVar

import torch
import torch.distributed as distributed
from lightning_fabric import Fabric
from torch import Tensor

from insonate.errors import InputError

__all__ = ["Ranks"]

T = TypeVar("T")

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # banners of every rank


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

    def each(self, do: Callable[[], T]) -> T:
        """Have every rank do something, and go on only if all could.

        Raises:
            InputError: on the first rank, what the lowest that failed has raised; the others end
                without a word.
        """
        if self.count == 1:
            return do()
        done, error = None, None
        try:
            done = do()
        except InputError as raised:
            error = str(raised)
        except OSError as raised:
            error = f"{raised.filename or 'system'}: {raised.strerror or raised}"
        errors: list[str | None] = [None] * self.count
        distributed.all_gather_object(errors, error)
        failed = [message for message in errors if message is not None]
        if failed:
            self.stop(failed[0])
        return done  # type: ignore[return-value]

    def first(self, do: Callable[[], T]) -> T:
        """Have the first rank do something; what it returns, all return.

        Raises:
            InputError: on the first rank; the others end without a word.
        """
        done = self.each(lambda: do() if self.is_first else None)
        return self.fabric.broadcast(done) if self.count > 1 else done  # type: ignore[return-value]

    @contextmanager
    def holding(self, lock: AbstractContextManager[Any]) -> Iterator[None]:
        """Have the first rank hold a lock, for a block.

        Raises:
            InputError: on the first rank, it could not be had; the others end without a word.
        """
        with ExitStack() as stack:
            self.first(lambda: stack.enter_context(lock))
            yield

    def stop(self, message: str) -> NoReturn:
        """End all ranks, which all have come here; the first one says why.

        Raises:
            InputError: on the first rank; the others end without a word.
        """
        if self.is_first:
            raise InputError(message)
        raise SystemExit(0)  # Fabric kills the first one, which is to speak, if another fails

    def end(self) -> None:
        """End the ranks that this one has started, which may wait for it in vain."""
        launcher = self.fabric.strategy.launcher
        for process in getattr(launcher, "procs", ()):
            process.kill()

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

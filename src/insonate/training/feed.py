"""Batches on their way to a device, loaded by other processes while this one computes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Dataset

from insonate.data.batches import Batch, Feed
from insonate.errors import InputError

__all__ = ["feed"]


class _Steps(Dataset):
    """Batches by step; what is wrong with one travels as a value, not as a traceback."""

    def __init__(self, batches: Feed):
        self.batches = batches

    def __getitem__(self, index: int) -> Batch | InputError:
        try:
            return self.batches[index]
        except InputError as error:
            return error


def feed(batches: Feed, steps: range, device: torch.device) -> Iterator[Batch]:
    """The batches of steps, on a device.

    Args:
        batches: of this rank.
        steps: in this order.
        device: that trains.

    Raises:
        InputError: a frame cannot be read, or a process that loads was killed.
    """
    loader = DataLoader(
        _Steps(batches),
        batch_size=None,
        sampler=steps,
        num_workers=batches.settings.workers,
        pin_memory=device.type == "cuda",
    )
    loaded = iter(loader)
    while True:
        try:
            batch = next(loaded)
        except StopIteration:
            return
        except RuntimeError as error:
            if "worker" not in str(error):
                raise
            raise InputError(
                "batches.workers: a process that loads was killed, most likely for want of memory "
                "or shared memory; expected fewer workers, or 0"
            ) from error
        if isinstance(batch, InputError):
            raise batch
        yield batch.to(device)

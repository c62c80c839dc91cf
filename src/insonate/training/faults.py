"""What the libraries below raise, in one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from insonate.errors import InputError

__all__ = ["telling_memory"]

#: How the allocators of the CPU say that there is no memory.
_CPU = ("can't allocate memory", "not enough memory", "Cannot allocate memory")


@contextmanager
def telling_memory(device: torch.device, advice: str) -> Iterator[None]:
    """Turn an allocation that failed into one line.

    Args:
        device: that computes.
        advice: which settings to lower.

    Raises:
        InputError: out of memory.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise InputError(f"out of memory on {device}; {advice}") from error
    except RuntimeError as error:
        if not any(words in str(error) for words in _CPU):
            raise
        raise InputError(f"out of memory on {device}; {advice}") from error

"""What the libraries below raise, in one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from insonate.errors import InputError

__all__ = ["telling_memory"]

#: How allocators say that there is no memory, apart from errors of their own.
_WORDS = ("out of memory", "not enough memory", "allocate memory", "alloc_failed")
_ADVICE = (
    "expected less: lower batches.size or batches.crop, use training.precision bf16, or a "
    "narrower network"
)


@contextmanager
def telling_memory(device: torch.device, advice: str = _ADVICE) -> Iterator[None]:
    """Turn an allocation that failed into one line, with what to change.

    Args:
        device: that computes.
        advice: what to change; settings of a training if nothing else is said.

    Raises:
        InputError: out of memory.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise InputError(f"out of memory on {device}; {advice}") from error
    except RuntimeError as error:
        if not any(words in str(error).lower() for words in _WORDS):
            raise
        raise InputError(f"out of memory on {device}; {advice}") from error

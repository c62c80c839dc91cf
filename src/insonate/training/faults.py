"""What the libraries below raise, in one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from insonate.errors import InputError

__all__ = ["telling_memory"]

#: How allocators say that there is no memory, apart from errors of their own.
_WORDS = (
    "can't allocate memory", "not enough memory", "Cannot allocate memory",
    "CUDA error: out of memory", "STATUS_ALLOC_FAILED",
)  # fmt: skip
_ADVICE = (
    "expected less: lower batches.size or batches.crop, use training.precision bf16, or a "
    "narrower network"
)


@contextmanager
def telling_memory(device: torch.device) -> Iterator[None]:
    """Turn an allocation that failed into one line, with the settings to lower.

    Args:
        device: that computes.

    Raises:
        InputError: out of memory.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise InputError(f"out of memory on {device}; {_ADVICE}") from error
    except RuntimeError as error:
        if not any(words in str(error) for words in _WORDS):
            raise
        raise InputError(f"out of memory on {device}; {_ADVICE}") from error

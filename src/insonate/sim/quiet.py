"""Keeping the messages of native libraries out of what a command prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["start_engine", "stderr_muted"]


def start_engine(device: str = "cpu") -> None:
    """Start Warp without its words on drivers; a device that is missing is our own error.

    Raises:
        InputError: there is no such device here.
    """
    from insonate.sim.launch import find_device

    with stderr_muted():
        find_device(device)


@contextmanager
def stderr_muted() -> Iterator[None]:
    """Send file descriptor 2 to nowhere, where native code writes."""
    sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)

"""Keeping the messages of native libraries out of what a command prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import warp as wp

__all__ = ["start_engine", "stderr_muted"]

WARNING = 30  # of Warp's levels; below it are the names of devices and modules


def start_engine(device: str) -> None:
    """Start Warp without its banner; its words on GPU drivers only if a GPU is asked for."""
    wp.config.log_level = WARNING
    if device.startswith("cuda"):
        wp.init()
        return
    with stderr_muted():
        wp.init()


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

"""Launch kernels: at once on a GPU, in slices on the threads of a CPU."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import warp as wp

from insonate.errors import InputError

__all__ = ["Launcher", "find_device"]

#: Slices per thread, so that a slow slice does not leave the other threads idle.
SLICES_PER_THREAD = 2

_loaded: set[Any] = set()
_loading = threading.Lock()


def find_device(name: str) -> wp.Device:
    """The Warp device called `name`: "cpu", "cuda" or "cuda:1".

    Raises:
        InputError: there is no such device here.
    """
    wp.init()
    try:
        return wp.get_device(name)
    except (ValueError, RuntimeError) as error:
        known = ", ".join(str(device) for device in wp.get_devices())
        raise InputError(f"device: no '{name}' here; found: {known}") from error


class Launcher:
    """Runs kernels whose first argument is the first index of their slice.

    A Warp launch on the CPU runs on one thread and releases the interpreter's lock, so
    slices run side by side. Every output element is written by one kernel thread from its
    inputs alone: results do not depend on the number of slices or threads.

    Attributes:
        timings: what every stage took, where `profile` is set [ms].
    """

    def __init__(self, device: wp.Device, threads: int | None = None, profile: bool = False):
        self.device, self.profile, self.timings = device, profile, dict[str, float]()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self.threads = 1 if device.is_cuda else max(1, threads or cores or 1)
        self.pool = ThreadPoolExecutor(self.threads - 1) if self.threads > 1 else None

    def __call__(self, kernel: Any, dim: Sequence[int], *inputs: Any) -> None:
        """Launch `kernel` over `dim`; its `first` argument is filled in here."""
        if kernel.module not in _loaded:
            with _loading:  # threads would compile a new module side by side
                wp.launch(kernel, dim=tuple(dim), inputs=[0, *inputs], device=self.device)
                _loaded.add(kernel.module)
        elif self.pool is None or dim[0] < 2:
            wp.launch(kernel, dim=tuple(dim), inputs=[0, *inputs], device=self.device)
        else:
            self._slice(self.pool, kernel, dim, inputs)

    def _slice(
        self, pool: ThreadPoolExecutor, kernel: Any, dim: Sequence[int], inputs: Sequence[Any]
    ) -> None:
        """Launch slices of the first dimension on the pool's threads and this one."""
        slices = min(dim[0], self.threads * SLICES_PER_THREAD)
        bounds = [dim[0] * k // slices for k in range(slices + 1)]
        todo = iter(range(slices))  # shared: whoever is free takes the next slice

        def work() -> None:
            for k in todo:
                shape = (bounds[k + 1] - bounds[k], *dim[1:])
                wp.launch(kernel, dim=shape, inputs=[bounds[k], *inputs], device=self.device)

        others = [pool.submit(work) for _ in range(self.threads - 1)]
        try:
            work()
        finally:
            wait(others)
        for other in others:
            other.result()

    def synchronize(self) -> None:
        """Wait for the device."""
        if self.device.is_cuda:
            wp.synchronize_device(self.device)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what happens in this context to the timing of stage `name`."""
        if not self.profile:
            yield
            return
        self.synchronize()
        begin = time.perf_counter()
        yield
        self.synchronize()
        took = (time.perf_counter() - begin) * 1e3
        self.timings[name] = self.timings.get(name, 0.0) + took

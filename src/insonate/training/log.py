"""What a run has measured: a line of JSON each, the same for TensorBoard, and a bar to watch."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from insonate.errors import InputError
from insonate.training.run_folder import RunFolder

__all__ = ["Clock", "Progress", "RunLog", "memory"]


class RunLog:
    """Writes `log.jsonl` and the events of TensorBoard.

    Args:
        folder: of the run.
        step: how many steps have been done; what TensorBoard has of later ones is hidden.
    """

    def __init__(self, folder: RunFolder, step: int):
        from torch.utils.tensorboard.writer import SummaryWriter

        self.path = folder.log
        with _writable(folder.tensorboard):
            self._events = SummaryWriter(str(folder.tensorboard), purge_step=step + 1)
        with _writable(self.path):
            self._file = self.path.open("a", encoding="utf-8")

    def line(self, step: int, values: Mapping[str, Any]) -> None:
        """Add a line, and every number in it as a scalar of that name.

        Args:
            step: of which it speaks.
            values: numbers by name, or such mappings by name.

        Raises:
            InputError: it cannot be written.
        """
        with _writable(self.path):
            self._file.write(json.dumps({"step": step, **values}) + "\n")
            self._file.flush()
        with _writable(Path(self._events.log_dir)):
            for name, value in _numbers(values):
                self._events.add_scalar(name, value, step)
            self._events.flush()

    def picture(self, step: int, image: NDArray[np.uint8]) -> None:
        """Add a gray picture `(rows, columns)`, 0 to 255."""
        with _writable(Path(self._events.log_dir)):
            self._events.add_image("validation", image, step, dataformats="HW")
            self._events.flush()

    def close(self) -> None:
        """Leave the files; what is lost with a full disk was told before."""
        for file in (self._file, self._events):
            try:
                file.close()
            except OSError:
                continue


class Progress:
    """A bar with losses, rate and time left on a terminal; lines of text elsewhere.

    Args:
        total: steps of the run.
        done: of them when it begins.
        silent: neither bar nor lines.
    """

    def __init__(self, total: int, done: int, silent: bool = False):
        self.total, self._silent = total, silent
        self._bar, self._begin, self._first = None, time.perf_counter(), done
        if not silent and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, initial=done, unit="step", dynamic_ncols=True)

    def step(self) -> None:
        """One more is done."""
        if self._bar is not None:
            self._bar.update()

    def losses(self, values: Mapping[str, float]) -> None:
        """Show losses."""
        if self._bar is not None:
            self._bar.set_postfix_str(" ".join(f"{n} {v:.3g}" for n, v in values.items()))

    def say(self, step: int, words: str) -> None:
        """A line about a step, with the rate."""
        rate = (step - self._first) / max(time.perf_counter() - self._begin, 1e-9)
        self.tell(f"step {step} of {self.total}: {words}; {rate:.3g} steps/s")

    def tell(self, words: str) -> None:
        """A line."""
        if self._silent:
            return
        if self._bar is not None:
            self._bar.write(words)
        else:
            print(words, flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


class Clock:
    """How long steps took, and how much of it went by waiting for data."""

    def __init__(self) -> None:
        self._begin, self._waited = time.perf_counter(), 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count a block as waiting."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._waited += time.perf_counter() - begin

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count a block at all."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._begin += time.perf_counter() - begin

    def read(self, steps: int) -> dict[str, float]:
        """Steps a second and the share of waiting since it was read last."""
        now = time.perf_counter()
        took = max(now - self._begin, 1e-9)
        found = {"steps_per_second": steps / took, "waiting": self._waited / took}
        self._begin, self._waited = now, 0.0
        return found


def memory(device: torch.device) -> dict[str, float]:
    """The most that was used so far, of the GPU or else of this process [MiB]."""
    if device.type == "cuda":
        return {"memory": torch.cuda.max_memory_allocated(device) / 2**20}
    return {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10}


def _numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", value


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"{path}: cannot be written ({why})") from error

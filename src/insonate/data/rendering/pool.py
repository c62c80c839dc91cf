"""Workers of one machine: a process each core or each GPU."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import Queue

from insonate.data.rendering.run import Task, render_task
from insonate.errors import InputError
from insonate.sim.quiet import start_engine

__all__ = ["ProcessPool"]

#: How often a pool whose workers died is made anew without a single task done.
PATIENCE = 3


class ProcessPool:
    """Renders tasks in processes of this machine.

    Args:
        workers: how many; one a core, or one a GPU, when None.
        device: "cpu"; "cuda" for all GPUs; "cuda:1" for one.

    Raises:
        InputError: fewer than one worker, or no such device.
    """

    def __init__(self, workers: int | None = None, device: str = "cpu"):
        if workers is not None and workers < 1:
            raise InputError(f"workers: expected 1 or more, got {workers}")
        self.devices = _devices(device)
        self.cores = os.cpu_count() or 1
        self.workers = workers or (len(self.devices) if device != "cpu" else self.cores)

    def run(self, tasks: Sequence[Task]) -> None:
        """Render all tasks; a worker that is killed is replaced and its task begun again.

        Raises:
            InputError: a frame cannot be rendered or written, or workers die at once again and
                again, as for want of memory.
        """
        left, fruitless = list(tasks), 0
        while left:
            done = self._round(left)
            fruitless = 0 if done else fruitless + 1
            left = [task for task in left if task not in done]
            if left and fruitless == PATIENCE:
                raise InputError(
                    f"workers died {PATIENCE} times without a subject done; fewer workers need "
                    "less memory"
                )

    def _round(self, tasks: Sequence[Task]) -> list[Task]:
        """Tasks that were done until one worker died, or all."""
        context = multiprocessing.get_context("spawn")
        numbers = context.Queue()
        for number in range(self.workers):
            numbers.put(number)
        done: list[Task] = []
        workers = min(self.workers, len(tasks))
        threads = max(self.cores // workers, 1)
        pool = ProcessPoolExecutor(workers, context, _begin, (numbers, self.devices, threads))
        with pool:
            futures: dict[Future[int], Task] = {pool.submit(_work, task): task for task in tasks}
            try:
                for future in as_completed(futures):
                    future.result()
                    done.append(futures[future])
            except BrokenProcessPool:
                return done
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return done


#: Device and threads of this worker.
_own: tuple[str, int] = ("cpu", 1)


def _begin(numbers: Queue[int], devices: list[str], threads: int) -> None:
    global _own
    _own = devices[numbers.get() % len(devices)], threads
    start_engine(_own[0])


def _work(task: Task) -> int:
    return render_task(task, *_own)


def _devices(device: str) -> list[str]:
    """The devices that a word stands for.

    Raises:
        InputError: there is no such device.
    """
    if device == "cpu":
        return ["cpu"]
    import warp as wp

    found = [str(each) for each in wp.get_cuda_devices()]
    chosen = found if device == "cuda" else [name for name in found if name == device]
    if not chosen:
        raise InputError(f"device '{device}': not there; expected cpu, or one of {found or 'none'}")
    return chosen

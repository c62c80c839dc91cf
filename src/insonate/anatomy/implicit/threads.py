"""Work on the parts of a range, on all processor cores.

The kernels release the interpreter's lock; what they write does not depend on how the range
is cut.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

__all__ = ["each", "in_threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Pieces of a range a core; more than one evens out the load.
_PIECES = 8


def in_threads(work: Callable[[int, int], object], count: int, least: int = 256) -> None:
    """Call `work(start, end)` over 0 to `count`, in pieces of at least `least`."""
    cores = min(os.cpu_count() or 1, max(1, count // least))
    if cores == 1:
        work(0, count)
        return
    pieces = min(cores * _PIECES, count // least)
    edges = [count * k // pieces for k in range(pieces + 1)]
    with ThreadPoolExecutor(cores) as pool:
        for done in [pool.submit(work, a, b) for a, b in pairwise(edges)]:
            done.result()


def each(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` of every item, in their order; a core works on one while another is elsewhere."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, max(1, len(items)))) as pool:
        return list(pool.map(work, items))

"""Normalisation of the integral attenuation map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["upper_percentile"]


def upper_percentile(rows: NDArray[np.float32], percentile: float) -> float:
    """Percentile of all values of rows that decrease, by looking at few of them.

    A value's rank is the sum of the positions where it would fall in each row, so that a
    bisection over values finds the percentile without sorting.

    Args:
        rows: `(scanlines, samples)`, each row not increasing.
        percentile: 0 to 100, such as 98.

    Returns:
        The value that `percentile` percent of all values do not exceed (nearest rank).
    """
    above = round(rows.size * (1.0 - percentile / 100.0))
    step = max(1, rows.shape[1] // 64)
    coarse = rows[:, ::step]
    # Each row has (whole steps above v) * step <= values above v: bracket v, then sort inside.
    most = min(above // step + coarse.shape[0], coarse.size - 1)
    least = max(above // step - coarse.shape[0], 0)
    ends = [coarse.size - 1 - most, coarse.size - 1 - least]
    low, high = np.partition(coarse, ends, axis=None)[ends]
    reach = np.flatnonzero((coarse.max(axis=0) >= low) & (coarse.min(axis=0) <= high)) * step
    block = rows[:, max(reach[0] - step, 0) : reach[-1] + step]
    inside = block[(block >= low) & (block <= high)]
    left = rows[:, : max(reach[0] - step, 0)]
    rank = above - left.size - int(np.count_nonzero(block > high))
    rank = min(max(rank, 1), inside.size)
    return float(np.partition(inside, inside.size - rank)[inside.size - rank])

"""Structures that a translation shows and that nothing in what it was given explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from insonate.errors import InputError

__all__ = ["Hallucination", "expected_levels", "hallucination", "unexplained"]

Image = NDArray[np.floating]
Mask = NDArray[np.bool_]

#: Structures are seen through a window of this side, speckle is not [pixels].
WINDOW = 7
#: How far from where it was simulated a structure, or the border of a region, may show [pixels].
REACH = 4
#: Robust standard deviations above expectation that make a structure, and at least so many gray
#: levels, since a difference that nobody sees is none.
DEVIATIONS, LEAST = 4.0, 16.0
#: Local mean of the simulation up to which there is nothing to be seen [gray levels].
ECHO_FREE = 16.0
#: Standard deviations of a normal law per median absolute deviation.
_ROBUST = 1.4826


@dataclass(frozen=True)
class Hallucination:
    """How much of a frame shows what is not there.

    Attributes:
        rate: share of the pixels that are looked at.
        echo_free: share of those of them where the simulation is black; NaN if none is.
    """

    rate: float
    echo_free: float


def hallucination(
    simulated: Image, translated: Image, fan: Mask, labels: NDArray[np.integer] | None = None
) -> Hallucination:
    """Share of the fan where a translation shows structures without a cause.

    Pixels at the borders of regions are not looked at, since an echo of an interface is a cause
    that the simulation may have missed.

    Args:
        simulated: gray levels 0 to 255, `(rows, columns)`.
        translated: the same shape.
        fan: where there is content.
        labels: of regions, if they are known.

    Raises:
        InputError: shapes that differ, or a fan without pixels that are looked at.
    """
    looked_at = _looked_at(fan, labels)
    if not looked_at.any():
        raise InputError("fan: expected pixels that are not at the border of a region")
    found = unexplained(simulated, translated, fan) & looked_at
    black = looked_at & (_highest(_local_mean(simulated, fan), fan) <= ECHO_FREE)
    inside = float(found[black].mean()) if black.any() else float("nan")
    return Hallucination(float(found[looked_at].mean()), inside)


def unexplained(simulated: Image, translated: Image, fan: Mask) -> Mask:
    """Pixels with a structure that the simulated image does not explain, `(rows, columns)`.

    The local mean of the translation is above what is expected of the highest local mean of the
    simulation within 4 pixels, by more than 4 robust standard deviations of what differs
    anywhere, and more than 16 gray levels.

    Args:
        simulated: gray levels 0 to 255, `(rows, columns)`.
        translated: the same shape.
        fan: where there is content.

    Raises:
        InputError: shapes that differ, or an empty fan.
    """
    if not simulated.shape == translated.shape == fan.shape or simulated.ndim != 2:
        shapes = f"{simulated.shape}, {translated.shape} and {fan.shape}"
        raise InputError(f"simulated, translated, fan: expected one shape, got {shapes}")
    if not fan.any():
        raise InputError("fan: expected at least one pixel")
    before, after = _local_mean(simulated, fan), _local_mean(translated, fan)
    curve = expected_levels(before[fan], after[fan])
    differing = (after - np.interp(before, *curve))[fan]
    spread = _ROBUST * float(np.median(np.abs(differing - np.median(differing))))
    over = after - np.interp(_highest(before, fan), *curve)
    return fan & (over > max(DEVIATIONS * spread, LEAST))


def expected_levels(
    before: NDArray[np.floating], after: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The rising curve that gives the levels of one image the distribution of another's.

    Args:
        before: gray levels `(n,)`.
        after: gray levels `(n,)`.

    Returns:
        Levels before, rising, and the levels after that belong to them; between them it is
        straight. Of equal levels all have the mean of those that are due to them.
    """
    levels, counts = np.unique(np.round(before, 1), return_counts=True)
    sums = np.concatenate([[0.0], np.cumsum(np.sort(np.asarray(after, np.float64)))])
    last = np.cumsum(counts)
    return levels.astype(np.float64), (sums[last] - sums[last - counts]) / counts


def _local_mean(image: Image, fan: Mask) -> NDArray[np.float64]:
    """Mean over a window, of its pixels within the fan; 0 outside."""
    inside = fan.astype(np.float64)
    total = ndimage.uniform_filter(np.where(fan, image, 0.0).astype(np.float64), WINDOW)
    share = ndimage.uniform_filter(inside, WINDOW)
    return np.where(fan, total / np.maximum(share, 1.0 / WINDOW**2), 0.0)


def _highest(levels: NDArray[np.float64], fan: Mask) -> NDArray[np.float64]:
    return np.where(fan, ndimage.maximum_filter(levels, 2 * REACH + 1), 0.0)


def _looked_at(fan: Mask, labels: NDArray[np.integer] | None) -> Mask:
    """Pixels of the fan that are further than the reach from the border of two regions."""
    if labels is None:
        return fan
    if labels.shape != fan.shape:
        raise InputError(f"labels: expected shape {fan.shape}, got {labels.shape}")
    side = 2 * REACH + 1
    even = ndimage.maximum_filter(labels, side) == ndimage.minimum_filter(labels, side)
    return fan & even

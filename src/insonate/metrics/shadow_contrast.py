"""How much darker tissue is in acoustic shadow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError

__all__ = ["shadow_contrast"]

#: Regions with fewer pixels in shadow, or out of it, say nothing.
FEWEST = 64


def shadow_contrast(
    image: NDArray[np.floating],
    labels: NDArray[np.integer],
    dark: NDArray[np.bool_],
    lit: NDArray[np.bool_],
) -> float:
    """Mean level of lit tissue minus that of the same tissue in shadow [gray levels].

    Region by region, weighted by their pixels in shadow, so that it is not the brightness of
    whatever stands in shadow that is measured.

    Args:
        image: gray levels `(rows, columns)`.
        labels: of regions, the same shape.
        dark: pixels in shadow.
        lit: pixels that the beam reaches.

    Returns:
        NaN if no region has 64 pixels of both kinds.

    Raises:
        InputError: shapes that differ.
    """
    shapes = {image.shape, labels.shape, dark.shape, lit.shape}
    if len(shapes) > 1:
        raise InputError(f"image, labels, dark, lit: expected one shape, got {sorted(shapes)}")
    count = int(labels.max(initial=0)) + 1
    means, numbers = zip(*(_means(image, labels, where, count) for where in (lit, dark)),
                         strict=True)  # fmt: skip
    both = (numbers[0] >= FEWEST) & (numbers[1] >= FEWEST)
    if not both.any():
        return float("nan")
    return float(np.average((means[0] - means[1])[both], weights=numbers[1][both]))


def _means(
    image: NDArray[np.floating], labels: NDArray[np.integer], where: NDArray[np.bool_], count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean level and number of pixels of every region `(count,)`."""
    inside = labels[where].astype(np.int64)
    number = np.bincount(inside, minlength=count)
    total = np.bincount(inside, weights=image[where], minlength=count)
    return total / np.maximum(number, 1), number

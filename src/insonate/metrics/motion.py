"""Where the pixels of an image have gone in the next one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from insonate.errors import InputError

__all__ = ["displacement", "warped"]

Image = NDArray[np.floating]
#: Standard deviation of the window that moves as one, on every level of the pyramid [pixels].
WINDOW = 6.0
#: Coarsest level has at least so many pixels a side.
COARSEST = 24
LEVELS, STEPS = 4, 6
#: Most that a step moves a pixel of its level, since images are smooth no further [pixels].
_LONGEST = 1.5
#: Keeps what has no texture where its surroundings put it [squared gray levels per pixel²].
_FLAT = 1.0


def displacement(first: Image, second: Image) -> NDArray[np.float64]:
    """How far every pixel of the second image is from where it was in the first.

    Lucas and Kanade's method, from coarse to fine: within a Gaussian window of 6 pixels
    standard deviation the shift is found that explains the difference of both images best, by
    least squares of the linearised images, six times on each of up to four levels of a pyramid
    (Lucas and Kanade 1981; Bouguet 2000).

    Args:
        first: gray levels `(rows, columns)`.
        second: the same shape.

    Returns:
        Rows and columns `(2, rows, columns)` [pixels], so that the first image at `place + shift`
        looks like the second at `place`.

    Raises:
        InputError: not two images of one shape with 24 pixels a side.
    """
    if first.shape != second.shape or first.ndim != 2 or min(first.shape) < COARSEST:
        shapes = f"{first.shape} and {second.shape}"
        raise InputError(f"first, second: expected one shape of 24 pixels or more, got {shapes}")
    pyramid = [(first.astype(np.float64), second.astype(np.float64))]
    while len(pyramid) < LEVELS and min(pyramid[-1][0].shape) // 2 >= COARSEST:
        pyramid.append((_halved(pyramid[-1][0]), _halved(pyramid[-1][1])))
    shift = np.zeros((2, *pyramid[-1][0].shape))
    for one, other in reversed(pyramid):
        shift = _refined(one, other, _resized(shift, one.shape))
    return shift


def warped(image: NDArray[Any], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """An image whose pixels are fetched from `place + shift`, linearly; its edge is repeated.

    Args:
        image: `(rows, columns)`, in any unit.
        shift: `(2, rows, columns)` [pixels].
    """
    places = np.indices(image.shape) + shift
    return ndimage.map_coordinates(image.astype(np.float64), places, order=1, mode="nearest")


def _refined(
    first: NDArray[np.float64], second: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    for _ in range(STEPS):
        moved = warped(first, shift)
        down, across = np.gradient(moved)
        off = second - moved
        # Normal equations of the window around every pixel.
        rr, cc, rc, ro, co = (
            ndimage.gaussian_filter(term, WINDOW)
            for term in (down * down, across * across, down * across, down * off, across * off)
        )
        rr, cc = rr + _FLAT, cc + _FLAT
        determinant = rr * cc - rc * rc
        step = np.stack([cc * ro - rc * co, rr * co - rc * ro]) / determinant
        shift = shift + np.clip(step, -_LONGEST, _LONGEST)
    return shift


def _halved(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return ndimage.gaussian_filter(image, 1.0)[::2, ::2]


def _resized(shift: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """The field of a coarser level on a finer one."""
    if shift.shape[1:] == shape:
        return shift
    places = np.indices(shape) / 2.0
    return np.stack(
        [2.0 * ndimage.map_coordinates(part, places, order=1, mode="nearest") for part in shift]
    )

"""How much images of a sweep change from frame to frame, beyond what moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError
from insonate.metrics.motion import warped

__all__ = ["flicker"]


def flicker(
    images: NDArray[np.floating], shifts: Sequence[NDArray[np.float64]], fan: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Mean |difference| of consecutive frames after motion is taken out, within the fan.

    Motion is that of the simulated frames, so that translation cannot hide in it. What is left
    of the simulation itself is what comes into the plane, and speckle that changes with it.

    Args:
        images: gray levels of consecutive frames, `(frames, rows, columns)`.
        shifts: `displacement` of each to the next, `(2, rows, columns)` each [pixels].
        fan: where all of them have content, `(rows, columns)`.

    Returns:
        `(frames - 1,)` [gray levels].

    Raises:
        InputError: fewer than two frames, another number of shifts, shapes that differ, or a fan
            that motion leaves empty.
    """
    if len(images) < 2 or len(shifts) != len(images) - 1:
        raise InputError(
            f"images, shifts: expected 2 images or more and a shift for each two, got "
            f"{len(images)} and {len(shifts)}"
        )
    left = []
    for first, second, shift in zip(images, images[1:], shifts, strict=False):
        if not first.shape == fan.shape == shift.shape[1:]:
            raise InputError(f"fan, shifts: expected shape {first.shape}, got {fan.shape} and "
                             f"{shift.shape[1:]}")  # fmt: skip
        seen = fan & (warped(fan, shift) > 0.99) & _within(shift)
        if not seen.any():
            raise InputError("fan: empty after motion; expected frames that show the same place")
        left.append(np.abs(second - warped(first, shift))[seen].mean())
    return np.array(left, np.float64)


def _within(shift: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pixels that come from within the image."""
    rows, columns = shift.shape[1:]
    places = np.indices((rows, columns)) + shift
    inside = (places >= 0).all(0) & (places[0] <= rows - 1) & (places[1] <= columns - 1)
    return np.asarray(inside)

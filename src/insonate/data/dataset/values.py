"""What the pixels of a dataset mean to a network: 8 bits to numbers in [-1, 1] or [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BMODE", "gray_levels", "network_values"]

#: Arrays that are gray images, black outside the fan.
BMODE = ("bmode", "bmode_fast")


def network_values(
    name: str, stored: NDArray[Any], mask: NDArray[np.uint8] | None = None
) -> NDArray[Any]:
    """An image as a network is given it.

    Args:
        name: one of `IMAGES`.
        stored: as it is kept, uint8 `(rows, columns)`.
        mask: of the frame, uint8 `(rows, columns)`; what is 0 there is black for good.

    Returns:
        Float32 `(1, rows, columns)` in [-1, 1], -1 outside the mask (`bmode`, `bmode_fast`), or
        in [0, 1] (`attenuation`, `shadow`, `mask`); `labels` int64 `(rows, columns)`.
    """
    if name == "labels":
        return stored.astype(np.int64)
    if name == "mask":
        return stored[None].astype(np.float32)
    image = stored[None].astype(np.float32)
    if name not in BMODE:
        return np.divide(image, np.float32(255.0), out=image)
    # in place, since memory is what this costs; exact at both ends
    image -= np.float32(127.5)
    image /= np.float32(127.5)
    if mask is not None:
        np.copyto(image, np.float32(-1.0), where=mask[None] == 0)
    return image


def gray_levels(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The inverse of `network_values` for B-mode: [-1, 1] to 0 to 255, rounded and clipped."""
    return np.round((np.clip(image, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)

"""Frames brought to squares, as the loaders of CycleGAN and CUT do it, and cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from insonate.data.dataset import IMAGES, Window

__all__ = ["resized"]

_NEAREST = ("labels", "mask")


def resized(sample: dict[str, Any], side: int, window: Window) -> dict[str, Any]:
    """A sample with its images resized to a square, whatever their aspect, and cut.

    Args:
        sample: as `Dataset.sample` gives it.
        side: of the square [pixels].
        window: of the square.
    """
    return {
        name: _cut(_square(name, value, side), window) if name in IMAGES else value
        for name, value in sample.items()
    }


def _square(name: str, image: NDArray[Any], side: int) -> NDArray[Any]:
    values = torch.from_numpy(np.ascontiguousarray(image)).reshape(1, 1, *image.shape[-2:])
    size = (side, side)
    if name in _NEAREST:  # values between two labels are none
        found = functional.interpolate(values.float(), size, mode="nearest").to(values.dtype)
    else:
        found = functional.interpolate(values, size, mode="bilinear", antialias=True)
    return found.reshape(*image.shape[:-2], *size).numpy()


def _cut(image: NDArray[Any], window: Window) -> NDArray[Any]:
    rows = slice(window.row, window.row + window.rows)
    return np.ascontiguousarray(image[..., rows, window.column : window.column + window.columns])

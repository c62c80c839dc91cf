"""The resize of the networks that the papers' distances look through."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["resize_bilinear"]


def resize_bilinear(images: Tensor, side: int) -> Tensor:
    """Bilinear resize to a square as the first TensorFlow has it: row i is read at i rows / side.

    Corners and not centres of pixels are aligned, shape is not kept, and nothing is smoothed
    before it is made smaller.

    Args:
        images: `(n, rows, columns)`.
        side: of the square [pixels].

    Returns:
        `(n, side, side)`.
    """
    return _resized(_resized(images, 1, side), 2, side)


def _resized(images: Tensor, axis: int, side: int) -> Tensor:
    size = images.shape[axis]
    at = torch.arange(side, device=images.device, dtype=torch.float32) * (size / side)
    first = at.floor().long().clamp_max(size - 1)
    second = (first + 1).clamp_max(size - 1)
    shape = [1, 1, 1]
    shape[axis] = side
    share = (at - first).to(images.dtype).reshape(shape)
    start = images.index_select(axis, first)
    return start + (images.index_select(axis, second) - start) * share

"""Dice overlap of labels."""

from __future__ import annotations

import torch
from torch import Tensor

from insonate.errors import InputError

__all__ = ["dice"]


def dice(labels: Tensor, target: Tensor, classes: int) -> Tensor:
    """2 |A ∩ B| / (|A| + |B|) of every region of every image.

    Args:
        labels: whole numbers `(n, rows, columns)`, region of every pixel.
        target: the same shape.
        classes: number of regions.

    Returns:
        `(n, classes)` float64, 0 to 1; NaN where neither has the region.

    Raises:
        InputError: shapes that differ, or a label beyond the regions.
    """
    if labels.shape != target.shape or labels.ndim != 3 or not labels.numel():
        shapes = f"{tuple(labels.shape)} and {tuple(target.shape)}"
        raise InputError(f"labels, target: expected one shape (n, rows, columns), got {shapes}")
    for name, value in (("labels", labels), ("target", target)):
        if value.is_floating_point() or int(value.min()) < 0 or int(value.max()) >= classes:
            raise InputError(f"{name}: expected whole numbers from 0 to {classes - 1}")
    region = torch.arange(classes, device=labels.device)[:, None, None]
    a, b = labels[:, None] == region, target.to(labels.device)[:, None] == region
    both = (a & b).sum((2, 3)).double()
    return 2.0 * both / (a.sum((2, 3)) + b.sum((2, 3)))

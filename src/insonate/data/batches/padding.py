"""Whole images to sides that a network takes: padded, never tiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from insonate.data.dataset.values import BMODE

__all__ = ["Padding", "padded"]

#: Filled with what lies outside a fan, or with the image mirrored at its sides.
Padding = Literal["outside", "reflect"]


def padded(
    arrays: Mapping[str, Tensor], stride: int, padding: Padding = "outside"
) -> dict[str, Tensor]:
    """Arrays with rows and columns added below and at the right, up to multiples of a stride.

    Args:
        arrays: by name, each `(batch, ..., rows, columns)`.
        stride: of the network [pixels].
        padding: with what.
    """
    if padding == "reflect":
        return {name: _reflected(array, stride) for name, array in arrays.items()}
    outside = {name: -1.0 if name.endswith(BMODE) else 0.0 for name in arrays}
    return {name: _filled(array, stride, outside[name]) for name, array in arrays.items()}


def _filled(array: Tensor, stride: int, value: float) -> Tensor:
    rows, columns = array.shape[-2:]
    below, beside = _multiple(rows, stride) - rows, _multiple(columns, stride) - columns
    return functional.pad(array, (0, beside, 0, below), value=value)


def _reflected(array: Tensor, stride: int) -> Tensor:
    for axis in (-2, -1):
        side = array.shape[axis]
        mirror = _mirror(side, _multiple(side, stride), array.device)
        array = array.index_select(axis, mirror)
    return array


def _mirror(side: int, to: int, device: torch.device) -> Tensor:
    """Where the pixels `(to,)` of a side come from, to and fro as often as it takes."""
    period = max(2 * side - 2, 1)
    at = torch.arange(to, device=device) % period
    return torch.where(at < side, at, period - at)


def _multiple(side: int, stride: int) -> int:
    # in this form it can be traced for sides that are not known yet
    return (side + stride - 1) // stride * stride

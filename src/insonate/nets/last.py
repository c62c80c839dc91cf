"""How features become images in [-1, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["as_images"]

_NEAREST = 1 - 1 / 510  # to 1 and -1, where artanh ends: a quarter of a grey level of 8 bits


def as_images(values: Tensor, images: Tensor | None = None) -> Tensor:
    """tanh(v), or tanh(artanh(x) + v), which is x where v is 0; in 32 bits.

    bf16 has fewer greys near -1 and 1 than a picture.

    Args:
        values: v `(batch, channels, rows, columns)`, unbounded.
        images: x in their first channels, in [-1, 1].
    """
    values = values.float()
    if images is not None:
        first = images[:, : values.shape[1]].float()
        values = values + torch.atanh(first.clamp(-_NEAREST, _NEAREST))
    return torch.tanh(values)

"""How features become images in [-1, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["as_images"]


def as_images(values: Tensor, images: Tensor | None = None) -> Tensor:
    """tanh(v), or x + v kept in [-1, 1]; in 32 bits.

    bf16 has fewer greys near -1 and 1 than a picture. What is kept in [-1, 1] has the gradient
    of what it was: black pixels, of which a low-quality image has many, can become grey.

    Args:
        values: v `(batch, channels, rows, columns)`, unbounded.
        images: x in their first channels, in [-1, 1].
    """
    values = values.float()
    if images is None:
        return torch.tanh(values)
    values = images[:, : values.shape[1]].float() + values
    return values + (values.clamp(-1, 1) - values).detach()

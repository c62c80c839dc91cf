"""Halving and doubling of sides without aliasing (Zhang 2019), as CUT does it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BilinearUp", "BlurDown"]


class BlurDown(nn.Module):
    """Half the sides: blurred by [1, 2, 1] / 4 along both, mirrored at the rim, every second."""

    def forward(self, images: Tensor) -> Tensor:
        """`(batch, channels, rows / 2, columns / 2)` of `(batch, channels, rows, columns)`."""
        line = torch.tensor([0.25, 0.5, 0.25], dtype=images.dtype, device=images.device)
        channels = images.shape[1]
        kernel = (line[:, None] * line).expand(channels, 1, 3, 3)
        padded = functional.pad(images, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded, kernel, stride=2, groups=channels)


class BilinearUp(nn.Module):
    """Twice the sides, by weights [1, 3, 3, 1] / 4: bilinear, the rim repeated."""

    def forward(self, images: Tensor) -> Tensor:
        """`(batch, channels, 2 rows, 2 columns)` of `(batch, channels, rows, columns)`."""
        return functional.interpolate(
            images, scale_factor=2.0, mode="bilinear", align_corners=False
        )

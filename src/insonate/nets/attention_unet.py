"""A U-Net that divides an image into a few maps, and regions by these alone."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.sizes import check_images

__all__ = ["AttentionUNet"]

_LEAST = 32  # sides of which two pixels are left in the middle, for its norm


class AttentionUNet(nn.Module):
    """Attention maps of an image, and logits of its regions, which see nothing but the maps.

    Down: convolutions 5 x 5, the first of stride 1 and four of stride 2. Up: convolution 3 x 3,
    nearest neighbours to the size of what was seen on the way down, which is put beside; then
    two convolutions 3 x 3 to the maps. Instance norm and rectifiers between; the maps are a
    softmax. (Tomar et al. 2021, SASAN.)

    Args:
        inputs: channels of images.
        width: channels after the first convolution; up to eight times as many.
        maps: how many.
        classes: regions.
    """

    def __init__(self, inputs: int = 1, width: int = 32, maps: int = 8, classes: int = 5):
        super().__init__()
        self.inputs = inputs
        downs = [width, 2 * width, 2 * width, 4 * width, 8 * width]
        self.first = _normed(inputs, width, 5)
        self.downs = nn.ModuleList(
            _normed(before, after, 5, 2) for before, after in itertools.pairwise(downs)
        )
        ups = [8 * width, 4 * width, 2 * width, 2 * width]
        befores = [downs[-1], *(up + skip for up, skip in zip(ups, downs[-2:0:-1], strict=False))]
        self.ups = nn.ModuleList(
            _normed(before, after, 3) for before, after in zip(befores, ups, strict=True)
        )
        self.maps = nn.Sequential(
            _normed(ups[-1] + width, width, 3), nn.Conv2d(width, maps, 3, 1, 1)
        )
        self.classes = nn.Conv2d(maps, classes, 3, 1, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps and logits of images `(batch, inputs, rows, columns)`, in 32 bits.

        Returns:
            Maps `(batch, maps, rows, columns)`, which add up to 1 in every pixel, and logits
            `(batch, classes, rows, columns)`.

        Raises:
            InputError: images too small, or of other channels.
        """
        check_images(images, "attention U-Net", self.inputs, 1, _LEAST)
        seen = [self.first(images)]
        for down in self.downs:
            seen.append(down(seen[-1]))
        values = seen.pop()
        for up in self.ups:
            skip = seen.pop()
            larger = functional.interpolate(up(values), skip.shape[-2:], mode="nearest")
            values = torch.cat([larger, skip], dim=1)
        maps = self.maps(values).float().softmax(dim=1)
        return maps, self.classes(maps).float()


def _normed(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
    return nn.Sequential(conv, nn.InstanceNorm2d(outputs), nn.ReLU(inplace=True))

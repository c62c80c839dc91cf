"""The generator of StarGAN, a residual one that is told the class beside the image."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.last import as_images
from insonate.nets.sizes import check_images

__all__ = ["ClassResNet"]


class ClassResNet(nn.Module):
    """Images to the images of a class (Choi et al. 2018, table 4).

    One plane a class beside the image; convolution 7 x 7, two 4 x 4 of stride 2, residual
    blocks, two transposed 4 x 4, convolution 7 x 7, tanh. Instance norm, whose gain and bias
    are learned, and rectifier after all but the last; no other bias; zeros beyond the border,
    which tell planes that are the same everywhere from none. Norms keep no running statistics,
    so that images do not change once training is over.

    Args:
        inputs: channels of the images, those it takes and those it gives.
        classes: how many.
        width: channels after the first convolution; four times as many in the blocks.
        blocks: how many.
    """

    stride = 4

    def __init__(self, inputs: int = 1, classes: int = 3, width: int = 64, blocks: int = 6):
        super().__init__()
        self.inputs, self.classes = inputs, classes
        wide = 4 * width
        self.layers = nn.Sequential(
            *_normed(nn.Conv2d(inputs + classes, width, 7, 1, 3, bias=False)),
            *_normed(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False)),
            *_normed(nn.Conv2d(2 * width, wide, 4, 2, 1, bias=False)),
            *(_Block(wide) for _ in range(blocks)),
            *_normed(nn.ConvTranspose2d(wide, 2 * width, 4, 2, 1, bias=False)),
            *_normed(nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False)),
            nn.Conv2d(width, inputs, 7, 1, 3, bias=False),
        )

    def forward(self, images: Tensor, target: Tensor) -> Tensor:
        """Images of a class, `(batch, inputs, rows, columns)` in [-1, 1].

        Args:
            images: `(batch, inputs, rows, columns)`.
            target: class of each, int64 `(batch,)`.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        check_images(images, "generator", self.inputs, self.stride, 2 * self.stride)
        planes = functional.one_hot(target, self.classes).to(images)[:, :, None, None]
        planes = planes.expand(-1, -1, *images.shape[-2:])
        return as_images(self.layers(torch.cat([images, planes], dim=1)))


class _Block(nn.Module):
    """x + norm(conv(relu(norm(conv(x)))))."""

    def __init__(self, width: int):
        super().__init__()
        first, last = (nn.Conv2d(width, width, 3, 1, 1, bias=False) for _ in range(2))
        self.change = nn.Sequential(*_normed(first), *_normed(last)[:2])

    def forward(self, images: Tensor) -> Tensor:
        return images + self.change(images)


def _normed(conv: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    return conv, nn.InstanceNorm2d(conv.out_channels, affine=True), nn.ReLU(inplace=True)

"""A generator whose features are scaled and shifted pixel by pixel, as maps tell (SPADE)."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.last import as_images
from insonate.nets.sizes import check_images

__all__ = ["Spade", "SpadeBlock", "SpadeResNet"]

_SLOPE = 0.2  # of leaky rectifiers


class Spade(nn.Module):
    """norm(x) (1 + scale(m)) + shift(m), where both come from maps m by convolutions.

    (Park et al. 2019, equation 1, with instance norm.)

    Args:
        channels: of features.
        maps: how many.
        hidden: channels between the maps and what is made of them.
    """

    def __init__(self, channels: int, maps: int, hidden: int):
        super().__init__()
        self.hidden = nn.Conv2d(maps, hidden, 3, 1, 1)
        self.scale, self.shift = (nn.Conv2d(hidden, channels, 3, 1, 1) for _ in range(2))

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:
        """Features of the shape that they had.

        Args:
            features: x `(batch, channels, rows, columns)`.
            maps: m `(batch, maps, any rows, any columns)`.
        """
        if maps.shape[-2:] != features.shape[-2:]:
            maps = functional.interpolate(
                maps, features.shape[-2:], mode="bilinear", align_corners=False
            )
        hidden = functional.relu(self.hidden(maps))
        normed = functional.instance_norm(features)
        return normed * (1 + self.scale(hidden)) + self.shift(hidden)


class SpadeBlock(nn.Module):
    """x + conv(lrelu(spade(conv(lrelu(spade(x)))))), with conv(spade(x)) for x where widths change.

    Args:
        inputs: channels.
        outputs: channels.
        maps: how many.
        hidden: channels between the maps and what is made of them.
    """

    def __init__(self, inputs: int, outputs: int, maps: int, hidden: int):
        super().__init__()
        middle = min(inputs, outputs)
        self.first = Spade(inputs, maps, hidden)
        self.conv = nn.Conv2d(inputs, middle, 3, 1, 1)
        self.second = Spade(middle, maps, hidden)
        self.last = nn.Conv2d(middle, outputs, 3, 1, 1)
        self.other = inputs != outputs
        if self.other:
            self.skip = Spade(inputs, maps, hidden)
            self.resize = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:
        """Features `(batch, outputs, rows, columns)` of `(batch, inputs, rows, columns)`."""
        values = self.conv(functional.leaky_relu(self.first(features, maps), _SLOPE))
        values = self.last(functional.leaky_relu(self.second(values, maps), _SLOPE))
        return values + (self.resize(self.skip(features, maps)) if self.other else features)


class SpadeResNet(nn.Module):
    """Images to a code, and by attention maps to images again (SASAN; Tomar et al. 2021).

    Down by convolutions 7 x 7, two 3 x 3 of stride 2 and one of stride 1, with instance norm and
    rectifiers; up by three SPADE blocks, bilinear doubling after the first two, and two
    convolutions 3 x 3, tanh.

    Args:
        inputs: channels of images, taken and given.
        width: channels after the first convolution; four times as many in the code.
        maps: how many.
    """

    stride = 4

    def __init__(self, inputs: int = 1, width: int = 32, maps: int = 8):
        super().__init__()
        self.inputs, self.code = inputs, 4 * width
        self.down = nn.Sequential(
            *_normed(nn.Conv2d(inputs, width, 7, 1, 3)),
            *_normed(nn.Conv2d(width, 2 * width, 3, 2, 1)),
            *_normed(nn.Conv2d(2 * width, 4 * width, 3, 2, 1)),
            *_normed(nn.Conv2d(4 * width, 4 * width, 3, 1, 1)),
        )
        widths = [4 * width, 4 * width, 2 * width, width]
        self.blocks = nn.ModuleList(
            SpadeBlock(before, after, maps, 2 * width)
            for before, after in itertools.pairwise(widths)
        )
        self.last = nn.Sequential(
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(width, width // 2, 3, 1, 1),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(width // 2, inputs, 3, 1, 1),
        )

    def forward(self, images: Tensor, maps: Tensor) -> Tensor:
        """Images in [-1, 1] of images and their maps, both `(batch, ..., rows, columns)`.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        return self.decode(self.encode(images), maps)

    def encode(self, images: Tensor) -> Tensor:
        """The code `(batch, code, rows / 4, columns / 4)` of images.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        check_images(images, "SPADE generator", self.inputs, self.stride, 2 * self.stride)
        return self.down(images)

    def decode(self, code: Tensor, maps: Tensor) -> Tensor:
        """Images in [-1, 1], in 32 bits, of a code and maps of the size of images."""
        values = code
        for number, block in enumerate(self.blocks):
            values = block(values, maps)
            if number < 2:
                values = functional.interpolate(
                    values, scale_factor=2.0, mode="bilinear", align_corners=False
                )
        return as_images(self.last(values))


def _normed(conv: nn.Conv2d) -> tuple[nn.Module, ...]:
    return conv, nn.InstanceNorm2d(conv.out_channels), nn.ReLU(inplace=True)

"""The residual generator of CycleGAN and CUT, which sees near and changes little with the size."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from insonate.nets.blur import BilinearUp, BlurDown
from insonate.nets.initialise import normal_weights, xavier_weights
from insonate.nets.last import as_images
from insonate.nets.sizes import check_images

__all__ = ["Padding", "ResNet", "ResidualBlock"]

Padding = Literal["reflect", "replicate", "zeros"]


class ResNet(nn.Module):
    """Images to images: down by 4, residual blocks, up by 4.

    Convolution 7 x 7, two 3 x 3 of stride 2, blocks x + norm(conv(relu(norm(conv(x))))), two
    transposed 3 x 3 of stride 2, convolution 7 x 7, tanh; instance norm and rectifier after
    all but the last. (Johnson et al. 2016, Zhu et al. 2017: 9 blocks.) Without aliasing, sides
    are halved by a blur behind a convolution and doubled bilinearly before one (Park et al.
    2020).

    Args:
        inputs: channels of the images that it takes.
        outputs: channels of the images that it gives, in [-1, 1].
        width: channels after the first convolution; four times as many in the blocks.
        blocks: how many.
        padding: of the convolutions that keep the size; gradients of `reflect` have no
            deterministic kernel on CUDA.
        residual: what is learned is a change of the first channels.
        antialias: as CUT; its weights begin as CUT's do, too.
    """

    stride = 4

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        width: int = 64,
        blocks: int = 9,
        padding: Padding = "reflect",
        residual: bool = False,
        antialias: bool = False,
    ):
        super().__init__()
        self.inputs, self.residual = inputs, residual
        down = [layer for k in (1, 2) for layer in _down(k * width, antialias)]
        self.layers = nn.Sequential(
            *_normed(nn.Conv2d(inputs, width, 7, 1, 3, padding_mode=padding)),
            *down,
            *(ResidualBlock(4 * width, padding) for _ in range(blocks)),
            *_up(4 * width, antialias),
            *_up(2 * width, antialias),
            nn.Conv2d(width, outputs, 7, 1, 3, padding_mode=padding),
        )
        half, first = 3 + len(down) // 2, 3 + len(down)
        #: Where features are taken: both convolutions that halve, blocks 1 and 5 (or the last).
        self.taps = (3, half, first, first + min(5, blocks) - 1)
        self.channels = (inputs, 2 * width, 4 * width, 4 * width, 4 * width)
        (xavier_weights if antialias else normal_weights)(self)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, outputs, rows, columns)` of `(batch, inputs, rows, columns)`.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        return self.translate(images)[0]

    def translate(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Images, and the features seen on the way, as `features` gives them.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        values, seen = self._run(images, len(self.layers))
        return as_images(values, images if self.residual else None), seen

    def features(self, images: Tensor) -> list[Tensor]:
        """Pixels, both convolutions that halve before their norm, blocks 1 and 5 (or the last).

        Returns:
            Five, `(batch, channels[k], rows, columns)`; sides shrink up to `stride` times.
        """
        return self._run(images, self.taps[-1] + 1)[1]

    def _run(self, images: Tensor, count: int) -> tuple[Tensor, list[Tensor]]:
        check_images(images, "ResNet", self.inputs, self.stride, 2 * self.stride)
        values, seen = images, [images]
        for number, layer in enumerate(itertools.islice(self.layers, count)):
            values = layer(values)
            seen += [values] if number in self.taps else []
            if self.taps[2] == self.taps[3] == number:  # of one block only
                seen.append(values)
        return values, seen


class ResidualBlock(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))), both convolutions 3 x 3.

    Args:
        width: channels.
        padding: of the convolutions.
        norm: instance norm, or none.
    """

    def __init__(self, width: int, padding: Padding = "reflect", norm: bool = True):
        super().__init__()
        first, last = (nn.Conv2d(width, width, 3, 1, 1, padding_mode=padding) for _ in range(2))
        normed = [nn.InstanceNorm2d(width)] if norm else []
        self.change = nn.Sequential(first, *normed, nn.ReLU(inplace=True), last, *normed)

    def forward(self, images: Tensor) -> Tensor:
        """Features of the shape that they had."""
        return images + self.change(images)


def _normed(conv: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    return conv, nn.InstanceNorm2d(conv.out_channels), nn.ReLU(inplace=True)


def _down(width: int, antialias: bool) -> Sequence[nn.Module]:
    if antialias:
        return *_normed(nn.Conv2d(width, 2 * width, 3, 1, 1)), BlurDown()
    return _normed(nn.Conv2d(width, 2 * width, 3, 2, 1))


def _up(width: int, antialias: bool) -> Sequence[nn.Module]:
    if antialias:
        return BilinearUp(), *_normed(nn.Conv2d(width, width // 2, 3, 1, 1))
    return _normed(nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1))

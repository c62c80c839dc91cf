"""The residual generator of CycleGAN, which sees near and changes little from size to size."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from insonate.nets.initialise import normal_weights
from insonate.nets.last import as_images
from insonate.nets.sizes import check_images

__all__ = ["ResNet"]

Padding = Literal["reflect", "replicate", "zeros"]


class ResNet(nn.Module):
    """Images to images: down by 4, residual blocks, up by 4.

    Convolution 7 x 7, two 3 x 3 of stride 2, blocks x + norm(conv(relu(norm(conv(x))))), two
    transposed 3 x 3 of stride 2, convolution 7 x 7, tanh; instance norm and rectifier after
    all but the last. (Johnson et al. 2016, Zhu et al. 2017: 9 blocks.)

    Args:
        inputs: channels of the images that it takes.
        outputs: channels of the images that it gives, in [-1, 1].
        width: channels after the first convolution; four times as many in the blocks.
        blocks: how many.
        padding: of the convolutions that keep the size; gradients of `reflect` have no
            deterministic kernel on CUDA.
        residual: what is learned is a change of the first channels.
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
    ):
        super().__init__()
        self.inputs, self.residual = inputs, residual
        self.layers = nn.Sequential(
            *_normed(nn.Conv2d(inputs, width, 7, 1, 3, padding_mode=padding)),
            *_normed(nn.Conv2d(width, 2 * width, 3, 2, 1)),
            *_normed(nn.Conv2d(2 * width, 4 * width, 3, 2, 1)),
            *(_Block(4 * width, padding) for _ in range(blocks)),
            *_normed(nn.ConvTranspose2d(4 * width, 2 * width, 3, 2, 1, output_padding=1)),
            *_normed(nn.ConvTranspose2d(2 * width, width, 3, 2, 1, output_padding=1)),
            nn.Conv2d(width, outputs, 7, 1, 3, padding_mode=padding),
        )
        normal_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, outputs, rows, columns)` of `(batch, inputs, rows, columns)`.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        check_images(images, "ResNet", self.inputs, self.stride, 2 * self.stride)
        return as_images(self.layers(images), images if self.residual else None)


class _Block(nn.Module):
    """x + norm(conv(relu(norm(conv(x)))))."""

    def __init__(self, width: int, padding: Padding):
        super().__init__()
        first, last = (nn.Conv2d(width, width, 3, 1, 1, padding_mode=padding) for _ in range(2))
        self.change = nn.Sequential(*_normed(first), last, nn.InstanceNorm2d(width))

    def forward(self, images: Tensor) -> Tensor:
        return images + self.change(images)


def _normed(conv: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    return conv, nn.InstanceNorm2d(conv.out_channels), nn.ReLU(inplace=True)

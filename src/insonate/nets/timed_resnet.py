"""The residual generator of CUT, told a time and moved by noise (UNSB, Kim et al. 2024)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.initialise import xavier_weights
from insonate.nets.last import as_images
from insonate.nets.resnet import Padding, ResidualBlock, ResNet
from insonate.nets.sizes import check_images
from insonate.nets.timed_unet import waves

__all__ = ["TimedResNet"]

_SLOPE = 0.2  # of leaky rectifiers between layers of noise
_LAYERS = 4  # of these
_SMALL = 1e-8  # added to the mean square of noise


class TimedResNet(nn.Module):
    """Images, times and noise to images: CUT's `ResNet`, whose blocks are told both.

    Behind both norms of a block, features are scaled and shifted by the noise, and behind the
    first they are shifted by the time as well.

    Args:
        inputs: channels of images, taken and given.
        width: channels after the first layer; four times as many in the blocks, and of the noise.
        blocks: how many.
        padding: of the convolutions that keep the size.
    """

    stride = ResNet.stride

    def __init__(
        self, inputs: int = 1, width: int = 64, blocks: int = 9, padding: Padding = "reflect"
    ):
        super().__init__()
        plain = ResNet(inputs, inputs, width, blocks, padding, antialias=True)
        self.inputs, self.taps, self.channels = inputs, plain.taps, plain.channels
        self.waves, self.noise = width + width % 2, 4 * width
        self.layers = nn.ModuleList(
            _TimedBlock(layer, self.noise) if isinstance(layer, ResidualBlock) else layer
            for layer in plain.layers
        )
        self.of_time = nn.Sequential(
            nn.Linear(self.waves, self.noise), nn.SiLU(), nn.Linear(self.noise, self.noise)
        )
        self.of_noise = nn.Sequential(
            *(layer for _ in range(_LAYERS) for layer in _leaky(self.noise))
        )

    def forward(self, images: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """Images `(batch, inputs, rows, columns)`, in 32 bits.

        Args:
            images: `(batch, inputs, rows, columns)`.
            times: `(batch,)`, 0 to 1.
            noise: normal, `(batch, noise)`.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        return as_images(self._run(images, times, noise, len(self.layers))[0])

    def features(self, images: Tensor, times: Tensor, noise: Tensor) -> list[Tensor]:
        """What `ResNet.features` gives, at times and by noise.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        return self._run(images, times, noise, self.taps[-1] + 1)[1]

    def _run(
        self, images: Tensor, times: Tensor, noise: Tensor, count: int
    ) -> tuple[Tensor, list[Tensor]]:
        check_images(images, "timed ResNet", self.inputs, self.stride, 2 * self.stride)
        time = self.of_time(waves(times, self.waves))
        noise = self.of_noise(_of_length_one(noise))
        values, seen = images, [images]
        for number, layer in enumerate(itertools.islice(self.layers, count)):
            timed = isinstance(layer, _TimedBlock)
            values = layer(values, time, noise) if timed else layer(values)
            seen += [values] * self.taps.count(number)
        return values, seen


class _TimedBlock(nn.Module):
    """x + styled(norm(conv(relu(styled(norm(conv(x))) + time))))."""

    def __init__(self, plain: ResidualBlock, known: int):
        super().__init__()
        self.first, self.last = (layer for layer in plain.change if isinstance(layer, nn.Conv2d))
        channels = self.first.out_channels
        self.time = nn.Linear(known, channels)
        self.styles = nn.ModuleList(nn.Linear(known, 2 * channels) for _ in range(2))
        xavier_weights(self.time)
        xavier_weights(self.styles)

    def forward(self, images: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        first, last = self.styles
        values = _styled(self.first(images), first(noise))
        values = functional.relu(values + self.time(functional.silu(time))[:, :, None, None])
        return images + _styled(self.last(values), last(noise))


def _styled(values: Tensor, style: Tensor) -> Tensor:
    """norm(x) (1 + scale) + shift."""
    scale, shift = style[:, :, None, None].chunk(2, dim=1)
    return functional.instance_norm(values) * (1 + scale) + shift


def _of_length_one(noise: Tensor) -> Tensor:
    """Noise with a mean square of 1."""
    return noise * torch.rsqrt(noise.float().square().mean(dim=1, keepdim=True) + _SMALL)


def _leaky(width: int) -> tuple[nn.Module, ...]:
    return nn.Linear(width, width), nn.LeakyReLU(_SLOPE)

"""A U-Net that knows what time it is, for methods that go from image to image in steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from insonate.nets.sizes import check_images

__all__ = ["TimedUNet", "waves"]

_SMALL = 1e-5  # added to mean squares
_PERIODS = 1000.0  # ratio of the longest to the shortest period of the waves of time


class TimedUNet(nn.Module):
    """Images and times to images, by residual blocks on some scales, with skips.

    Every block is scaled and shifted by the time (Ho et al. 2020; Dhariwal and Nichol 2021).
    There is neither attention nor a norm over the image: a pixel depends on what is near, so
    whole images look as windows of them do. The last convolution begins at 0.

    Args:
        inputs: channels of the images that it takes.
        outputs: channels of the images that it gives, unbounded.
        widths: channels on every scale, fine to coarse; sides are halved between.
        blocks: residual blocks of every scale on the way down, and one more on the way up; two
            between.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        widths: Sequence[int] = (32, 64, 128, 128),
        blocks: int = 1,
    ):
        super().__init__()
        self.inputs, self.stride, self.blocks = inputs, 2 ** (len(widths) - 1), blocks
        self.waves, known = widths[0] + widths[0] % 2, 4 * widths[0]
        self.time = nn.Sequential(nn.Linear(self.waves, known), nn.SiLU(), nn.Linear(known, known))
        self.stem = nn.Conv2d(inputs, widths[0], 3, 1, 1)
        self.down, self.smaller = nn.ModuleList(), nn.ModuleList()
        channels, skips = widths[0], [widths[0]]
        for level, width in enumerate(widths):
            if level:
                self.smaller.append(nn.Conv2d(channels, channels, 3, 2, 1))
                skips.append(channels)
            for _ in range(blocks):
                self.down.append(_Block(channels, width, known))
                channels = width
                skips.append(channels)
        self.middle = nn.ModuleList(_Block(channels, channels, known) for _ in range(2))
        self.up, self.larger = nn.ModuleList(), nn.ModuleList()
        for level, width in reversed(list(enumerate(widths))):
            for _ in range(blocks + 1):
                self.up.append(_Block(channels + skips.pop(), width, known))
                channels = width
            if level:
                self.larger.append(nn.Conv2d(channels, channels, 3, 1, 1))
        self.norm, self.last = _Norm(channels), _zero(channels, outputs)

    def forward(self, images: Tensor, times: Tensor) -> Tensor:
        """Images `(batch, outputs, rows, columns)`.

        Args:
            images: `(batch, inputs, rows, columns)`.
            times: `(batch,)`, 0 to 1.

        Raises:
            InputError: sides that are no multiples of `stride`, or other channels.
        """
        check_images(images, "timed U-Net", self.inputs, self.stride, self.stride)
        known = self.time(waves(times, self.waves))
        values = self.stem(images)
        seen = [values]
        for number, block in enumerate(self.down):
            if number and number % self.blocks == 0:
                values = self.smaller[number // self.blocks - 1](values)
                seen.append(values)
            values = block(values, known)
            seen.append(values)
        for block in self.middle:
            values = block(values, known)
        for number, block in enumerate(self.up):
            if number and number % (self.blocks + 1) == 0:
                values = functional.interpolate(values, scale_factor=2.0, mode="nearest")
                values = self.larger[number // (self.blocks + 1) - 1](values)
            values = block(torch.cat([values, seen.pop()], dim=1), known)
        return self.last(functional.silu(self.norm(values))).float()


class _Block(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x)))) (1 + scale) + shift)), scale and shift by time."""

    def __init__(self, inputs: int, outputs: int, known: int):
        super().__init__()
        self.norm, self.conv = _Norm(inputs), nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.time = nn.Linear(known, 2 * outputs)
        self.normed, self.last = _Norm(outputs), _zero(outputs, outputs)
        same = inputs == outputs
        self.skip = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1)

    def forward(self, images: Tensor, known: Tensor) -> Tensor:
        scale, shift = self.time(functional.silu(known))[:, :, None, None].chunk(2, dim=1)
        values = self.conv(functional.silu(self.norm(images)))
        values = self.last(functional.silu(self.normed(values) * (1 + scale) + shift))
        return self.skip(images) + values


class _Norm(nn.Module):
    """x / sqrt(mean of x^2 over channels), pixel by pixel, with gain and bias by channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        power = images.float().square().mean(dim=1, keepdim=True)
        return images * torch.rsqrt(power + _SMALL) * self.weight + self.bias


def waves(times: Tensor, count: int) -> Tensor:
    """Cosines and sines of times, periods from 2 pi / 1000 to 2 pi.

    Args:
        times: `(batch,)`, 0 to 1.
        count: of waves, even.

    Returns:
        `(batch, count)`.
    """
    half = count // 2
    steps = torch.arange(half, dtype=torch.float32, device=times.device) / max(half - 1, 1)
    phases = times.float()[:, None] * torch.exp(math.log(_PERIODS) * steps)
    return torch.cat([phases.cos(), phases.sin()], dim=1)


def _zero(inputs: int, outputs: int) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 3, 1, 1)
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv

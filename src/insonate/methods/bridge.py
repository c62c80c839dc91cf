"""A bridge from low-quality images to high-quality ones, in steps, on pairs.

Between a high-quality image x_0 (time 0) and its low-quality image x_1 (time 1) there is a
Brownian bridge of deviation sigma (I2SB, Liu et al. 2023; BBDM, Li et al. 2023):

    x_t = (1-t) x_0 + t x_1 + sigma sqrt(t (1-t)) e,         e normal         (marginal)

A network F is taught to say where the bridge began, given where it is and the conditions w:

    min E |x_0 - F(x_t, t, w)|^2

To translate, go back from x_1: from time t to s < t by the bridge that leads from F to x_t:

    x_s = (1 - s/t) F + (s/t) x_t + sigma sqrt(s (t-s) / t) e                (posterior)
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from insonate.data.batches import Batch
from insonate.errors import InputError
from insonate.methods.conditions import (
    Attenuation,
    Conditions,
    Inputs,
    LabelEncoding,
    black_outside,
)
from insonate.methods.method import Adam, Losses, Method, at_least, at_most
from insonate.nets import TimedUNet

__all__ = ["Bridge", "BridgeConfig", "marginal", "posterior"]

# beyond these an image would be halved away, or no memory would hold the weights
_SCALES, _WIDEST, _BLOCKS = 8, 1024, 100


@dataclass(frozen=True)
class BridgeConfig:
    """A bridge on pairs.

    Attributes:
        inputs: image and mask (M), labels as well (MS), attenuation as well (MSA).
        labels: one grey channel, or one channel a region.
        attenuation: intensity, its level in dB, or the shadow map in its place.
        widths: channels of the network on every scale, fine to coarse.
        blocks: of every scale.
        sigma: deviation of the bridge, in grey values of [-1, 1].
        steps: of a translation.
        noisy: draw from the posterior; its mean otherwise.
        adam: of the network.
    """

    name: Literal["bridge"] = "bridge"
    inputs: Inputs = "MSA"
    labels: LabelEncoding = "gray"
    attenuation: Attenuation = "linear"
    widths: tuple[int, ...] = (32, 64, 128, 128)
    blocks: int = 1
    sigma: float = 0.5
    steps: int = 10
    noisy: bool = True
    adam: Adam = field(default_factory=lambda: Adam(betas=(0.9, 0.999)))

    def __post_init__(self) -> None:
        """Refuse what there cannot be.

        Raises:
            InputError: names the field and what it may be.
        """
        for number, width in enumerate(self.widths):
            at_least(f"widths[{number}]", width, 2)
            at_most(f"widths[{number}]", width, _WIDEST)
        for name in ("blocks", "steps"):
            at_least(name, getattr(self, name), 1)
        if not 1 <= (scales := len(self.widths)) <= _SCALES:
            raise InputError(f"method.widths: expected 1 to {_SCALES} scales, got {scales}")
        at_most("blocks", self.blocks, _BLOCKS)
        at_least("sigma", self.sigma, 0)

    def build(self, classes: int) -> Bridge:
        """The method, for labels of so many regions."""
        return Bridge(self, classes)


class Bridge(Method):
    """The network of a configuration, and its way through a bridge."""

    target = "bmode"

    def __init__(self, config: BridgeConfig, classes: int):
        super().__init__()
        self.config = config
        self.conditions = Conditions(config.inputs, classes, config.labels, config.attenuation)
        self.inputs = self.conditions.arrays
        self.generator = TimedUNet(self.conditions.channels + 1, 1, config.widths, config.blocks)
        self.stride = self.generator.stride
        self.adam = {"generator": config.adam}

    def losses(self, batch: Batch) -> Losses:
        """The squared difference at a time that is drawn for every sample."""
        start, end = (black_outside(batch[name], batch["mask"]) for name in ("bmode", "bmode_fast"))
        times = batch.chance.uniform(torch.empty_like(start[:, :1, :1, :1]))
        here = marginal(start, end, times, self._noise(batch, start))
        found = self.start(here, times, self.conditions(batch), batch["mask"])
        yield "generator", {"start": (found - start).square().mean()}

    @torch.no_grad()
    def translate(self, batch: Batch) -> Tensor:
        """High-quality images of low-quality ones, after all steps."""
        given, here = self.conditions(batch), black_outside(batch["bmode_fast"], batch["mask"])
        times = [left / self.config.steps for left in range(self.config.steps, -1, -1)]
        for time, earlier in itertools.pairwise(times):
            now = here.new_full((here.shape[0], 1, 1, 1), time)
            found = self.start(here, now, given, batch["mask"]).clamp(-1, 1)
            noise = self._noise(batch, here) if self.config.noisy and earlier else 0.0
            here = posterior(found, here, time, earlier, noise)
        return here

    def start(self, here: Tensor, times: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Where bridges began, F(x_t, t, w), as far as the network knows.

        Args:
            here: x_t `(batch, 1, rows, columns)`.
            times: t `(batch, 1, 1, 1)`.
            given: conditions `(batch, channels, rows, columns)`.
            mask: of the fan `(batch, 1, rows, columns)`.
        """
        here = black_outside(here, mask)
        change = self.generator(torch.cat([here, given], dim=1), times.flatten())
        return black_outside(here + change, mask)

    def _noise(self, batch: Batch, like: Tensor) -> Tensor:
        return self.config.sigma * batch.chance.normal(like)


def marginal(start: Tensor, end: Tensor, times: Tensor, noise: Tensor) -> Tensor:
    """Bridges at some time: mean (1-t) x_0 + t x_1, variance sigma^2 t (1-t).

    Args:
        start: x_0 `(batch, channels, rows, columns)`.
        end: x_1, alike.
        times: t `(batch, 1, 1, 1)`.
        noise: normal, of deviation sigma, alike.
    """
    return (1 - times) * start + times * end + (times * (1 - times)).sqrt() * noise


def posterior(
    start: Tensor, here: Tensor, time: float, earlier: float, noise: Tensor | float
) -> Tensor:
    """Bridges at an earlier time, of those that began at `start` and are `here`.

    Args:
        start: x_0 `(batch, channels, rows, columns)`.
        here: x_t, alike.
        time: t.
        earlier: s, less than t.
        noise: normal, of deviation sigma, alike; 0 for the mean.
    """
    share = earlier / time
    spread = (share * (time - earlier)) ** 0.5
    return (1 - share) * start + share * here + spread * noise

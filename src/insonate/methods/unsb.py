"""UNSB: simulated to real along a Schroedinger bridge, in steps (Kim et al. 2024).

From simulated images x_0, at time 0, a chain goes to real ones, at time 1, in steps between times
t_0 = 0 < t_1 < ... < t_T = 1. A generator G is taught to say from where the chain is, and the time,
where it ends, x_1 = G(x_t, t, z); from time t to u > t it goes by the bridge that ends there,

    x_u = s x_1 + (1 - s) x_t + sqrt(tau s (1 - s) (1 - t)) e,     s = (u - t) / (1 - t)   (step)

with z and e normal. At a time that is drawn, generator and projection learn from

    L = L_GAN(x_1) + lambda_SB L_SB + lambda_NCE (L_NCE(x_0, x_1) + L_NCE(y, G(y, t, z))) / 2
    L_SB = transport E |x_t - x_1|^2 - tau (1 - t) H(x_t, x_1)

where a discriminator of that time tells x_1 from real images y, and the entropy H of pairs
p = (x_t, x_1) is what the energy network T finds, by Donsker and Varadhan:

    H = E T(p, p) - log E exp T(p, p'),        p' an independent pair                  (entropy)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from insonate.data.batches import Batch
from insonate.methods.conditions import black_outside
from insonate.methods.contrast import PLACES, contrastive_loss
from insonate.methods.domains import Images, Masks, Source, UnpairedMethod, Way, weights_of
from insonate.methods.gan import discriminator_loss, generator_loss, mean_within
from insonate.methods.method import Adam, Losses, at_least, at_most, from_one_to
from insonate.nets import Projection
from insonate.nets.resnet import Padding
from insonate.nets.timed_patchgan import TimedPatchGAN
from insonate.nets.timed_resnet import TimedResNet

__all__ = ["UNSB", "UNSBConfig", "bridge_step", "chain_times", "pair_entropy"]

_WAYS: tuple[Way, ...] = (("simulated", "real"),)
_MOST = {"width": 1024, "blocks": 100, "discriminator_width": 1024, "discriminator_layers": 6,
         "projection_width": 4096, "times": 1000}  # fmt: skip


@dataclass(frozen=True)
class UNSBConfig:
    """UNSB; its authors' defaults, unless said otherwise.

    Attributes:
        source: image of the simulator that is translated.
        masks: what the discriminator sees, and where losses count.
        width: channels of the generator after its first layer.
        blocks: of the generator.
        padding: of its convolutions.
        discriminator_width: channels after its first layer; of the energy network, too.
        discriminator_layers: with features; of the energy network, too.
        times: T, steps of the chain.
        steps: of a translation, how often the generator is asked; T at most.
        noisy: every translation has noise of its own; all have the same z and no e otherwise.
        tau: how far the chain may stray.
        transport: weight of the mean square of x_t - x_1.
        bridge: weight lambda_SB.
        gan: weight of the adversarial loss.
        nce: weight of the contrastive losses.
        identity: real images are to stay what they are, by the contrastive loss.
        places: that are compared in a layer.
        projection_width: of the vectors that are compared.
        adam: of the networks.
        discriminator_adam: of the discriminator and the energy network, if it is another.
    """

    name: Literal["unsb"] = "unsb"
    source: Source = "bmode"
    masks: Masks = "joint"
    width: int = 64
    blocks: int = 9
    padding: Padding = "reflect"
    discriminator_width: int = 64
    discriminator_layers: int = 4
    times: int = 5
    steps: int = 5
    noisy: bool = True
    tau: float = 0.01
    transport: float = 0.01
    bridge: float = 1.0
    gan: float = 1.0
    nce: float = 1.0
    identity: bool = True
    places: int = PLACES
    projection_width: int = 256
    adam: Adam = field(default_factory=Adam)
    discriminator_adam: Adam | None = None

    def __post_init__(self) -> None:
        """Refuse what there cannot be.

        Raises:
            InputError: names the field and what it may be.
        """
        from_one_to(self, _MOST)
        least = {"steps": 1, "tau": 0, "transport": 0, "bridge": 0, "gan": 0, "nce": 0, "places": 2}
        for name, value in least.items():
            at_least(name, getattr(self, name), value)
        at_most("steps", self.steps, self.times)

    def build(self, classes: int) -> UNSB:
        """The method; labels are not looked at."""
        return UNSB(self, classes)


@dataclass(frozen=True)
class _Pairs:
    """Where chains are, and where they would end.

    Attributes:
        times: t `(batch,)`.
        start: x_0 and its mask.
        here: x_t.
        end: x_1, and the same mask.
    """

    times: Tensor
    start: Images
    here: Tensor
    end: Images

    def detached(self) -> _Pairs:
        """Without gradients."""
        end = Images(self.end.values.detach(), self.end.mask)
        return _Pairs(self.times, self.start, self.here, end)

    def beside(self, other: _Pairs) -> Tensor:
        """Both pairs as the channels of one image."""
        return torch.cat([self.here, self.end.values, other.here, other.end.values], dim=1)


class UNSB(UnpairedMethod):
    """Generator, projection, discriminator and energy network of a configuration."""

    stride = TimedResNet.stride
    draws = 2  # entropy needs pairs that have nothing to do with each other
    steady: Tensor

    def __init__(self, config: UNSBConfig, classes: int):
        super().__init__(classes, config.source, config.masks, _WAYS)
        self.config, self.times = config, chain_times(config.times)
        self.generator = TimedResNet(1, config.width, config.blocks, config.padding)
        self.projection = Projection(self.generator.channels, config.projection_width)
        judge = config.discriminator_width, config.discriminator_layers
        self.discriminator = TimedPatchGAN(1, *judge)
        self.energy = TimedPatchGAN(4, *judge)
        steady = torch.Generator().manual_seed(0)
        self.register_buffer(
            "steady",
            torch.randn(1, self.generator.noise, generator=steady, device="cpu"),
            persistent=False,
        )
        of_judges = config.discriminator_adam or config.adam
        self.adam = {
            "discriminator": of_judges,
            "energy": of_judges,
            "generator": config.adam,
            "projection": config.adam,
        }

    def losses(self, batch: Batch) -> Losses:
        """Discriminator, energy network, then generator and projection, at a time of the chain."""
        config = self.config
        time = self.times[int(batch.chance.shared().integers(config.times))]
        real = self.images(batch.draw(0, self.draws), "real")
        pairs, others = self._pairs(batch, time)
        times = pairs.times
        yield "discriminator", {"gan": self._judge(real, pairs)}
        entropy, contrast = self._entropy(pairs.detached(), others.detached())
        yield "energy", {"entropy": -entropy, "drift": contrast.square().mean()}

        entropy, _ = self._entropy(pairs, others)
        way = mean_within((pairs.here - pairs.end.values).square(), self._within(pairs.start))
        terms = {
            "gan": config.gan * self._fool(real, pairs),
            "transport": config.bridge * config.transport * way,
            "entropy": -config.bridge * config.tau * (1 - time) * entropy,
        }
        noise = self._noise(batch, real.values, 1)
        halved = config.nce * (0.5 if config.identity else 1.0)
        terms["nce"] = halved * self._contrast(batch, pairs.start, pairs.end, noise)
        if config.identity:
            same = self._end(real, real.values, times, noise)
            terms["identity"] = halved * self._contrast(batch, real, same, noise)
        yield ("generator", "projection"), terms

    @torch.no_grad()
    def translate(self, batch: Batch) -> Tensor:
        """Real images of simulated ones, after some steps of the chain."""
        given, times = self.given(batch), self.times[: self.config.steps]
        if self.config.noisy:
            here = self._chain(batch, given, times, 1)
            noise = self._noise(batch, here, 1)
        else:
            noise = self.steady.expand(len(batch), -1)
            here = given.values
            for time, later in itertools.pairwise(times):
                end = self._end(given, here, _all(time, here), noise).values
                here = bridge_step(here, end, time, later)
        return self._end(given, here, _all(times[-1], here), noise).values

    def _chain(self, batch: Batch, start: Images, times: Sequence[float], draws: int) -> Tensor:
        """Where chains are at the last of some times, which begin with 0."""
        here = start.values
        for time, later in itertools.pairwise(times):
            end = self._end(start, here, _all(time, here), self._noise(batch, here, draws)).values
            drawn = math.sqrt(self.config.tau) * self._normal(batch, here, draws)
            here = black_outside(bridge_step(here, end, time, later, drawn), start.mask)
        return here

    def _pairs(self, batch: Batch, time: float) -> list[_Pairs]:
        """Pairs of both draws at a time."""
        drawn = [self.images(batch.draw(k, self.draws), "simulated") for k in range(self.draws)]
        values, mask = [each.values for each in drawn], [each.mask for each in drawn]
        start = Images(torch.cat(values), torch.cat(mask))
        with torch.no_grad():
            here = self._chain(batch, start, self.times[: self.times.index(time) + 1], self.draws)
        torch.clear_autocast_cache()  # older torch would use weights cast without gradients
        times = _all(time, here)
        end = self._end(start, here, times, self._noise(batch, here, self.draws))
        parts = (each.chunk(self.draws) for each in (times, here, end.values))
        return [
            _Pairs(t, first, x_t, Images(x_1, first.mask))
            for first, t, x_t, x_1 in zip(drawn, *parts, strict=True)
        ]

    def _end(self, start: Images, here: Tensor, times: Tensor, noise: Tensor) -> Images:
        """Where chains end, x_1 = G(x_t, t, z)."""
        return Images(black_outside(self.generator(here, times, noise), start.mask), start.mask)

    def _noise(self, batch: Batch, like: Tensor, draws: int) -> Tensor:
        """Z of every image."""
        return self._normal(batch, like.new_empty(len(like), self.generator.noise), draws)

    def _normal(self, batch: Batch, like: Tensor, draws: int) -> Tensor:
        """Normal numbers, that a sample has in whatever batch it is."""
        return torch.cat([batch.chance.normal(part) for part in like.chunk(draws)])

    def _within(self, images: Images) -> Tensor | None:
        return images.mask if self.masks == "joint" else None

    def _judge(self, real: Images, pairs: _Pairs) -> Tensor:
        right, wrong, within = self.seen(real, pairs.detached().end)
        true, fake = (self.discriminator(images, pairs.times) for images in (right, wrong))
        return discriminator_loss("lsgan", true, fake, weights_of(true, within))

    def _fool(self, real: Images, pairs: _Pairs) -> Tensor:
        _, seen, within = self.seen(real, pairs.end)
        scores = self.discriminator(seen, pairs.times)
        return generator_loss("lsgan", scores, weights_of(scores, within))

    def _entropy(self, pairs: _Pairs, others: _Pairs) -> tuple[Tensor, Tensor]:
        """Entropy of pairs as the energy network finds it, and its second term by sample."""
        same, other = (self.energy(pairs.beside(p), pairs.times) for p in (pairs, others))
        both = None if self.masks == "none" else pairs.start.mask * others.start.mask
        return pair_entropy(same, other, weights_of(same, both))

    def _contrast(self, batch: Batch, start: Images, end: Images, noise: Tensor) -> Tensor:
        """The contrastive loss, by features of time 0."""
        times = _all(0.0, start.values)
        keys, queries = (
            self.generator.features(images.values, times, noise) for images in (start, end)
        )
        return contrastive_loss(
            self.projection, queries, keys, batch.chance.shared(), self._within(start),
            self.config.places,
        )  # fmt: skip


def chain_times(count: int) -> tuple[float, ...]:
    """Times t_0 to t_{T-1} of a chain, 0 and then from 1/2 on, by harmonic steps towards 1.

    t_i = (1 + H_{i-1} / H_{T-1}) / 2 with harmonic numbers H, as the authors have it: 0, 0.5, 0.74,
    0.86 and 0.94 if T = 5.

    Args:
        count: T, at least 1.
    """
    harmonic = [sum(1 / k for k in range(1, n + 1)) for n in range(count)]
    return (0.0, *(0.5 + 0.5 * h / harmonic[-1] for h in harmonic[: count - 1]))


def bridge_step(
    here: Tensor, end: Tensor, time: float, later: float, noise: Tensor | float = 0.0
) -> Tensor:
    """Chains at a later time, of those that are `here` and would end at `end`.

    Args:
        here: x_t `(batch, channels, rows, columns)`.
        end: x_1, alike.
        time: t.
        later: u, from t to 1.
        noise: normal, of variance tau, alike; 0 for the mean.
    """
    share = (later - time) / (1 - time)
    return share * end + (1 - share) * here + math.sqrt(share * (1 - share) * (1 - time)) * noise


def pair_entropy(same: Tensor, other: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """E T(p, p) - log E exp T(p, p'), over patches and then over samples; and the logarithms.

    Args:
        same: T(p, p) of patches, `(batch, 1, rows, columns)`.
        other: T(p, p'), alike.
        weights: 1 where patches count, alike; all do when None.

    Returns:
        The entropy, and log E exp T(p, p') of every sample, 0 where no patch counts.
    """
    if weights is None:
        weights = torch.ones_like(same)
    same, other, weights = (x.float().flatten(1) for x in (same, other, weights))
    count = weights.sum(dim=1)
    mean = (same * weights).sum(dim=1) / count.clamp(min=1)
    empty = (count == 0)[:, None]
    counted = other.masked_fill((weights == 0) & ~empty, -math.inf)
    logarithm = counted.logsumexp(dim=1) - count.clamp(min=1).log()
    logarithm = logarithm.masked_fill(empty[:, 0], 0.0)
    return (mean - logarithm).mean(), logarithm


def _all(time: float, like: Tensor) -> Tensor:
    return like.new_full((len(like),), time)

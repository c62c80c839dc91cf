"""CycleGAN: simulated images to real ones and back (Zhu et al. 2017).

G translates simulated images x to real ones, F real images y to simulated ones; D_Y and D_X
tell translated images from others. With least squares for log (section 4):

    L = L_GAN(G, D_Y) + L_GAN(F, D_X) + lambda L_cyc                         (equation 3)
    L_cyc = E |F(G(x)) - x| + E |G(F(y)) - y|                                (equation 2)
    L_identity = E |G(y) - y| + E |F(x) - x|, of weight lambda times its own (section 5.2)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from insonate.data.batches import Batch
from insonate.methods.conditions import black_outside
from insonate.methods.domains import Images, Masks, Source, UnpairedMethod, Way, weights_of
from insonate.methods.gan import GANLoss, discriminator_loss, generator_loss, mean_within
from insonate.methods.method import Adam, Losses, at_least, at_most
from insonate.methods.pool import exchanged, pool_of
from insonate.nets import PatchGAN, ResNet
from insonate.nets.resnet import Padding

__all__ = ["CycleGAN", "CycleGANConfig"]

_WAYS: tuple[Way, ...] = (("simulated", "real"), ("real", "simulated"))
_JUDGES = ("judge_real", "judge_simulated")
#: Beyond these no memory would hold the weights, or patches would be larger than images.
_MOST = {
    "width": 1024, "blocks": 100, "discriminator_width": 1024, "discriminator_layers": 6,
    "pool": 10_000,
}  # fmt: skip


@dataclass(frozen=True)
class CycleGANConfig:
    """CycleGAN; the official defaults, unless said otherwise.

    Attributes:
        source: the image of the simulator that is translated.
        masks: what discriminators see, and where losses count.
        width: channels of both generators after their first layers.
        blocks: of both.
        padding: of convolutions that keep the size; `reflect` has no deterministic gradient on
            CUDA.
        gan_loss: least squares or cross-entropy.
        discriminator_width: channels after their first layers.
        discriminator_layers: with features.
        cycle: weight lambda of what comes back.
        identity: weight of images that are of the target already, times `cycle`; 0 is without.
        pool: translated images that are kept for each discriminator; 0 keeps none.
        adam: of the networks.
        discriminator_adam: of the discriminators, if it is another.
    """

    name: Literal["cyclegan"] = "cyclegan"
    source: Source = "bmode"
    masks: Masks = "joint"
    width: int = 64
    blocks: int = 9
    padding: Padding = "reflect"
    gan_loss: GANLoss = "lsgan"
    discriminator_width: int = 64
    discriminator_layers: int = 4
    cycle: float = 10.0
    identity: float = 0.5
    pool: int = 50
    adam: Adam = field(default_factory=Adam)
    discriminator_adam: Adam | None = None

    def __post_init__(self) -> None:
        """Refuse networks that there cannot be.

        Raises:
            InputError: names the field and what it may be.
        """
        for name in ("width", "blocks", "discriminator_width", "discriminator_layers"):
            at_least(name, getattr(self, name), 1)
        for name in ("cycle", "identity", "pool"):
            at_least(name, getattr(self, name), 0)
        for name, most in _MOST.items():
            at_most(name, getattr(self, name), most)

    def build(self, classes: int) -> CycleGAN:
        """The method, for labels of so many regions."""
        return CycleGAN(self, classes)


class CycleGAN(UnpairedMethod):
    """Two generators, two discriminators, and a pool of translated images for each of these."""

    generators = ("to_real", "to_simulated")
    stride = ResNet.stride

    def __init__(self, config: CycleGANConfig, classes: int):
        super().__init__(classes, config.source, config.masks, _WAYS)
        self.config = config
        for name in self.generators:
            self.add_module(name, ResNet(1, 1, config.width, config.blocks, config.padding))
        width, layers = config.discriminator_width, config.discriminator_layers
        for name in _JUDGES:
            self.add_module(name, PatchGAN(1, width, layers))
        of_judges = config.discriminator_adam or config.adam
        self.adam = dict.fromkeys(self.generators, config.adam) | dict.fromkeys(_JUDGES, of_judges)

    @property
    def used(self) -> tuple[str, ...]:
        """The generator of the domain that is translated to."""
        return (f"to_{self.way[1]}",)

    def losses(self, batch: Batch) -> Losses:
        """Both generators, then each discriminator on what its pool gives for their images."""
        simulated, real = (self.images(batch, domain) for domain in ("simulated", "real"))
        as_real = self._translated("to_real", simulated)
        as_simulated = self._translated("to_simulated", real)
        yield (
            self.generators,
            {
                "gan_real": self._fooled("judge_real", real, as_real),
                "gan_simulated": self._fooled("judge_simulated", simulated, as_simulated),
                **self._kept(simulated, as_real, "to_simulated"),
                **self._kept(real, as_simulated, "to_real"),
            },
        )
        shown = self._shown(batch, "pool_real", as_real)
        yield "judge_real", {"gan": self._judged("judge_real", real, shown)}
        shown = self._shown(batch, "pool_simulated", as_simulated)
        yield "judge_simulated", {"gan": self._judged("judge_simulated", simulated, shown)}

    @torch.no_grad()
    def translate(self, batch: Batch) -> Tensor:
        """Images of the domain that is translated to."""
        return self._translated(f"to_{self.way[1]}", self.given(batch)).values

    def _translated(self, generator: str, given: Images) -> Images:
        found = self.get_submodule(generator)(given.values)
        return Images(black_outside(found, given.mask), given.mask)

    def _kept(self, given: Images, there: Images, back: str) -> Mapping[str, Tensor]:
        """How far images are from themselves: there and back; and back, where they are already."""
        domain, weight = back.removeprefix("to_"), self.config.cycle
        terms = {f"cycle_{domain}": weight * self._difference(back, there, given)}
        if self.config.identity:
            weight *= self.config.identity
            terms[f"identity_{domain}"] = weight * self._difference(back, given, given)
        return terms

    def _difference(self, generator: str, images: Images, given: Images) -> Tensor:
        difference = (self._translated(generator, images).values - given.values).abs()
        return mean_within(difference, given.mask if self.masks == "joint" else None)

    def _fooled(self, judge: str, real: Images, fake: Images) -> Tensor:
        _, seen, mask = self.seen(real, fake)
        scores = self.get_submodule(judge)(seen)
        return generator_loss(self.config.gan_loss, scores, weights_of(scores, mask))

    def _judged(self, judge: str, real: Images, fake: Images) -> Tensor:
        right, wrong, mask = self.seen(real, fake)
        right, wrong = self.get_submodule(judge)(torch.cat([right, wrong])).chunk(2)
        return discriminator_loss(self.config.gan_loss, right, wrong, weights_of(right, mask))

    def _shown(self, batch: Batch, name: str, images: Images) -> Images:
        """Translated images of this step and of earlier ones, each with its mask."""
        both = torch.cat([images.values, images.mask.to(images.values)], dim=1).detach()
        pool = pool_of(self, name, self.config.pool, both)
        values, mask = exchanged(pool, both, batch.chance).split(1, dim=1)
        return Images(values, mask)

"""CUT: unpaired translation by contrast (Park et al. 2020), and its extensions by semantic maps.

A generator G turns simulated images x into real ones, a discriminator D tells them from real
images y, and a projection H compares places of images. With equations of Tomar et al. 2021:

    L_CUT(X, Y) = L_GAN(X, Y) + (L_NCE(X) + L_NCE(Y)) / 2                    (equation 4)
    L_CUT+S     = L_CUT(X, Y) + L_GAN(S, Y) + L_NCE(S) / 2                   (equation 5)
    L_CUT+SC    = L_CUT+S + lambda_REG E |G(x) - G(s)|                       (equation 6)

The halves are those of CUT's code, where equation 4 has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from insonate.data.batches import Batch
from insonate.errors import InputError
from insonate.methods.conditions import black_outside
from insonate.methods.contrast import PLACES, contrastive_loss
from insonate.methods.domains import Images, Masks, Source, UnpairedMethod, Way, weights_of
from insonate.methods.gan import GANLoss, discriminator_loss, generator_loss, mean_within
from insonate.methods.method import Adam, Losses, at_least, from_one_to
from insonate.nets import PatchGAN, Projection, ResNet
from insonate.nets.resnet import Padding

__all__ = ["CUT", "CUTConfig"]

_WAYS: tuple[Way, ...] = (("simulated", "real"), ("semantic", "real"))
_MOST = {"width": 1024, "blocks": 100, "discriminator_width": 1024, "discriminator_layers": 6,
         "projection_width": 4096}  # fmt: skip


@dataclass(frozen=True)
class CUTConfig:
    """CUT; its authors' defaults, unless said otherwise.

    Attributes:
        source: image of the simulator that is translated.
        semantic: semantic maps are translated to real images as well (CUT+S).
        consistency: weight lambda_REG of the difference between what becomes of an image and of
            its semantic map; above 0 it is CUT+SC.
        masks: what the discriminator sees, and where losses count.
        width: channels of the generator after its first layer.
        blocks: of the generator.
        padding: of its convolutions.
        discriminator_width: channels after its first layer.
        discriminator_layers: with features.
        gan_loss: least squares, or cross-entropy.
        gan: weight of the adversarial loss.
        nce: weight of the contrastive losses.
        identity: real images are to stay what they are, by the contrastive loss.
        places: that are compared in a layer.
        projection_width: of the vectors that are compared.
        adam: of the networks.
        discriminator_adam: of the discriminator, if it is another.
    """

    name: Literal["cut"] = "cut"
    source: Source = "bmode"
    semantic: bool = False
    consistency: float = 0.0
    masks: Masks = "joint"
    width: int = 64
    blocks: int = 9
    padding: Padding = "reflect"
    discriminator_width: int = 64
    discriminator_layers: int = 4
    gan_loss: GANLoss = "lsgan"
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
        for name, least in {"consistency": 0, "gan": 0, "nce": 0, "places": 2}.items():
            at_least(name, getattr(self, name), least)
        if self.consistency and not self.semantic:
            raise InputError(
                f"method.consistency: {self.consistency:g} without semantic maps; needs semantic: "
                "true"
            )

    def build(self, classes: int) -> CUT:
        """The method, for labels of so many regions."""
        return CUT(self, classes)


class CUT(UnpairedMethod):
    """Generator, projection and discriminator of a configuration."""

    def __init__(self, config: CUTConfig, classes: int):
        ways = _WAYS if config.semantic else _WAYS[:1]
        super().__init__(classes, config.source, config.masks, ways, config.semantic)
        self.config = config
        self.generator = ResNet(
            1, 1, config.width, config.blocks, padding=config.padding, antialias=True
        )
        self.projection = Projection(self.generator.channels, config.projection_width)
        self.discriminator = PatchGAN(
            1, config.discriminator_width, config.discriminator_layers, antialias=True
        )
        self.stride = self.generator.stride
        self.adam = {
            "discriminator": config.discriminator_adam or config.adam,
            "generator": config.adam,
            "projection": config.adam,
        }

    def losses(self, batch: Batch) -> Losses:
        """Discriminator first, then generator and projection, on the same translated images."""
        config, real = self.config, self.images(batch, "real")
        sources = [self.images(batch, "simulated")]
        sources += [self.images(batch, "semantic")] if config.semantic else []
        fakes, keys = self._translated(sources)
        judged = [self._judge(real, fake, fake.values.detach()) for fake in fakes]
        yield "discriminator", {"gan": torch.stack(judged).sum()}

        halved = 0.5 if config.identity else 1.0
        terms = {}
        for name, fake, key in zip(("", "semantic_"), fakes, keys, strict=False):
            terms[f"{name}gan"] = config.gan * self._fool(real, fake)
            terms[f"{name}nce"] = config.nce * halved * self._contrast(batch, fake, key)
        if config.identity:
            (same,), (key,) = self._translated([real])
            terms["identity"] = config.nce * halved * self._contrast(batch, same, key)
        if config.consistency:
            difference = (fakes[0].values - fakes[1].values).abs()
            within = fakes[0].mask if config.masks == "joint" else None
            terms["consistency"] = config.consistency * mean_within(difference, within)
        yield ("generator", "projection"), terms

    @torch.no_grad()
    def translate(self, batch: Batch) -> Tensor:
        """Real images of simulated ones, or of semantic maps."""
        given = self.given(batch)
        return black_outside(self.generator(given.values), given.mask)

    def _translated(self, sources: list[Images]) -> tuple[list[Images], list[list[Tensor]]]:
        """What becomes of images, and the features that were seen of them."""
        fakes, keys = [], []
        for source in sources:
            values, seen = self.generator.translate(source.values)
            fakes.append(Images(black_outside(values, source.mask), source.mask))
            keys.append(seen)
        return fakes, keys

    def _judge(self, real: Images, fake: Images, values: Tensor) -> Tensor:
        right, wrong, within = self.seen(real, Images(values, fake.mask))
        scores = self.discriminator(torch.cat([right, wrong]))
        right, wrong = scores.chunk(2)
        return discriminator_loss(self.config.gan_loss, right, wrong, weights_of(right, within))

    def _fool(self, real: Images, fake: Images) -> Tensor:
        _, seen, within = self.seen(real, fake)
        scores = self.discriminator(seen)
        return generator_loss(self.config.gan_loss, scores, weights_of(scores, within))

    def _contrast(self, batch: Batch, fake: Images, keys: list[Tensor]) -> Tensor:
        queries = self.generator.features(fake.values)
        mask = fake.mask if self.config.masks == "joint" else None
        return contrastive_loss(
            self.projection, queries, keys, batch.chance.shared(), mask, self.config.places
        )

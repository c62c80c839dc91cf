"""L2H: low-quality images to high-quality ones (Zhang et al. 2020), a conditional GAN on pairs.

The generator G sees the low-quality image x, the mask m, labels s and attenuation a; the
discriminator D sees the same beside the high-quality image y or G's. With w = (x, m, s, a):

    L     = L_GAN(G, D) + lambda L_F(G)                                      (equation 2)
    L_GAN = E log D(y|w) + E log(1 - D(G(w)|w))                              (equation 3)
    L_F   = E |y - G(w)|                                                     (equation 4)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from insonate.data.batches import Batch
from insonate.methods.conditions import (
    Attenuation,
    Conditions,
    Inputs,
    LabelEncoding,
    black_outside,
)
from insonate.methods.gan import GANLoss, discriminator_loss, generator_loss
from insonate.methods.method import Adam, Losses, Method, at_least, at_most
from insonate.nets import PatchGAN, ResNet, UNet

__all__ = ["L2H", "L2HConfig"]

#: Beyond these an image would be halved away, or no memory would hold the weights.
_MOST = {
    "width": 1024, "downs": 10, "blocks": 100, "discriminator_width": 1024,
    "discriminator_layers": 6,
}  # fmt: skip


@dataclass(frozen=True)
class L2HConfig:
    """L2H; the paper's, unless said otherwise.

    Attributes:
        inputs: image and mask (M), labels as well (MS), attenuation as well (MSA).
        labels: one grey channel, or one channel a region.
        attenuation: intensity, its level in dB, or the shadow map in its place.
        generator: U-Net, or ResNet, whose texture depends less on the size of the image.
        width: channels of the generator after its first layer.
        downs: how often a U-Net halves the sides.
        blocks: of a ResNet.
        residual: the generator learns a change of the low-quality image, so that it begins with
            that; not in the paper.
        gan: with a discriminator; without, only fidelity is left.
        gan_loss: cross-entropy or least squares.
        discriminator_width: channels after its first layer.
        discriminator_layers: with features.
        fidelity: weight lambda of the absolute difference.
        mean: over all pixels, or those of each sample's fan and then over samples.
        adam: of both networks.
        discriminator_adam: of the discriminator, if it is another.
    """

    name: Literal["l2h"] = "l2h"
    inputs: Inputs = "MSA"
    labels: LabelEncoding = "gray"
    attenuation: Attenuation = "linear"
    generator: Literal["unet", "resnet"] = "unet"
    width: int = 64
    downs: int = 8
    blocks: int = 9
    residual: bool = False
    gan: bool = True
    gan_loss: GANLoss = "bce"
    discriminator_width: int = 64
    discriminator_layers: int = 4
    fidelity: float = 100.0
    mean: Literal["all", "fan"] = "all"
    adam: Adam = field(default_factory=Adam)
    discriminator_adam: Adam | None = None

    def __post_init__(self) -> None:
        """Refuse networks that there cannot be.

        Raises:
            InputError: names the field and what it may be.
        """
        for name in ("width", "downs", "blocks", "discriminator_width", "discriminator_layers"):
            at_least(name, getattr(self, name), 1)
        at_least("downs", self.downs, 2)
        at_least("fidelity", self.fidelity, 0)
        for name, most in _MOST.items():
            at_most(name, getattr(self, name), most)

    def build(self, classes: int) -> L2H:
        """The method, for labels of so many regions."""
        return L2H(self, classes)


class L2H(Method):
    """Generator and, with a GAN, discriminator, of a configuration."""

    target = "bmode"

    def __init__(self, config: L2HConfig, classes: int):
        super().__init__()
        self.config = config
        self.conditions = Conditions(config.inputs, classes, config.labels, config.attenuation)
        self.inputs = self.conditions.arrays
        channels, residual = self.conditions.channels, config.residual
        if config.generator == "unet":
            self.generator = UNet(channels, 1, config.width, config.downs, residual)
        else:
            self.generator = ResNet(channels, 1, config.width, config.blocks, residual=residual)
        self.stride, self.adam = self.generator.stride, {"generator": config.adam}
        if config.gan:
            self.discriminator = PatchGAN(
                channels + 1, config.discriminator_width, config.discriminator_layers
            )
            self.adam["discriminator"] = config.discriminator_adam or config.adam

    def losses(self, batch: Batch) -> Losses:
        """Discriminator first, then generator, on the same translated images."""
        given, real = self.conditions(batch), black_outside(batch["bmode"], batch["mask"])
        fake = black_outside(self.generator(given), batch["mask"])
        terms = {"fidelity": self.config.fidelity * self._difference(fake, real, batch["mask"])}
        if self.config.gan:
            yield "discriminator", {"gan": self._judge(given, real, fake.detach())}
            scores = self.discriminator(torch.cat([given, fake], dim=1))
            terms["gan"] = generator_loss(self.config.gan_loss, scores)
        yield "generator", terms

    @torch.no_grad()
    def translate(self, batch: Batch) -> Tensor:
        """High-quality images of low-quality ones."""
        return black_outside(self.generator(self.conditions(batch)), batch["mask"])

    def _judge(self, given: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        scores = [self.discriminator(torch.cat([given, images], dim=1)) for images in (real, fake)]
        return discriminator_loss(self.config.gan_loss, *scores)

    def _difference(self, fake: Tensor, real: Tensor, mask: Tensor) -> Tensor:
        difference = (fake - real).abs()
        if self.config.mean == "all":
            return difference.mean()
        of_fan = mask.sum(dim=(1, 2, 3)).clamp(min=1)  # a window may lie beside the fan
        return (difference.sum(dim=(1, 2, 3)) / of_fan).mean()  # the same however ranks share it

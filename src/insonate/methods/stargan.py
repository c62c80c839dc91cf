"""StarGAN: one generator for all ways between simulated, real and semantic images.

The generator G is told the domain c' that an image x of domain c is to be of; the discriminator
tells translated images from others, and which domain an image is of (Choi et al. 2018):

    L_adv = E D(x) - E D(G(x, c')) - lambda_gp E (|grad D(x_hat)| - 1)^2     (equation 8)
    L_D = -L_adv + lambda_cls E -log D_cls(c | x)                            (equations 2, 5)
    L_G =  L_adv + lambda_cls E -log D_cls(c' | G(x, c'))                    (equations 3, 6)
           + lambda_rec E |x - G(G(x, c'), c)|                               (equation 4)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from insonate.data.batches import REAL, Batch
from insonate.errors import InputError
from insonate.methods.conditions import black_outside
from insonate.methods.domains import (
    DOMAINS,
    WAYS,
    Images,
    Masks,
    Source,
    UnpairedMethod,
    weights_of,
)
from insonate.methods.gan import mean_within
from insonate.methods.method import Adam, Losses, at_least, at_most
from insonate.nets import ClassDiscriminator, ClassResNet
from insonate.nets.class_discriminator import ClassHead

__all__ = ["StarGAN", "StarGANConfig", "gradient_penalty"]

#: Beyond these no memory would hold the weights.
_MOST = {"width": 1024, "blocks": 100, "discriminator_width": 1024, "discriminator_layers": 8}


@dataclass(frozen=True)
class StarGANConfig:
    """StarGAN; the official defaults at 256 x 256, unless said otherwise.

    Attributes:
        source: the image of the simulator that is the simulated one.
        masks: what the discriminator sees, and where losses count.
        width: channels of the generator after its first layer.
        blocks: of it.
        discriminator_width: channels after its first layer; they double with every layer.
        discriminator_layers: that halve.
        side: of the windows that it judges, `batches.crop`, for the head `kernel`
            [pixels].
        class_head: of the domains: a convolution over all there is, or a mean and a linear map.
        classification: weight of domains.
        reconstruction: weight of what comes back.
        penalty: weight of the gradient's norm.
        n_critic: steps of the discriminator for one of the generator.
        adam: of the networks.
        discriminator_adam: of the discriminator, if it is another.
    """

    name: Literal["stargan"] = "stargan"
    source: Source = "bmode"
    masks: Masks = "joint"
    width: int = 64
    blocks: int = 6
    discriminator_width: int = 64
    discriminator_layers: int = 6
    side: int = 256
    class_head: ClassHead = "kernel"
    classification: float = 1.0
    reconstruction: float = 10.0
    penalty: float = 10.0
    n_critic: int = 5
    adam: Adam = field(default_factory=lambda: Adam(lr=1e-4))
    discriminator_adam: Adam | None = None

    def __post_init__(self) -> None:
        """Refuse networks that there cannot be.

        Raises:
            InputError: names the field and what it may be.
        """
        for name in ("width", "blocks", "discriminator_width", "discriminator_layers", "n_critic"):
            at_least(name, getattr(self, name), 1)
        for name in ("classification", "reconstruction", "penalty"):
            at_least(name, getattr(self, name), 0)
        for name, most in _MOST.items():
            at_most(name, getattr(self, name), most)
        multiple = 2**self.discriminator_layers
        if self.side < multiple or self.side % multiple:
            raise InputError(
                f"method.side: expected a multiple of {multiple} pixels, as "
                f"{self.discriminator_layers} discriminator_layers halve them, got {self.side}"
            )

    def build(self, classes: int) -> StarGAN:
        """The method, for labels of so many regions."""
        return StarGAN(self, classes)


class StarGAN(UnpairedMethod):
    """One generator and one discriminator for three domains."""

    stride = ClassResNet.stride

    def __init__(self, config: StarGANConfig, classes: int):
        super().__init__(classes, config.source, config.masks, WAYS, semantic=True)
        self.config, count = config, len(DOMAINS)
        self.window = config.side if config.class_head == "kernel" else None
        self.generator = ClassResNet(1, count, config.width, config.blocks)
        self.discriminator = ClassDiscriminator(
            1, config.discriminator_width, config.discriminator_layers, count, config.side,
            config.class_head,
        )  # fmt: skip
        self.adam = {
            "discriminator": config.discriminator_adam or config.adam,
            "generator": config.adam,
        }

    def losses(self, batch: Batch) -> Losses:
        """The discriminator, and every `n_critic` steps the generator."""
        config, mask = self.config, self._judged(batch)
        generates = (batch.chance.step + 1) % config.n_critic == 0
        domain, target = self._domains(batch)
        given = self._of(batch, domain)
        with torch.set_grad_enabled(generates):
            fake = self._translated(given, target)
        yield "discriminator", self._critic(batch, given.values, fake.detach(), domain, mask)
        if generates:
            scores, logits = self.discriminator(_within(fake, mask))
            back = self._translated(Images(fake, given.mask), domain)
            within = given.mask if self.masks == "joint" else None
            difference = mean_within((back - given.values).abs(), within)
            yield (
                "generator",
                {
                    "gan": -mean_within(scores, weights_of(scores, mask)),
                    "class": config.classification * cross_entropy(logits.float(), target),
                    "reconstruction": config.reconstruction * difference,
                },
            )

    @torch.no_grad()
    def translate(self, batch: Batch) -> Tensor:
        """Images of the domain that is translated to."""
        given = self.given(batch)
        target = given.values.new_full((len(batch),), DOMAINS.index(self.way[1]))
        return self._translated(given, target.long())

    def _domains(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Domain of every sample, and the one it is translated to, which may be the same."""
        first = batch.chance.first  # however ranks share a batch, a sample has its domains
        drawn = batch.chance.shared().integers(len(DOMAINS), size=(first + len(batch), 2))
        both = torch.from_numpy(drawn[first:]).to(batch["mask"].device)
        return both[:, 0], both[:, 1]

    def _of(self, batch: Batch, domain: Tensor) -> Images:
        """Images of the domain of each sample."""
        every, samples = [self.images(batch, each) for each in DOMAINS], range(len(batch))
        values = torch.stack([images.values for images in every])[domain, samples]
        mask = torch.stack([images.mask for images in every])[domain, samples]
        return Images(values, mask)

    def _judged(self, batch: Batch) -> Tensor | None:
        """The mask of what the discriminator sees; None if it sees all.

        Images and their translations have one fan, which could tell nothing; but it would tell
        the domain. So every image, of whatever domain, is seen through the fans of a simulated
        and a real one.
        """
        return None if self.masks == "none" else batch["mask"] * batch[REAL + "mask"]

    def _translated(self, given: Images, target: Tensor) -> Tensor:
        return black_outside(self.generator(given.values, target), given.mask)

    def _critic(
        self, batch: Batch, real: Tensor, fake: Tensor, domain: Tensor, mask: Tensor | None
    ) -> Mapping[str, Tensor]:
        right, wrong = _within(real, mask), _within(fake, mask)
        scores, logits = self.discriminator(torch.cat([right, wrong]))
        (good, bad), logits = scores.chunk(2), logits.chunk(2)[0]
        weights = weights_of(good, mask)

        def judge(images: Tensor) -> Tensor:
            scores = self.discriminator(images)[0]
            return scores if weights is None else scores * weights

        share = batch.chance.uniform(right[:, :1, :1, :1])
        between = share * right + (1 - share) * wrong
        return {
            "real": -mean_within(good, weights),
            "fake": mean_within(bad, weights),
            "class": self.config.classification * cross_entropy(logits.float(), domain),
            "penalty": self.config.penalty * gradient_penalty(judge, between),
        }


def gradient_penalty(judge: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """How far a critic's slope is from 1: the mean of (|grad D(x)| - 1)^2.

    In 32 bits, since its own gradient is needed. (Gulrajani et al. 2017, equation 3.)

    Args:
        judge: D, whose scores of an image are added up.
        images: x `(batch, channels, rows, columns)`.
    """
    images = images.detach().float().requires_grad_()
    with torch.autocast(images.device.type, enabled=False):
        (slope,) = torch.autograd.grad(judge(images).sum(), images, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def _within(images: Tensor, mask: Tensor | None) -> Tensor:
    return images if mask is None else black_outside(images, mask)

"""ConPres: content-preserving translation between three domains (Tomar et al. 2021).

One generator G(., l), which is told the class l to translate to, and one discriminator D, which
scores patches and tells classes, learn from simulated images A, real images B and semantic maps S
at once. In every step two ordered pairs of domains X_i -> Y_i are drawn; with x of X_i, y of Y_i,
l' and l their classes, y^ = G(x, l):

    L_D = sum_i L_GAN + lambda_CLS CE(D_cls(x), l')                          (equations 8, 10)
    L_G = sum_i L_GAN + lambda_NCE (L_NCE(x, y^) + L_NCE(y, G(y, l))) / 2
        + lambda_CLS CE(D_cls(y^), l) + lambda_CYC |x - G(y^, l')|           (equations 7, 9, 11)
        + [X_1, X_2 are A and S] lambda_REG |G(x_1, B) - G(x_2, B)|
"""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from insonate.data.batches import Batch
from insonate.methods.conditions import LabelEncoding, black_outside, region_channels
from insonate.methods.contrast import PLACES, NCEReduction, contrastive_loss
from insonate.methods.domains import (
    DOMAINS,
    WAYS,
    Domain,
    Images,
    Masks,
    Source,
    UnpairedMethod,
    Way,
    weights_of,
)
from insonate.methods.gan import GANLoss, discriminator_loss, generator_loss, mean_within
from insonate.methods.method import Adam, Losses, at_least, at_most, from_one_to
from insonate.nets import ClassDiscriminator, ClassGenerator, Projection
from insonate.nets.class_discriminator import ClassHead
from insonate.nets.class_generator import FirstFeature, UpOrder
from insonate.nets.resnet import Padding

__all__ = ["ConPres", "ConPresConfig"]

_MOST = {"width": 1024, "blocks": 100, "discriminator_width": 1024, "discriminator_layers": 6,
         "projection_width": 4096, "side": 8192}  # fmt: skip


@dataclass(frozen=True)
class ConPresConfig:
    """ConPres; the paper's, unless said otherwise. docs/reproducibility.rst tells the choices.

    Attributes:
        source: image of the simulator that is translated.
        masks: what the discriminator sees, and where losses count.
        width: channels of the generator after its first layer.
        blocks: of its encoder, and of its decoder.
        padding: of its convolutions.
        up_order: where its decoder doubles the sides.
        labels: of semantic maps as one grey channel, or as a channel a region, with a first
            convolution of their own.
        reinject: classes are put back after every block of the decoder.
        discriminator_width: channels after its first layer.
        discriminator_layers: that halve.
        class_head: over all there is, which ties it to `side`, or a mean.
        side: of the windows that it is trained with [pixels].
        gan_loss: least squares, or cross-entropy.
        nce: weight of the contrastive losses.
        nce_first: feature that the contrastive losses see first.
        nce_sum: the losses of an image and of its identity are added as in equation 4, not
            averaged as in CUT's code.
        nce_reduction: over layers and places.
        places: that are compared in a layer.
        projection_width: of the vectors that are compared.
        classification: weight of both classification losses.
        cycle: weight of the cyclic loss.
        consistency: weight of the semantic consistency.
        consistent_when: both sources are A and S (sources), or besides both targets are real.
        consistent_as: both sources are translated to real images, or each to what was drawn.
        focus: steps whose first pair is simulated to real whatever was drawn [share of all];
            not in the paper, for short trainings.
        adam: of the networks.
        discriminator_adam: of the discriminator, if it is another.
    """

    name: Literal["conpres"] = "conpres"
    source: Source = "bmode"
    masks: Masks = "joint"
    width: int = 64
    blocks: int = 4
    padding: Padding = "reflect"
    up_order: UpOrder = "conv_upsample"
    labels: LabelEncoding = "gray"
    reinject: bool = False
    discriminator_width: int = 64
    discriminator_layers: int = 4
    class_head: ClassHead = "kernel"
    side: int = 256
    gan_loss: GANLoss = "lsgan"
    nce: float = 1.0
    nce_first: FirstFeature = "pixels"
    nce_sum: bool = False
    nce_reduction: NCEReduction = "mean"
    places: int = PLACES
    projection_width: int = 256
    classification: float = 0.1
    cycle: float = 10.0
    consistency: float = 1.0
    consistent_when: Literal["sources", "both_real"] = "sources"
    consistent_as: Literal["real", "drawn"] = "real"
    focus: float = 0.0
    adam: Adam = field(default_factory=lambda: Adam(lr=1e-4, weight_decay=1e-4))
    discriminator_adam: Adam | None = None

    def __post_init__(self) -> None:
        """Refuse what there cannot be.

        Raises:
            InputError: names the field and what it may be.
        """
        from_one_to(self, _MOST)
        for name in ("nce", "classification", "cycle", "consistency", "focus"):
            at_least(name, getattr(self, name), 0)
        at_most("focus", self.focus, 1)
        at_least("places", self.places, 2)
        at_least("side", self.side, 2**self.discriminator_layers)

    def build(self, classes: int) -> ConPres:
        """The method, for labels of so many regions."""
        if not self.nce:
            warnings.warn(
                "method.nce: 0; without contrastive losses training is unstable", stacklevel=2
            )
        return ConPres(self, classes)


@dataclass(frozen=True)
class Pair:
    """One translation of a step.

    Attributes:
        way: domains from and to.
        x: images of the domain from.
        y: images of the domain to.
        fake: x translated.
        code: of x.
        keys: features of x.
    """

    way: Way
    x: Images
    y: Images
    fake: Images
    code: Tensor
    keys: list[Tensor]


class ConPres(UnpairedMethod):
    """Generator, projection and discriminator of a configuration."""

    draws = 2

    def __init__(self, config: ConPresConfig, classes: int):
        super().__init__(classes, config.source, config.masks, WAYS, semantic=True)
        self.config = config
        self.generator = ClassGenerator(
            len(DOMAINS), config.width, config.blocks, config.padding, config.up_order,
            config.reinject, config.nce_first, classes if config.labels == "onehot" else 0,
        )  # fmt: skip
        self.projection = Projection(self.generator.channels, config.projection_width)
        self.discriminator = ClassDiscriminator(
            1, config.discriminator_width, config.discriminator_layers, len(DOMAINS),
            config.side, config.class_head,
        )  # fmt: skip
        self.stride = self.generator.stride
        self.window = config.side if config.class_head == "kernel" else None
        self.adam = {
            "discriminator": config.discriminator_adam or config.adam,
            "generator": config.adam,
            "projection": config.adam,
        }

    def losses(self, batch: Batch) -> Losses:
        """Discriminator first, then generator and projection, on the same translated images."""
        pairs = [
            self._pair(batch, way, first) for way, first in draw_ways(batch, self.config.focus)
        ]
        yield "discriminator", self._sum([self._judged(pair) for pair in pairs])
        terms = [self._translated_well(batch, pair) for pair in pairs]
        terms += [self._consistent(pairs)] if self._is_paired(pairs) else []
        yield ("generator", "projection"), self._sum(terms)

    @torch.no_grad()
    def translate(self, batch: Batch) -> Tensor:
        """Images of the domain that is translated to."""
        given = self.given(batch)
        target = classes_of(given.values, self.way[1])
        made = self.generator(given.values, target, given.regions)
        return black_outside(made, given.mask)

    def _of_simulator(self, batch: Batch, domain: Domain) -> Images:
        images = super()._of_simulator(batch, domain)
        if domain != "semantic" or self.config.labels == "gray":
            return images
        channels = region_channels(batch["labels"], self.classes)
        return dataclasses.replace(images, regions=black_outside(channels, images.mask))

    def _pair(self, batch: Batch, way: Way, first: int) -> Pair:
        x = self.images(batch.draw(first, self.draws), way[0])
        y = self.images(batch.draw(1 - first, self.draws), way[1])
        code, keys = self.generator.encode(x.values, x.regions)
        fake = self.generator.decode(code, classes_of(code, way[1]))
        return Pair(way, x, y, self._within(fake, x.mask), code, keys)

    def _within(self, values: Tensor, mask: Tensor) -> Images:
        return Images(black_outside(values, mask), mask)

    def _judged(self, pair: Pair) -> dict[str, Tensor]:
        """What the discriminator learns from a pair."""
        fake = Images(pair.fake.values.detach(), pair.fake.mask)
        right, wrong, within = self.seen(pair.y, fake)
        source = self.seen(pair.y, pair.x)[1]
        scores, logits = self.discriminator(torch.cat([right, wrong, source]))
        right, wrong, _ = scores.chunk(3)
        weights = weights_of(right, within)
        return {
            "gan": discriminator_loss(self.config.gan_loss, right, wrong, weights),
            "class": self._class_loss(logits.chunk(3)[2], pair.way[0]),
        }

    def _translated_well(self, batch: Batch, pair: Pair) -> dict[str, Tensor]:
        """What generator and projection learn from a pair."""
        (source, target), config = pair.way, self.config
        _, seen, within = self.seen(pair.y, pair.fake)
        scores, logits = self.discriminator(seen)
        code, queries = self.generator.encode(pair.fake.values)
        again = self.generator.decode(code, classes_of(code, source))
        within_x = pair.x.mask if config.masks == "joint" else None
        share = config.nce * (1.0 if config.nce_sum else 0.5)
        return {
            "gan": generator_loss(config.gan_loss, scores, weights_of(scores, within)),
            "class": self._class_loss(logits, target),
            "nce": share * self._contrast(batch, queries, pair.keys, pair.x.mask),
            "identity": share * self._identity(batch, pair.y, target),
            "cycle": config.cycle * mean_within((pair.x.values - again).abs(), within_x),
        }

    def _identity(self, batch: Batch, y: Images, target: Domain) -> Tensor:
        code, keys = self.generator.encode(y.values, y.regions)
        same = self._within(self.generator.decode(code, classes_of(code, target)), y.mask)
        queries = self.generator.encode(same.values)[1]
        return self._contrast(batch, queries, keys, y.mask)

    def _contrast(
        self, batch: Batch, queries: list[Tensor], keys: list[Tensor], mask: Tensor
    ) -> Tensor:
        config = self.config
        return contrastive_loss(
            self.projection, queries, keys, batch.chance.shared(),
            mask if config.masks == "joint" else None, config.places, config.nce_reduction,
        )  # fmt: skip

    def _class_loss(self, logits: Tensor, domain: Domain) -> Tensor:
        loss = functional.cross_entropy(logits.float(), classes_of(logits, domain))
        return self.config.classification * loss

    def _is_paired(self, pairs: list[Pair]) -> bool:
        """Whether the sources are images and their semantic maps, as the consistency needs."""
        sources, targets = ({pair.way[end] for pair in pairs} for end in (0, 1))
        if sources != {"simulated", "semantic"} or not self.config.consistency:
            return False
        return self.config.consistent_when == "sources" or targets == {"real"}

    def _consistent(self, pairs: list[Pair]) -> dict[str, Tensor]:
        one, other = (self._as_compared(pair) for pair in pairs)
        within = pairs[0].x.mask if self.config.masks == "joint" else None
        loss = mean_within((one - other).abs(), within)
        return {"consistency": self.config.consistency * loss}

    def _as_compared(self, pair: Pair) -> Tensor:
        if self.config.consistent_as == "drawn" or pair.way[1] == "real":
            return pair.fake.values
        images = self.generator.decode(pair.code, classes_of(pair.code, "real"))
        return black_outside(images, pair.x.mask)

    def _sum(self, terms: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        names = dict.fromkeys(itertools.chain.from_iterable(terms))
        return {n: torch.stack([t[n] for t in terms if n in t]).sum() for n in names}


def draw_ways(batch: Batch, focus: float = 0.0) -> list[tuple[Way, int]]:
    """The two ordered pairs of domains of a step, and which draw of the batch is translated.

    Simulated images and semantic maps as sources are of the same frames. Otherwise the second
    pair has the two draws the other way round: where it comes from the domain that the first
    one leads to, in 22 % of steps (8 in 36), its x is the very image y of the first.

    Args:
        batch: of the step.
        focus: steps whose first pair is simulated to real whatever was drawn [share of all].
    """
    chance = batch.chance.shared()
    one, other = (WAYS[number] for number in chance.integers(len(WAYS), size=2))
    one = WAYS[0] if chance.random() < focus else one
    paired = {one[0], other[0]} == {"simulated", "semantic"}
    return [(one, 0), (other, 0 if paired else 1)]


def classes_of(like: Tensor, domain: Domain) -> Tensor:
    """The class of a domain for every sample, `(batch,)`."""
    number = DOMAINS.index(domain)
    return torch.full((like.shape[0],), number, dtype=torch.int64, device=like.device)

"""SASAN: simulated to real and back, led by attention that knows regions (Tomar et al. 2021).

Attention A_x divides simulated images x into maps, and learns from their labels s; A_y does so
for real images y, of which no labels are known. Generators F (to real) and G (to simulated) are
told by the maps of their input where it is what. First A_x alone learns,

    L(A_x) = seg(A_x(x), s) + orth(A_x(x)),        seg = weighted cross-entropy + 0.2 (1 - Dice),

and stays as it is. Then, with y^ = F(x, A_x(x)), x^ = G(y, A_y(y)), what F, G and A_y learn from is

    10 cycle + 2.5 identity + 2 (images + segments / 5 + codes)
        + 0.1 seg(A_y(y^), s) + 0.1 seg(A_y(y), regions that A_x finds in x^)
        + 0.1 (|A_y(y^) - A_x(x)| + |A_x(x^) - A_y(y)|) + orth(A_y(y)) + orth(A_y(y^)),

where cycle and identity are mean absolute differences plus 1 - SSIM, and those in brackets are
adversarial: are images real (or simulated), are regions found in y like those found in y^, and is
the code of y^ like that of y.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from insonate.data.batches import Batch
from insonate.errors import InputError
from insonate.methods.attention_losses import dissimilarity, orthonormality, region_loss
from insonate.methods.conditions import black_outside
from insonate.methods.domains import Domain, Images, Masks, Source, UnpairedMethod, Way, weights_of
from insonate.methods.gan import discriminator_loss, generator_loss
from insonate.methods.method import Adam, Losses, at_least, at_most
from insonate.nets.attention_unet import AttentionUNet
from insonate.nets.judges import CodeJudge, HalvingPatchGAN
from insonate.nets.spade import SpadeResNet

__all__ = ["Sasan", "SasanConfig"]

# beyond these no memory would hold the weights
_WIDEST, _MAPS = 512, 64
_WEIGHTS = (
    "cycle", "identity", "adversarial", "segments", "segmentation", "pseudo", "consistency",
    "orthonormality", "dice",
)  # fmt: skip


@dataclass(frozen=True)
class SasanConfig:
    """SASAN; the paper's, unless said otherwise.

    Attributes:
        source: the image of the simulator that is translated.
        masks: what discriminators see: content within both fans, or all.
        pretrain_steps: in which the attention of simulated images alone learns, before all else.
        maps: of attention.
        judged: regions whose segments are judged, by number; those that labels lack are left out.
        width: channels of generators after their first convolution.
        attention_width: of the attention U-Nets, alike.
        discriminator_width: of discriminators, alike.
        cycle: weight of there and back again.
        identity: weight of what is real already, or simulated.
        adversarial: weight of all that discriminators say.
        segments: of it, weight of segments.
        segmentation: weight of regions in translated simulated images.
        pseudo: weight of regions in real images.
        consistency: weight of attention before and after.
        orthonormality: weight of maps that overlap.
        dice: weight of Dice beside cross-entropy.
        adam: of all networks.
    """

    name: Literal["sasan"] = "sasan"
    source: Source = "bmode"
    masks: Masks = "joint"
    pretrain_steps: int = 10_000
    maps: int = 8
    judged: tuple[int, ...] = (1, 2, 3, 4)
    width: int = 32
    attention_width: int = 32
    discriminator_width: int = 64
    cycle: float = 10.0
    identity: float = 2.5
    adversarial: float = 2.0
    segments: float = 0.2
    segmentation: float = 0.1
    pseudo: float = 0.1
    consistency: float = 0.1
    orthonormality: float = 1.0
    dice: float = 0.2
    adam: Adam = field(default_factory=lambda: Adam(lr=1e-4, weight_decay=2e-4))

    def __post_init__(self) -> None:
        """Refuse what there cannot be.

        Raises:
            InputError: names the field and what it may be.
        """
        for name in ("width", "attention_width", "discriminator_width"):
            at_least(name, getattr(self, name), 2)
            at_most(name, getattr(self, name), _WIDEST)
        at_least("maps", self.maps, 2)
        at_most("maps", self.maps, _MAPS)
        for name in ("pretrain_steps", *_WEIGHTS):
            at_least(name, getattr(self, name), 0)
        if any(region < 0 for region in self.judged) or len(set(self.judged)) < len(self.judged):
            raise InputError(
                f"method.judged: expected numbers of regions, each once, got {self.judged}"
            )

    def build(self, classes: int) -> Sasan:
        """The method, for labels of so many regions."""
        return Sasan(self, classes)


@dataclass(frozen=True)
class _Trip:
    """Images a of one domain, and what becomes of them in the other.

    Attributes:
        start: a.
        maps: attention to a.
        regions: logits of regions in a.
        code: of a, in the generator that leads there.
        there: b^, what that generator makes of a.
        maps_there: attention to b^.
        regions_there: logits of regions in b^.
        code_there: of b^, in the generator that leads back.
    """

    start: Images
    maps: Tensor
    regions: Tensor
    code: Tensor
    there: Images
    maps_there: Tensor
    regions_there: Tensor
    code_there: Tensor


@dataclass(frozen=True)
class _Trial:
    """What a discriminator is to tell apart, and how much its word counts.

    Attributes:
        judge: the discriminator.
        true: what it should score 1.
        fake: what it should score 0.
        within: mask of both, None if all counts.
        weight: of what the others learn from it.
    """

    judge: nn.Module
    true: Tensor
    fake: Tensor
    within: Tensor | None = None
    weight: float = 1.0

    def for_judge(self) -> Tensor:
        """What the discriminator learns from."""
        right, wrong = self.judge(self.true.detach()), self.judge(self.fake.detach())
        return discriminator_loss("lsgan", right, wrong, weights_of(wrong, self.within))

    def for_judged(self) -> Tensor:
        """What those learn from whose work is judged."""
        scores = self.judge(self.fake)
        return self.weight * generator_loss("lsgan", scores, weights_of(scores, self.within))


class Sasan(UnpairedMethod):
    """Both generators, their attention, and all that judges them."""

    generators = ("to_real", "to_simulated", "attention_simulated", "attention_real")
    stride = 16  # what the attention U-Nets halve; generators would take 4

    def __init__(self, config: SasanConfig, classes: int):
        ways: tuple[Way, ...] = (("simulated", "real"), ("real", "simulated"))
        super().__init__(classes, config.source, config.masks, ways, semantic=True)
        self.config = config
        self.attention_simulated, self.attention_real = (
            AttentionUNet(1, config.attention_width, config.maps, classes) for _ in range(2)
        )
        self.to_real, self.to_simulated = (
            SpadeResNet(1, config.width, config.maps) for _ in range(2)
        )
        self.judged = [region for region in config.judged if region < classes]
        self.discriminator = _Judges(
            config.discriminator_width, self.to_real.code, len(self.judged)
        )
        self.adam = {name: config.adam for name, _ in self.named_children()}

    @property
    def used(self) -> tuple[str, ...]:
        """The generator of the domain that is translated to, and the attention of the other."""
        return f"to_{self.way[1]}", f"attention_{self.way[0]}"

    def losses(self, batch: Batch) -> Losses:
        """The attention to simulated images first; later discriminators, and then all others."""
        if batch.chance.step < self.config.pretrain_steps:
            yield "attention_simulated", self._of_attention(batch)
            return
        x, y = self._trip(batch, "simulated", "real"), self._trip(batch, "real", "simulated")
        trials = self._trials(x, y)
        yield "discriminator", {name: trial.for_judge() for name, trial in trials.items()}
        terms = self._of_images(x, y) | self._of_regions(x, y, batch["labels"])
        for name, trial in trials.items():
            terms[f"judged_{name}"] = self.config.adversarial * trial.for_judged()
        yield ("to_real", "to_simulated", "attention_real"), terms

    @torch.no_grad()
    def translate(self, batch: Batch) -> Tensor:
        """Images of the other domain."""
        given, (source, to) = self.given(batch), self.way
        maps, _ = self._attention(source)(given.values)
        return black_outside(self._generator(to)(given.values, maps), given.mask)

    def _generator(self, to: Domain) -> SpadeResNet:
        return self.to_real if to == "real" else self.to_simulated

    def _attention(self, domain: Domain) -> AttentionUNet:
        return self.attention_real if domain == "real" else self.attention_simulated

    def _of_attention(self, batch: Batch) -> dict[str, Tensor]:
        """What the attention to simulated images learns from, alone."""
        maps, regions = self.attention_simulated(self.images(batch, "simulated").values)
        return {
            "segmentation": region_loss(regions, batch["labels"], self.config.dice),
            "orthonormality": self.config.orthonormality * orthonormality(maps),
        }

    def _trip(self, batch: Batch, source: Domain, to: Domain) -> _Trip:
        start, forth, back = (
            self.images(batch, source),
            self._generator(to),
            self._generator(source),
        )
        with torch.set_grad_enabled(source == "real"):  # the other attention has learned already
            maps, regions = self._attention(source)(start.values)
        code = forth.encode(start.values)
        there = Images(black_outside(forth.decode(code, maps), start.mask), start.mask)
        maps_there, regions_there = self._attention(to)(there.values)
        code_there = back.encode(there.values)
        return _Trip(start, maps, regions, code, there, maps_there, regions_there, code_there)

    def _trials(self, x: _Trip, y: _Trip) -> dict[str, _Trial]:
        """All that is judged: images of both domains, regions in real ones, codes of both."""
        judges, trials = self.discriminator, {}
        for domain, other, trip in (("real", x, y), ("simulated", y, x)):
            true, fake, both = self.seen(trip.start, other.there)
            trials[domain] = _Trial(judges.images[domain], true, fake, both)
            code = self._mean_code(trip.code, trip.start)
            translated = self._mean_code(other.code_there, other.there)
            trials[f"codes_{domain}"] = _Trial(judges.codes[domain], code, translated)
        for number, region in enumerate(self.judged):
            true, fake, both = self.seen(_share(x.regions_there, region, x.there),
                                         _share(y.regions, region, y.start))  # fmt: skip
            judge = judges.segments[number]
            trials[f"region{region}"] = _Trial(judge, true, fake, both, self.config.segments)
        return trials

    def _mean_code(self, code: Tensor, images: Images) -> Tensor:
        """The mean of a code over its places, within the fan if discriminators see no more."""
        weights = weights_of(code, None if self.masks == "none" else images.mask)
        if weights is None:
            return code.float().mean(dim=(2, 3))
        counted = weights.sum(dim=(2, 3)).clamp(min=1)  # a window may lie beside the fan
        return (code.float() * weights).sum(dim=(2, 3)) / counted

    def _of_images(self, x: _Trip, y: _Trip) -> dict[str, Tensor]:
        """There and back again, and what is of its domain already."""
        cycle, same = [], []
        for trip, network in ((x, self.to_simulated), (y, self.to_real)):
            start, mask = trip.start.values, trip.start.mask
            within = mask if self.masks == "joint" else None
            back = black_outside(network.decode(trip.code_there, trip.maps_there), mask)
            kept = black_outside(network(start, trip.maps), mask)
            cycle.append(dissimilarity(back, start, within))
            same.append(dissimilarity(kept, start, within))
        return {
            "cycle": self.config.cycle * torch.stack(cycle).sum(),
            "identity": self.config.identity * torch.stack(same).sum(),
        }

    def _of_regions(self, x: _Trip, y: _Trip, labels: Tensor) -> dict[str, Tensor]:
        """Regions that are known, or guessed, and attention that should stay and not overlap."""
        config = self.config
        guessed = y.regions_there.argmax(dim=1)
        kept = [(trip.maps_there - trip.maps).abs().mean() for trip in (x, y)]
        overlap = orthonormality(x.maps_there) + orthonormality(y.maps)
        return {
            "segmentation": config.segmentation * region_loss(x.regions_there, labels, config.dice),
            "pseudo": config.pseudo * region_loss(y.regions, guessed, config.dice),
            "consistency": config.consistency * torch.stack(kept).sum(),
            "orthonormality": config.orthonormality * overlap,
        }


class _Judges(nn.Module):
    """Discriminators of images and codes, by domain, and of segments of each judged region."""

    def __init__(self, width: int, code: int, regions: int):
        super().__init__()
        widths = (width, 2 * width, 4 * width, 8 * width)
        domains = ("real", "simulated")
        self.images = nn.ModuleDict({domain: HalvingPatchGAN(1, widths) for domain in domains})
        self.codes = nn.ModuleDict({domain: CodeJudge(code) for domain in domains})
        self.segments = nn.ModuleList(HalvingPatchGAN(1, (width,) * 3) for _ in range(regions))


def _share(regions: Tensor, region: int, images: Images) -> Images:
    """How surely a pixel is of a region, as an image in [-1, 1]."""
    share = regions.float().softmax(dim=1)[:, region : region + 1]
    return Images(black_outside(2 * share - 1, images.mask), images.mask)

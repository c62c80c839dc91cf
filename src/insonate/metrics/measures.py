"""The measures as things with settings, which name themselves in the scores that they make."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal, Protocol

import numpy as np
from torch import Tensor

from insonate.errors import InputError
from insonate.metrics.features import FeatureExtractor
from insonate.metrics.frechet import frechet_distance
from insonate.metrics.kernel_distance import SEED, SUBSETS, kernel_distance
from insonate.metrics.patch_kl import BINS, PATCH, EmptyBins, patch_kl
from insonate.metrics.psnr import psnr
from insonate.metrics.score import Made, Score
from insonate.metrics.ssim import Border, content_ssim, ms_ssim, ssim

__all__ = [
    "Better",
    "ContentSsim",
    "Frechet",
    "ImageMeasure",
    "Kernel",
    "MsSsim",
    "PatchKl",
    "Psnr",
    "SetMeasure",
    "Ssim",
    "score_images",
]

#: Which way a measure points.
Better = Literal["higher", "lower"]


class ImageMeasure(Protocol):
    """A number for every pair of images."""

    better: ClassVar[Better]
    unit: ClassVar[str]

    @property
    def made(self) -> Made:
        """What makes the number."""
        ...

    def __call__(self, image: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Values `(n,)` of images `(n, rows, columns)`, gray levels 0 to 255."""
        ...


class SetMeasure(Protocol):
    """A number for a pair of sets of images, from their features."""

    better: ClassVar[Better]
    unit: ClassVar[str]

    @property
    def extractor(self) -> FeatureExtractor:
        """That the features come from."""
        ...

    def score(self, real: Tensor, translated: Tensor) -> Score:
        """Of features `(n, d)` and `(m, d)`."""
        ...


def score_images(
    measure: ImageMeasure, image: Tensor, target: Tensor, mask: Tensor | None = None
) -> Score:
    """The score of some images.

    Args:
        measure: to take.
        image: `(n, rows, columns)`, gray levels 0 to 255.
        target: the same shape.
        mask: pixels that count; what it means, the measure says.

    Raises:
        InputError: as the measure does.
    """
    made = measure.made if mask is None else measure.made.also(mask="masked")
    return Score(measure(image, target, mask).cpu().numpy(), made)


@dataclasses.dataclass(frozen=True)
class Psnr:
    """`psnr`; the mask is of the pixels whose errors count."""

    better: ClassVar[Better] = "higher"
    unit: ClassVar[str] = "dB"

    @property
    def made(self) -> Made:
        """What makes the number."""
        return Made("PSNR")

    def __call__(self, image: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Values `(n,)` [dB] of images `(n, rows, columns)`."""
        return psnr(image, target, mask)


@dataclasses.dataclass(frozen=True)
class Ssim:
    """`ssim`; the mask is of the pixels over which the map is averaged.

    Attributes:
        border: how the window meets the edge.
    """

    border: Border = "valid"
    better: ClassVar[Better] = "higher"
    unit: ClassVar[str] = ""

    @property
    def made(self) -> Made:
        """What makes the number."""
        return Made("SSIM", {"border": self.border})

    def __call__(self, image: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Values `(n,)` of images `(n, rows, columns)`."""
        return ssim(image, target, self.border, mask)


@dataclasses.dataclass(frozen=True)
class ContentSsim:
    """`content_ssim`; the target is the simulated image and the mask its content.

    Attributes:
        border: how the window meets the edge.
    """

    border: Border = "valid"
    better: ClassVar[Better] = "higher"
    unit: ClassVar[str] = ""

    @property
    def made(self) -> Made:
        """What makes the number."""
        return Made("content_SSIM", {"border": self.border})

    def __call__(self, image: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Values `(n,)` of translated images and simulated ones `(n, rows, columns)`."""
        if mask is None:
            raise InputError("mask: content SSIM needs the mask of the content")
        return content_ssim(target, image, mask, self.border)


@dataclasses.dataclass(frozen=True)
class MsSsim:
    """`ms_ssim`, which takes no mask."""

    better: ClassVar[Better] = "higher"
    unit: ClassVar[str] = ""

    @property
    def made(self) -> Made:
        """What makes the number."""
        return Made("MS_SSIM")

    def __call__(self, image: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Values `(n,)` of images `(n, rows, columns)`."""
        if mask is not None:
            raise InputError("mask: MS-SSIM takes none")
        return ms_ssim(image, target)


@dataclasses.dataclass(frozen=True)
class PatchKl:
    """`patch_kl`; the mask is the fan.

    Attributes:
        rule: for empty bins.
        fan_only: whether patches outside the fan are left out, and do not count as 0.
    """

    rule: EmptyBins = "half"
    fan_only: bool = False
    better: ClassVar[Better] = "lower"
    unit: ClassVar[str] = "nats"

    @property
    def made(self) -> Made:
        """What makes the number."""
        fan = "fan_only" if self.fan_only else "whole"
        return Made("pKL", {"rule": self.rule, "patches": fan, "bins": BINS, "patch": PATCH})

    def __call__(self, image: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Values `(n,)` of images `(n, rows, columns)`."""
        return patch_kl(target, image, self.rule, mask, self.fan_only)


@dataclasses.dataclass(frozen=True)
class Frechet:
    """`frechet_distance` of the features of a network.

    Attributes:
        extractor: the network.
    """

    extractor: FeatureExtractor
    better: ClassVar[Better] = "lower"
    unit: ClassVar[str] = ""

    def score(self, real: Tensor, translated: Tensor) -> Score:
        """One value.

        Args:
            real: features `(n, d)`.
            translated: features `(m, d)`.

        Raises:
            InputError: as `frechet_distance`.
        """
        value = frechet_distance(real.cpu().numpy(), translated.cpu().numpy())
        made = _made("FID", self.extractor, len(real), len(translated))
        return Score(np.array([value]), made)


@dataclasses.dataclass(frozen=True)
class Kernel:
    """`kernel_distance` of the features of a network.

    Attributes:
        extractor: the network.
        subset: features of a subset; None is half of the smaller set, of at most 1000.
        subsets: how many are drawn.
        seed: of the draws.
    """

    extractor: FeatureExtractor
    subset: int | None = None
    subsets: int = SUBSETS
    seed: int = SEED
    better: ClassVar[Better] = "lower"
    unit: ClassVar[str] = ""

    def score(self, real: Tensor, translated: Tensor) -> Score:
        """One value for every subset; their mean is the distance.

        Args:
            real: features `(n, d)`.
            translated: features `(m, d)`.

        Raises:
            InputError: as `kernel_distance`.
        """
        sets = real.cpu().numpy(), translated.cpu().numpy()
        found = kernel_distance(*sets, self.subset, self.subsets, self.seed)
        made = _made("KID", self.extractor, len(real), len(translated), found.subset)
        if (self.subsets, self.seed) != (SUBSETS, SEED):
            made = made.also(subsets=self.subsets, seed=self.seed)
        return Score(found.values, made)


def _made(measure: str, by: FeatureExtractor, real: int, translated: int, subset: int = 0) -> Made:
    """Extractor, layer, dimension, numbers of images, subset and resize."""
    count = f"n{real}" if real == translated else f"n{real}x{translated}"
    made = Made(measure, {"extractor": by.name, "layer": by.layer, "d": by.dimension, "n": count})
    made = made.also(subset=subset) if subset else made
    return made.also(resize=by.resize) if by.resize else made.also(resize="native")

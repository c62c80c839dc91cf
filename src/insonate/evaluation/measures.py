"""What is measured of every patch: the columns of the table, and which way is better."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from insonate.evaluation.settings import EvaluationSettings
from insonate.metrics import ImageMeasure, Made, MsSsim, PatchKl, Psnr, Ssim

__all__ = ["BEST_PSNR", "Better", "Measure", "PatchMeasure", "patch_measures"]

#: Which way a measure points; one, of a ratio that should be 1.
Better = Literal["higher", "lower", "one"]

#: PSNR of an error below that of rounding to 8 bits, 1/12: more cannot be told [dB].
BEST_PSNR = 10.0 * math.log10(12.0 * 255.0**2)
#: MS-SSIM takes images with more than so many pixels a side.
_LEAST_SCALES = 160

#: Ratios below this are all as bad as each other.
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A column.

    Attributes:
        name: in files.
        title: in tables, with its unit.
        better: which way.
        digits: in tables.
        scale: what tables multiply it by.
        about: in one line.
        short: it stands in the short table and is tested, not in full results only.
    """

    name: str
    title: str
    better: Better
    digits: int = 2
    scale: float = 1.0
    about: str = ""
    short: bool = True

    @property
    def tail(self) -> int:
        """The percentile on the bad side: 95 of what should be low, else 5."""
        return 95 if self.better == "lower" else 5

    def text(self, value: float) -> str:
        """A value as tables have it."""
        return f"{value * self.scale:.{self.digits}f}" if math.isfinite(value) else "n/a"

    def goodness(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Larger where values `(n,)` are better, in a unit of its own."""
        if self.better == "one":
            return -np.abs(np.log(np.maximum(values, _LEAST)))  # a ratio may be 0, or less
        return values if self.better == "higher" else -values


@dataclass(frozen=True, kw_only=True)
class PatchMeasure(Measure):
    """A column that is measured patch by patch.

    Attributes:
        of: what measures it.
        made: what a score of it carries.
    """

    of: ImageMeasure
    made: Made

    def values(self, image: Tensor, target: Tensor, fan: Tensor | None) -> NDArray[np.float64]:
        """Values `(n,)` of images `(n, rows, columns)`, gray levels, in the fan or everywhere."""
        return np.minimum(self.of(image, target, fan).cpu().numpy(), _most(self.name))


def _most(name: str) -> float:
    return BEST_PSNR if name == "psnr" else math.inf


def patch_measures(settings: EvaluationSettings, side: int) -> tuple[PatchMeasure, ...]:
    """PSNR, SSIM, pKL by the rule asked for and by skip_empty, MS-SSIM if images are large.

    Of whole frames they are measured within the fan; of crops, as in the paper, over all
    pixels, outside of the fan too.

    Args:
        settings: of the protocol.
        side: of the crops, or the shorter one of whole frames [pixels].
    """
    found = [
        _column("psnr", "PSNR [dB]", 1.0, Psnr(), settings, side),
        _column("ssim", "SSIM [%]", 100.0, Ssim(settings.border), settings, side),
        _column(
            "pkl", "pKL (x 100)", 100.0, PatchKl(settings.rule, settings.whole), settings, side
        ),
    ]
    if settings.rule != "skip_empty":
        skipping = PatchKl("skip_empty", settings.whole)
        title = "pKL, empty bins skipped (x 100)"
        column = _column("pkl_skip_empty", title, 100.0, skipping, settings, side)
        found.append(dataclasses.replace(column, short=False))
    if side > _LEAST_SCALES and not settings.whole:
        found.append(_column("ms_ssim", "MS-SSIM [%]", 100.0, MsSsim(), settings, side))
    return tuple(found)


_ABOUT = {
    "psnr": "peak signal-to-noise ratio; an error below that of rounding counts as that",
    "ssim": "structural similarity",
    "pkl": "Kullback-Leibler divergence of the histograms of patches of 32 x 32 pixels",
    "pkl_skip_empty": "the same without bins that one of both histograms leaves empty",
    "ms_ssim": "structural similarity over five scales",
}


def _column(
    name: str,
    title: str,
    scale: float,
    of: ImageMeasure,
    settings: EvaluationSettings,
    side: int,
) -> PatchMeasure:
    on = "frames" if settings.whole else f"crops_of_{settings.translate}"
    made = of.made.also(on=on, side=side)
    return PatchMeasure(
        name=name, title=title, better=of.better, scale=scale, about=_ABOUT[name], of=of, made=made
    )

"""How good an image is where: in shadow, at the borders of regions, from region to region.

Zhang et al. 2020 claim that acoustic shadows come with the attenuation map and anatomy with the
segmentation; these numbers say whether they do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from insonate.evaluation.measures import Measure
from insonate.metrics import Made, envelope_of, speckle_snr

__all__ = ["PLACES", "PlaceMeasure", "Scene", "border_band", "correlation", "region_levels"]

Image = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Share of the beam that is lost in shadow, and attenuation of which 8 bits have nothing left.
SHADOW, ATTENUATED = 0.5, 0.5 / 255.0
#: How far the band around borders reaches, and how much edges are smoothed [pixels].
BAND, SMOOTH = 3, 1.5
#: Regions with fewer pixels have no level, and a frame with fewer regions no correlation.
FEWEST_PIXELS, FEWEST_REGIONS = 64, 3
#: Windows of even tissue: their side [pixels], how few say nothing, and the darkest gray level
#: that is still speckle.
EVEN, FEWEST_EVEN, DARKEST = 12, 4, 8


@dataclass(frozen=True)
class Scene:
    """What is known of a frame besides its images; None where the dataset does not have it.

    Attributes:
        fan: where the frame has content, mask `(rows, columns)`.
        shadow: share of the beam that is lost `(rows, columns)`.
        attenuation: integral attenuation map, shares `(rows, columns)`.
        labels: of regions `(rows, columns)`.
        unlabelled: the label that means nothing.
        dynamic_range: from black to white [dB].
    """

    fan: Mask
    shadow: NDArray[np.floating] | None = None
    attenuation: NDArray[np.floating] | None = None
    labels: NDArray[np.integer] | None = None
    unlabelled: int | None = None
    dynamic_range: float = 60.0

    @classmethod
    def of(
        cls,
        sample: Mapping[str, NDArray],
        unlabelled: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Scene:
        """From arrays `(..., rows, columns)` of one frame and what is said of it.

        Args:
            sample: arrays by name, as a dataset gives them, `(..., rows, columns)`.
            unlabelled: the label that means nothing.
            metadata: of the frame; its display says the dynamic range.
        """
        shape = sample["bmode"].shape[-2:]
        flat = {k: v.reshape(shape) for k, v in sample.items() if k in _MAPS}
        fan = flat["mask"] > 0 if "mask" in flat else np.ones(shape, bool)
        return cls(
            fan,
            flat.get("shadow"),
            flat.get("attenuation"),
            flat.get("labels"),
            unlabelled,
            _dynamic_range(metadata or {}),
        )

    @cached_property
    def dark(self) -> Mask | None:
        """Pixels in shadow `(rows, columns)`."""
        return None if self.shadow is None else self.fan & (self.shadow > SHADOW)

    @cached_property
    def lit(self) -> Mask | None:
        """Pixels out of shadow `(rows, columns)`."""
        return None if self.shadow is None else self.fan & (self.shadow <= SHADOW)

    @cached_property
    def attenuated(self) -> Mask | None:
        """Pixels that the attenuation map has nothing left for `(rows, columns)`."""
        return None if self.attenuation is None else self.fan & (self.attenuation < ATTENUATED)

    @cached_property
    def band(self) -> Mask | None:
        """Pixels at the borders of regions `(rows, columns)`."""
        return None if self.labels is None else self.fan & border_band(self.labels)


def _dynamic_range(metadata: Mapping[str, Any]) -> float:
    """What the display said, if the frame was rendered here, or else 60 dB."""
    display = metadata.get("display")
    found = display.get("dynamic_range") if isinstance(display, Mapping) else None
    return float(found) if isinstance(found, int | float) and found > 0.0 else 60.0


_MAPS = ("mask", "shadow", "attenuation", "labels")


def border_band(labels: NDArray[np.integer], reach: int = BAND) -> Mask:
    """Pixels that are at most so far from another region's.

    Args:
        labels: `(rows, columns)`.
        reach: how far [pixels]; 1 is the two pixels on both sides of a border.
    """
    beside = np.zeros(labels.shape, bool)
    down, across = labels[:-1] != labels[1:], labels[:, :-1] != labels[:, 1:]
    beside[:-1] |= down
    beside[1:] |= down
    beside[:, :-1] |= across
    beside[:, 1:] |= across
    if not beside.any():
        return beside
    return np.asarray(ndimage.distance_transform_edt(~beside)) <= reach - 1


def region_levels(image: Image, labels: NDArray[np.integer], where: Mask) -> dict[int, float]:
    """Mean gray level of every region with enough pixels, by label.

    Args:
        image: gray levels `(rows, columns)`.
        labels: `(rows, columns)`.
        where: mask of the pixels that count.
    """
    inside = labels[where].astype(np.int64)
    count = np.bincount(inside)
    total = np.bincount(inside, weights=image[where])
    return {int(k): float(total[k] / count[k]) for k in np.flatnonzero(count >= FEWEST_PIXELS)}


def correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Pearson's, of any two arrays of one shape (n,); NaN if one of them is constant."""
    if a.size < 2:
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / size) if size > 0.0 else float("nan")


def _error(image: Image, target: Image, where: Mask | None) -> float:
    if where is None or not where.any():
        return float("nan")
    return float(np.abs(image - target)[where].mean())


def _level(image: Image, target: Image, where: Mask | None) -> float:
    if where is None or not where.any():
        return float("nan")
    return abs(float((image - target)[where].mean()))


def _edges(image: Image, target: Image, where: Mask | None) -> float:
    if where is None or not where.any():
        return float("nan")
    slopes = [ndimage.gaussian_gradient_magnitude(each, SMOOTH) for each in (image, target)]
    return correlation(slopes[0][where], slopes[1][where])


def _levels(image: Image, target: Image, scene: Scene) -> float:
    if scene.labels is None:
        return float("nan")
    where = scene.fan & (scene.labels != (-1 if scene.unlabelled is None else scene.unlabelled))
    got, wanted = (region_levels(each, scene.labels, where) for each in (image, target))
    if len(wanted) < FEWEST_REGIONS:
        return float("nan")
    return correlation(np.array(list(got.values())), np.array(list(wanted.values())))


def _speckle(image: Image, target: Image, scene: Scene) -> float:
    """Median SNR over windows of even, bright tissue, as a share of the target's."""
    if scene.labels is None:
        return float("nan")
    even = _even_windows(target, scene)
    if len(even) < FEWEST_EVEN:
        return float("nan")
    got, wanted = (_snr(each, even, scene.dynamic_range) for each in (image, target))
    return got / wanted if wanted > 0.0 and np.isfinite(got) else float("nan")


def _even_windows(target: Image, scene: Scene) -> list[tuple[slice, slice]]:
    """Windows of one region, within the fan, in which the target has speckle everywhere."""
    assert scene.labels is not None
    rows, columns = (range(0, side - EVEN + 1, EVEN) for side in target.shape)
    places = [(slice(r, r + EVEN), slice(c, c + EVEN)) for r in rows for c in columns]
    return [
        at
        for at in places
        if scene.fan[at].all()
        and target[at].min() >= DARKEST
        and (scene.labels[at] == scene.labels[at][0, 0]).all()
    ]


def _snr(image: Image, windows: list[tuple[slice, slice]], dynamic_range: float) -> float:
    gray = torch.from_numpy(np.stack([image[at] for at in windows]))
    return float(speckle_snr(envelope_of(gray, dynamic_range)).median())


@dataclass(frozen=True, kw_only=True)
class PlaceMeasure(Measure):
    """A number of a whole frame, for one kind of place in it.

    Attributes:
        needs: array of the dataset.
        of: of image, target and scene; NaN where a frame has no such place.
    """

    needs: str
    of: Callable[[Image, Image, Scene], float]

    @property
    def made(self) -> Made:
        """What a score of it carries."""
        return Made(self.name, {"on": "frames"})


def _place(
    name: str, title: str, needs: str, of: Callable[..., float], **rest: Any
) -> PlaceMeasure:
    better = rest.pop("better", "lower")
    return PlaceMeasure(name=name, title=title, needs=needs, of=of, better=better, **rest)


#: What is measured of whole frames; gray levels are of 0 to 255.
PLACES: tuple[PlaceMeasure, ...] = (
    _place(
        "shadow_error", "in shadow", "shadow",
        lambda image, target, scene: _error(image, target, scene.dark),
        about=f"mean |difference| where more than {SHADOW:g} of the beam is lost [gray levels]",
    ),
    _place(
        "shadow_level", "level in shadow", "shadow",
        lambda image, target, scene: _level(image, target, scene.dark),
        about="|difference of the mean levels| of the same pixels [gray levels]",
    ),
    _place(
        "attenuated_error", "attenuated", "attenuation",
        lambda image, target, scene: _error(image, target, scene.attenuated),
        about="mean |difference| where the attenuation map has nothing left [gray levels]",
    ),
    _place(
        "lit_error", "out of shadow", "shadow",
        lambda image, target, scene: _error(image, target, scene.lit),
        about="mean |difference| elsewhere in the fan [gray levels]",
    ),
    _place(
        "border_error", "at borders", "labels",
        lambda image, target, scene: _error(image, target, scene.band),
        about=f"mean |difference| up to {BAND} pixels from the border of two regions [gray levels]",
    ),
    _place(
        "border_edges", "edges at borders", "labels",
        lambda image, target, scene: _edges(image, target, scene.band),
        better="higher", digits=3,
        about=f"correlation of the slopes of both images, smoothed by {SMOOTH:g} pixels, there",
    ),
    _place(
        "region_levels", "levels of regions", "labels", _levels,
        better="higher", digits=3,
        about="correlation of the mean levels of regions within a frame",
    ),
    _place(
        "speckle", "speckle SNR", "labels", _speckle,
        better="one", digits=3,
        about=f"SNR of the envelope in even windows of {EVEN} pixels, as a share of the target's",
    ),
)  # fmt: skip

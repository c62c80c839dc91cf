"""Contrast of two regions of an image: CNR and generalised CNR."""

from __future__ import annotations

import torch
from torch import Tensor

from insonate.errors import InputError
from insonate.metrics.gray import check_images, matching_mask

__all__ = ["cnr", "gcnr"]

#: Bins of a histogram over the range of both regions together.
BINS = 100


def cnr(images: Tensor, inside: Tensor, outside: Tensor) -> Tensor:
    """Contrast-to-noise ratio |μi - μo| / (σi² + σo²)^½ of two regions.

    Args:
        images: `(n, rows, columns)`, gray levels or amplitudes.
        inside: mask of the one region, such as a cyst.
        outside: mask of the other, such as the tissue around it.

    Returns:
        `(n,)` float64; infinite for two even regions that differ, NaN if they do not.

    Raises:
        InputError: shapes that differ, or an empty mask.
    """
    inner, outer = _regions(images, inside, outside)
    values = []
    for a, b in zip(inner, outer, strict=True):
        noise = (a.var(correction=0) + b.var(correction=0)).sqrt()
        values.append((a.mean() - b.mean()).abs() / noise)
    return torch.stack(values)


def gcnr(images: Tensor, inside: Tensor, outside: Tensor, bins: int = BINS) -> Tensor:
    """Generalised CNR: 1 - the overlap of the two regions' histograms, 0 to 1.

    The share of pixels that the best threshold tells apart, as 1 - 2 times its error
    (Rodriguez-Molares et al. 2020). No change of contrast or brightness changes it, as long as
    bins keep their pixels. Small regions make it too large: with few pixels in a bin histograms
    differ by chance.

    Args:
        images: `(n, rows, columns)`, gray levels or amplitudes.
        inside: mask of the one region.
        outside: mask of the other.
        bins: of the histograms, over the range of both regions.

    Returns:
        `(n,)` float64.

    Raises:
        InputError: shapes that differ, an empty mask, or fewer than two bins.
    """
    if bins < 2:
        raise InputError(f"bins: expected at least 2, got {bins}")
    inner, outer = _regions(images, inside, outside)
    return torch.stack([1.0 - _overlap(a, b, bins) for a, b in zip(inner, outer, strict=True)])


def _regions(images: Tensor, inside: Tensor, outside: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Values of both regions, for every image."""
    check_images(images, "images")
    images = images.double()
    masks = matching_mask(inside, images, "inside"), matching_mask(outside, images, "outside")
    one, other = ([image[m] for image, m in zip(images, mask, strict=True)] for mask in masks)
    return one, other


def _overlap(a: Tensor, b: Tensor, bins: int) -> Tensor:
    low = torch.minimum(a.min(), b.min())
    width = torch.maximum(a.max(), b.max()) - low
    shares = []
    for values in (a, b):
        place = (values - low) / torch.where(width > 0, width, torch.ones_like(width))
        index = (place * bins).floor().clamp(0, bins - 1).long()
        shares.append(torch.bincount(index, minlength=bins).double() / len(values))
    return torch.minimum(*shares).sum()

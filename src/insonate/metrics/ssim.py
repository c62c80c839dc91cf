"""Structural similarity: the map, its mean, its mean over content, and over scales.

Conventions: Gaussian window of 11 x 11 pixels and sigma 1.5, constants (0.01 * 255)² and
(0.03 * 255)², population covariance (Wang et al. 2004).
"""

from __future__ import annotations

import typing
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from insonate.errors import InputError, closest
from insonate.metrics.gray import WHITE, check_pair, masked_mean

__all__ = ["SCALE_WEIGHTS", "Border", "content_ssim", "ms_ssim", "ssim", "ssim_map"]

#: How the window meets the edge: `valid` leaves out pixels whose window is cut, `matlab` repeats
#: the edge, as MATLAB's ssim does, `symmetric` mirrors it.
Border = Literal["valid", "matlab", "symmetric"]

WINDOW, SIGMA = 11, 1.5
RADIUS = WINDOW // 2
C1, C2 = (0.01 * WHITE) ** 2, (0.03 * WHITE) ** 2
#: Exponents of the scales, finest first (Wang, Simoncelli and Bovik 2003).
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
#: Below this, the window does not fit the coarsest scale [pixels].
SMALLEST_OF_SCALES = (WINDOW - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1


def ssim_map(image: Tensor, target: Tensor, border: Border = "valid") -> Tensor:
    """Structural similarity around every pixel, -1 to 1.

    Args:
        image: `(n, rows, columns)`, gray levels 0 to 255.
        target: the same shape.
        border: how the window meets the edge.

    Returns:
        `(n, rows, columns)` float64, smaller by 5 pixels on every side if `valid`.

    Raises:
        InputError: shapes that differ, images smaller than the window, or an unknown border.
    """
    image, target = check_pair(image, target, smallest=WINDOW)
    luminance, structure = _terms(image, target, border)
    return luminance * structure


def ssim(
    image: Tensor, target: Tensor, border: Border = "valid", mask: Tensor | None = None
) -> Tensor:
    """Mean structural similarity of every image.

    Args:
        image: `(n, rows, columns)`, gray levels 0 to 255.
        target: the same shape.
        border: how the window meets the edge.
        mask: pixels over which the map is averaged; their windows reach beyond it.

    Returns:
        `(n,)` float64.

    Raises:
        InputError: as `ssim_map`, or an empty mask.
    """
    values = ssim_map(image, target, border)
    if mask is not None and border == "valid":
        if tuple(mask.shape[-2:]) != tuple(image.shape[-2:]):
            shapes = f"{tuple(image.shape)}, got {tuple(mask.shape)}"
            raise InputError(f"mask: expected the shape of the images {shapes}")
        mask = mask[..., RADIUS:-RADIUS, RADIUS:-RADIUS]
    return masked_mean(values, mask)


def content_ssim(
    simulated: Tensor, translated: Tensor, content: Tensor, border: Border = "valid"
) -> Tensor:
    """How much of the simulated content is kept by translation.

    The map between the simulated image and its translation, averaged over pixels with content:
    those in the fan whose label is not background (Tomar et al. 2021, which prints 100 times it).

    Args:
        simulated: `(n, rows, columns)`, gray levels 0 to 255.
        translated: the same shape.
        content: mask of the content in the simulated image.
        border: how the window meets the edge.

    Returns:
        `(n,)` float64.

    Raises:
        InputError: as `ssim`.
    """
    return ssim(translated, simulated, border, content)


def ms_ssim(image: Tensor, target: Tensor) -> Tensor:
    """Structural similarity over five scales, each half as fine as the one before.

    Contrast and structure of all scales, luminance of the coarsest. A negative mean counts as 0,
    since a power of it is no number.

    Args:
        image: `(n, rows, columns)`, gray levels 0 to 255; more than 160 pixels a side.
        target: the same shape.

    Returns:
        `(n,)` float64.

    Raises:
        InputError: shapes that differ, or images too small.
    """
    image, target = check_pair(image, target, smallest=SMALLEST_OF_SCALES)
    product = torch.ones(len(image), dtype=torch.float64, device=image.device)
    for scale, weight in enumerate(SCALE_WEIGHTS, start=1):
        luminance, structure = _terms(image, target, "valid")
        last = scale == len(SCALE_WEIGHTS)
        term = luminance * structure if last else structure
        product = product * masked_mean(term, None).clamp_min(0.0) ** weight
        image, target = (functional.avg_pool2d(x, 2, ceil_mode=True) for x in (image, target))
    return product


def _terms(image: Tensor, target: Tensor, border: str) -> tuple[Tensor, Tensor]:
    """Luminance, and contrast with structure, of two images `(n, rows, columns)`."""
    moments = (image, target, image * image, target * target, image * target)
    mu1, mu2, square1, square2, product = (_windowed(m, border) for m in moments)
    variance1, variance2 = square1 - mu1 * mu1, square2 - mu2 * mu2
    covariance = product - mu1 * mu2
    luminance = (2.0 * mu1 * mu2 + C1) / (mu1 * mu1 + mu2 * mu2 + C1)
    return luminance, (2.0 * covariance + C2) / (variance1 + variance2 + C2)


def _windowed(values: Tensor, border: str) -> Tensor:
    """Local means under the Gaussian window, rows first, then columns."""
    at = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    window = torch.exp(-0.5 * (at / SIGMA) ** 2)
    taps = (window / window.sum()).tolist()
    return _filtered(_filtered(_bordered(values, border), taps, 1), taps, 2)


def _filtered(values: Tensor, taps: list[float], axis: int) -> Tensor:
    """Weighted sums along an axis, without its ends.

    Slice by slice: torch's convolution of a single plane in double precision is several times
    slower.
    """
    size = values.shape[axis] - len(taps) + 1
    total = taps[0] * values.narrow(axis, 0, size)
    for k, tap in enumerate(taps[1:], start=1):
        total.add_(values.narrow(axis, k, size), alpha=tap)
    return total


def _bordered(values: Tensor, border: str) -> Tensor:
    if border == "valid":
        return values
    around = (RADIUS, RADIUS, RADIUS, RADIUS)
    if border == "matlab":
        return functional.pad(values[:, None], around, mode="replicate")[:, 0]
    if border == "symmetric":
        return _mirrored(_mirrored(values, 1), 2)
    raise InputError(f"border: {border!r}; {closest(border, typing.get_args(Border))}")


def _mirrored(values: Tensor, axis: int) -> Tensor:
    """Mirrored at the edge of the outermost pixel, which is seen twice."""
    size = values.shape[axis]
    first = values.narrow(axis, 0, RADIUS).flip(axis)
    last = values.narrow(axis, size - RADIUS, RADIUS).flip(axis)
    return torch.cat((first, values, last), axis)

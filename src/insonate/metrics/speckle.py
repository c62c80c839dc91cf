"""Statistics of speckle: signal-to-noise ratio, Nakagami law, size of grains.

They are of the envelope, not of the picture: `envelope_of` undoes the logarithm. Fully developed
speckle has a Rayleigh envelope: SNR (π / (4 - π))^½ = 1.913, Nakagami m = 1 (Wagner et al. 1983,
Shankar 2000).
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from insonate.errors import InputError
from insonate.metrics.gray import WHITE, check_images, matching_mask

__all__ = ["GrainSize", "Nakagami", "envelope_of", "grain_size", "nakagami", "speckle_snr"]


@dataclasses.dataclass(frozen=True, eq=False)
class Nakagami:
    """The Nakagami law of an envelope.

    Attributes:
        m: shape `(n,)`; 1 is Rayleigh, less is sparse or clustered, more has a regular part.
        omega: mean power `(n,)`, in the square of the envelope's unit.
    """

    m: Tensor
    omega: Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class GrainSize:
    """Full width at half maximum of the autocorrelation.

    Attributes:
        axial: along rows, downwards `(n,)`, in the unit of the spacing; NaN if wider than half
            the image.
        lateral: along columns `(n,)`, likewise.
    """

    axial: Tensor
    lateral: Tensor


def envelope_of(gray: Tensor, dynamic_range: float, gamma: float = 1.0) -> Tensor:
    """Envelope of a log-compressed picture, 1 at white.

    Black stands for all that lies below the dynamic range, so leave black pixels out.

    Args:
        gray: gray levels 0 to 255, any shape.
        dynamic_range: from black to white [dB].
        gamma: exponent of the gray map.

    Returns:
        Amplitudes of the same shape, float64.

    Raises:
        InputError: a range or an exponent that is not positive.
    """
    if dynamic_range <= 0 or gamma <= 0:
        raise InputError(
            f"dynamic_range, gamma: expected positive numbers, got {dynamic_range}, {gamma}"
        )
    level = dynamic_range * ((gray.double() / WHITE) ** (1.0 / gamma) - 1.0)
    return 10.0 ** (level / 20.0)


def speckle_snr(envelope: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean over standard deviation of an envelope in even tissue.

    Args:
        envelope: amplitudes `(n, rows, columns)`.
        mask: pixels of even tissue; without, all.

    Returns:
        `(n,)` float64; infinite where nothing varies.

    Raises:
        InputError: not images, or an empty mask.
    """
    regions = _regions(envelope, mask)
    return torch.stack([r.mean() / r.std(correction=0) for r in regions])


def nakagami(envelope: Tensor, mask: Tensor | None = None) -> Nakagami:
    """Shape m = E[R²]² / Var[R²] and power Ω = E[R²], by moments.

    Args:
        envelope: amplitudes `(n, rows, columns)`.
        mask: pixels of even tissue; without, all.

    Raises:
        InputError: not images, or an empty mask.
    """
    powers = [region.square() for region in _regions(envelope, mask)]
    shape = [p.mean().square() / p.var(correction=0) for p in powers]
    return Nakagami(torch.stack(shape), torch.stack([p.mean() for p in powers]))


def grain_size(
    images: Tensor, spacing: tuple[float, float] = (1.0, 1.0), mask: Tensor | None = None
) -> GrainSize:
    """Size of the grains of speckle, along rows and along columns.

    Rows are the axial direction only where beams run straight down, so take a window around the
    central line, or polar images. Lags of few pairs of pixels are weighted like all others.

    Args:
        images: envelopes or gray levels `(n, rows, columns)`.
        spacing: of rows and of columns [mm], or 1 for widths in pixels.
        mask: pixels of even tissue; without, all.

    Raises:
        InputError: not images, smaller than 4 pixels a side, or an empty mask.
    """
    check_images(images, "images", smallest=4)
    images = images.double()
    inside = _everywhere(images) if mask is None else matching_mask(mask, images)
    correlation = _autocorrelation(images, inside.double())
    axial = _full_width(correlation[:, : images.shape[1] // 2, 0])
    lateral = _full_width(correlation[:, 0, : images.shape[2] // 2])
    return GrainSize(axial * spacing[0], lateral * spacing[1])


def _regions(envelope: Tensor, mask: Tensor | None) -> list[Tensor]:
    """Values that count, for every image."""
    check_images(envelope, "envelope")
    envelope = envelope.double()
    inside = _everywhere(envelope) if mask is None else matching_mask(mask, envelope)
    return [image[m] for image, m in zip(envelope, inside, strict=True)]


def _everywhere(images: Tensor) -> Tensor:
    return torch.ones_like(images, dtype=torch.bool)


def _autocorrelation(images: Tensor, inside: Tensor) -> Tensor:
    """Of all lags from 0 up, over the pairs of pixels that both count, 1 at lag 0."""
    size = (2 * images.shape[1], 2 * images.shape[2])
    total = inside.sum((1, 2), keepdim=True)
    mean = (images * inside).sum((1, 2), keepdim=True) / total
    products = _correlated((images - mean) * inside, size)
    pairs = _correlated(inside, size)
    covariance = torch.where(pairs > 0.5, products / pairs.clamp_min(0.5), torch.nan)
    return covariance / covariance[:, :1, :1]


def _correlated(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Sums of products with itself moved, without wrapping around."""
    return torch.fft.irfft2(torch.fft.rfft2(values, s=size).abs().square(), s=size)


def _full_width(profile: Tensor) -> Tensor:
    """Twice the lag at which profiles `(n, lags)` fall through one half [samples]."""
    below = profile < 0.5
    after = below.double().argmax(1).clamp_min(1)
    rows = torch.arange(len(profile), device=profile.device)
    high, low = profile[rows, after - 1], profile[rows, after]
    width = 2.0 * (after - 1 + (high - 0.5) / (high - low))
    return torch.where(below.any(1), width, torch.nan)

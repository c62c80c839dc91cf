"""The transmitted pulse as a Gaussian envelope, and the sampling that it needs.

The simulator works on complex baseband (IQ): the carrier is gone, so the sampling rate
must hold the bandwidth only, not the carrier.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError

__all__ = [
    "DISPLAY_SPEED",
    "FWHM_PER_SIGMA",
    "axial_kernel",
    "axial_sigma",
    "check_sampling",
    "sampling_rate",
]

#: Speed of sound that a scanner assumes for its depth axis [mm/us].
DISPLAY_SPEED = 1.54
#: Full width at half maximum of a Gaussian, in standard deviations.
FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))


def axial_sigma(frequency: float, bandwidth: float) -> float:
    """Standard deviation of the pulse's envelope on the depth axis [mm] (:eq:`axial`).

    Args:
        frequency: centre frequency [MHz].
        bandwidth: -6 dB two-way bandwidth as a fraction of the centre frequency.
    """
    sigma_f = bandwidth * frequency / FWHM_PER_SIGMA
    return DISPLAY_SPEED / (4.0 * math.pi * sigma_f)


def axial_kernel(sigma: float, spacing: float) -> NDArray[np.float32]:
    """Samples of the pulse's envelope, unit energy, odd length (:eq:`axial`).

    Args:
        sigma: of the envelope [mm].
        spacing: of the axial samples [mm].
    """
    half = max(1, math.ceil(3.2 * sigma / spacing))
    z = np.arange(-half, half + 1) * spacing
    kernel = np.exp(-0.5 * (z / sigma) ** 2)
    return (kernel / np.linalg.norm(kernel)).astype(np.float32)


def sampling_rate(samples: int, depth: float) -> float:
    """Axial sampling rate [MHz] of `samples` over `depth` [mm], two-way."""
    return DISPLAY_SPEED * samples / (2.0 * depth)


def check_sampling(
    samples: int, depth: float, frequency: float, bandwidth: float, radio_frequency: bool = False
) -> None:
    """Refuse a line that is sampled too coarsely (:eq:`nyquist`).

    Args:
        samples: per scanline.
        depth: of the image [mm].
        frequency: centre frequency [MHz].
        bandwidth: -6 dB fraction.
        radio_frequency: the line keeps its carrier (RF) instead of baseband (IQ).

    Raises:
        InputError: the sampling rate is below the Nyquist limit of the pulse.
    """
    sigma_f = bandwidth * frequency / FWHM_PER_SIGMA
    need = 2.0 * (frequency + 3.0 * sigma_f) if radio_frequency else 6.0 * sigma_f
    rate = sampling_rate(samples, depth)
    if rate < need:
        least = math.ceil(need * 2.0 * depth / DISPLAY_SPEED)
        kind = "RF" if radio_frequency else "IQ"
        raise InputError(
            f"samples: {samples} over {depth:g} mm is {rate:.3g} MHz, below the {kind} Nyquist "
            f"limit of {need:.3g} MHz; at least {least} are needed"
        )

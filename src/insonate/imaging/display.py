"""What the operator sets on the screen side: TGC, gain, dynamic range, gray map, image size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.config import check_fields
from insonate.errors import InputError

__all__ = ["SLIDERS", "SLIDER_LIMIT", "Display"]

SLIDERS = 8
#: Most that a slider adds or takes away [dB].
SLIDER_LIMIT = 15.0


@dataclass(frozen=True)
class Display:
    """Settings of the receiver and the screen.

    Attributes:
        gain: overall [dB].
        dynamic_range: from black to white [dB].
        tgc: offsets of the eight sliders from shallow to deep, -15 to 15 [dB].
        tgc_attenuation: one-way attenuation that the TGC makes up for [dB/(cm MHz)].
        tgc_limit: largest amplification [dB].
        white_level: of speckle in adult liver below white [dB]; fixed, so that brightness
            does not float from frame to frame.
        gamma: exponent of the gray map.
        smoothing: axial smoothing before scan conversion, in pixels (sigma); 0 is off.
        rows: of the image; columns follow from the probe's shape, pixels are square.
    """

    gain: float = 0.0
    dynamic_range: float = 60.0
    tgc: tuple[float, ...] = (0.0,) * SLIDERS
    tgc_attenuation: float = 0.45
    tgc_limit: float = 90.0
    white_level: float = 25.0
    gamma: float = 1.0
    smoothing: float = 0.0
    rows: int = 1000

    def __post_init__(self) -> None:
        """Refuse settings that no scanner offers."""
        check_fields(self)
        if len(self.tgc) != SLIDERS or any(not abs(v) <= SLIDER_LIMIT for v in self.tgc):
            raise InputError(f"tgc: expected {SLIDERS} sliders from -15 to 15 dB, got {self.tgc}")
        if not 10.0 <= self.dynamic_range <= 120.0:
            raise InputError(f"dynamic_range: expected 10 to 120 dB, got {self.dynamic_range:g}")
        if not (self.gamma > 0 and self.smoothing >= 0):
            raise InputError("display: expected gamma above 0, smoothing from 0")
        if not 16 <= self.rows <= 8192:
            raise InputError(f"rows: expected 16 to 8192, got {self.rows}")

    def tgc_curve(
        self, depth: NDArray[np.float64], total: float, frequency: float
    ) -> NDArray[np.float64]:
        """Amplification at `depth` [mm] of an image `total` mm deep, in dB (:eq:`tgc`).

        Args:
            depth: `(samples,)` [mm].
            total: depth of the image [mm].
            frequency: of the attenuation law [MHz].
        """
        matched = 2.0 * self.tgc_attenuation * frequency * depth / 10.0
        knots = np.linspace(0.0, total, SLIDERS)
        return np.minimum(matched + np.interp(depth, knots, self.tgc), self.tgc_limit)

"""One simulated image with everything known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from insonate.imaging import Display, even_tgc, make_raster
from insonate.probe import Probe

__all__ = ["Frame"]

#: Share of the beam lost on the way from which on a pixel lies in shadow (24 dB).
SHADOW = 0.94


@dataclass(frozen=True)
class Frame:
    """A B-mode image, its labels and side products, all on one pixel grid `[row, column]`.

    Attributes:
        bmode: log-compressed image, 0 (black, and outside the fan) to 1, `(rows, columns)`.
        labels: region of every pixel by the unrefracted centre plane, nearest. 0 is the region
            `outside` (gel), and whatever lies outside the fan; `mask` tells them apart.
        attenuation: integral attenuation map, 0 to 1 (:eq:`integral`).
        shadow: share of the beam lost on the way, 0 (lit) to 1 (the beam no longer reaches).
        mask: True within the fan.
        pose: probe to world, `(4, 4)` [mm].
        spacing: of pixels [mm]; they are square.
        origin: lateral and depth position of the centre of pixel (0, 0), probe frame [mm].
        region_names: by label, at most 255.
        probe: that saw it.
        seed: of scatterers, rays and noise.
        iq: complex baseband `(scanlines, samples)` before TGC, if asked for.
        polar: log-compressed image before scan conversion `(scanlines, samples)`, likewise.
        looks: what networks made of `bmode` by name, alike, 0 to 1 `(rows, columns)`; not physics.
    """

    bmode: NDArray[np.float32]
    labels: NDArray[np.uint8]
    attenuation: NDArray[np.float32]
    shadow: NDArray[np.float32]
    mask: NDArray[np.bool_]
    pose: NDArray[np.float64]
    spacing: float
    origin: tuple[float, float]
    region_names: tuple[str, ...]
    probe: Probe
    seed: int
    iq: NDArray[np.complex64] | None = None
    polar: NDArray[np.float32] | None = None
    looks: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def image(self, look: str | None = None) -> NDArray[np.uint8]:
        """The B-mode image in 8 bits, `(rows, columns)`.

        Args:
            look: of `looks`; the simulated image when None.
        """
        image = self.bmode if look is None else self.looks[look]
        return np.round(image * 255.0).astype(np.uint8)

    def image_to_probe(self) -> NDArray[np.float64]:
        """Matrix `(4, 4)` from (column, row, 0, 1) to the probe frame [mm]."""
        matrix = np.zeros((4, 4))
        matrix[0, 0] = matrix[2, 1] = self.spacing
        matrix[1, 2] = -self.spacing  # right-handed: column x row points to minus elevation
        matrix[:, 3] = [self.origin[0], 0.0, self.origin[1], 1.0]
        return matrix

    def image_to_world(self) -> NDArray[np.float64]:
        """Matrix `(4, 4)` from (column, row, 0, 1) to the world [mm]."""
        return self.pose @ self.image_to_probe()

    def coordinates(self) -> NDArray[np.float32]:
        """World position of every pixel, `(rows, columns, 3)` [mm]."""
        rows, columns = self.bmode.shape
        matrix = self.image_to_world()
        row, column = np.mgrid[:rows, :columns]
        at = matrix[:3, 0] * column[..., None] + matrix[:3, 1] * row[..., None] + matrix[:3, 3]
        return at.astype(np.float32)

    def even_tgc(self, display: Display) -> Display:
        """The display with TGC sliders that make tissue evenly bright over depth, here.

        Fluid, shadows, what lies outside the fan, and depths at which the amplification is at
        its limit do not count.

        Args:
            display: that the frame was made with.
        """
        raster = make_raster(self.probe, self.bmode.shape[0])
        depth = ((raster.sample + 0.5) * self.probe.sample_spacing).astype(np.float64)
        curve = display.tgc_curve(
            depth.ravel(), self.probe.depth, self.probe.attenuation_frequency_mhz
        ).reshape(depth.shape)
        lit = self.mask & (self.shadow < SHADOW) & (curve < display.tgc_limit)
        return even_tgc(display, self.bmode, depth, lit, self.probe.depth)

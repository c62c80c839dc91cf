"""From scanlines to pixels: which line and sample every pixel of the image shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.probe import Probe

__all__ = ["Raster", "image_box", "make_raster", "scan_convert"]


@dataclass(frozen=True)
class Raster:
    """The image's pixel grid and its mapping to the polar image (:eq:`scan-conversion`).

    Attributes:
        shape: rows and columns.
        spacing: of the square pixels [mm].
        origin: lateral and depth position of the centre of pixel (0, 0), probe frame [mm].
        mask: pixels inside the fan, `(rows, columns)`.
        line: fractional scanline index of every pixel, `(rows, columns)`.
        sample: fractional sample index of every pixel, `(rows, columns)`.
    """

    shape: tuple[int, int]
    spacing: float
    origin: tuple[float, float]
    mask: NDArray[np.bool_]
    line: NDArray[np.float32]
    sample: NDArray[np.float32]


def image_box(probe: Probe) -> tuple[float, float, float, float]:
    """Left, top, width and height of the fan's bounding box, probe frame [mm]."""
    if probe.kind == "linear":
        shift = probe.depth * math.sin(probe.steering)
        left = -probe.width / 2 + min(shift, 0.0)
        return left, 0.0, probe.width + abs(shift), probe.depth * math.cos(probe.steering)
    if probe.steering:
        origins, directions, _ = probe.rays(8)
        rim = np.concatenate([origins, origins + probe.depth * directions])
        left, top = rim[:, 0].min(), rim[:, 2].min()
        return left, top, np.ptp(rim[:, 0]), rim[:, 2].max() - top
    half = probe.field_of_view / 2
    radius = probe.arc_radius + probe.depth
    width = 2 * radius * math.sin(min(half, math.pi / 2))
    drop = probe.arc_radius * (1.0 - math.cos(half))
    return -width / 2, -drop, width, radius - probe.arc_radius * math.cos(half)


def make_raster(probe: Probe, rows: int) -> Raster:
    """Pixel grid of `rows` rows that just holds the probe's fan.

    Args:
        probe: gives the fan.
        rows: of the image; columns follow from the fan's aspect.
    """
    left, top, width, height = image_box(probe)
    spacing = height / rows
    columns = max(1, round(width / spacing))
    centre = left + width / 2
    x = centre + (np.arange(columns) - (columns - 1) / 2) * spacing
    z = top + (np.arange(rows) + 0.5) * spacing
    lateral, depth = np.meshgrid(x, z)
    if probe.kind == "linear":
        along, across = depth, lateral
        reach = probe.width / 2
    else:
        from_centre = depth + probe.arc_radius
        along = np.hypot(lateral, from_centre) - probe.arc_radius
        across = np.arctan2(lateral, from_centre)
        reach = probe.field_of_view / 2
    along, aside = probe.steered(np.asarray(along, np.float64))
    across = across + aside
    mask = (along >= 0) & (along <= probe.depth) & (np.abs(across) <= reach)
    line = across / probe.line_step + (probe.scanlines - 1) / 2
    sample = along / probe.sample_spacing - 0.5
    return Raster(
        shape=(rows, columns),
        spacing=spacing,
        origin=(float(x[0]), float(z[0])),
        mask=mask,
        line=np.clip(line, 0, probe.scanlines - 1).astype(np.float32),
        sample=np.clip(sample, 0, probe.samples - 1).astype(np.float32),
    )


def scan_convert(polar: NDArray[np.floating], raster: Raster) -> NDArray[np.floating]:
    """Bilinear scan conversion of `polar` `(scanlines, samples)`; 0 outside the fan."""
    i = np.minimum(raster.line.astype(int), polar.shape[0] - 2)
    n = np.minimum(raster.sample.astype(int), polar.shape[1] - 2)
    u, v = raster.line - i, raster.sample - n
    near = (1 - v) * polar[i, n] + v * polar[i, n + 1]
    far = (1 - v) * polar[i + 1, n] + v * polar[i + 1, n + 1]
    return np.where(raster.mask, (1 - u) * near + u * far, 0).astype(polar.dtype)

"""Scanlines of IQ from central paths: texture, lateral beam, pulse, echoes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import pulse
from insonate.acoustics.pulse import FWHM_PER_SIGMA
from insonate.acoustics.scattering import (
    LATTICE,
    TABLE_SIZE,
    VOXEL_EDGE,
    hash_voxel,
    scatterer_table,
    shared_power,
)
from insonate.probe import Probe
from insonate.scene import Scene
from insonate.sim.reference.path import Echo, Segment, Surfaces, trace_path
from insonate.sim.settings import Settings

#: Axial samples over which the beam keeps its width, as in the kernels.
STEP = 32

__all__ = ["iq_lines"]


def iq_lines(
    scene: Scene, probe: Probe, settings: Settings, pose: NDArray[np.float64], seed: int
) -> NDArray[np.complex128]:
    """IQ of the fast preset without noise, `(scanlines, samples)`; slow on purpose.

    Only tissues without slow modulation, and one ray, layer and grid line a scanline.
    """
    low, high = scene.bounds()
    centre = np.round((low.astype(np.float64) + high) / 2.0)
    surfaces = Surfaces(scene, centre)
    origins, directions, _ = probe.rays()
    grid = np.zeros((probe.scanlines, probe.samples), complex)
    echo_lines = np.zeros_like(grid)
    for i in range(probe.scanlines):
        o = pose[:3, 3] - centre + pose[:3, :3] @ origins[i]
        d = pose[:3, :3] @ directions[i]
        segments, echoes = trace_path(surfaces, probe, settings, o, d, 1.0, index=i, seed=seed)
        for segment in segments:
            _scatter(grid[i], segment, scene, probe, settings, seed)
        for echo in echoes:
            _deposit(echo_lines[i], echo, probe)
    texture = _lateral(grid, probe)
    sigma = pulse.axial_sigma(probe.frequency, probe.bandwidth)
    kernel = pulse.axial_kernel(sigma, probe.sample_spacing)
    return np.stack([np.convolve(line, kernel, "same") for line in texture]) + echo_lines


def _scatter(
    line: NDArray[np.complex128], segment: Segment, scene: Scene, probe: Probe,
    settings: Settings, seed: int,
) -> None:  # fmt: skip
    """Add the scatterers of one segment (:eq:`scatterer`)."""
    tissue = scene.regions[segment.region].tissue
    depth = probe.depths()
    inside = np.flatnonzero((depth >= segment.start) & (depth < segment.end))
    z = depth[inside] - segment.start
    position = segment.rest + z[:, None] * segment.rest_step
    index = hash_voxel(np.floor(position / VOXEL_EDGE + LATTICE), seed) & np.uint32(TABLE_SIZE - 1)
    values = scatterer_table(tissue.occupancy, tissue.kappa)[index]
    level = 10.0 ** ((tissue.echogenicity + settings.speckle_level) / 20.0)
    line[inside] += level * segment.amplitude * np.exp(-segment.decay * z) * values


def _deposit(line: NDArray[np.complex128], echo: Echo, probe: Probe) -> None:
    """Add one echo as a pulse at its exact depth (:eq:`accumulation`)."""
    sigma = pulse.axial_sigma(probe.frequency, probe.bandwidth)
    scrambled = echo.incoherent * np.exp(1j * echo.phase)
    for depth, value in ((echo.surface, echo.coherent), (echo.depth, scrambled)):
        carrier = np.exp(-4j * np.pi / probe.wavelength * depth)
        line += value * carrier * np.exp(-0.5 * ((probe.depths() - depth) / sigma) ** 2)


def _lateral(grid: NDArray[np.complex128], probe: Probe) -> NDArray[np.complex128]:
    """Convolve across lines with the two-way beam of each depth (:eq:`psf`)."""
    depth = probe.depths()
    spacing = probe.line_spacing(depth)
    sigma = np.maximum(probe.lateral_sigma(depth) / spacing, 1.5 / FWHM_PER_SIGMA)
    away = np.abs(np.subtract.outer(np.arange(len(grid)), np.arange(len(grid))))
    out = np.empty_like(grid)
    for n in range(grid.shape[1]):
        width = sigma[min(n // STEP * STEP + STEP // 2, len(sigma) - 1)]
        weight = np.exp(-0.5 * (away / width) ** 2)
        weight[away > max(3.0 * width, 1.0)] = 0.0
        weight /= np.linalg.norm(weight, axis=1, keepdims=True)
        out[:, n] = weight @ grid[:, n]
    axial = pulse.axial_sigma(probe.frequency, probe.bandwidth)
    shared = shared_power(sigma * spacing, spacing) * shared_power(axial, probe.sample_spacing)
    return out / np.sqrt(shared)

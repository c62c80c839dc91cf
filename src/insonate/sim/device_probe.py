"""A probe and its display on the device: lines, beam widths, pulse, TGC, pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from insonate.acoustics import beam, pulse
from insonate.acoustics.pulse import DISPLAY_SPEED, FWHM_PER_SIGMA
from insonate.acoustics.scattering import shared_power
from insonate.imaging.scan_convert import make_raster
from insonate.probe import Probe
from insonate.sim.kernels.echoes import FRACTIONS, Pulse
from insonate.sim.kernels.image import WEIGHT_SCALE
from insonate.sim.kernels.probe_face import Tracing
from insonate.sim.kernels.rays import Bundle
from insonate.sim.kernels.signal import Receiver
from insonate.sim.kernels.texture import CHUNK, STEP
from insonate.sim.kernels.trace import DOMINANT, STOCHASTIC
from insonate.sim.settings import Settings

__all__ = ["BUNDLE_STRIDE", "DeviceProbe", "lateral_taps", "pulse_table"]

#: Speckle must span this many scanlines (full width), or columns decorrelate into streaks.
LEAST_LINES_PER_SPECKLE = 1.5
#: Axial samples per node of a bundle's mean amplitude (1 where the bundle is one ray), and
#: of the shadow map.
BUNDLE_STRIDE = 4
NOISE_TABLE = 1 << 18
#: Standard deviations after which the lateral beam is cut off.
BEAM_REACH = 3.0
NEPER_PER_DB = math.log(10.0) / 20.0


@dataclass(frozen=True)
class Lines:
    """Central rays in the probe frame, on the device."""

    origin: wp.array
    direction: wp.array
    lateral: wp.array


def lateral_taps(
    sigma: NDArray[np.float64], per_line: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Weights of grid lines on one side of a scanline (:eq:`psf`).

    Args:
        sigma: two-way lateral sigma per sample, in grid lines, `(samples,)`.
        per_line: grid lines per scanline; an even number has no line at the centre.

    Returns:
        Weights `(steps, taps)`, of unit energy with their mirror images, for every `STEP`
        samples, and the number of taps that each step needs, at least 2, `(steps,)`.
    """
    steps = -(-len(sigma) // STEP)
    middle = np.minimum(np.arange(steps) * STEP + STEP // 2, len(sigma) - 1)
    width = sigma[middle][:, None]
    middle_gap = 0.0 if per_line % 2 else 0.5
    reach = np.maximum(np.floor(BEAM_REACH * width[:, 0] - middle_gap) + 1, 2).astype(np.int32)
    at = np.arange(reach.max()) + middle_gap
    taps = np.where(at < reach[:, None], np.exp(-0.5 * (at / width) ** 2), 0.0)
    mirrored = np.where(at == 0, 1.0, 2.0)
    taps /= np.sqrt((mirrored * taps**2).sum(axis=1, keepdims=True))
    return taps.astype(np.float32), reach


def pulse_table(sigma: float, spacing: float) -> tuple[NDArray[np.float32], int]:
    """The pulse at sub-sample positions, peak 1: `(FRACTIONS, taps)`, and taps to either side.

    Args:
        sigma: of the pulse's envelope [mm].
        spacing: of the axial samples [mm].
    """
    half = max(1, math.ceil(3.2 * sigma / spacing))
    shift = (np.arange(FRACTIONS)[:, None] + 0.5) / FRACTIONS
    at = (np.arange(2 * half + 2) - half - shift) * spacing
    return np.exp(-0.5 * (at / sigma) ** 2).astype(np.float32), half


@lru_cache(maxsize=4)
def _noise(samples: int) -> NDArray[np.float32]:
    """Complex normal deviates of mean power 1; a line reads `samples` of them in a row."""
    rng = np.random.Generator(np.random.Philox(key=20260))
    values = rng.standard_normal((NOISE_TABLE + samples, 2)) / math.sqrt(2.0)
    return values.astype(np.float32)


class DeviceProbe:
    """What the kernels need of a probe, and of the settings that go with it."""

    def __init__(self, probe: Probe, settings: Settings, device: wp.Device):
        self.probe, self.settings, self.device = probe, settings, device
        self.depths = probe.depths()
        self.lines = self._lines(1)
        self.grid_lines = self._lines(settings.scatterer_lines)
        deviates, weights = beam.hermite_layers(settings.layers)
        self.layer_deviate = self._floats(deviates)
        self.layer_weight = self._floats(weights)
        self.texture_weight = self._floats(weights * 10.0 ** (settings.speckle_level / 20.0))
        self.echo_weight = self._floats(weights / weights.sum())
        self.stride = 1 if settings.rays == 1 else BUNDLE_STRIDE
        self.nodes = -(-probe.samples // self.stride)
        self.shadow_nodes = -(-probe.samples // BUNDLE_STRIDE)
        self.chunks = -(-probe.samples // CHUNK)
        self.steps = -(-probe.samples // STEP)
        self._beam_tables()
        self._pixels()
        self._signal_tables()

    def _array(self, values: Any, dtype: Any) -> wp.array:
        return wp.array(values, dtype=dtype, device=self.device)

    def _floats(self, values: NDArray) -> wp.array:
        return self._array(np.ascontiguousarray(values, np.float32), wp.float32)

    def _lines(self, per_line: int) -> Lines:
        vectors = (v.astype(np.float32) for v in self.probe.rays(per_line))
        return Lines(*(self._array(v, wp.vec3) for v in vectors))

    def _beam_tables(self) -> None:
        probe, m = self.probe, self.settings.scatterer_lines
        spacing = probe.line_spacing(self.depths)
        least = LEAST_LINES_PER_SPECKLE / FWHM_PER_SIGMA * spacing
        sigma = np.maximum(probe.lateral_sigma(self.depths), least)
        taps, reach = lateral_taps(sigma / spacing * m, m)
        self.taps, self.reach = self._floats(taps), self._array(reach, wp.int32)
        axial = pulse.axial_sigma(probe.frequency, probe.bandwidth)
        shared = shared_power(sigma, spacing / m) * shared_power(axial, probe.sample_spacing)
        self.evenness = self._floats(shared**-0.5)
        self.lateral_sigma = self._floats(sigma)
        along, aside = probe.steered(self.depths)
        self.look_sample = self._floats(along / probe.sample_spacing - 0.5)
        self.look_shift = self._floats(aside / probe.line_step)
        self.elevation_sigma = self._floats(probe.elevation_sigma(self.depths) / math.sqrt(2.0))

    def _signal_tables(self) -> None:
        probe, display = self.probe, self.settings.display
        sigma = pulse.axial_sigma(probe.frequency, probe.bandwidth)
        kernel = pulse.axial_kernel(sigma, probe.sample_spacing)
        right = kernel[len(kernel) // 2 :]
        self.half_pulse = self._floats(np.pad(right, (0, max(0, 5 - len(right)))))
        table, half = pulse_table(sigma, probe.sample_spacing)
        self.pulse = Pulse()
        self.pulse.table, self.pulse.half = self._floats(table), half
        self.pulse.spacing = probe.sample_spacing
        self.pulse.wavenumber = 4.0 * math.pi / probe.wavelength
        f = probe.attenuation_frequency_mhz
        curve = display.tgc_curve(self.depths, probe.depth, f)
        self.tgc = self._floats(curve)
        nodes = (np.arange(self.shadow_nodes) + 0.5) * BUNDLE_STRIDE * probe.sample_spacing
        expected = 2.0 * display.tgc_attenuation * f * nodes / 10.0
        self.reference = self._floats(10.0 ** (-expected / 20.0))
        self.noise = self._array(_noise(probe.samples), wp.vec2)
        near = np.zeros(self.steps)
        if self.settings.clutter is not None:
            z = (np.arange(self.steps) + 0.5) * STEP * probe.sample_spacing
            level = 10.0 ** ((self.settings.speckle_level + self.settings.clutter) / 10.0)
            near = level * np.exp(-2.0 * z / self.settings.clutter_depth)
        self.near = self._floats(near)
        self.smoothing = None
        if display.smoothing > 0:
            width = display.smoothing * self.raster.spacing
            kernel = pulse.axial_kernel(width, probe.sample_spacing)
            self.smoothing = self._floats(kernel / kernel.sum())

    def _pixels(self) -> None:
        raster, samples = make_raster(self.probe, self.settings.display.rows), self.probe.samples
        i = np.minimum(raster.line.astype(np.int32), self.probe.scanlines - 2)
        n = np.minimum(raster.sample.astype(np.int32), samples - 2)
        node = np.minimum((raster.sample / BUNDLE_STRIDE).astype(np.int32), self.shadow_nodes - 1)
        entry = np.where(raster.mask, i * samples + n, -1)
        beyond = np.stack([raster.line - i, raster.sample - n], axis=-1) * WEIGHT_SCALE
        weight = np.round(beyond).astype(np.uint16).view(np.uint32)
        self.raster = raster
        self.pixel_entry = self._array(entry.ravel(), wp.int32)
        self.pixel_node = self._array((i * self.shadow_nodes + node).ravel(), wp.int32)
        self.pixel_weight = self._array(weight.ravel(), wp.uint32)

    def bundle(self, seed: int, central: bool) -> Any:
        """The beam of primary rays; `central` keeps every ray on its scanline."""
        probe, settings = self.probe, self.settings
        lateral, elevation = probe.transmit_waist, probe.elevation_waist
        out = Bundle()
        out.rays = 1 if central else settings.rays
        out.lines = probe.scanlines * (settings.scatterer_lines if central else 1)
        out.centre = int(central or settings.rays == 1)
        out.radius = probe.arc_radius
        out.waist = lateral / math.sqrt(2.0)
        out.slope = out.waist / float(beam.rayleigh_range(lateral, probe.wavelength))
        out.focus = probe.focal_depth
        out.elevation_waist = elevation / math.sqrt(2.0)
        out.elevation_slope = out.elevation_waist / float(
            beam.rayleigh_range(elevation, probe.wavelength)
        )
        out.elevation_focus = probe.elevation_focus
        out.seed = wp.uint32(seed & 0xFFFFFFFF)
        return out

    def tracing(self, pose: NDArray[np.float64], seed: int, central: bool) -> Any:
        """How paths are followed from `pose` (probe to device scene, `(4, 4)`)."""
        probe, settings = self.probe, self.settings
        out = Tracing()
        out.rotation = wp.mat33(*(float(v) for v in pose[:3, :3].ravel()))
        out.position = wp.vec3(*(float(v) for v in pose[:3, 3]))
        out.depth, out.frequency = probe.depth, probe.frequency
        out.display_speed = DISPLAY_SPEED
        out.f_number, out.aperture = probe.receive_f_number, probe.largest_aperture
        out.gain, out.face = settings.reflection_gain, settings.face_reflection
        out.face_radius = probe.arc_radius
        span = probe.width / probe.radius if probe.kind == "convex" else probe.width
        out.face_width, out.face_height = span / 2.0, probe.elevation_height / 2.0
        f = probe.attenuation_frequency_mhz
        out.tgc = 2.0 * settings.display.tgc_attenuation * f / 10.0 * NEPER_PER_DB
        out.bounces = settings.bounces
        drawn = settings.branching == "stochastic" and not central
        out.branching = int(STOCHASTIC if drawn else DOMINANT)
        out.rays = 1 if central else settings.rays
        out.seed = wp.uint32(seed & 0xFFFFFFFF)
        return out

    def receiver(self, seed: int, passes: int) -> Any:
        """Noise and display settings; noise averages over `passes`."""
        settings, display = self.settings, self.settings.display
        out = Receiver()
        level = settings.noise_level
        out.noise = 0.0 if level is None else 10.0 ** (level / 20.0) / math.sqrt(passes)
        out.white = settings.speckle_level + display.white_level - display.gain
        out.dynamic_range, out.gamma = display.dynamic_range, display.gamma
        out.seed = wp.uint32(seed & 0xFFFFFFFF)
        return out

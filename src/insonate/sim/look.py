"""One look at the anatomy: from rays to IQ of one set of scanlines, as named stages."""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from insonate.acoustics.scattering import TABLE_SIZE, VOXEL_EDGE
from insonate.probe import Probe
from insonate.sim.buffers import Buffers, Paths, host
from insonate.sim.device_probe import DeviceProbe
from insonate.sim.device_scene import DeviceScene
from insonate.sim.kernels import bundle, echoes, image, rays, signal, texture, trace
from insonate.sim.launch import Launcher
from insonate.sim.placement import check_placement
from insonate.sim.settings import Settings

__all__ = ["Look"]

HAZE_REACH = 12
#: Power of the ring-down tail relative to the echo of the gas that rings.
RING_LEVEL = 10.0 ** (-45.0 / 10.0)


class Look:
    """A set of scanlines at one steering angle, and what a frame writes about it.

    Attributes:
        probe: whose scanlines they are.
        tables: the same on the device.
        buffers: what the stages write.
    """

    def __init__(self, anatomy: DeviceScene, probe: Probe, settings: Settings, launch: Launcher):
        self.probe, self.settings, self.launch = probe, settings, launch
        self.tables = DeviceProbe(probe, settings, launch.device)
        self.buffers = Buffers(self.tables, anatomy.scene)
        self._scene = anatomy

    def begin(self, pose: NDArray[np.float64], seed: int) -> None:
        """What all passes of a frame share.

        Args:
            pose: probe to device scene, `(4, 4)` [mm].
            seed: of scatterers, rays and noise.
        """
        self._central = self.tables.tracing(pose, seed, central=True)
        self._labels(self._central)
        self._central_paths(self._central, seed)

    def add_pass(
        self, pose: NDArray[np.float64], seed: int, number: int, noise_seed: int, alone: bool
    ) -> None:
        """IQ after pass `number` of rays; `alone` says that it is the only one."""
        b, central = self.buffers, self._central
        # Central paths are the same in every pass: their echoes are all there after the first.
        fixed = b.bundle is b.centre
        passes = 1 if fixed else number + 1
        self._trace(pose, seed, number)
        if number == 0:
            self._pass_through(pose, seed)
        self._bundle_amplitude(number)
        self._texture(seed)
        if alone:
            self._receive(noise_seed, 1, 0.0, 0.0)
            self._echoes(b.iq, b.iq, clear=1)
            self._targets(central, b.iq)
        else:
            if not (fixed and number):
                self._echoes(b.coherent, b.incoherent, clear=0 if number else 2)
                self._targets(central, b.coherent)
            self._receive(noise_seed, number + 1, 1.0 / passes, passes**-0.5)
        self._clutter(noise_seed, passes)

    # --- stages, in the order of the primer's section "One frame" ---

    def _labels(self, tracing: Any) -> None:
        b, p = self.buffers, self.tables
        dim = (self.probe.scanlines,)
        with self.launch.stage("labels"):
            self.launch(
                image.label_lines, dim, self._scene.anatomy,
                tracing, p.lines.origin, p.lines.direction,
                self.probe.sample_spacing, b.labels, b.other_labels, b.doubts, b.met,
            )  # fmt: skip
            self.launch(image.settle_labels, dim, b.labels, b.doubts, b.other_labels)
            self.launch(image.take_settled, dim, b.other_labels, b.doubts, b.labels)
            check_placement(self._scene.scene, self.probe, host(b.labels)[:, 0], host(b.met))

    def _central_paths(self, tracing: Any, seed: int) -> None:
        """Deterministic paths of the grid lines: whose tissue the texture shows."""
        b, p = self.buffers, self.tables
        paths = b.centre
        with self.launch.stage("trace"):
            self.launch(
                rays.primary_rays, (paths.count,), p.bundle(seed, central=True),
                p.grid_lines.origin, p.grid_lines.direction, p.grid_lines.lateral,
                p.layer_deviate, paths.origin, paths.direction, paths.start,
            )  # fmt: skip
            self._follow(tracing, paths, p.grid_lines.direction)

    def _trace(self, pose: NDArray[np.float64], seed: int, number: int) -> None:
        """Pass `number` of the bundle of primary rays."""
        b, p = self.buffers, self.tables
        if b.bundle is b.centre:
            return
        ray_seed = seed + 0x9E3779B9 * number
        paths = b.bundle
        with self.launch.stage("trace"):
            self.launch(
                rays.primary_rays, (paths.count,), p.bundle(ray_seed, central=False),
                p.lines.origin, p.lines.direction, p.lines.lateral, p.layer_deviate,
                paths.origin, paths.direction, paths.start,
            )  # fmt: skip
            self._follow(p.tracing(pose, ray_seed, central=False), paths, p.lines.direction)

    def _pass_through(self, pose: NDArray[np.float64], seed: int) -> None:
        """Central paths that have turned back where most of their beam goes on, anew."""
        b, p, s = self.buffers, self.tables, self.settings
        if b.bundle is b.centre:
            return
        with self.launch.stage("trace"):
            self.launch(
                bundle.find_passed, (b.centre.count,), b.bundle.segments, b.bundle.segment_count,
                b.centre.segments, b.centre.segment_count, s.rays, s.scatterer_lines, b.passed,
            )  # fmt: skip
            tracing = p.tracing(pose, seed, central=True)
            tracing.branching = trace.THROUGH
            self._follow(tracing, b.centre, p.grid_lines.direction)

    def _follow(self, tracing: Any, paths: Paths, lines: wp.array) -> None:
        self.launch(
            trace.trace_paths, (paths.count,), self._scene.anatomy, tracing, paths.origin,
            paths.direction, paths.start, lines, self.buffers.passed, paths.segments,
            paths.segment_count, paths.echoes, paths.echo_count,
        )  # fmt: skip

    def _bundle_amplitude(self, passes: int) -> None:
        b, p, s = self.buffers, self.tables, self.settings
        with self.launch.stage("amplitude"):
            self.launch(
                bundle.bundle_amplitude, (s.layers * self.probe.scanlines,),
                b.bundle.segments, b.bundle.segment_count,
                b.centre.segments, b.centre.segment_count,
                s.rays, self.probe.scanlines, s.scatterer_lines,
                p.stride * self.probe.sample_spacing,
                passes / (passes + 1), 1.0 / (passes + 1), b.amplitude,
            )  # fmt: skip

    def _echoes(self, coherent: wp.array, incoherent: wp.array, clear: int) -> None:
        b, p, s = self.buffers, self.tables, self.settings
        with self.launch.stage("echoes"):
            self.launch(
                echoes.deposit_echoes, (self.probe.scanlines,),
                b.bundle.echoes, b.bundle.echo_count, s.rays, self.probe.scanlines,
                p.echo_weight, 1.0 / s.rays, s.rays**-0.5, p.pulse, clear,
                coherent, incoherent, b.gas,
            )  # fmt: skip

    def _texture(self, seed: int) -> None:
        b, p, s = self.buffers, self.tables, self.settings
        if not s.scatterers:
            b.texture.zero_()
            return
        noise = p.receiver(seed, 1).noise
        with self.launch.stage("scatter"):
            self.launch(
                texture.scatter, (b.grid.shape[0], p.chunks),
                b.centre.segments, b.centre.segment_count, self._scene.anatomy.media,
                self._scene.tables, wp.uint32(TABLE_SIZE - 1), b.amplitude, p.texture_weight,
                self.probe.scanlines, s.scatterer_lines, self.probe.sample_spacing, p.stride,
                1.0 / VOXEL_EDGE, 0.02 * noise, wp.uint32(seed & 0xFFFFFFFF), b.grid,
            )  # fmt: skip
        with self.launch.stage("lateral beam"):
            self.launch(
                texture.lateral_beam, (self.probe.scanlines, p.steps),
                b.grid.flatten(), p.taps, p.reach, s.scatterer_lines, p.evenness,
                b.texture.flatten(),
            )  # fmt: skip

    def _targets(self, tracing: Any, signal: wp.array) -> None:
        b, p = self.buffers, self.tables
        if self._scene.target_positions is None:
            return
        with self.launch.stage("targets"):
            self.launch(
                echoes.deposit_targets, (self.probe.scanlines,),
                self._scene.target_positions, self._scene.target_levels,
                self._scene.wire_axis, tracing.rotation, tracing.position,
                p.lines.origin, p.lines.direction, p.lines.lateral,
                self.probe.arc_radius, self.probe.steering,
                p.lateral_sigma, p.elevation_sigma, b.centre.segments, b.centre.segment_count,
                self.settings.scatterer_lines, self.settings.layers // 2, b.amplitude,
                p.stride * self.probe.sample_spacing, p.pulse, signal,
            )  # fmt: skip

    def _receive(self, seed: int, passes: int, coherent: float, incoherent: float) -> None:
        b, p = self.buffers, self.tables
        with self.launch.stage("receive"):
            self.launch(
                signal.receive, (self.probe.scanlines, p.chunks),
                b.texture, b.coherent, b.incoherent, coherent, incoherent,
                p.half_pulse, p.noise, p.receiver(seed, passes), b.iq,
            )  # fmt: skip

    def _clutter(self, seed: int, passes: int) -> None:
        b, p, s = self.buffers, self.tables, self.settings
        if s.haze is None and s.clutter is None and not (s.ring_down and b.has_gas):
            return
        dz = self.probe.sample_spacing
        with self.launch.stage("clutter"):
            self.launch(
                signal.clutter_power, (self.probe.scanlines,), b.iq, b.gas,
                0.0 if s.haze is None else 10.0 ** (s.haze / 10.0),
                RING_LEVEL / passes if s.ring_down else 0.0,
                float(np.exp(-2.0 * dz / s.ring_down)) if s.ring_down else 0.0,
                p.near, b.haze, b.clutter,
            )  # fmt: skip
            self.launch(
                signal.add_clutter, (self.probe.scanlines, p.steps),
                b.haze, b.clutter, HAZE_REACH, max(1, self.probe.scanlines // 128), p.noise,
                wp.uint32(seed & 0xFFFFFFFF), b.iq,
            )  # fmt: skip

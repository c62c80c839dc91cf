"""The simulator: scene, probe and pose to a frame, as a chain of named stages."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import ArrayLike, NDArray

from insonate.acoustics.scattering import TABLE_SIZE, VOXEL_EDGE, hash_voxel
from insonate.errors import InputError
from insonate.geometry import check_pose
from insonate.imaging.attenuation_map import upper_percentile
from insonate.probe import Probe
from insonate.scene import Scene
from insonate.sim.buffers import Buffers, Paths, host
from insonate.sim.device_probe import BUNDLE_STRIDE, DeviceProbe
from insonate.sim.device_scene import DeviceScene
from insonate.sim.frame import Frame
from insonate.sim.kernels import bundle, echoes, image, rays, signal, texture, trace
from insonate.sim.launch import Launcher, find_device
from insonate.sim.placement import check_placement
from insonate.sim.settings import Settings

__all__ = ["Simulator"]

#: Share of the brightest values of the attenuation map that are clipped (Zhang et al. 2020).
ATTENUATION_PERCENTILE = 98.0
HAZE_REACH = 12


class Simulator:
    """Renders frames of one scene with one probe.

    Args:
        scene: the anatomy.
        probe: the transducer.
        settings: quality and display; `Settings.fast()` when None.
        device: "cpu", "cuda" or "cuda:1".
        threads: on the CPU; all cores when None. Results do not depend on it.
        profile: measure every stage into `timings` [ms].

    Raises:
        InputError: no such device, or a scene that the engine cannot hold.
    """

    def __init__(
        self,
        scene: Scene,
        probe: Probe,
        settings: Settings | None = None,
        device: str = "cpu",
        threads: int | None = None,
        profile: bool = False,
    ):
        self.scene = scene
        self.launch = Launcher(find_device(device), threads)
        self.profile, self.timings = profile, dict[str, float]()
        try:
            self._scene = DeviceScene(scene, self.launch)
        except (MemoryError, RuntimeError) as error:
            raise _out_of_memory(error, scene) from error
        self.configure(probe, settings or Settings.fast())

    def configure(self, probe: Probe | None = None, settings: Settings | None = None) -> None:
        """Change the probe or the settings, as the knobs of a scanner do."""
        probe, settings = probe or self.probe, settings or self.settings
        try:
            tables = DeviceProbe(probe, settings, self.launch.device)
            buffers = Buffers(tables, self.scene)
            self._scene.set_attenuation_frequency(probe.attenuation_frequency_mhz)
        except (MemoryError, RuntimeError) as error:
            raise _out_of_memory(error, self.scene) from error
        self.probe, self.settings = probe, settings
        self._probe, self._buffers = tables, buffers
        self._rendering = object()

    def set_vertices(self, vertices: NDArray[np.float32]) -> None:
        """Move the anatomy: all vertices `(vertices, 3)`, world [mm].

        Texture stays with the tissue; regions and triangles stay as they are.

        Raises:
            InputError: another number of vertices, or one that is not a number.
        """
        self._scene.set_vertices(vertices)

    def frame(self, pose: ArrayLike, seed: int = 0, passes: int = 1, shot: int = 0) -> Frame:
        """Render one frame.

        Args:
            pose: probe to world, rigid, `(4, 4)` [mm].
            seed: of scatterers, rays and noise. One seed gives one frame, bit by bit; frames
                of any quality with one seed share their scatterers.
            passes: bundles of rays to accumulate, as for a probe that rests.
            shot: number of the frame in a sweep; another one has other noise and clutter.

        Raises:
            InputError: the pose is not rigid, or the probe is in bone or outside the body.
        """
        if passes < 1:
            raise InputError(f"passes: expected at least 1, got {passes}")
        frames = self._passes(pose, seed, shot, alone=passes == 1)
        return next(islice(frames, passes - 1, None))

    def frames(self, poses: Iterable[ArrayLike], seed: int = 0, passes: int = 1) -> Iterator[Frame]:
        """Render a sweep: one frame a pose, the tissue's texture staying where it is.

        Args:
            poses: probe to world, rigid, each `(4, 4)` [mm].
            seed: of scatterers, rays and noise, for all frames; noise changes from one to
                the next.
            passes: bundles of rays to accumulate for each.
        """
        for shot, pose in enumerate(poses):
            yield self.frame(pose, seed, passes, shot)

    def accumulate(self, pose: ArrayLike, seed: int = 0) -> Iterator[Frame]:
        """Render a resting probe: every frame adds another pass of rays to the last.

        Args:
            pose: probe to world, rigid, `(4, 4)` [mm].
            seed: of scatterers, rays and noise.

        Raises:
            InputError: another frame has been rendered in between.
        """
        return self._passes(pose, seed, 0, alone=False)

    def _passes(self, pose: ArrayLike, seed: int, shot: int, alone: bool) -> Iterator[Frame]:
        """One frame after every pass; `alone` says that there is no second one."""
        world = check_pose(pose)
        local = world.copy()
        local[:3, 3] -= self._scene.centre
        b = self._buffers
        self._rendering = mine = object()
        # Central paths are the same in every pass: their echoes are all there after the first.
        fixed = b.bundle is b.centre
        self.timings = {}
        central = self._probe.tracing(local, seed, central=True)
        self._labels(central)
        self._central_paths(central, seed)
        for number in count():
            if self._rendering is not mine:
                raise InputError("accumulate: another frame was rendered meanwhile; start anew")
            passes = 1 if fixed else number + 1
            noise_seed = int(hash_voxel([shot, number, 0], seed))
            self._trace(local, seed, number)
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
            scale = self._side_products()
            self._compress(seed)
            self._convert(scale)
            yield self._frame(world, seed)
            self.timings = {}

    # --- stages, in the order of the primer's section "One frame" ---

    def _labels(self, tracing: Any) -> None:
        b, p = self._buffers, self._probe
        with self._stage("labels"):
            self.launch(
                image.label_lines, (self.probe.scanlines,), self._scene.anatomy,
                tracing, p.lines.origin, p.lines.direction,
                self.probe.sample_spacing, b.labels, b.met,
            )  # fmt: skip
            check_placement(self.scene, self.probe, host(b.labels)[:, 0], host(b.met))

    def _central_paths(self, tracing: Any, seed: int) -> None:
        """Deterministic paths of the grid lines: whose tissue the texture shows."""
        b, p = self._buffers, self._probe
        paths = b.centre
        with self._stage("trace"):
            self.launch(
                rays.primary_rays, (paths.count,), p.bundle(seed, central=True),
                p.grid_lines.origin, p.grid_lines.direction, p.grid_lines.lateral,
                p.layer_deviate, paths.origin, paths.direction, paths.start,
            )  # fmt: skip
            self._follow(tracing, paths, p.grid_lines.direction)

    def _trace(self, pose: NDArray[np.float64], seed: int, number: int) -> None:
        """Pass `number` of the bundle of primary rays."""
        b, p = self._buffers, self._probe
        if b.bundle is b.centre:
            return
        ray_seed = seed + 0x9E3779B9 * number
        paths = b.bundle
        with self._stage("trace"):
            self.launch(
                rays.primary_rays, (paths.count,), p.bundle(ray_seed, central=False),
                p.lines.origin, p.lines.direction, p.lines.lateral, p.layer_deviate,
                paths.origin, paths.direction, paths.start,
            )  # fmt: skip
            self._follow(p.tracing(pose, ray_seed, central=False), paths, p.lines.direction)

    def _follow(self, tracing: Any, paths: Paths, lines: wp.array) -> None:
        self.launch(
            trace.trace_paths, (paths.count,), self._scene.anatomy, tracing, paths.origin,
            paths.direction, paths.start, lines, paths.segments, paths.segment_count,
            paths.echoes, paths.echo_count,
        )  # fmt: skip

    def _bundle_amplitude(self, passes: int) -> None:
        b, p, s = self._buffers, self._probe, self.settings
        with self._stage("amplitude"):
            self.launch(
                bundle.bundle_amplitude, (s.layers * self.probe.scanlines,),
                b.bundle.segments, b.bundle.segment_count,
                b.centre.segments, b.centre.segment_count,
                s.rays, self.probe.scanlines, s.scatterer_lines,
                p.stride * self.probe.sample_spacing,
                passes / (passes + 1), 1.0 / (passes + 1), b.amplitude,
            )  # fmt: skip

    def _echoes(self, coherent: wp.array, incoherent: wp.array, clear: int) -> None:
        b, p, s = self._buffers, self._probe, self.settings
        with self._stage("echoes"):
            self.launch(
                echoes.deposit_echoes, (self.probe.scanlines,),
                b.bundle.echoes, b.bundle.echo_count, s.rays, self.probe.scanlines,
                p.echo_weight, 1.0 / s.rays, s.rays**-0.5, p.pulse, clear,
                coherent, incoherent, b.gas,
            )  # fmt: skip

    def _texture(self, seed: int) -> None:
        b, p, s = self._buffers, self._probe, self.settings
        if not s.scatterers:
            b.texture.zero_()
            return
        noise = p.receiver(seed, 1).noise
        with self._stage("scatter"):
            self.launch(
                texture.scatter, (b.grid.shape[0], p.chunks),
                b.centre.segments, b.centre.segment_count, self._scene.anatomy.media,
                self._scene.tables, wp.uint32(TABLE_SIZE - 1), b.amplitude, p.texture_weight,
                self.probe.scanlines, s.scatterer_lines, self.probe.sample_spacing, p.stride,
                1.0 / VOXEL_EDGE, 0.02 * noise, wp.uint32(seed & 0xFFFFFFFF), b.grid,
            )  # fmt: skip
        with self._stage("lateral beam"):
            self.launch(
                texture.lateral_beam, (self.probe.scanlines, p.steps),
                b.grid.flatten(), p.taps, p.reach, s.scatterer_lines, p.evenness,
                b.texture.flatten(),
            )  # fmt: skip

    def _targets(self, tracing: Any, signal: wp.array) -> None:
        b, p = self._buffers, self._probe
        if self._scene.target_positions is None:
            return
        with self._stage("targets"):
            self.launch(
                echoes.deposit_targets, (self.probe.scanlines,),
                self._scene.target_positions, self._scene.target_levels,
                self._scene.wire_axis, tracing.rotation, tracing.position,
                p.lines.origin, p.lines.direction, p.lines.lateral, self.probe.arc_radius,
                p.lateral_sigma, p.elevation_sigma, b.centre.segments, b.centre.segment_count,
                self.settings.scatterer_lines, self.settings.layers // 2, b.amplitude,
                p.stride * self.probe.sample_spacing, p.pulse, signal,
            )  # fmt: skip

    def _receive(self, seed: int, passes: int, coherent: float, incoherent: float) -> None:
        b, p = self._buffers, self._probe
        with self._stage("receive"):
            self.launch(
                signal.receive, (self.probe.scanlines, p.chunks),
                b.texture, b.coherent, b.incoherent, coherent, incoherent,
                p.half_pulse, p.noise, p.receiver(seed, passes), b.iq,
            )  # fmt: skip

    def _clutter(self, seed: int, passes: int) -> None:
        b, p, s = self._buffers, self._probe, self.settings
        if s.haze is None and s.clutter is None and not (s.ring_down and b.has_gas):
            return
        dz = self.probe.sample_spacing
        with self._stage("clutter"):
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

    def _compress(self, seed: int) -> None:
        b, p = self._buffers, self._probe
        dim = (self.probe.scanlines, p.chunks)
        with self._stage("compress"):
            receiver = p.receiver(seed, 1)
            self.launch(signal.compress, dim, b.iq, p.tgc, receiver, b.attenuation, b.polar)
            if p.smoothing is not None:
                self.launch(signal.smooth_lines, dim, b.polar, p.smoothing, b.smoothed)

    def _side_products(self) -> float:
        b, p, s = self._buffers, self._probe, self.settings
        lines, dz = self.probe.scanlines, self.probe.sample_spacing
        with self._stage("side products"):
            start = s.layers // 2 * lines * s.scatterer_lines
            self.launch(
                image.attenuation_lines, (lines,), self._scene.anatomy, b.centre.segments,
                b.centre.segment_count, start, s.scatterer_lines, dz,
                int(s.include_transmission), b.attenuation,
            )  # fmt: skip
            self.launch(
                image.shadow_lines, (lines,), b.centre.segments, b.centre.segment_count,
                b.amplitude, p.layer_weight, s.scatterer_lines, BUNDLE_STRIDE // p.stride,
                BUNDLE_STRIDE * dz,
                p.reference, b.shadow,
            )  # fmt: skip
            return 1.0 / upper_percentile(host(b.attenuation), ATTENUATION_PERCENTILE)

    def _convert(self, scale: float) -> None:
        b, p = self._buffers, self._probe
        with self._stage("scan conversion"):
            b.new_pictures()
            threads = -(-p.pixel_entry.shape[0] // image.PIXELS)
            polar = b.polar if p.smoothing is None else b.smoothed
            self.launch(
                image.convert, (threads,), p.pixel_entry, p.pixel_node, p.pixel_weight,
                self.probe.samples, polar.flatten(), b.labels.flatten(), scale,
                b.shadow.flatten(), p.shadow_nodes,
                b.image.flatten(), b.label_image.flatten(), b.attenuation_image.flatten(),
                b.shadow_image.flatten(),
            )  # fmt: skip

    def _frame(self, pose: NDArray[np.float64], seed: int) -> Frame:
        b, raster, keep = self._buffers, self._probe.raster, self.settings.keep_iq
        with self._stage("copy"):
            return Frame(
                bmode=host(b.image),
                labels=host(b.label_image),
                attenuation=host(b.attenuation_image),
                shadow=host(b.shadow_image),
                mask=raster.mask,
                pose=pose,
                spacing=raster.spacing,
                origin=raster.origin,
                region_names=tuple(region.name for region in self.scene.regions),
                probe=self.probe,
                seed=seed,
                iq=host(b.iq).view(np.complex64)[..., 0].copy() if keep else None,
                polar=host(b.polar)[..., 0].copy() if keep else None,
            )

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        if not self.profile:
            yield
            return
        self.launch.synchronize()
        begin = time.perf_counter()
        yield
        self.launch.synchronize()
        took = (time.perf_counter() - begin) * 1e3
        self.timings[name] = self.timings.get(name, 0.0) + took


#: Power of the ring-down tail relative to the echo of the gas that rings.
RING_LEVEL = 10.0 ** (-45.0 / 10.0)


def _out_of_memory(error: Exception, scene: Scene) -> Exception:
    text = str(error).splitlines()[0] if str(error) else "allocation failed"
    if isinstance(error, MemoryError) or "alloc" in text.lower() or "memory" in text.lower():
        return InputError(
            f"scene '{scene.name}': out of memory for {scene.triangles} triangles ({text}); "
            "fewer rays, layers, samples or triangles are needed"
        )
    return error

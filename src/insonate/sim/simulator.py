"""The simulator: scene, probe and pose to a frame, as a chain of named stages."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from itertools import count, islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.acoustics.scattering import hash_voxel
from insonate.errors import InputError
from insonate.geometry import check_pose
from insonate.imaging.attenuation_map import upper_percentile
from insonate.probe import Probe
from insonate.scene import Scene
from insonate.sim.buffers import host
from insonate.sim.device_frame import DeviceFrame
from insonate.sim.device_probe import BUNDLE_STRIDE
from insonate.sim.device_scene import DeviceScene
from insonate.sim.frame import Frame
from insonate.sim.kernels import image, signal
from insonate.sim.launch import Launcher, find_device
from insonate.sim.look import Look
from insonate.sim.settings import Settings

__all__ = ["Simulator"]

#: Share of the brightest values of the attenuation map that are clipped (Zhang et al. 2020).
ATTENUATION_PERCENTILE = 98.0
#: Gray value that electronic noise may reach when the TGC is set: as good as black.
QUIET = 0.03


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
        self.launch = Launcher(find_device(device), threads, profile)
        try:
            self._scene = DeviceScene(scene, self.launch)
        except (MemoryError, RuntimeError) as error:
            raise _out_of_memory(error, scene) from error
        self.configure(probe, settings or Settings.fast())

    def configure(self, probe: Probe | None = None, settings: Settings | None = None) -> None:
        """Change the probe or the settings, as the knobs of a scanner do."""
        probe, settings = probe or self.probe, settings or self.settings
        try:
            looks = [
                Look(
                    self._scene,
                    probe.replace(steering=probe.steering + angle),
                    settings,
                    self.launch,
                )
                for angle in settings.look_angles()
            ]
            self._scene.set_attenuation_frequency(probe.attenuation_frequency_mhz)
        except (MemoryError, RuntimeError) as error:
            raise _out_of_memory(error, self.scene) from error
        self.probe, self.settings, self._looks = probe, settings, looks
        self._probe, self._buffers = looks[0].tables, looks[0].buffers
        self._rendering = object()

    @property
    def timings(self) -> dict[str, float]:
        """What every stage of the last frame took [ms], if it is measured."""
        return self.launch.timings

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
        done = self._passes(pose, seed, shot, alone=passes == 1)
        return self._frame(next(islice(done, passes - 1, None)), seed)

    def device_frame(self, pose: ArrayLike, seed: int = 0, shot: int = 0) -> DeviceFrame:
        """Render one frame whose images stay on the device, for a network there.

        Args:
            pose: probe to world, rigid, `(4, 4)` [mm].
            seed: of scatterers, rays and noise.
            shot: number of the frame in a sweep; another one has other noise and clutter.

        Raises:
            InputError: the pose is not rigid, or the probe is in bone or outside the body.
        """
        next(self._passes(pose, seed, shot, alone=True))
        with self.launch.stage("copy"):
            return DeviceFrame.of(self._buffers, self._probe.raster.mask, self._region_names())

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

    def even_tgc(self, pose: ArrayLike, seed: int = 0) -> None:
        """Set the TGC from one look at a pose, as the optimise key of a scanner does.

        It amplifies no more than leaves electronic noise as good as black (:eq:`quiet`); its
        sliders make tissue even.

        Args:
            pose: probe to world, rigid, `(4, 4)` [mm].
            seed: of scatterers, rays and noise.
        """
        chosen = self.settings
        limit = min(chosen.display.tgc_limit, self._quiet_limit())
        display = dataclasses.replace(chosen.display, tgc_limit=limit)
        self.configure(settings=chosen.replace(compound=1, display=display))
        display = self.frame(pose, seed).even_tgc(display)
        self.configure(settings=chosen.replace(display=display))

    def _quiet_limit(self) -> float:
        """Amplification that lifts electronic noise to a gray value of `QUIET` [dB]."""
        receiver = self._probe.receiver(0, 1)
        if receiver.noise == 0.0:
            return math.inf
        level = receiver.white + receiver.dynamic_range * (QUIET ** (1.0 / receiver.gamma) - 1.0)
        return max(0.0, level - 20.0 * math.log10(receiver.noise))

    def accumulate(self, pose: ArrayLike, seed: int = 0) -> Iterator[Frame]:
        """Render a resting probe: every frame adds another pass of rays to the last.

        Args:
            pose: probe to world, rigid, `(4, 4)` [mm].
            seed: of scatterers, rays and noise.

        Raises:
            InputError: another frame has been rendered in between.
        """
        return (self._frame(world, seed) for world in self._passes(pose, seed, 0, alone=False))

    def _passes(
        self, pose: ArrayLike, seed: int, shot: int, alone: bool
    ) -> Iterator[NDArray[np.float64]]:
        """The pose, whenever another pass is in the buffers; `alone`: there is no second one."""
        world = check_pose(pose)
        local = world.copy()
        local[:3, 3] -= self._scene.centre
        self._rendering = mine = object()
        self.launch.timings = {}
        for look in self._looks:
            look.begin(local, seed)
        for number in count():
            if self._rendering is not mine:
                raise InputError("accumulate: another frame was rendered meanwhile; start anew")
            for k, look in enumerate(self._looks):
                noise_seed = int(hash_voxel([shot, number, k], seed))
                look.add_pass(local, seed, number, noise_seed, alone)
            self._compound()
            scale = self._side_products()
            self._compress(seed)
            self._convert(scale)
            yield world
            self.launch.timings = {}

    # --- stages, in the order of the primer's section "One frame"; the first are a look's ---

    def _compound(self) -> None:
        """Average the envelopes of all looks where the first one has its samples."""
        if len(self._looks) == 1:
            return
        total, dim = self._buffers.compound, (self.probe.scanlines, self._probe.chunks)
        with self.launch.stage("compound"):
            for k, look in enumerate(self._looks):
                p = look.tables
                self.launch(
                    signal.add_look, dim, look.buffers.iq, p.look_sample, p.look_shift, k,
                    len(self._looks), total,
                )  # fmt: skip

    def _compress(self, seed: int) -> None:
        b, p = self._buffers, self._probe
        dim = (self.probe.scanlines, p.chunks)
        with self.launch.stage("compress"):
            receiver = p.receiver(seed, 1)
            received = b.iq if len(self._looks) == 1 else b.compound
            self.launch(signal.compress, dim, received, p.tgc, receiver, b.attenuation, b.polar)
            if p.smoothing is not None:
                self.launch(signal.smooth_lines, dim, b.polar, p.smoothing, b.smoothed)

    def _side_products(self) -> float:
        b, p, s = self._buffers, self._probe, self.settings
        lines, dz = self.probe.scanlines, self.probe.sample_spacing
        with self.launch.stage("side products"):
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
        with self.launch.stage("scan conversion"):
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
        with self.launch.stage("copy"):
            return Frame(
                bmode=host(b.image),
                labels=host(b.label_image),
                attenuation=host(b.attenuation_image),
                shadow=host(b.shadow_image),
                mask=raster.mask,
                pose=pose,
                spacing=raster.spacing,
                origin=raster.origin,
                region_names=self._region_names(),
                probe=self.probe,
                seed=seed,
                iq=host(b.iq).view(np.complex64)[..., 0].copy() if keep else None,
                polar=host(b.polar)[..., 0].copy() if keep else None,
            )

    def _region_names(self) -> tuple[str, ...]:
        return tuple(region.name for region in self.scene.regions)


def _out_of_memory(error: Exception, scene: Scene) -> Exception:
    text = str(error).splitlines()[0] if str(error) else "allocation failed"
    if isinstance(error, MemoryError) or "alloc" in text.lower() or "memory" in text.lower():
        return InputError(
            f"scene '{scene.name}': out of memory for {scene.triangles} triangles ({text}); "
            "fewer rays, layers, samples or triangles are needed"
        )
    return error

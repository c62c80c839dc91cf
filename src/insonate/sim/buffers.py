"""Device memory of one frame, allocated once per probe and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from insonate.scene import Scene
from insonate.sim.device_probe import DeviceProbe
from insonate.sim.kernels.records import Echo, Segment
from insonate.sim.kernels.trace import GAS

__all__ = ["Buffers", "Paths", "host"]


def host(array: Any) -> NDArray[Any]:
    """A device array's values on the host; on the CPU a view, good until the next frame."""
    return array.numpy()


@dataclass
class Paths:
    """Rays and what tracing them wrote: `count` paths of at most `bounces + 1` segments."""

    count: int
    origin: wp.array
    direction: wp.array
    start: wp.array
    segments: wp.array
    segment_count: wp.array
    echoes: wp.array
    echo_count: wp.array

    @classmethod
    def allocate(cls, count: int, bounces: int, device: wp.Device) -> Paths:
        """Room for `count` paths."""

        def empty(shape: int | tuple[int, ...], dtype: Any) -> wp.array:
            return wp.empty(shape, dtype=dtype, device=device)

        return cls(
            count=count,
            origin=empty(count, wp.vec3),
            direction=empty(count, wp.vec3),
            start=empty(count, wp.float32),
            segments=empty((count, bounces + 1), Segment),
            segment_count=empty(count, wp.int32),
            echoes=empty((count, bounces + 1), Echo),
            echo_count=empty(count, wp.int32),
        )


class Buffers:
    """Everything that a frame writes on the device.

    Attributes:
        centre: the deterministic path of every grid line and layer.
        bundle: the primary rays; the same paths where the bundle is the central ray.
        amplitude: mean two-way amplitude of a bundle, `(layers * scanlines, nodes)`.
        grid: scatterers, `(grid lines, samples)`; `texture`: after the lateral beam.
        coherent, incoherent: sums of interface echoes over passes, `(scanlines, samples)`.
        labels: of the scanlines' samples; `other_labels`: what the surface behind says, where the
            two differ the line is one of `doubts`.
        passed: central paths that go straight through, because most of their beam does.
        iq: the signal, likewise; `compound`: mean envelope of all looks.
        polar: the compressed image and the attenuation map, likewise.
    """

    def __init__(self, probe: DeviceProbe, scene: Scene):
        p, s, device = probe.probe, probe.settings, probe.device
        self._device = device
        lines, samples = p.scanlines, p.samples
        centres = lines * s.scatterer_lines * s.layers
        self.centre = Paths.allocate(centres, s.bounces, device)
        alone = s.rays == 1 and s.scatterer_lines == 1 and s.branching == "dominant"
        count = lines * s.layers * s.rays
        self.bundle = self.centre if alone else Paths.allocate(count, s.bounces, device)
        self.passed = self._zeros(centres, wp.int32)
        self.labels = self._zeros((lines, samples), wp.uint8)
        self.other_labels = self._zeros((lines, samples), wp.uint8)
        self.doubts = self._zeros(lines, wp.uint8)
        self.met = self._zeros(lines, wp.float32)
        self.amplitude = self._zeros((lines * s.layers, probe.nodes), wp.float32)
        self.grid = self._zeros((lines * s.scatterer_lines, samples), wp.vec2)
        self.texture = self._zeros((lines, samples), wp.vec2)
        self.coherent = self._zeros((lines, samples), wp.vec2)
        self.incoherent = self._zeros((lines, samples), wp.vec2)
        self.has_gas = any(r.tissue.impedance < float(GAS) for r in scene.regions)
        self.gas = self._zeros((lines, samples if self.has_gas else 1), wp.float32)
        self.iq = self._zeros((lines, samples), wp.vec2)
        self.compound = self._zeros((lines, samples) if s.compound > 1 else (1, 1), wp.vec2)
        self.polar = self._zeros((lines, samples), wp.vec2)
        self.smoothed = self._zeros((lines, samples), wp.vec2)
        self.haze = self._zeros((lines, probe.steps), wp.float32)
        self.clutter = self._zeros((lines, probe.steps), wp.float32)
        self.attenuation = self._zeros((lines, samples), wp.float32)
        self.shadow = self._zeros((lines, probe.shadow_nodes), wp.float32)
        self._shape = probe.raster.shape
        self.image: Any = None
        self.new_pictures()

    def _zeros(self, shape: int | tuple[int, ...], dtype: Any) -> wp.array:
        return wp.zeros(shape, dtype=dtype, device=self._device)

    def new_pictures(self) -> None:
        """Images for the next frame to write; what the last one wrote belongs to its `Frame`."""
        if self._device.is_cuda and self.image is not None:
            return  # the frame holds host copies
        self.image = self._picture(np.float32)
        self.label_image = self._picture(np.uint8)
        self.attenuation_image = self._picture(np.float32)
        self.shadow_image = self._picture(np.float32)

    def _picture(self, dtype: Any) -> wp.array:
        return wp.array(np.empty(self._shape, dtype), device=self._device, copy=False)

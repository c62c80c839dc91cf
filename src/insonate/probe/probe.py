"""Transducers: geometry, beam and pulse of an array, with its imaging settings."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import beam, pulse
from insonate.config import check_fields
from insonate.errors import InputError

__all__ = ["Probe"]

Kind = Literal["convex", "linear", "phased"]


@dataclass(frozen=True)
class Probe:
    """A transducer and how it is driven.

    Attributes:
        name: of the preset, or your own.
        kind: how scanlines leave the face.
        depth: of the image, along a scanline [mm].
        frequency: centre frequency, sets the resolution [MHz].
        bandwidth: -6 dB two-way bandwidth as a fraction of the frequency.
        field_of_view: angle of the sector [rad]; convex and phased.
        radius: of curvature of the face [mm]; convex.
        elements: in the array.
        pitch: between elements [mm]; linear arrays are `elements * pitch` wide.
        elevation_height: of the elements [mm].
        elevation_focus: depth of the lens's focus [mm].
        scanlines: per frame.
        samples: axial samples per scanline.
        focus: depth of the transmit focus [mm]; 0.47 of the depth when None.
        transmit_f_number: of the transmit aperture at its focus.
        receive_f_number: smallest f-number of the dynamic receive aperture.
        receive_aperture: largest receive aperture [mm]; 30 mm or the array when None.
        attenuation_frequency: frequency of the attenuation law [MHz]; `frequency` when None.
        steering: angle of all scanlines to the face's normal [rad]; linear and convex.
    """

    name: str
    kind: Kind
    depth: float
    frequency: float
    bandwidth: float
    elements: int
    pitch: float
    elevation_height: float
    elevation_focus: float
    field_of_view: float = 0.0
    radius: float = 0.0
    scanlines: int = 256
    samples: int = 3072
    focus: float | None = None
    transmit_f_number: float = 4.0
    receive_f_number: float = 1.5
    receive_aperture: float | None = None
    attenuation_frequency: float | None = None
    steering: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a probe that cannot exist, or whose lines are sampled too coarsely."""
        check_fields(self, f"probe '{self.name}': ")
        if self.kind not in ("convex", "linear", "phased"):
            raise InputError(f"probe '{self.name}': kind must be convex, linear or phased")
        positive = ["depth", "frequency", "bandwidth", "pitch", "elevation_height"]
        positive += ["elevation_focus", "transmit_f_number", "receive_f_number"]
        positive += ["radius"] if self.kind == "convex" else []
        positive += ["field_of_view"] if self.kind != "linear" else []
        optional = ["focus", "receive_aperture", "attenuation_frequency"]
        positive += [name for name in optional if getattr(self, name) is not None]
        for name in positive:
            if getattr(self, name) <= 0:
                got = f"{getattr(self, name):g}"
                raise InputError(f"probe '{self.name}': {name} must be above 0, got {got}")
        for name, most in (("elements", 4096), ("scanlines", 4096), ("samples", 65536)):
            if not 2 <= getattr(self, name) <= most:
                raise InputError(f"probe '{self.name}': {name} must be 2 to {most}")
        if self.field_of_view > math.radians(180.0) or abs(self.steering) > math.radians(60.0):
            raise InputError(f"probe '{self.name}': angles must be in rad, below pi (steering 60°)")
        if self.steering and self.kind == "phased":
            raise InputError(
                f"probe '{self.name}': a phased array takes no steering, nor compounding"
            )
        pulse.check_sampling(self.samples, self.depth, self.frequency, self.bandwidth)

    def replace(self, **changes: object) -> Probe:
        """A copy with some settings changed, as a knob on the console would."""
        unknown = changes.keys() - {f.name for f in dataclasses.fields(self)}
        if unknown:
            raise InputError(f"probe '{self.name}': no setting '{sorted(unknown)[0]}'")
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @property
    def wavelength(self) -> float:
        """In soft tissue [mm]."""
        return pulse.DISPLAY_SPEED / self.frequency

    @property
    def width(self) -> float:
        """Of the active face along its arc [mm]."""
        return self.elements * self.pitch

    @property
    def focal_depth(self) -> float:
        """Depth of the transmit focus [mm]."""
        return 0.47 * self.depth if self.focus is None else self.focus

    @property
    def attenuation_frequency_mhz(self) -> float:
        """Frequency at which tissues attenuate [MHz]."""
        return self.attenuation_frequency or self.frequency

    @property
    def sample_spacing(self) -> float:
        """Axial distance of samples on the display [mm]."""
        return self.depth / self.samples

    @property
    def arc_radius(self) -> float:
        """Distance from the scanlines' common centre to the face [mm]; 0 for phased arrays."""
        return self.radius if self.kind == "convex" else 0.0

    @property
    def line_step(self) -> float:
        """Between neighbouring scanlines: [rad], or [mm] for a linear array."""
        span = self.width if self.kind == "linear" else self.field_of_view
        return span / self.scanlines

    def depths(self) -> NDArray[np.float64]:
        """Depth of the axial samples, cell-centred, `(samples,)` [mm]."""
        return (np.arange(self.samples, dtype=np.float64) + 0.5) * self.sample_spacing

    def line_coordinates(self, per_line: int = 1) -> NDArray[np.float64]:
        """Angle [rad] or lateral position [mm] of `per_line` rays in every scanline's cell."""
        count = self.scanlines * per_line
        return ((np.arange(count) + 0.5) / count - 0.5) * self.line_step * self.scanlines

    def rays(
        self, per_line: int = 1
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Central rays in the probe frame (:eq:`scanlines`).

        Returns:
            Origins, unit directions and unit lateral vectors, each `(rays, 3)`, in mm.
        """
        u = self.line_coordinates(per_line)
        zero, one = np.zeros_like(u), np.ones_like(u)
        if self.kind == "linear":
            origins = np.stack([u, zero, zero], axis=1)
            angle = self.steering * one
        else:
            origins = self.arc_radius * np.stack([np.sin(u), zero, np.cos(u) - 1.0], axis=1)
            angle = u + self.steering
        sin, cos = np.sin(angle), np.cos(angle)
        directions = np.stack([sin, zero, cos], axis=1)
        lateral = np.stack([cos, zero, -sin], axis=1)
        return origins, directions, lateral

    def line_spacing(self, depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lateral distance of neighbouring scanlines at `depth` [mm]."""
        if self.kind == "linear":
            return np.full_like(depth, self.line_step * math.cos(self.steering))
        return (self.arc_radius * math.cos(self.steering) + depth) * self.line_step

    def steered(
        self, depth: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the steered lines see a point `depth` straight below the face (:eq:`steering`).

        Args:
            depth: of the points, any shape [mm].

        Returns:
            Range of the points along the steered line through them [mm], and how far the
            coordinate of that line lies beside theirs ([rad], or [mm] for a linear array).
        """
        sin, cos = math.sin(self.steering), math.cos(self.steering)
        if self.steering == 0.0:
            return depth, np.zeros_like(depth)
        if self.kind == "linear":
            return depth / cos, -depth * (sin / cos)
        radius = self.arc_radius
        from_centre = radius + depth
        reach = np.sqrt(np.maximum(from_centre**2 - (radius * sin) ** 2, 0.0)) - radius * cos
        return reach, np.arcsin(np.minimum(radius * sin / from_centre, 1.0)) - self.steering

    def receive_f_numbers(self, depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Dynamic receive f-number at `depth` [mm] (:eq:`receive`)."""
        return np.maximum(self.receive_f_number, depth / self.largest_aperture)

    @property
    def largest_aperture(self) -> float:
        """Largest receive aperture [mm]."""
        return min(30.0, self.width) if self.receive_aperture is None else self.receive_aperture

    @cached_property
    def transmit_waist(self) -> float:
        """One-way sigma of the transmit beam at its focus [mm]."""
        broadening = self.element_broadening(self.focal_depth, self.transmit_f_number)
        return float(beam.waist(self.wavelength, self.transmit_f_number * broadening))

    @property
    def elevation_waist(self) -> float:
        """One-way sigma of the lens's beam at its focus [mm]."""
        return float(beam.waist(self.wavelength, self.elevation_focus / self.elevation_height))

    def lateral_sigma(self, depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Two-way lateral sigma of the point-spread function at `depth` [mm] (:eq:`two-way`)."""
        transmit = beam.gaussian_sigma(
            depth, self.focal_depth, self.transmit_waist, self.wavelength
        )
        f_effective = self.receive_f_numbers(depth) * np.interp(depth, *self._receive_broadening)
        return beam.two_way_sigma(transmit, beam.waist(self.wavelength, f_effective))

    def elevation_sigma(self, depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """One-way elevation sigma at `depth` [mm]; two-way is 1/sqrt(2) of it (:eq:`beam`)."""
        return beam.gaussian_sigma(
            depth, self.elevation_focus, self.elevation_waist, self.wavelength
        )

    def element_broadening(self, depth: float, f_number: float) -> float:
        """Width at the focus over that of the ideal Gaussian beam (:eq:`aperture`).

        Elements radiate less to the side, and those at the rim of a curved face look away
        from the focus; both shrink the aperture that counts.

        Args:
            depth: of the focus [mm].
            f_number: of the aperture.
        """
        elements, normals = self._aperture(depth, f_number)
        if len(elements) < 4:
            return 1.0
        x = np.linspace(0.0, 3.0 * self.wavelength * f_number, 61)
        args = (x, depth, elements, normals)
        real = beam.aperture_profile(*args, 0.9 * self.pitch, self.wavelength, depth)
        half = math.sqrt(0.5)  # one-way -3 dB is where the two-way beam has its -6 dB
        if not (real < half).any():
            return 1.0
        past = int(np.argmax(real < half))
        edge = np.interp(half, real[[past, past - 1]], x[[past, past - 1]])
        sigma = float(beam.waist(self.wavelength, f_number))
        return max(1.0, float(edge) / (sigma / math.sqrt(2.0) * pulse.FWHM_PER_SIGMA / 2.0))

    @cached_property
    def _receive_broadening(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Depths [mm] and the broadening of the receive aperture at each."""
        coarse = np.linspace(self.depth / 32.0, self.depth, 32)
        f_numbers = self.receive_f_numbers(coarse)
        broadening = [self.element_broadening(z, f) for z, f in zip(coarse, f_numbers, strict=True)]
        return coarse, np.array(broadening)

    def _aperture(
        self, depth: float, f_number: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Element centres and normals, (lateral, depth), of an aperture focused at `depth`."""
        count = min(round(depth / f_number / self.pitch), self.elements)
        arc = (np.arange(count, dtype=np.float64) - (count - 1) / 2.0) * self.pitch
        if self.kind == "convex":
            angle = arc / self.radius
            normals = np.stack([np.sin(angle), np.cos(angle)], axis=1)
            return self.radius * (normals - [0.0, 1.0]), normals
        flat = np.stack([arc, np.zeros_like(arc)], axis=1)
        return flat, np.tile([0.0, 1.0], (count, 1))

"""How a frame is computed: rays, layers, branching, and the artefacts to add."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Literal

from insonate.config import check_fields
from insonate.errors import InputError, closest
from insonate.imaging.display import Display

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """Quality and options of the simulation; `fast()`, `fine()` and `scanner()` are the presets.

    Attributes:
        rays: primary rays per scanline and elevation layer; 1 is the central ray alone.
        layers: of elevation, 1, 3 or more.
        scatterer_lines: lines per scanline on which tissue texture is sampled.
        branching: at an interface, `dominant` follows the stronger branch, `stochastic`
            draws one by its share of power.
        compound: looks under different angles whose envelopes are averaged; odd, 1 is off.
        compound_angle: between the outermost looks and the one straight ahead [rad].
        bounces: largest number of interfaces that a path crosses or meets.
        reflection_gain: exponent g that lifts weak interfaces; 1 is physics.
        face_reflection: reflection coefficient of the probe's own face; 0 switches
            reverberation off.
        speckle_level: of adult liver relative to a perfect plane reflector [dB].
        noise_level: electronic noise relative to the same, before TGC [dB]; None is off.
        haze: side-lobe clutter relative to the echoes around it [dB], such as -45; None is off.
        clutter: near-field clutter at the face relative to liver speckle [dB], fading over
            `clutter_depth`; None is off.
        clutter_depth: over which near-field clutter falls to 1/e [mm].
        ring_down: decay length of the tail behind gas [mm]; 0 is off.
        include_transmission: count interface losses into the attenuation map.
        scatterers: tissue texture on or off (off leaves interfaces, targets and noise).
        keep_iq: return the complex baseband signal in the frame.
        display: TGC, dynamic range, image size.
    """

    rays: int = 1
    layers: int = 1
    scatterer_lines: int = 1
    branching: Literal["dominant", "stochastic"] = "dominant"
    compound: int = 1
    compound_angle: float = math.radians(12.0)
    bounces: int = 32
    reflection_gain: float = 1.0
    face_reflection: float = 0.3
    speckle_level: float = -40.0
    noise_level: float | None = -115.0
    haze: float | None = None
    clutter: float | None = None
    clutter_depth: float = 8.0
    ring_down: float = 5.0
    include_transmission: bool = False
    scatterers: bool = True
    keep_iq: bool = False
    display: Display = field(default_factory=Display)

    def __post_init__(self) -> None:
        """Refuse numbers outside what the engine can do."""
        check_fields(self)
        limits = {"rays": 4096, "layers": 15, "scatterer_lines": 8, "bounces": 64}
        limits["compound"] = 15
        for name, most in limits.items():
            if not 1 <= getattr(self, name) <= most:
                raise InputError(f"{name}: expected 1 to {most}, got {getattr(self, name)}")
        if self.branching not in ("dominant", "stochastic"):
            raise InputError(f"branching: expected dominant or stochastic, got {self.branching!r}")
        if not 0 < self.reflection_gain <= 1:
            raise InputError(f"reflection_gain: expected 0 to 1, got {self.reflection_gain:g}")
        if not 0 <= self.face_reflection < 1:
            raise InputError(f"face_reflection: expected 0 to 1, got {self.face_reflection:g}")
        if self.compound % 2 == 0:
            raise InputError(f"compound: expected an odd number of looks, got {self.compound}")
        if not 0 < self.compound_angle <= math.radians(30.0):
            angle = f"{self.compound_angle:g}"
            raise InputError(f"compound_angle: expected up to 0.52 rad (30 degrees), got {angle}")
        if self.clutter_depth <= 0 or self.ring_down < 0:
            raise InputError("clutter_depth and ring_down: expected lengths in mm")

    def look_angles(self) -> list[float]:
        """Steering of every look, the one straight ahead first [rad]."""
        half = self.compound // 2
        steps = [0, *(sign * k for k in range(1, half + 1) for sign in (-1, 1))]
        return [step * self.compound_angle / max(half, 1) for step in steps]

    @classmethod
    def fast(cls, **changes: object) -> Settings:
        """One ray, one layer: the low-quality preset of Zhang et al. 2020."""
        return cls().replace(**changes)

    @classmethod
    def fine(cls, **changes: object) -> Settings:
        """32 rays in each of 3 layers: the high-quality preset of Zhang et al. 2020."""
        fine = cls(rays=32, layers=3, branching="stochastic")
        return fine.replace(**changes)

    @classmethod
    def scanner(cls, **changes: object) -> Settings:
        """How a scanner is set for a fetus: five looks of coded pulses, a dark gray map."""
        scanner = cls.fine(
            rays=12, compound=5, bounces=48, haze=-44.0, clutter=-10.0, clutter_depth=10.0,
            noise_level=-130.0, display=Display(gain=8.0, gamma=1.7),
        )  # fmt: skip
        return scanner.replace(**changes)

    @classmethod
    def preset(cls, name: str, **changes: object) -> Settings:
        """The preset called `name`.

        Raises:
            InputError: no preset has that name, or no setting has the name of a change.
        """
        presets = {"fast": cls.fast, "fine": cls.fine, "scanner": cls.scanner}
        if name not in presets:
            raise InputError(f"unknown quality '{name}'; {closest(name, presets)}")
        return presets[name](**changes)

    def replace(self, **changes: object) -> Settings:
        """A copy with some settings changed."""
        known = [f.name for f in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise InputError(f"unknown setting '{name}'; {closest(name, known)}")
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

"""What every organ knows of the fetus that it belongs to: sizes, posture, findings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.sizes import Sizes
from insonate.anatomy.fetus.trunk_frame import TrunkFrame

__all__ = ["Plan", "Posture"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Posture:
    """Attitude of a fetus [rad]; the defaults are the flexed rest.

    Attributes:
        trunk: how far the spine is bent forwards, 0.3 (extended) to 1.6.
        trunk_left: how far it is bent to the left.
        neck: how far the head is pitched forwards, -0.35 to 0.8.
        hip: flexion of left and right hip, 1.05 to 2.3.
        knee: flexion of left and right knee, 0 to 2.4.
        shoulder: flexion of left and right shoulder, 0 to 2.1.
        elbow: flexion of left and right elbow, 0.5 to 2.4.
        abduction: of hips and shoulders, left and right.
    """

    trunk: float = math.radians(60.0)
    trunk_left: float = 0.0
    neck: float = math.radians(30.0)
    hip: tuple[float, float] = (math.radians(110.0), math.radians(110.0))
    knee: tuple[float, float] = (math.radians(110.0), math.radians(110.0))
    shoulder: tuple[float, float] = (math.radians(45.0), math.radians(45.0))
    elbow: tuple[float, float] = (math.radians(110.0), math.radians(110.0))
    abduction: tuple[float, float] = (math.radians(25.0), math.radians(25.0))


@dataclass(frozen=True)
class Plan:
    """One fetus, before it has a surface.

    Attributes:
        sizes: its dimensions.
        posture: its attitude.
        findings: degree of what deviates, by name (see `insonate.anatomy.findings`); absent
            means normal.
        variation: numbers in [-1, 1] by name that shape details without a measure, such as
            the phase of a bump.
    """

    sizes: Sizes
    posture: Posture = field(default_factory=Posture)
    findings: Mapping[str, float] = field(default_factory=dict)
    variation: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def trunk(self) -> TrunkFrame:
        """Coordinates of the trunk."""
        length = self.sizes["spine_length"]
        posture = self.posture
        return TrunkFrame(length, self.sizes.trunk_radius, posture.trunk, posture.trunk_left)

    @cached_property
    def head(self) -> Vector:
        """Head frame to fetal frame `(4, 4)` [mm]: x left, y posterior, z up.

        The middle of the skull's base lies on the upper end of the spine.
        """
        b, f = self.sizes.half_width, self.sizes.half_length
        top = self.trunk.frame(0.0, 0.0, -0.56)
        pitch = self.posture.neck
        turn = np.array(
            [
                [1.0, 0.0, 0.0],
                [0.0, math.cos(pitch), -math.sin(pitch)],
                [0.0, math.sin(pitch), math.cos(pitch)],
            ]
        )
        frame = np.eye(4)
        frame[:3, :3] = top[:3, :3] @ turn
        frame[:3, 3] = top[:3, 3] - frame[:3, :3] @ np.array([0.0, 0.15 * f, -0.80 * b])
        return frame

    def in_head(self, x: float, y: float, z: float) -> Vector:
        """Point `(3,)` [mm] of the *head frame* from x/B (left), y/F (posterior), z/B (up)."""
        b, f = self.sizes.half_width, self.sizes.half_length
        return np.array([x * b, y * f, z * b])

    def finding(self, name: str) -> float:
        """Degree of a finding, 0 if it is absent."""
        return self.findings.get(name, 0.0)

    def vary(self, name: str) -> float:
        """A number in [-1, 1] that is this fetus' own, 0 if nothing is given."""
        return self.variation.get(name, 0.0)

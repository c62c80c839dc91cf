"""What every maternal organ knows of the mother: her wall, her pelvis, where the uterus lies.

World frame: patient LPS (x left, y posterior, z cranial) [mm]; its origin is on the midline at
the upper border of the pubic symphysis, whose front is at y = 0, so the skin is at negative y.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["MotherPlan"]

Vector = NDArray[np.float64]

#: Symphysis: height and thickness [mm] (M), lean of its axis against the vertical [rad] (E).
SYMPHYSIS_HEIGHT, SYMPHYSIS_THICKNESS, SYMPHYSIS_LEAN = 40.0, 16.0, math.radians(35.0)
#: True conjugate [mm] (S 110, obstetric 105-115), and the inlet against the horizontal (M).
CONJUGATE, INLET_TILT = 112.0, math.radians(50.0)
#: Front of the spine, (y, z) from the tip of the coccyx to the twelfth thoracic vertebra (E).
SPINE_FRONT = (
    (120.0, -6.0),
    (136.0, 14.0),
    (137.0, 32.0),
    (126.0, 54.0),
    (108.0, 72.0),
    (88.0, 84.0),
    (82.0, 104.0),
    (80.0, 140.0),
    (83.0, 175.0),
    (90.0, 210.0),
    (99.0, 245.0),
    (106.0, 280.0),
    (112.0, 400.0),
)
#: Internal os (y, z) [mm] and the tilt of the uterus [deg], by weeks (E): it clears the
#: promontory by about 8 mm for a uterus of usual size.
_WEEKS = (14.0, 20.0, 28.0, 36.0, 40.0)
_OS_Y = (59.0, 56.0, 53.0, 49.0, 48.0)
_OS_Z = (16.0, 12.0, 7.0, 2.0, 0.0)
_TILT = (20.0, 24.0, 28.0, 30.0, 31.0)
#: A uterus without a pregnancy is tilted by what is in the bladder [ml] (E, anteverted).
_EMPTY_OS, _FILLING, _VERSION = (62.0, 22.0), (20.0, 150.0, 400.0), (75.0, 50.0, 15.0)
#: Thickness of the rectus muscle: 9-11 mm, 4-7 mm in late pregnancy (M).
_RECTUS = (9.5, 8.5, 7.0, 5.8, 5.2)
#: Width of the linea alba at the umbilicus: 10 mm (S), 40-70 mm at term (M).
_LINEA_ALBA = (12.0, 17.0, 27.0, 38.0, 45.0)
#: Cervix: angle between its axis and the uterine one, and length, no finding [mm] (E).
_CERVIX_BEND, CERVIX_LENGTH = math.radians(20.0), 34.0


@dataclass(frozen=True)
class MotherPlan:
    """One mother, before she has a surface.

    Attributes:
        weeks: gestational age [weeks]; None if she is not pregnant.
        fat: subcutaneous fat where the wall faces forwards, 4 to 60 mm; thinner in the flanks.
        skin: its thickness [mm].
        rectus: thickness of the rectus muscle [mm]; by age if None.
        linea_alba: distance between the recti at the umbilicus [mm]; by age if None.
        bladder_volume: urine [ml], 20 to 500.
        findings: degree of what deviates, by name; absent means normal.
        variation: numbers in [-1, 1] by name that shape details without a measure.
    """

    weeks: float | None
    fat: float = 18.0
    skin: float = 2.0
    rectus: float | None = None
    linea_alba: float | None = None
    bladder_volume: float = 150.0
    findings: Mapping[str, float] = field(default_factory=dict)
    variation: Mapping[str, float] = field(default_factory=dict)

    def finding(self, name: str) -> float:
        """Degree of a finding, 0 if it is absent."""
        return self.findings.get(name, 0.0)

    def vary(self, name: str) -> float:
        """A number in [-1, 1] that is this mother's own, 0 if nothing is given."""
        return self.variation.get(name, 0.0)

    @property
    def pregnant(self) -> bool:
        """Whether there is a gestational age."""
        return self.weeks is not None

    def by_age(self, without: float, values: tuple[float, ...]) -> float:
        """`values` at 14, 20, 28, 36 and 40 weeks at her age, or what holds `without` a child."""
        return without if self.weeks is None else float(np.interp(self.weeks, _WEEKS, values))

    @cached_property
    def muscle(self) -> float:
        """Thickness of the rectus muscle [mm]."""
        return self.by_age(10.0, _RECTUS) if self.rectus is None else self.rectus

    @cached_property
    def linea_alba_width(self) -> float:
        """Distance between the recti at the umbilicus [mm]."""
        return self.by_age(10.0, _LINEA_ALBA) if self.linea_alba is None else self.linea_alba

    @cached_property
    def uterine_tilt(self) -> float:
        """How far the uterine axis leans forwards from the body's [rad]."""
        version = float(np.interp(self.bladder_volume, _FILLING, _VERSION))
        return math.radians(self.by_age(version, _TILT))

    @cached_property
    def internal_os(self) -> Vector:
        """Where the cervix ends and the body of the uterus begins, `(3,)` [mm]."""
        y, z = self.by_age(_EMPTY_OS[0], _OS_Y), self.by_age(_EMPTY_OS[1], _OS_Z)
        return np.array([0.0, y, z])

    @cached_property
    def uterine_axis(self) -> Vector:
        """Unit vector `(3,)` from the internal os to the fundus: cranial and anterior."""
        return np.array([0.0, -math.sin(self.uterine_tilt), math.cos(self.uterine_tilt)])

    @cached_property
    def uterine_frame(self) -> Vector:
        """Uterus to world `(4, 4)` [mm]: x left, y posterior, z to the fundus, from the os."""
        return _frame(self.internal_os, self.uterine_axis)

    @cached_property
    def cervical_axis(self) -> Vector:
        """Unit vector `(3,)` from the external to the internal os."""
        lean = self.uterine_tilt + (_CERVIX_BEND if self.pregnant else -_CERVIX_BEND)
        return np.array([0.0, -math.sin(lean), math.cos(lean)])

    @cached_property
    def external_os(self) -> Vector:
        """Lower end of a cervix of normal length, `(3,)` [mm]."""
        return self.internal_os - CERVIX_LENGTH * self.cervical_axis

    @cached_property
    def symphysis_axis(self) -> Vector:
        """Unit vector `(3,)` along the symphysis, from its upper to its lower border."""
        return np.array([0.0, math.sin(SYMPHYSIS_LEAN), -math.cos(SYMPHYSIS_LEAN)])

    @cached_property
    def symphysis(self) -> Vector:
        """Middle of the pubic symphysis, `(3,)` [mm]."""
        return np.array([0.0, 0.5 * SYMPHYSIS_THICKNESS, 0.0]) + (
            0.5 * SYMPHYSIS_HEIGHT * self.symphysis_axis
        )

    @cached_property
    def promontory(self) -> Vector:
        """Sacral promontory, `(3,)` [mm]: the true conjugate away from the symphysis."""
        way = np.array([0.0, math.cos(INLET_TILT), math.sin(INLET_TILT)])
        return np.array([0.0, SYMPHYSIS_THICKNESS, -2.0]) + CONJUGATE * way

    @cached_property
    def inlet_axis(self) -> Vector:
        """Unit normal `(3,)` of the pelvic inlet: cranial and anterior."""
        return np.array([0.0, -math.sin(INLET_TILT), math.cos(INLET_TILT)])

    @cached_property
    def bladder_neck(self) -> Vector:
        """Lowest point of the bladder, behind the symphysis, `(3,)` [mm]."""
        return np.array([0.0, 48.0, -22.0])

    @cached_property
    def umbilicus_height(self) -> float:
        """Height of the umbilicus, z [mm]; its depth is where the skin is."""
        return self.by_age(155.0, (155.0, 157.0, 161.0, 166.0, 168.0))

    @cached_property
    def xiphoid_height(self) -> float:
        """Height of the xiphoid process, z [mm]."""
        return 335.0

    def spine_front(self, height: float) -> float:
        """Front of the spine on the midline at `height` z: its y [mm], from the coccyx on."""
        y, z = np.array(SPINE_FRONT).T
        return float(np.interp(height, z, y))


def _frame(origin: Vector, axis: Vector) -> Vector:
    left = np.array([1.0, 0.0, 0.0])
    frame = np.eye(4)
    frame[:3, :3] = np.stack([left, np.cross(axis, left), axis], axis=1)
    frame[:3, 3] = origin
    return frame

"""The vagina, collapsed or around a probe, and the fluid in the pouch of Douglas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.gynaecology.uterus import Uterus
from insonate.anatomy.implicit import Part, Shape, capsule, ellipsoid, sweep, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.pelvis import bone_shape

__all__ = ["PROBE_RADIUS", "Vagina", "vagina_parts"]

Vector = NDArray[np.float64]

#: Radius of the face of an endocavity probe [mm] (M: 10-11), and the gel in front of it (E).
PROBE_RADIUS, _GEL = 10.0, 1.2
#: Thickness of the vaginal wall [mm] (M: 2-4).
_WALL = 2.5
#: What its walls keep from bone [mm].
_CLEAR = 2.0
#: Where the vagina ends at the pelvic floor, (y, z) [mm] (E).
_FLOOR = (52.0, -64.0)
#: Half-width and half-depth when collapsed, walls included, and of what is between them [mm].
_FLAT, _SLIT = (14.0, 3.6), (11.0, 0.4)
#: How far above the external os the vault is attached (M: 10-20), and how far it closes below
#: it [mm] (E).
_ATTACHED, _BELOW = 9.0, 5.0
#: Half-width and half-depth of the vaginal part of the cervix, relative to the uterus'.
_PORTIO = (0.28, 0.32)
#: Half-sizes of the pool in the pouch of Douglas: left, deep, along the cervix [mm]; less
#: than 10 ml is normal (M).
_POOL = (15.0, 5.0, 11.0)


@dataclass(frozen=True)
class Vagina:
    """Where the vagina runs.

    Attributes:
        uterus: at its end.
    """

    uterus: Uterus

    @property
    def opened(self) -> bool:
        """Whether a probe lies in it."""
        return self.uterus.plan.examination == "endovaginal"

    @cached_property
    def floor(self) -> Vector:
        """Lower end of what is modelled, `(3,)` [mm]."""
        return np.array([0.0, *_FLOOR])

    @cached_property
    def pivot(self) -> Vector:
        """Centre of the curve of the probe's face, its tip in the fornix, `(3,)` [mm].

        The anterior fornix if the uterus is anteverted and the symphysis leaves room for the
        probe, the posterior one otherwise.
        """
        uterus = self.uterus
        away = _PORTIO[1] * float(uterus.size[2]) + 0.35 * _WALL + PROBE_RADIUS
        front, back = (uterus.point(_ATTACHED - uterus.cervix, 0.0, y) for y in (-away, away))
        shaft = self.floor + np.linspace(0.0, 1.0, 20)[:, None] * (front - self.floor)
        room = distance(bone_shape(uterus.plan.mother), shaft).min()
        free = room > PROBE_RADIUS + _GEL + _WALL + _CLEAR
        return front if free and uterus.plan.uterus_version == "anteverted" else back

    @cached_property
    def shaft(self) -> Vector:
        """Unit vector `(3,)` from the pelvic floor to the tip of the probe."""
        way = self.pivot - self.floor
        return way / math.sqrt(way @ way)

    @cached_property
    def lumen(self) -> Shape:
        """What is between the walls: gel around the probe, or next to nothing."""
        if self.opened:
            return capsule(self.floor + 4.0 * self.shaft, self.pivot, PROBE_RADIUS + _GEL)
        return self._flat(_SLIT, 2.0)

    @cached_property
    def shape(self) -> Shape:
        """The vagina with its walls."""
        uterus = self.uterus
        s = 0.5 * (_ATTACHED - _BELOW) - uterus.cervix
        around = np.array(_PORTIO) * uterus.size[1:] + _WALL
        half = (*around, 0.5 * (_ATTACHED + _BELOW))
        vault = ellipsoid(uterus.point(s), half, uterus.axes(s))
        walls = self.lumen.offset(_WALL) if self.opened else self._flat(_FLAT, 0.0)
        return union(walls, vault, blend=8.0)

    def _flat(self, half: tuple[float, float], short: float) -> Shape:
        end = self.uterus.external_os
        way = end - self.floor
        length = float(np.linalg.norm(way))
        way = way / length
        left = np.array([1.0, 0.0, 0.0])
        back = np.cross(way, left)
        back /= np.linalg.norm(back)
        axes = np.stack([np.cross(back, way), back, way], axis=1)
        at = np.linspace(2.0 + short, length - 2.0, 9)
        centres = self.floor + at[:, None] * way
        return sweep(centres, np.tile(axes, (9, 1, 1)), np.tile(half, (9, 1)), (2.0, 2.0))

    @cached_property
    def pool(self) -> Shape:
        """Fluid behind the cervix, which covers half of it."""
        uterus = self.uterus
        size = np.array(_POOL) * (1.0 + 0.25 * uterus.plan.draws["fluid"])
        s = 2.0 - 0.35 * uterus.cervix
        back = _PORTIO[1] * float(uterus.size[2]) + 1.0
        return ellipsoid(uterus.point(s, 0.0, back), size, uterus.axes(s))


def vagina_parts(vagina: Vagina) -> tuple[Part, ...]:
    """What the uterus is painted over: pool, walls, and what is between them."""
    inner = "vaginal_gel" if vagina.opened else "vaginal_lumen"
    thickness = float("inf") if vagina.opened else 2.0 * _SLIT[1]
    return (
        Part("free_fluid", vagina.pool),
        Part("vagina", vagina.shape, _WALL),
        Part(inner, vagina.lumen, thickness),
    )

"""The urinary bladder, filled to a given volume between symphysis, wall and uterus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insonate.anatomy.implicit import Group, Part, Shape, ellipsoid, half_space, intersect
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.mother.room import carve, volume

__all__ = ["BLADDER_TISSUES", "Bladder", "fill_bladder"]

BLADDER_TISSUES = {
    "bladder_wall": "peritoneum_bladder_wall",
    "bladder_urine": "urine_bladder",
}

#: Thickness of the wall [mm] at a volume [ml]: 2.8 empty, 1.9 to 2.0 at 200 ml, 1.55 full (S).
_VOLUMES, _WALL = (20.0, 200.0, 500.0), (2.8, 1.95, 1.5)
#: Semi-axes: left, posterior and up, in proportion (E).
_SHAPE = np.array([1.2, 0.85, 1.0])
#: Height of its floor: behind the symphysis [mm].
_FLOOR = -20.0
#: Depth of its middle, where nothing is behind it: at no size, and growth with it [mm].
_DEPTH, _DEEPENING = 29.0, 0.2
#: How far its middle stays in front of the uterus, in sizes.
_BEFORE = 0.12
#: Height of its floor where the uterus pushes it up and forwards, in full by so many mm.
_PUSHED_FLOOR, _PUSH = 8.0, 20.0
#: In front of the pubic bone there is no bladder: back and top of a wedge (point, normal).
_PUBIS = (((0.0, 17.0, 0.0), (0.0, 1.0, 0.0)), ((0.0, 17.0, 4.0), (0.0, 0.3, 0.954)))
#: Precision of the volume, the grid that it is measured on [mm], rounds at most.
_PRECISION, _SPACING, _ROUNDS = 2e-3, 2.5, 12


@dataclass(frozen=True)
class Bladder:
    """A bladder.

    Attributes:
        free: the same without what presses on it: what others keep away from.
        outer: surface of its wall.
        urine: surface of what is in it.
        wall: thickness of its wall [mm].
        volume: of the urine [ml].
    """

    free: Shape
    outer: Shape
    urine: Shape
    wall: float
    volume: float

    def groups(self) -> tuple[Group, ...]:
        """Wall and urine."""
        layers = (Part("bladder_wall", self.outer), Part("bladder_urine", self.urine))
        return Group.layers("peritoneal_fat", layers, 2.4)


def _front_of(uterus: Shape | None, height: float) -> float:
    """Where the uterus begins on the midline at `height` z: its y [mm], infinite if nowhere."""
    if uterus is None:
        return float("inf")
    y = np.arange(-200.0, 120.0, 1.0)
    points = np.stack([np.zeros_like(y), y, np.full_like(y, height)], axis=1)
    inside = np.flatnonzero(distance(uterus, points) < 0.0)
    return float(y[inside[0]]) if len(inside) else float("inf")


def _of_size(size: float, wall: float, uterus: Shape | None) -> Shape:
    """The outer surface that a bladder of `size` [mm] would have if nothing pressed on it."""
    free = _DEPTH + _DEEPENING * size
    low = _FLOOR + 0.95 * size
    squeezed = free - (_front_of(uterus, low) - _BEFORE * size)
    height = low + (_PUSHED_FLOOR - _FLOOR) * min(max(squeezed / _PUSH, 0.0), 1.0)
    depth = min(free, _front_of(uterus, height) - _BEFORE * size)
    return ellipsoid((0.0, depth, height), _SHAPE * size + wall)


def fill_bladder(plan: MotherPlan, uterus: Shape | None, bones: Shape) -> Bladder:
    """The bladder whose urine has the plan's volume.

    Args:
        plan: of the mother.
        uterus: its outer surface, on which the bladder lies.
        bones: which it yields to.
    """
    wall = float(np.interp(plan.bladder_volume, _VOLUMES, _WALL))
    wanted = plan.bladder_volume
    size = (wanted * 1000.0 / (4.19 * _SHAPE.prod())) ** (1.0 / 3.0)
    spacing = min(_SPACING, size / 9.0)
    pubis = intersect(*(half_space(*side) for side in _PUBIS))
    for _ in range(_ROUNDS):
        free = _of_size(size, wall, uterus)
        outer = carve(free, uterus, bones, pubis, gap=1.0, blend=5.0)
        urine = outer.offset(-wall)
        found = volume(urine, spacing)
        if abs(found / wanted - 1.0) < _PRECISION:
            break
        size *= min(max((wanted / max(found, 1e-3)) ** 0.4, 0.8), 1.25)
    return Bladder(free, outer, urine, wall, found)

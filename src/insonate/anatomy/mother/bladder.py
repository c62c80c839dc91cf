"""The urinary bladder, filled to a given volume between symphysis, wall and uterus."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from insonate.anatomy.implicit import Group, Part, Shape, ellipsoid, half_space, intersect
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.mother.room import carve, front, volume
from insonate.geometry import rotation_about

__all__ = ["BLADDER_TISSUES", "Bladder", "fill_bladder"]

BLADDER_TISSUES = {
    "bladder_wall": "peritoneum_bladder_wall",
    "bladder_urine": "urine_bladder",
}

#: Thickness of the wall [mm] at a volume [ml]: 2.8 empty, 1.9 to 2.0 at 200 ml, 1.55 full (S).
_VOLUMES, _WALL = (20.0, 200.0, 500.0), (2.8, 1.95, 1.5)
#: Semi-axes: left, posterior and up, in proportion (E).
_SHAPE = np.array([1.25, 0.78, 1.02])
#: Height of its floor: behind the symphysis [mm].
_FLOOR = -20.0
#: Depth of its middle, y [mm].
_DEPTH = 31.0
#: Where a pregnant uterus pushes it up and forwards, in full by so many mm: its middle rises
#: with its size from a floor above the pubis and stays before the uterus, in sizes.
_PUSHED_FLOOR, _PUSH, _RISE, _BEFORE = 8.0, 20.0, 0.55, 0.12
#: It is flat then, and leans forwards more than the uterus does [rad].
_PUSHED_SHAPE, _LEAN = np.array([1.35, 0.6, 1.0]), math.radians(15.0)
#: In front of the pubic bone there is no bladder: back and top of a wedge (point, normal).
_PUBIS = (((0.0, 17.0, 0.0), (0.0, 1.0, 0.0)), ((0.0, 17.0, 4.0), (0.0, 0.3, 0.954)))
#: Precision of the size, a third of that of the volume, and the grid's cells to its size.
_PRECISION, _CELLS = 5e-4, 13.0


@dataclass(frozen=True)
class Bladder:
    """A bladder.

    Attributes:
        free: the same with nothing but the pubis beside it: what others keep away from.
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


def _of_size(plan: MotherPlan, size: float, wall: float, uterus: Shape | None) -> Shape:
    """The outer surface that a bladder of `size` [mm] would have beside nothing but the pubis."""
    place, share = np.array([0.0, _DEPTH, _FLOOR + 0.95 * size]), 0.0
    if plan.pregnant and uterus is not None:
        height = _PUSHED_FLOOR + _RISE * size
        depth = float(front(uterus, [height])[0]) - _BEFORE * size
        share = min(max((_DEPTH - depth) / _PUSH, 0.0), 1.0)
        place += share * (np.array([0.0, max(depth, -200.0), height]) - place)
    radii = _SHAPE + share * (_PUSHED_SHAPE - _SHAPE)
    lean = share * (plan.uterine_tilt + _LEAN)
    free = ellipsoid(place, radii * size + wall, rotation_about((1.0, 0.0, 0.0), lean))
    return carve(free, intersect(*(half_space(*side) for side in _PUBIS)), gap=1.0, blend=5.0)


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
    spacing = size / _CELLS

    def filled(log_size: float) -> Bladder:
        free = _of_size(plan, math.exp(log_size), wall, uterus)
        outer = carve(free, uterus, bones, gap=1.0, blend=5.0)
        urine = outer.offset(-wall)
        return Bladder(free, outer, urine, wall, float(volume(urine, spacing)))

    start = math.log(size)
    log_size = brentq(
        lambda x: filled(x).volume / wanted - 1.0, start - 0.5, start + 1.2, xtol=_PRECISION
    )
    return filled(float(log_size))  # pyright: ignore[reportArgumentType]

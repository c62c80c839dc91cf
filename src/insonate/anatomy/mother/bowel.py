"""Loops of small bowel and colon wherever the other organs leave room, some with gas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.implicit import Group, Part, Shape, intersect, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.mother.room import GAP, carve, cones

__all__ = ["BOWEL_TISSUES", "bowel_groups"]

BOWEL_TISSUES = {
    "bowel_wall": "bowel_wall",
    "bowel_content": {"like": "bowel_wall", "echogenicity": -9.0, "attenuation": 0.5},
    "bowel_gas": "air_bowel_gas",
}

#: Wall [mm]: 1-2 (E).
_WALL = 1.5
#: Small bowel: 15-25 mm wide (E), in windings of three runs; how long a run is, how
#: far apart they are, and where the windings' middles are [mm].
_RADIUS, _RUN, _RUNS = 9.2, 30.0, 20.0
_COLUMNS, _ROWS, _LAYERS = (-66.0, 0.0, 66.0), (70.0, 136.0, 202.0, 268.0), (22.0, 47.0)
#: Colon: 30-50 mm wide (E); ways of its parts [mm].
_COLON = (
    ((-104, 70, 95), (-108, 74, 130), (-110, 78, 165), (-110, 80, 200), (-108, 72, 235)),
    ((-96, 36, 318), (-60, 26, 322), (-20, 24, 322), (20, 24, 322), (60, 26, 326), (96, 38, 330)),
    ((112, 80, 235), (112, 80, 200), (110, 78, 165), (108, 74, 130), (104, 70, 95)),
)
_COLON_RADIUS, _HAUSTRUM = 16.0, 24.0
#: Rectum, in front of the sacrum [mm].
_RECTUM = ((0, 112, 52), (4, 118, 32), (0, 113, 10), (0, 100, -14), (0, 92, -38), (0, 98, -62))
_RECTUM_RADIUS = 11.0
#: How far a loop may lie in something else before it is left out, over its radius.
_YIELD = 0.25
#: What loops keep from the peritoneum, and how near others are that they are carved by [mm].
_MARGIN, _REACH = 2.0, 4.0
_FINENESS = 3.4
#: Every third loop holds gas, which fills this share of its radius and lies in front.
_GAS_EVERY, _GAS, _RISE = 3, 0.72, 0.15
#: From this week on the womb lies against the wall: loops in front of this y [mm] that are not
#: above it have been pushed aside, and hold no gas (E).
_PUSHED_WEEK, _PUSHED_Y = 18.0, 65.0


@dataclass(frozen=True)
class _Loop:
    points: NDArray[np.float64]
    radii: NDArray[np.float64]

    def grown(self, by: float) -> list[Shape]:
        return cones(self.points, self.radii + by)

    def gas(self) -> list[Shape]:
        rise = np.zeros_like(self.points)
        rise[:, 1] = -_RISE * self.radii
        return cones(self.points + rise, _GAS * (self.radii - _WALL))


def _winding() -> NDArray[np.float64]:
    """Three runs with two turns in a plane: `(points, 2)` [mm]."""
    run = np.linspace(-0.5, 0.5, 4) * _RUN
    turn = 0.5 * _RUN + 0.45 * _RUNS
    first = np.stack([run, np.full(4, -_RUNS)], axis=1)
    second = np.stack([run[::-1], np.zeros(4)], axis=1)
    third = np.stack([run, np.full(4, _RUNS)], axis=1)
    turns = np.array([[[turn, -0.5 * _RUNS]], [[-turn, 0.5 * _RUNS]]])
    return np.concatenate([first, turns[0], second, turns[1], third])


def _small_bowel(plan: MotherPlan) -> Iterator[_Loop]:
    """Windings side by side, every other one turned; gentle waves shift all of them alike."""
    flat = _winding()
    shift, phase = 8.0 * plan.vary("bowel"), math.pi * plan.vary("bowel_bend")
    for layer, y in enumerate(_LAYERS):
        for number, (z, x) in enumerate(itertools.product(_ROWS, _COLUMNS)):
            across, up = flat.T if (number + layer) % 2 else flat.T[::-1]
            points = np.stack([x + across, np.full(len(flat), y), z + up], axis=1)
            points[:, 1] += 5.0 * np.sin(0.04 * points[:, 0] + 0.05 * points[:, 2] + phase)
            points[:, 0] += shift + 6.0 * np.sin(0.03 * points[:, 2] + phase + layer)
            points[:, 2] += 6.0 * np.sin(0.03 * points[:, 0] - phase + layer)
            yield _Loop(points, _RADIUS + 0.7 * np.sin(np.arange(len(flat)) + number))


def _colon() -> Iterator[_Loop]:
    """Ascending, transverse and descending colon with haustra, and the rectum."""
    for way in _COLON:
        knots = np.array(way, np.float64)
        along = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1)))
        s = np.arange(0.0, along[-1], _HAUSTRUM / 4.0)
        points = np.stack([np.interp(s, along, knots[:, k]) for k in range(3)], axis=1)
        yield _Loop(points, _COLON_RADIUS + 2.2 * np.cos(2.0 * np.pi * s / _HAUSTRUM))
    yield _Loop(np.array(_RECTUM, np.float64), np.full(len(_RECTUM), _RECTUM_RADIUS))


def _cut(loop: _Loop, room: NDArray[np.float64]) -> Iterator[_Loop]:
    """The runs of a loop's points that have `room` `(points,)`, in radii, around them."""
    start = 0
    for n in range(len(room) + 1):
        if n == len(room) or room[n] < -_YIELD:
            if n - start >= 3:
                yield _Loop(loop.points[start:n], loop.radii[start:n])
            start = n + 1


def _fitting(loops: list[_Loop], cavity: Shape, others: tuple[Shape, ...]) -> list[_Loop]:
    """What is left of the loops where others need the room."""
    points = np.concatenate([loop.points for loop in loops])
    free = -distance(cavity, points) - _MARGIN
    for other in others:
        free = np.minimum(free, distance(other, points))
    kept, at = [], 0
    for loop in loops:
        count = len(loop.points)
        kept += _cut(loop, free[at : at + count] / loop.radii)
        at += count
    return kept


def _near(loop: _Loop, others: list[Shape]) -> list[Shape]:
    """Those of the others that the loop has to yield to."""
    margin = float(loop.radii.max()) + _REACH
    start, end = loop.points.min(axis=0) - margin, loop.points.max(axis=0) + margin

    def meets(other: Shape) -> bool:
        low, high = other.bounds()
        if (low > end).any() or (high < start).any():
            return False
        return bool((distance(other, loop.points) < loop.radii + _REACH).any())

    return [other for other in others if meets(other)]


def _groups(
    number: int, loop: _Loop, cavity: Shape, others: list[Shape], gas: bool
) -> Iterator[Group]:
    """Wall, content and gas of one loop."""
    layers = [("bowel_wall", loop.grown(0.0)), ("bowel_content", loop.grown(-_WALL))]
    if gas:
        layers.append(("bowel_gas", loop.gas()))
    in_wall = (distance(cavity, loop.points) > -loop.radii - _REACH).any()
    around = "peritoneal_fat"
    for depth, (region, pieces) in enumerate(layers):
        inwards = depth * _WALL
        shape = carve(union(*pieces), *others, gap=GAP + inwards)
        if in_wall:
            shape = intersect(shape, cavity.offset(-_MARGIN - inwards))
        yield Group(f"{region}_{number}", around, (Part(region, shape),), _FINENESS)
        around = region


def _pushed_below(plan: MotherPlan, uterus: Shape | None) -> float:
    """Height z [mm] of a pregnant womb's top, below which loops are pushed aside."""
    if uterus is None or plan.weeks is None or plan.weeks < _PUSHED_WEEK:
        return -math.inf
    return float(uterus.bounds()[1][2])


def bowel_groups(plan: MotherPlan, cavity: Shape, *others: Shape | None) -> tuple[Group, ...]:
    """Wall, content and gas of all loops.

    Args:
        plan: of the mother.
        cavity: that holds the loops.
        others: what the loops yield to; the uterus first.
    """
    pushed = _pushed_below(plan, others[0] if others else None)
    there = [other for other in others if other is not None]
    loops = _fitting([*_colon(), *_small_bowel(plan)], cavity, tuple(there))
    first = 1 if plan.vary("bowel_gas") >= 0.0 else 2
    groups: list[Group] = []
    for number, loop in enumerate(loops):
        _, y, z = loop.points.mean(axis=0)
        gas = number % _GAS_EVERY == first and not (y < _PUSHED_Y and z < pushed)
        groups += _groups(number, loop, cavity, _near(loop, there), gas)
        there.append(union(*loop.grown(0.0)))
    return tuple(groups)

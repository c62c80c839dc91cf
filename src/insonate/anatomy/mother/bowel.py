"""Loops of small bowel and colon wherever the other organs leave room, some with gas."""

from __future__ import annotations

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
#: Small bowel: 15-25 mm wide (E); distance of rows, and of layers from front to back [mm].
_RADIUS, _ROW, _LAYERS = 9.5, 25.0, (22.0, 49.0, 76.0)
_ROWS = (38.0, 300.0)
#: Pieces of a row: ends over the width of the belly [mm].
_PIECES = ((-96.0, -38.0), (-29.0, 30.0), (39.0, 97.0))
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
#: Every third loop holds gas, which fills this share of its radius and lies in front.
_GAS_EVERY, _GAS, _RISE = 3, 0.72, 0.15


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


def _small_bowel(plan: MotherPlan) -> Iterator[_Loop]:
    """Rows of loops that are bent alike, so that neighbours keep their distance."""
    shift, phase = 10.0 * plan.vary("bowel"), math.pi * plan.vary("bowel_bend")
    for layer, y in enumerate(_LAYERS):
        for z in np.arange(*_ROWS, _ROW):
            for start, end in _PIECES:
                x = np.linspace(start, end, 6) + shift * (-1.0) ** layer
                points = np.stack([x, np.full(6, y), np.full(6, z)], axis=1)
                points[:, 1] += 4.0 * np.sin(0.045 * x + phase + 1.7 * layer)
                points[:, 2] += 7.0 * np.sin(0.062 * x + phase - 2.1 * layer)
                yield _Loop(points, np.full(6, _RADIUS) + 0.9 * np.sin(0.25 * x + z))


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
    free = -distance(cavity, points) - 2.0
    for other in others:
        free = np.minimum(free, distance(other, points))
    kept, at = [], 0
    for loop in loops:
        count = len(loop.points)
        kept += _cut(loop, free[at : at + count] / loop.radii)
        at += count
    return kept


def bowel_groups(plan: MotherPlan, cavity: Shape, *others: Shape | None) -> tuple[Group, ...]:
    """Wall, content and gas of all loops.

    Args:
        plan: of the mother.
        cavity: that holds the loops.
        others: what the loops yield to.
    """
    present = tuple(other for other in others if other is not None)
    loops = _fitting([*_colon(), *_small_bowel(plan)], cavity, present)
    first = 1 if plan.vary("bowel_gas") >= 0.0 else 2
    layers = [
        ("bowel_wall", [p for loop in loops for p in loop.grown(0.0)]),
        ("bowel_content", [p for loop in loops for p in loop.grown(-_WALL)]),
        ("bowel_gas", [p for loop in loops[first::_GAS_EVERY] for p in loop.gas()]),
    ]
    parts = []
    for depth, (region, pieces) in enumerate(layers):
        inwards = depth * _WALL
        free = carve(union(*pieces), *present, gap=GAP + inwards)
        parts.append(Part(region, intersect(free, cavity.offset(-2.0 - inwards))))
    return Group.layers("peritoneal_fat", parts, 2.5)

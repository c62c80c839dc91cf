"""Breathing: of the mother, which moves all she holds, and of the fetus, which trains for it.

Both are waves of time times smooth fields in space. Every breath's depth is hashed from the
seed and its number, so that any moment can be asked for by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import KDTree

from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.patient.draw import Draw

__all__ = ["FetalBreathing", "MaternalBreathing", "fetal_breath", "maternal_breath", "smooth"]

Vector = NDArray[np.float64]

#: Breaths of a fetus in a minute (S: 30-60), how long an episode and the pause after it are [s],
#: the share that the episode has, and how softly it begins and ends [s] (E).
_FETAL_RATE, _EPISODE, _EPISODE_SHARE, _RAMP = (30.0, 60.0), 40.0, (0.45, 0.8), 2.0
#: Shallowest breath over the deepest, of fetus and mother (E).
_FETAL_SHALLOW, _SHALLOW = 0.5, 0.85
#: Shares of a mother's breath that she breathes in, and out (M); then she rests.
_IN, _OUT = 0.40, 0.50
#: What moves in a fetal breath (E): the middle (s, u, v); its way to the left, back and head
#: over R; semi-axes over half-width, half-depth and spine length. The diaphragm goes down, the
#: belly comes out, the chest sinks in: the paradoxical breath of a fetus.
_FIELDS = (
    ((0.53, 0.0, 0.14), (0.0, 0.0, -0.10), (0.80, 0.60, 0.26)),
    ((0.70, 0.0, 0.95), (0.0, -0.06, 0.0), (1.00, 0.85, 0.18)),
    ((0.36, 0.0, 0.95), (0.0, 0.03, 0.0), (0.95, 0.70, 0.13)),
)
#: Lattice of the mother's field, and how much it is smoothed [mm].
_SPACING, _SOFT = 10.0, 10.0
#: What rests by her bones, and over how far the motion begins [mm] (E).
_BY_BONE, _BEGINS = 6.0, 85.0
#: How far behind the spine's front it ends, over how far it begins [mm]; the same from below (E).
_BEHIND, _FORWARD, _FEET, _UPWARD = 10.0, 90.0, -40.0, 120.0
#: How far the wall comes forward over how far the organs go down, and over what depth (E) [mm].
_OUTWARD, _DEPTH = 0.5, 170.0


def smooth(x: NDArray[np.floating] | float) -> Vector:
    """0 below 0, 1 above 1, with a continuous second derivative.

    Args:
        x: any shape, no unit.
    """
    x = np.clip(np.asarray(x, np.float64), 0.0, 1.0)
    return x * x * x * (x * (6.0 * x - 15.0) + 10.0)


def fetal_breath(seed: int, time: float) -> float:
    """How far a fetus has breathed in, 0 to 1, in episodes with pauses; 0 at time 0.

    Args:
        seed: of the movement.
        time: since rest [s].
    """
    draw = Draw(seed)
    number = math.floor(time / _EPISODE)
    into = time - number * _EPISODE
    length = _EPISODE * draw.even(f"breathing episode {number}", *_EPISODE_SHARE)
    here = float(smooth(into / _RAMP) * smooth((length - into) / _RAMP))
    if here == 0.0:
        return 0.0
    breath = time * draw.even("fetal breathing rate", *_FETAL_RATE) / 60.0
    depth = draw.even(f"fetal breath {math.floor(breath)}", _FETAL_SHALLOW, 1.0)
    return here * depth * math.sin(math.pi * (breath % 1.0)) ** 2


def maternal_breath(seed: int, time: float, rate: float) -> float:
    """How far the mother has breathed in, 0 to 1; 0 at time 0.

    Args:
        seed: of the movement.
        time: since rest [s].
        rate: breaths in a minute [1/min].
    """
    breath = time * rate / 60.0
    share = breath % 1.0
    depth = Draw(seed).even(f"breath {math.floor(breath)}", _SHALLOW, 1.0)
    return depth * float(smooth(share / _IN) * (1.0 - smooth((share - _IN) / _OUT)))


@dataclass(frozen=True)
class FetalBreathing:
    """The field of a fetal breath: diaphragm, belly and chest, each a smooth bump.

    Attributes:
        plan: of the fetus.
    """

    plan: Plan

    @cached_property
    def _bumps(self) -> list[tuple[Vector, Vector, Vector]]:
        """Middle `(3,)`, way `(3,)` and inverse axes `(3, 3)` of every bump [mm]."""
        trunk, found = self.plan.trunk, []
        for middle, way, share in _FIELDS:
            half, axes = trunk.half(middle[0]), trunk.axes(middle[0])
            size = np.array(share) * [*half, trunk.length]
            way_mm = self.plan.sizes.trunk_radius * (axes @ np.array(way))
            found.append((trunk.point(*middle), way_mm, axes / size))
        return found

    def displacement(self, points: Vector) -> Vector:
        """Of points `(points, 3)` of the fetal frame in a full breath, `(points, 3)` [mm]."""
        moved = np.zeros_like(points)
        for middle, way, inverse in self._bumps:
            level = (((points - middle) @ inverse) ** 2).sum(axis=1)
            moved += (np.maximum(1.0 - level, 0.0) ** 3)[:, None] * way
        return moved


@dataclass(frozen=True)
class MaternalBreathing:
    """The field of a breath of the mother: down and forward, still at spine and pelvis.

    Attributes:
        bones: points on them, `(points, 3)` world [mm].
        spine_front: y of the front of the spine [mm] at height z [mm].
        low: lowest corner of the body, `(3,)` [mm].
        high: its highest corner, `(3,)` [mm].
    """

    bones: Vector
    spine_front: Callable[[float], float]
    low: Vector
    high: Vector

    @cached_property
    def _lattice(self) -> Vector:
        """The share that moves at the nodes of a lattice, `(x, y, z)`."""
        counts = np.ceil((self.high - self.low) / _SPACING).astype(int) + 4
        lines = [a + _SPACING * (np.arange(n) - 1.5) for a, n in zip(self.low, counts, strict=True)]
        nodes = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
        y, z = nodes[..., 1], nodes[..., 2]
        front = np.array([self.spine_front(float(height)) for height in lines[2]])
        share = smooth((front + _BEHIND - y) / _FORWARD) * smooth((z - _FEET) / _UPWARD)
        moving = share > 0.0
        away = KDTree(self.bones).query(nodes[moving], distance_upper_bound=200.0)[0]
        share[moving] *= smooth((np.minimum(away, 200.0) - _BY_BONE) / _BEGINS)
        return gaussian_filter(share, _SOFT / _SPACING, mode="nearest")

    def displacement(self, points: Vector) -> Vector:
        """Of points `(points, 3)` of the world in a breath of 1 mm, `(points, 3)` [mm]."""
        at = (points - self.low) / _SPACING + 1.5
        share = map_coordinates(self._lattice, at.T, order=1, mode="nearest")
        forward = smooth((self.spine_front(140.0) - points[:, 1]) / _DEPTH)
        return np.stack([np.zeros_like(share), -_OUTWARD * share * forward, -share], axis=1)

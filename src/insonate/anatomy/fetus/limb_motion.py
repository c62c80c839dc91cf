"""Limbs that move by themselves: joints turn a little, slowly, now and then.

Every joint's angle is smooth noise of time; each piece of the noise is hashed from the seed, the
joint and its number, so that any moment can be asked for by itself. Points follow the bones
that they lie near, by weights from distances at rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.fetus.joints import (
    LIMBS,
    RANGES,
    Limb,
    angles,
    limb,
    limb_roots,
    limbs,
    segment_lengths,
)
from insonate.anatomy.fetus.limb_flesh import flesh
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.settle import Bodies, body_shape
from insonate.anatomy.implicit.measure import Measure

__all__ = ["SWING", "LimbMotion", "joint_noise", "limb_displacement"]

#: How far a joint turns to either side [rad].
SWING = math.radians(12.0)
#: Time between two turning points [s], and the share of them that rest where they are (E).
_PACE, _STILL = 1.2, 0.45
#: Joints of a limb that move: flexion, abduction, turn, middle joint, last joint.
_MOVES = np.array([1.0, 0.5, 0.5, 1.0, 1.0])
#: A bone holds what lies nearer than this share of the flesh's radius; the trunk holds as much
#: of the roots of the limbs as lies further.
_HELD = 0.75
#: Width of the blend between bones, over the flesh's radius.
_BLEND = 0.35
#: Points further than this from all bones, over the flesh's radius, do not move.
_NEAR = 2.0
#: Over R: how near a point on the body is, and how far one is free of it.
_TOUCH, _FREE = 0.02, 0.08
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

Vector = NDArray[np.float64]


def limb_displacement(plan: Plan, points: ArrayLike, time: float, seed: int) -> Vector:
    """How far points of the fetus are moved by its limbs, `(points, 3)` [mm].

    For many moments of the same points keep a `LimbMotion`.

    Args:
        plan: of the fetus, its limbs settled.
        points: at rest, in the fetal frame, `(points, 3)` [mm].
        time: since rest [s]; at 0 nothing is moved.
        seed: of the movement.
    """
    return LimbMotion(plan, np.asarray(points, np.float64), seed).displacement(time)


@dataclass(frozen=True)
class LimbMotion:
    """The movement of given points.

    Attributes:
        plan: of the fetus, its limbs settled.
        points: at rest, in the fetal frame, `(points, 3)` [mm].
        seed: of the movement.
    """

    plan: Plan
    points: Vector
    seed: int

    def displacement(self, time: float) -> Vector:
        """Of every point, `(points, 3)` [mm], `time` seconds after rest."""
        index, weights = self._weights
        moves = self._moves(time)
        moved = np.zeros_like(self.points)
        at = np.concatenate([self.points[index], np.ones((len(index), 1))], axis=1)
        for k, move in enumerate(moves):
            near = np.flatnonzero(weights[:, k] > 0.0)
            way = at[near] @ (move - np.eye(4))[:3].T
            moved[index[near]] += weights[near, k, None] * way
        return moved

    def angles(self, time: float) -> Vector:
        """Joint angles `(4, 5)` [rad], `time` seconds after rest."""
        low, high = self._free
        swing = joint_noise(self.seed, 5 * len(LIMBS), time).reshape(-1, 5)
        return angles(self.plan) + np.where(swing < 0.0, -swing * low, swing * high)

    @cached_property
    def _free(self) -> tuple[Vector, Vector]:
        """How far each joint may turn down and up before a limb meets something, `(4, 5)` [rad]."""
        bodies, rest = Bodies(self.plan), angles(self.plan)
        most = min(0.0, float(bodies.gaps(rest).min()))
        ends = []
        for side, way in enumerate((-1.0, 1.0)):
            free = np.zeros_like(rest)
            for k, j in np.ndindex(*rest.shape):
                limit = RANGES[LIMBS[k][0]][j][side]
                reach = min(SWING * float(_MOVES[j]), max(0.0, way * (limit - float(rest[k, j]))))
                free[k, j] = _reach(bodies, rest, (k, j), way * reach, most)
            ends.append(free)
        return ends[0], ends[1]

    def _moves(self, time: float) -> list[Vector]:
        """Rigid motions `(4, 4)` of the segments, three for each limb."""
        found = []
        rows = zip(LIMBS, limb_roots(self.plan), self.angles(time), limbs(self.plan), strict=True)
        for name, root, row, rest in rows:
            now = limb(name, root, row, segment_lengths(self.plan, name[0]))
            for before, after in zip(_segments(rest), _segments(now), strict=True):
                turn = after.frame @ before.frame.T
                move = np.eye(4)
                move[:3, :3], move[:3, 3] = turn, after.start - turn @ before.start
                found.append(move)
        return found

    @cached_property
    def _weights(self) -> tuple[NDArray[np.int64], Vector]:
        """Points that move at all, and their weights `(points, 12)`; the body has the rest."""
        far = np.stack([far for one in limbs(self.plan) for far in self._far(one)], axis=1)
        index = np.flatnonzero(far.min(axis=1) < _NEAR)
        far = far[index]
        deep = Measure(body_shape(self.plan))(self.points[index])
        radius = self.plan.sizes.trunk_radius
        # On the trunk and the head only the roots of the limbs pull.
        on_body = np.clip(1.0 - deep / (_TOUCH * radius), 0.0, 1.0)
        far += on_body[:, None] * ~np.tile([True, False, False], len(LIMBS))
        body = np.maximum(_HELD, 1.0 + deep / (_FREE * radius))
        every = np.column_stack([far, body])
        near = every.min(axis=1, keepdims=True)
        weights = np.maximum(near + _BLEND - every, 0.0) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        return index, weights[:, :-1]

    def _far(self, one: Limb) -> list[Vector]:
        """Distance of the points to the segments' axes over the flesh's radius, `(points,)`."""
        body = flesh(self.plan, one)
        radii = body.at("skin")
        upper = body.along <= 1.0
        foot = float(np.linalg.norm(one.tip.end - one.tip.start))
        thick = (
            radii[upper].max(),
            radii[~upper].max(),
            (0.20 if one.kind == "arm" else 0.17) * foot,
        )
        segments = _segments(one)
        return [
            _to_segment(self.points, segment.start, segment.end) / radius
            for segment, radius in zip(segments, thick, strict=True)
        ]


def _segments(one: Limb) -> tuple:
    return one.upper, one.lower, one.tip


def _reach(
    bodies: Bodies, rest: Vector, joint: tuple[int, int], swing: float, most: float
) -> float:
    """The part of a swing [rad] that lets no limb cut deeper than `most` [mm]."""
    for share in (1.0, 0.75, 0.5, 0.25):
        turned = rest.copy()
        turned[joint] += share * swing
        if bodies.gaps(turned).min() >= most:
            return 0.7 * share * swing if share < 1.0 else swing
    return 0.0


def _to_segment(points: Vector, start: Vector, end: Vector) -> Vector:
    way = end - start
    share = np.clip((points - start) @ way / (way @ way), 0.0, 1.0)
    return np.linalg.norm(points - start - share[:, None] * way, axis=1)


def joint_noise(seed: int, joints: int, time: float) -> Vector:
    """Smooth noise in [-1, 1] for every joint, `(joints,)`, 0 at time 0.

    Args:
        seed: of the movement.
        joints: how many.
        time: since rest [s]; negative is before it.
    """
    number = math.floor(time / _PACE)
    share = time / _PACE - number
    ease = share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
    before, after = (_turning_point(seed, joints, number + k) for k in (0, 1))
    return before + ease * (after - before)


def _turning_point(seed: int, joints: int, number: int) -> Vector:
    """Where the joints are at their turning point `number`; a still one stays where it was."""
    found = np.zeros(joints)
    open_ = np.ones(joints, bool)
    step = -1 if number > 0 else 1
    while number != 0 and open_.any():
        still, value = _hashed(seed, joints, number)
        here = open_ & (still >= _STILL)
        found[here] = 2.0 * value[here] - 1.0
        open_ &= ~here
        number += step
    return found


def _hashed(seed: int, joints: int, number: int) -> tuple[Vector, Vector]:
    """Two uniform numbers for every joint, `(joints,)` each, from a counter."""
    base = np.uint64((seed * 0x1000003 + number * 0x9E3779B1) & 0xFFFFFFFFFFFFFFFF)
    count = np.arange(2 * joints, dtype=np.uint64)
    with np.errstate(over="ignore"):
        x = (base ^ (count * _GOLDEN)) + _GOLDEN
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    uniform = (x >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return uniform[:joints], uniform[joints:]

"""Limbs that do not cut the body or each other: joint angles changed by as little as needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from insonate.anatomy.fetus.head import head_outline
from insonate.anatomy.fetus.joints import (
    LIMBS,
    RANGES,
    Limb,
    Segment,
    angles,
    limb,
    limb_roots,
    segment_lengths,
    with_angles,
)
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Shape, union
from insonate.anatomy.implicit.measure import Measure

__all__ = ["TOLERANCE", "Bodies", "body_shape", "settle"]

#: Deepest cut of a limb into trunk, head or another limb that `settle` leaves, over R.
TOLERANCE = 0.02
#: What it aims at beyond touching, over R; the rounded flesh is a little thicker than its model.
_AIM = 0.03
#: An angle that moves by this much [rad] costs as much as a cut by `_AIM`.
_STIFF = 1.2
#: Weights of the cuts, one after the other: soft ones first find the way out.
_WEIGHTS = (1.0, 4.0, 16.0)
#: Share of the upper segment that may lie in the trunk.
_FREE = {"arm": 0.55, "leg": 0.62}
#: Legs and arms do not meet symmetrically: left hip and shoulder are bent by this more [rad].
_ASYMMETRY = 0.10
_SAMPLES = 5

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Bodies:
    """The limbs as round cones, and the body that they must not cut.

    Attributes:
        plan: of the fetus.
    """

    plan: Plan

    @cached_property
    def _roots(self) -> tuple[Segment, ...]:
        return limb_roots(self.plan)

    @cached_property
    def _lengths(self) -> tuple[tuple[float, float, float], ...]:
        return tuple(segment_lengths(self.plan, kind) for kind, _ in LIMBS)

    @cached_property
    def _radii(self) -> dict[str, tuple[float, ...]]:
        sizes = self.plan.sizes
        half = {n: 0.5 * sizes[f"{n}_diameter"] for n in ("thigh", "calf", "upper_arm", "forearm")}
        return {
            "leg": (half["thigh"], half["calf"], half["calf"], 0.6 * half["calf"]),
            "arm": (half["upper_arm"], half["forearm"], half["forearm"], 0.62 * half["forearm"]),
        }

    @cached_property
    def _body(self) -> Measure:
        return Measure(body_shape(self.plan))

    @cached_property
    def _pairs(self) -> NDArray[np.int64]:
        """Indices `(pairs, 2)` of cones of different limbs, and of tips and upper segments."""
        count = 4 * len(LIMBS)
        first, second = np.triu_indices(count, 1)
        own = first // 4 == second // 4
        far = (first % 4 == 0) & (second % 4 >= 2)
        return np.stack([first, second], axis=1)[~own | far]

    def cones(self, wanted: Vector) -> tuple[Vector, Vector, Vector]:
        """Starts and ends `(16, 3)` and radii `(16, 2)` [mm] for angles `(4, 5)` [rad]."""
        rows = zip(LIMBS, self._roots, wanted, self._lengths, strict=True)
        found = [row for args in rows for row in self._limb_cones(limb(*args))]
        start, end = (np.array([row[k] for row in found]) for k in (0, 1))
        return start, end, np.array([row[2] for row in found])

    def _limb_cones(self, one: Limb) -> list[tuple[Vector, Vector, tuple[float, float]]]:
        a, b, c, d = self._radii[one.kind]
        tip = one.tip
        size = float(np.linalg.norm(tip.end - tip.start))
        rows = [(one.upper.start, one.upper.end, (a, b)), (one.lower.start, one.lower.end, (c, d))]
        if one.kind == "arm":
            across, along, palmar, thick = 0.10, (0.1, 0.62), 0.08, (0.13, 0.16)
        else:
            across, along, palmar, thick = 0.07, (0.1, 0.92), 0.0, (0.11, 0.09)
        for way in (-across, across):
            ends = [tip.point(share, way * size, palmar * size) for share in along]
            rows.append((ends[0], ends[1], (thick[0] * size, thick[1] * size)))
        return rows

    def gaps(self, wanted: Vector) -> Vector:
        """Signed gaps [mm] between limbs and body, then between limbs; negative is a cut."""
        start, end, radii = self.cones(wanted)
        return np.concatenate([self._to_body(start, end, radii), self._between(start, end, radii)])

    def _to_body(self, start: Vector, end: Vector, radii: Vector) -> Vector:
        first = np.zeros(len(start))
        first[::4] = [_FREE[kind] for kind, _ in LIMBS]
        share = first[:, None] + (1.0 - first[:, None]) * np.linspace(0.0, 1.0, _SAMPLES)
        points = start[:, None] + share[:, :, None] * (end - start)[:, None]
        thick = radii[:, :1] + share * (radii[:, 1:] - radii[:, :1])
        return self._body(points.reshape(-1, 3)) - thick.ravel()

    def _between(self, start: Vector, end: Vector, radii: Vector) -> Vector:
        i, j = self._pairs.T
        s, t, apart = nearest_on_segments(start[i], end[i], start[j], end[j])
        thick = radii[i, 0] + s * (radii[i, 1] - radii[i, 0])
        return apart - thick - radii[j, 0] - t * (radii[j, 1] - radii[j, 0])


def body_shape(plan: Plan) -> Shape:
    """What the limbs must not cut: trunk and head."""
    return union(plan.trunk.outline(), head_outline(plan, "skin"))


def nearest_on_segments(
    a: Vector, b: Vector, c: Vector, d: Vector
) -> tuple[Vector, Vector, Vector]:
    """Where segments a-b and c-d, `(pairs, 3)` [mm], are nearest.

    Returns:
        Shares along the first and the second, `(pairs,)`, and the distance `(pairs,)` [mm].
    """
    u, v, w = b - a, d - c, a - c
    uu, vv = np.maximum((u * u).sum(1), 1e-12), np.maximum((v * v).sum(1), 1e-12)
    uv, uw, vw = (u * v).sum(1), (u * w).sum(1), (v * w).sum(1)
    across = np.maximum(uu * vv - uv * uv, 1e-9 * uu * vv)
    s = np.clip((uv * vw - vv * uw) / across, 0.0, 1.0)
    t = np.clip((uv * s + vw) / vv, 0.0, 1.0)
    s = np.clip((uv * t - uw) / uu, 0.0, 1.0)
    apart = np.linalg.norm(w + s[:, None] * u - t[:, None] * v, axis=1)
    return s, t, apart


def settle(plan: Plan) -> Plan:
    """The plan with its limbs moved out of the trunk, the head and each other.

    The same plan gives the same answer; one whose limbs are free stays as it is. Cuts deeper
    than `TOLERANCE` times R remain only if the joints do not reach further.
    """
    bodies, rest = Bodies(plan), angles(plan)
    radius = plan.sizes.trunk_radius
    low, high = (np.array([RANGES[kind] for kind, _ in LIMBS])[:, :, k] for k in (0, 1))
    rest = np.clip(rest, low, high)
    if bodies.gaps(rest).min() >= 0.0:
        return with_angles(plan, rest)
    begin = rest.copy()
    begin[[0, 2], 0] += _ASYMMETRY
    begin[[1, 3], 0] -= _ASYMMETRY
    found = np.clip(begin, low + 1e-6, high - 1e-6)
    for weight in _WEIGHTS:
        found = _moved(bodies, found, rest, (low, high), (weight, _AIM * radius))
        if bodies.gaps(found).min() >= 0.0:
            break
    return with_angles(plan, found)


def _moved(
    bodies: Bodies,
    begin: Vector,
    rest: Vector,
    bounds: tuple[Vector, Vector],
    cost: tuple[float, float],
) -> Vector:
    weight, aim = cost

    def costs(x: Vector) -> Vector:
        gaps = bodies.gaps(x.reshape(rest.shape))
        cuts = np.maximum(aim - gaps, 0.0) / aim
        return np.concatenate([weight * cuts, (x - rest.ravel()) / _STIFF])

    low, high = (edge.ravel() for edge in bounds)
    answer = least_squares(
        costs,
        np.clip(begin.ravel(), low + 1e-9, high - 1e-9),
        bounds=(low, high),
        diff_step=1e-4,
        max_nfev=20,
        x_scale=1.0,
    )
    return answer.x.reshape(rest.shape)

"""Where the heart lies: coordinates towards its apex, to the right, to the head.

Everything in the heart is placed by `(a, r, z)` in units of its diameter: a from the crux to
the apex, r at a right angle to it in the four-chamber plane, to the right and front, z to the
head. The crux is placed where the heart fits into the chest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.fetus.diaphragm import wall_depth
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Shape, ellipsoid, half_space

__all__ = ["FOUR_CHAMBER_S", "HeartFrame", "heart_frame"]

#: Level of the four-chamber plane (E).
FOUR_CHAMBER_S = 0.40
#: Where the crux would like to be, u and v (E).
_CRUX = (0.14, 0.14)
#: Angle between the front and the direction of the apex, and what it varies by [rad] (M).
_AXIS = math.radians(45.0)
_AXIS_VARIES = math.radians(8.0)
#: The unit of (a, r, z) over D: makes the outline of the four-chamber section pi D long.
_UNIT = 0.991
#: Points (a, r) of that outline, pericardium included, which have to stay inside the chest.
_OUTLINE = (
    (0.73, -0.16), (0.70, -0.28), (0.72, -0.05), (0.50, -0.42), (0.25, -0.46), (0.00, -0.44),
    (0.55, 0.28), (0.30, 0.44), (0.10, 0.45), (-0.15, 0.42), (-0.32, 0.20), (-0.34, -0.17),
)  # fmt: skip
#: What the pericardium and the pleura around it take [mm].
_MARGIN = 0.4

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class HeartFrame:
    """Coordinates of the heart.

    Attributes:
        matrix: heart to fetal frame `(4, 4)` [mm], origin in the crux: columns to the apex, to
            the right and front, to the head. A mirror, as a, r and z are left-handed.
        unit: length of one unit of (a, r, z) [mm].
        angle: of the apex to the left of the front [rad].
    """

    matrix: Vector
    unit: float
    angle: float

    def point(self, a: float, r: float, z: float) -> Vector:
        """Position of `(a, r, z)` in the fetal frame, `(3,)` [mm]."""
        return self.matrix[:3, 3] + self.direction(a, r, z) * self.unit

    def direction(self, a: float, r: float, z: float) -> Vector:
        """Vector `(3,)` in the fetal frame, as long as `(a, r, z)` is."""
        return self.matrix[:3, :3] @ np.array([a, r, z])

    def ellipsoid(self, centre: ArrayLike, radii: ArrayLike) -> Shape:
        """Ellipsoid along the heart's axes; `centre` and `radii` `(3,)` in units."""
        at = self.point(*np.asarray(centre, np.float64))
        return ellipsoid(at, np.asarray(radii) * self.unit, self.matrix[:3, :3])

    def behind(self, point: ArrayLike, normal: ArrayLike) -> Shape:
        """Half of space behind the plane through `point` `(3,)` with `normal` `(3,)`, in units."""
        return half_space(self.point(*np.asarray(point)), self.direction(*np.asarray(normal)))

    def local(self, points: ArrayLike) -> Vector:
        """`(points, 3)` of the fetal frame [mm] as (a, r, z) in units, `(points, 3)`."""
        at = np.asarray(points, np.float64) - self.matrix[:3, 3]
        return at @ self.matrix[:3, :3] / self.unit


def heart_frame(plan: Plan) -> HeartFrame:
    """Coordinates of the heart of one fetus."""
    unit = _UNIT * plan.sizes.heart_diameter
    angle = _AXIS + _AXIS_VARIES * plan.vary("heart_axis")
    turn = np.array(
        [
            [math.sin(angle), -math.cos(angle), 0.0],
            [-math.cos(angle), -math.sin(angle), 0.0],
            [0.0, 0.0, 1.0],
        ]
    )
    left, back = _fit(plan, np.array(_OUTLINE) @ turn[:2, :2].T * unit)
    matrix = np.eye(4)
    axes = plan.trunk.axes(FOUR_CHAMBER_S)
    matrix[:3, :3] = axes @ turn
    matrix[:3, 3] = plan.trunk.centre(FOUR_CHAMBER_S) + axes @ np.array([left, back, 0.0])
    return HeartFrame(matrix, unit, angle)


def _fit(plan: Plan, outline: Vector) -> Vector:
    """Left and back of the crux [mm]: as wanted, or pushed in until the outline fits."""
    half = np.array(plan.trunk.half(FOUR_CHAMBER_S))
    room = half - wall_depth(plan) - _MARGIN
    crux = half * np.array([_CRUX[0], -_CRUX[1]])
    for _ in range(200):
        reach = crux + outline
        level = np.sqrt(((reach / room) ** 2).sum(axis=1))
        worst = int(np.argmax(level))
        if level[worst] <= 1.0:
            break
        crux = crux - reach[worst] * (1.0 - 0.999 / level[worst])
    return crux

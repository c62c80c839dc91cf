"""How the fetus lies: presentation, back, and where its bulk is in the uterus.

Uterine frame: x left, y posterior, z to the fundus, origin at the internal os [mm].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Shape, sweep
from insonate.anatomy.implicit.program import distance
from insonate.errors import InputError, closest
from insonate.geometry import rotation_about

__all__ = ["BACKS", "PRESENTATIONS", "Bulk", "Placement", "bulk_of", "place"]

Vector = NDArray[np.float64]

#: Where head and back point to, in the uterine frame, by presentation and back.
#: In a transverse lie the head is on the side that is named; "left" has the back up, "right"
#: down, and with the back in front or behind the head lies on the left or the right.
_LEFT, _BEHIND, _UP = np.eye(3)
_BACK = {"left": _LEFT, "right": -_LEFT, "anterior": -_BEHIND, "posterior": _BEHIND}
_ACROSS = {
    "left": (_LEFT, _UP),
    "right": (-_LEFT, -_UP),
    "anterior": (_LEFT, -_BEHIND),
    "posterior": (-_LEFT, _BEHIND),
}
PRESENTATIONS = ("cephalic", "breech", "transverse")
BACKS = tuple(_BACK)
#: Turn about the long axis and tilt of it, at a variation of 1 [rad] (E).
_ROLL, _TILT = math.radians(12.0), math.radians(5.0)
#: Its middle is between that of its extent (0) and of its mass (1): limbs may reach out farther.
_BY_MASS = 0.35
#: Sections of the sheath around it.
_SECTIONS = 9
#: Lattice on which the bulk is sampled: nodes along its longest side.
_NODES = 40


@dataclass(frozen=True)
class Bulk:
    """Where the mass of a fetus is.

    Attributes:
        points: inside it, on a lattice, fetal frame `(points, 3)` [mm].
        depth: of the points under its surface, `(points,)` [mm].
        axes: columns left, back, head: its long axis is the main axis of its mass, `(3, 3)`.
    """

    points: Vector
    depth: Vector
    axes: Vector


@dataclass(frozen=True)
class Placement:
    """A fetus in its uterus.

    Attributes:
        matrix: fetal to uterine frame `(4, 4)` [mm].
        centre: middle of its bulk, uterine frame `(3,)` [mm].
        half: half its extent along the axes of the uterine frame `(3,)` [mm].
        long_axis: 0 or 2: the uterine axis along which it lies.
        sheath: a smooth tube around its mass, uterine frame.
        slack: by how much the sheath can shrink before it vanishes [mm].
    """

    matrix: Vector
    centre: Vector
    half: Vector
    long_axis: int
    sheath: Shape
    slack: float


def bulk_of(plan: Plan, skin: Shape) -> Bulk:
    """Bulk of the fetus with outer surface `skin`, both in the fetal frame."""
    low, high = skin.bounds()
    step = float((high - low).max()) / _NODES
    lines = [np.arange(a, b + step, step) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 3)
    depth = -distance(skin, grid)
    points, depth = grid[depth > 0.0], depth[depth > 0.0]
    away = points - points.mean(axis=0)
    long = np.linalg.eigh(away.T @ away)[1][:, 2]
    long *= np.sign(long @ (plan.head[:3, 3] - points.mean(axis=0)))
    back = np.array([0.0, 1.0, 0.0]) - long[1] * long
    back /= np.linalg.norm(back)
    return Bulk(points, depth, np.stack([np.cross(back, long), back, long], axis=1))


def place(
    plan: Plan, bulk: Bulk, presentation: str, back: str, at: ArrayLike, low: float
) -> Placement:
    """Turn the fetus as it presents, and put its bulk into the uterus.

    Args:
        plan: of the fetus; its variation "roll" and "tilt" turns it a little.
        bulk: of the fetus.
        presentation: one of `PRESENTATIONS`; what comes first lies at the internal os.
        back: one of `BACKS`.
        at: middle of the bulk across the uterine axis, x and y in the uterine frame [mm].
        low: height of its lowest point over the internal os [mm].

    Raises:
        InputError: an unknown presentation or back.
    """
    turn = _attitude(plan, presentation, back) @ bulk.axes.T
    points = bulk.points @ turn.T
    low_end = (points - bulk.depth[:, None]).min(axis=0)
    high_end = (points + bulk.depth[:, None]).max(axis=0)
    half = 0.5 * (high_end - low_end)
    middle = 0.5 * (low_end + high_end)
    middle[:2] += _BY_MASS * (points.mean(axis=0) - middle)[:2]
    centre = np.array([*np.asarray(at, np.float64), low + half[2]])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, centre - middle
    long = 0 if presentation == "transverse" else 2
    sheath, slack = _sheath(points + matrix[:3, 3], long)
    return Placement(matrix, centre, half, long, sheath, slack)


def _sheath(points: Vector, long: int) -> tuple[Shape, float]:
    """Elliptic sections that hold the mass of `points` `(points, 3)` [mm], and the largest half."""
    axes = np.eye(3)[[1, 2, 0]] if long == 0 else np.eye(3)
    along = points @ axes[2]
    places = np.linspace(along.min(), along.max(), _SECTIONS + 2)[1:-1]
    width = 1.2 * (places[1] - places[0])
    centres, half = [], []
    for place in places:
        here = points[np.abs(along - place) < width]
        centres.append(here.mean(axis=0) + (place - here.mean(axis=0) @ axes[2]) * axes[2])
        half.append(2.0 * (here @ axes[:2].T).std(axis=0))
    caps = (float(min(half[0])), float(min(half[-1])))
    frames = np.tile(axes.T, (_SECTIONS, 1, 1))
    return sweep(centres, frames, half, caps), float(np.max(half))


def _attitude(plan: Plan, presentation: str, back: str) -> Vector:
    """Columns: where left, back and head of the fetus point to, uterine frame `(3, 3)`."""
    if presentation not in PRESENTATIONS:
        hint = closest(presentation, PRESENTATIONS)
        raise InputError(f"presentation: unknown '{presentation}'; {hint}")
    if back not in BACKS:
        raise InputError(f"back: unknown '{back}'; {closest(back, BACKS)}")
    if presentation == "transverse":
        head, behind = _ACROSS[back]
    else:
        head, behind = (-_UP if presentation == "cephalic" else _UP), _BACK[back]
    axes = np.stack([np.cross(behind, head), behind, head], axis=1)
    roll = rotation_about(head, _ROLL * plan.vary("roll"))
    tilt = rotation_about(_BEHIND, _TILT * plan.vary("tilt"))
    return tilt @ roll @ axes

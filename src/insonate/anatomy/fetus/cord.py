"""The umbilical cord: one vein and two arteries that wind about each other in jelly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from insonate.anatomy.fetus.cord_path import Distance, find_path, frames_along
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import Part, Shape, tube, union

__all__ = [
    "CORD_TISSUES",
    "UMBILICUS",
    "cord_calibres",
    "cord_origin",
    "cord_parts",
    "cord_path",
    "cord_truth",
]

#: Regions and their tissues; still blood is darker in the cord's thin vessels than at rest.
CORD_TISSUES: dict[str, str | Mapping[str, Any]] = {
    "cord_jelly": "umbilical_cord_jelly",
    "cord_vein": "blood",
    "cord_artery": "blood",
}
#: Length of the cord over that of the spine (E: 280 mm at 20, 500 mm at 40 weeks), and how much
#: it varies.
_LENGTH, _VARIES = 2.5, 0.25
#: Where the cord leaves the trunk, (s, u) (E).
UMBILICUS = (0.76, 0.0)
#: Between the cord's first node and the core of the trunk [mm].
_ABOVE_CORE = 0.5
#: What a single artery is wider, and how much fewer coils there are (E).
_SINGLE_WIDER, _SINGLE_LESS_COILED = 0.35, 0.30
#: Jelly between vessels, and between them and the surface, over the cord's radius at least (E).
_BETWEEN, _MARGIN = 0.06, 0.08
#: An artery below this diameter [mm] is absent.
_ABSENT = 0.3
#: How far the vessels run over the chorionic plate over the cord's radius, and the width of
#: the jelly along them over theirs (E).
_FANNED, _SHEATH = 2.2, 1.4
#: Nodes of a vessel on the plate.
_FAN = 8

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class _Vessel:
    """One vessel: region, radius [mm], and place in the cord's section `(2,)` [mm]."""

    region: str
    radius: float
    place: Vector


def cord_origin(plan: Plan) -> tuple[Vector, Vector]:
    """Where the cord starts, just outside of the trunk's core, `(3,)` [mm], and whereto `(3,)`.

    In the fetal frame.
    """
    s, u = UMBILICUS
    trunk, sizes = plan.trunk, plan.sizes
    front = -trunk.axes(s)[:, 1]
    depth = sizes["skin"] + sizes["wall_fat"] - _ABOVE_CORE
    return trunk.point(s, u, 1.0) - max(depth, 0.0) * front, front


def cord_calibres(plan: Plan) -> tuple[float, float, float]:
    """Inner diameters [mm] of vein, left and right artery; 0 if it is absent."""
    sizes, lack = plan.sizes, plan.finding("single_umbilical_artery")
    artery = sizes["umbilical_artery"]
    left = artery * (1.0 - lack)
    return (
        sizes["umbilical_vein"],
        left if left >= _ABSENT else 0.0,
        artery * (1.0 + _SINGLE_WIDER * lack),
    )


def _coils(plan: Plan) -> float:
    """Turns for one mm of cord."""
    lack = plan.finding("single_umbilical_artery")
    return 0.1 * plan.sizes["coiling"] * (1.0 - _SINGLE_LESS_COILED * lack)


def _vessels(plan: Plan) -> tuple[_Vessel, ...]:
    """The vessels in their section: the vein at one side, the arteries at the other."""
    outer = 0.5 * plan.sizes["cord_diameter"]
    vein, *arteries = (0.5 * calibre for calibre in cord_calibres(plan))
    there = [radius for radius in arteries if radius > 0.0]
    gap = _BETWEEN * outer
    widest = 2.0 * (vein + max(there)) + gap
    # all across, the vessels and their gaps have to fit between the margins
    scale = min(1.0, 2.0 * (1.0 - _MARGIN) * outer / widest)
    vein, there = vein * scale, [radius * scale for radius in there]
    side = there[0] + 0.5 * gap if len(there) > 1 else 0.0
    ahead = np.sqrt(max((vein + max(there) + gap) ** 2 - side**2, 0.0))
    back = 0.5 * (ahead + max(there) - vein)
    places = [(ahead - back, side), (ahead - back, -side)][: len(there)]
    found = [_Vessel("cord_vein", vein, np.array([-back, 0.0]))]
    found += [
        _Vessel("cord_artery", radius, np.array(place))
        for radius, place in zip(there, places, strict=True)
    ]
    return tuple(found)


def cord_path(
    plan: Plan,
    start: ArrayLike,
    way: ArrayLike,
    end: ArrayLike,
    normal: ArrayLike,
    obstacles: Distance | Shape,
    inside: Distance | Shape,
) -> Vector:
    """Centre line of a fetus' cord, `(nodes, 3)` [mm]; see `find_path`.

    Args:
        plan: of the fetus.
        start: in the wall of its abdomen, `(3,)` [mm].
        way: out of the abdomen, `(3,)`.
        end: on the placenta, `(3,)` [mm].
        normal: of the placenta into the fluid, `(3,)`.
        obstacles: the fetus and what else lies in the fluid: a shape, or its signed distance
            `(points,)` [mm] at `(points, 3)` [mm]; a shape is faster.
        inside: the sac, likewise.
    """
    radius = 0.5 * plan.sizes["cord_diameter"]
    length = _LENGTH * plan.sizes["spine_length"] * (1.0 + _VARIES * plan.vary("cord_length"))
    return find_path(start, way, end, normal, length, obstacles, inside, radius)


def cord_parts(plan: Plan, path: ArrayLike) -> tuple[Part, ...]:
    """Jelly and vessels in painter's order, where the path is (the world).

    Args:
        plan: of the fetus.
        path: centre line `(nodes, 3)` [mm], see `cord_path`; its last piece points into the
            placenta.
    """
    way = _even(np.asarray(path, np.float64))
    outer, vessels = 0.5 * plan.sizes["cord_diameter"], _vessels(plan)
    lines = [_wound(plan, vessel, way, k) for k, vessel in enumerate(vessels)]
    sheaths = [
        tube(line[-_FAN:], _SHEATH * vessel.radius)
        for vessel, line in zip(vessels, lines, strict=True)
    ]
    jelly = union(tube(way[:-1], outer), *sheaths, blend=0.3 * outer)
    return (
        Part("cord_jelly", jelly),
        *(
            Part(vessel.region, tube(line, vessel.radius), 2.0 * vessel.radius)
            for vessel, line in zip(vessels, lines, strict=True)
        ),
    )


def _even(way: Vector) -> Vector:
    """The path as a smooth curve with nodes at even distances, its root apart."""
    body, root = way[:-1], way[-1:]
    far = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(body, axis=0), axis=1))])
    at = np.linspace(0.0, far[-1], len(body))
    return np.concatenate([CubicSpline(far, body)(at), root])


def _wound(plan: Plan, vessel: _Vessel, way: Vector, number: int) -> Vector:
    """Axis of a vessel: a left-handed helix, then `_FAN` nodes on the chorionic plate."""
    outer = 0.5 * plan.sizes["cord_diameter"]
    body = way[:-1]
    tangent, one, two = frames_along(body)
    far = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(body, axis=0), axis=1))])
    angle = -2.0 * np.pi * _coils(plan) * far
    c, s = np.cos(angle), np.sin(angle)
    x, y = vessel.place
    across = (x * c - y * s)[:, None] * one + (x * s + y * c)[:, None] * two
    line = (body + across)[far < far[-1] - 0.6 * outer]
    outwards = across[-1] / max(float(np.linalg.norm(across[-1])), 1e-9)
    aside = np.cross(tangent[-1], outwards)
    share = np.linspace(0.0, 1.0, _FAN)[:, None]
    # from inside the cord down to the plate, then along it with a gentle bend
    fan = body[-1] + outer * (
        (0.3 + (_FANNED - 0.3) * share) * outwards
        + 0.35 * share * np.sin(2.0 * share + number) * aside
        - 0.25 * (1.0 - np.minimum(3.0 * share, 1.0)) * tangent[-1]
    )
    return np.concatenate([line, fan])


def cord_truth(plan: Plan, path: ArrayLike | None = None) -> dict[str, float]:
    """True values [mm]; `cord_coiling` in turns for 10 mm, `cord_vessels` is a count.

    Args:
        plan: of the fetus.
        path: centre line `(nodes, 3)` [mm]; without it the length is left out.
    """
    vein, left, right = cord_calibres(plan)
    long = {}
    if path is not None:
        steps = np.diff(np.asarray(path, np.float64), axis=0)
        long["cord_length"] = float(np.linalg.norm(steps, axis=1).sum())
    return long | {
        "cord_diameter": plan.sizes["cord_diameter"],
        "cord_vein_diameter": vein,
        "cord_artery_left_diameter": left,
        "cord_artery_right_diameter": right,
        "cord_vessels": float(1 + (left > 0.0) + (right > 0.0)),
        "cord_coiling": 10.0 * _coils(plan),
    }

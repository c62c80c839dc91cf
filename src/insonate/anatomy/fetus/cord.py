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
from insonate.anatomy.implicit import Group, Part, Shape, tube, union
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.planes import Plane

__all__ = [
    "CORD_TISSUES",
    "UMBILICUS",
    "cord_calibres",
    "cord_groups",
    "cord_origin",
    "cord_parts",
    "cord_path",
    "cord_planes",
    "cord_truth",
]

# what flows leaves no echo, as in the vessels of the trunk
_BLOOD = {"like": "blood", "echogenicity": -42.0}
#: Regions and their tissues: bright walls in dark jelly make the three lines of the cord (E).
CORD_TISSUES: dict[str, str | Mapping[str, Any]] = {
    "cord_jelly": {"like": "umbilical_cord_jelly", "echogenicity": -18.0},
    "cord_vessel_wall": {"like": "umbilical_vessel_wall", "echogenicity": 0.0},
    "cord_vein": _BLOOD,
    "cord_artery_left": _BLOOD,
    "cord_artery_right": _BLOOD,
}
#: Length of the cord over that of the spine (E: 240 mm at 20, 600 mm at 40 weeks), and how much
#: it varies.
_LENGTH, _VARIES = 2.5, 0.25
#: Where the cord leaves the trunk, (s, u) (E).
UMBILICUS = (0.76, 0.0)
#: Between the cord's first node and the core of the trunk [mm].
_ABOVE_CORE = 0.5
#: What a single artery is wider, and how much fewer coils there are (E).
_SINGLE_WIDER, _SINGLE_LESS_COILED = 0.35, 0.30
#: Jelly between vessels, at least and where there is room, and between them and the surface,
#: over the cord's radius (E).
_BETWEEN, _ROOMY, _MARGIN = 0.06, 0.20, 0.08
#: Wall of all vessels over the diameter of the vein (E).
_WALL = 0.06
#: Vessels end this far before the jelly does [mm].
_INSET = 0.35
#: An artery below this diameter [mm] is absent.
_ABSENT = 0.3
#: How far the vessels run over the chorionic plate over the cord's radius, the jelly around them
#: over their radius, and at least [mm] (E).
_FANNED, _SHEATH, _LEAST_SHEATH = 2.2, 0.35, 0.45
#: Nodes of a vessel on the plate.
_FAN = 8
#: Nodes of the vessels over those of the path: they wind more than it bends.
_FINER = 2
#: Pieces of a long tube that are looked at together.
_RUN = 12
#: How far inside the jelly the vessels begin, over the cord's radius.
_BEGIN = 0.8
#: Lattice of the vessels over that of the fetus.
_FINENESS = 0.58
#: Shares of the cord between which it floats, and what is shown of it over its diameter.
_FLOATING, _SHOWN = (0.2, 0.8), 2.0
#: A cord along the beam costs as much as so many mm of depth; so does one that has no room of
#: so many diameters around its middle, for each that is lacking, over the diameter.
_SLANT, _CLEAR, _BESIDE = 40.0, 1.2, 3.0

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
    """Inner diameters [mm] of vein, left and right artery; 0 if it is absent.

    They are smaller than the plan says where the cord is too thin for them.
    """
    sizes, lack = plan.sizes, plan.finding("single_umbilical_artery")
    artery = sizes["umbilical_artery"]
    left = artery * (1.0 - lack)
    right = artery * (1.0 + _SINGLE_WIDER * lack)
    vein = sizes["umbilical_vein"]
    room = 2.0 * (1.0 - _MARGIN - 0.5 * _BETWEEN) * 0.5 * sizes["cord_diameter"]
    scale = min(1.0, room / (vein + max(left, right) + 4.0 * _WALL * vein))
    return scale * vein, scale * left if left >= _ABSENT else 0.0, scale * right


def _wall(plan: Plan) -> float:
    return _WALL * cord_calibres(plan)[0]


def _coils(plan: Plan) -> float:
    """Turns for one mm of cord."""
    lack = plan.finding("single_umbilical_artery")
    return 0.1 * plan.sizes["coiling"] * (1.0 - _SINGLE_LESS_COILED * lack)


def _vessels(plan: Plan) -> tuple[_Vessel, ...]:
    """The vessels in their section: the vein at one side, the arteries at the other."""
    names = ("cord_artery_left", "cord_artery_right")
    vein, *arteries = (0.5 * calibre for calibre in cord_calibres(plan))
    there = [(name, r) for name, r in zip(names, arteries, strict=True) if r > 0.0]
    widest = max(r for _, r in there)
    # Between two vessels lie their walls and jelly, as much as there is room for.
    radius, walls = 0.5 * plan.sizes["cord_diameter"], 2.0 * _wall(plan)
    room = 2.0 * ((1.0 - _MARGIN) * radius - vein - widest) - 2.0 * walls
    apart = walls + min(max(room, _BETWEEN * radius), _ROOMY * radius)
    side = 0.5 * (sum(arteries) + apart) if len(there) > 1 else 0.0
    ahead = float(np.sqrt(max((vein + widest + apart) ** 2 - side**2, 0.0)))
    # Vein and arteries come as near to the surface of the cord.
    more = vein - widest
    back = 0.5 * (ahead**2 + side**2 - more**2) / (more + ahead)
    found = [_Vessel("cord_vein", vein, np.array([-back, 0.0]))]
    for (name, radius), way in zip(there, (1.0, -1.0), strict=False):
        found.append(_Vessel(name, radius, np.array([ahead - back, way * side])))
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


def cord_parts(plan: Plan, path: ArrayLike, room: Shape | None = None) -> tuple[Part, ...]:
    """The cord's jelly where the path is (the world), for the group of the amniotic content.

    Args:
        plan: of the fetus.
        path: centre line `(nodes, 3)` [mm], see `cord_path`; its last piece points into the
            placenta.
        room: what the cord must not leave; everything if None.
    """
    way, outer = np.asarray(path, np.float64), 0.5 * plan.sizes["cord_diameter"]
    sheaths = []
    for vessel, line in _lines(plan, path):
        radius = vessel.radius + _wall(plan) + max(_SHEATH * vessel.radius, _LEAST_SHEATH)
        sheaths.append(tube(line[-_FAN:], radius))
    free, tight = _pieces(way[:-1], outer, room)
    ends = union(union(*tight), *sheaths, blend=0.3 * outer)
    return (Part("cord_jelly", union(*free, ends if room is None else ends & room)),)


def cord_groups(plan: Plan, path: ArrayLike, room: Shape | None = None) -> tuple[Group, ...]:
    """The vessels, inside the jelly on a lattice of their own.

    Args:
        plan: of the fetus.
        path: centre line `(nodes, 3)` [mm], as for `cord_parts`.
        room: what the cord must not leave, likewise.
    """
    lines, wall = _lines(plan, path), _wall(plan)

    def vessel_tube(line: Vector, radius: float, inset: float) -> Shape:
        inner = None if room is None else room.offset(-inset)
        free, tight = _pieces(line, radius, inner)
        ends = union(*tight)
        return union(*free, ends if inner is None else ends & inner)

    parts = [
        Part("cord_vessel_wall", vessel_tube(line, vessel.radius + wall, _INSET), wall, shell=True)
        for vessel, line in lines
    ]
    lumina = [
        Part(vessel.region, vessel_tube(line, vessel.radius, _INSET + wall), 2.0 * vessel.radius)
        for vessel, line in lines
    ]
    return (Group("cord_vessels", "cord_jelly", (*parts, *lumina), _FINENESS),)


def _pieces(line: Vector, radius: float, room: Shape | None) -> tuple[list[Shape], list[Shape]]:
    """Pieces of a long tube, each passed over as one from afar: free ones, and tight ones.

    Tight are the last and those that `room` may cut: it is dear, so it is asked for only there.
    """
    close = np.zeros(len(line), bool)
    if room is not None:
        step = float(np.linalg.norm(np.diff(line, axis=0), axis=1).max())
        close = distance(room, line) > -(radius + step)
    close[-_RUN - 1 :] = True
    free: list[Shape] = []
    tight: list[Shape] = []
    for first in range(0, len(line) - 1, _RUN):
        run = slice(first, first + _RUN + 1)
        (tight if close[run].any() else free).append(tube(line[run], radius))
    return free, tight


def _lines(plan: Plan, path: ArrayLike) -> list[tuple[_Vessel, Vector]]:
    way = _even(np.asarray(path, np.float64))
    return [(vessel, _wound(plan, vessel, way)) for vessel in _vessels(plan)]


def _even(way: Vector) -> Vector:
    """The path as a smooth curve with more nodes at even distances, its root apart."""
    body, root = way[:-1], way[-1:]
    far = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(body, axis=0), axis=1))])
    at = np.linspace(0.0, far[-1], _FINER * len(body))
    return np.concatenate([CubicSpline(far, body)(at), root])


def _wound(plan: Plan, vessel: _Vessel, way: Vector) -> Vector:
    """Axis of a vessel: a left-handed helix, then `_FAN` nodes on the chorionic plate."""
    outer = 0.5 * plan.sizes["cord_diameter"]
    body = way[:-1]
    tangent, one, two = frames_along(body)
    far = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(body, axis=0), axis=1))])
    angle = -2.0 * np.pi * _coils(plan) * far
    c, s = np.cos(angle), np.sin(angle)
    x, y = vessel.place
    across = (x * c - y * s)[:, None] * one + (x * s + y * c)[:, None] * two
    kept = (far > _BEGIN * outer) & (far < far[-1] - 0.6 * outer)
    line = (body + across)[kept]
    apart = float(np.linalg.norm(across[-1]))
    outwards = across[-1] / apart
    aside = np.cross(tangent[-1], outwards)
    share = np.linspace(0.0, 1.0, _FAN)[:, None]
    # From inside the cord down to the plate, then along it; all bend to the same side.
    fan = body[-1] + (
        (apart + (_FANNED * outer - apart) * share) * outwards
        + 0.3 * outer * share * np.sin(2.5 * share) * aside
        - 0.25 * outer * (1.0 - np.minimum(3.0 * share, 1.0)) * tangent[-1]
    )
    return np.concatenate([line, fan])


def cord_planes(plan: Plan, path: ArrayLike, room: Shape | None = None) -> dict[str, Plane]:
    """The cord across and along where it floats, near the front and across the beam.

    Args:
        plan: of the fetus.
        path: centre line `(nodes, 3)` [mm] in the world, see `cord_path`.
        room: what it floats in, in the world; without it what lies beside it does not count.
    """
    way, back = np.asarray(path, np.float64), np.array([0.0, 1.0, 0.0])
    first, last = (round(share * len(way)) for share in _FLOATING)
    tangents = np.gradient(way, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    diameter = plan.sizes["cord_diameter"]
    cost = way[:, 1] + _SLANT * np.abs(tangents[:, 1])
    if room is not None:
        clear = np.clip(-distance(room, way) / diameter, 0.0, _CLEAR)
        cost += _BESIDE * diameter * (_CLEAR - clear)
    at = first + int(np.argmin(cost[first:last]))
    along = np.cross(tangents[at], back)
    along /= np.linalg.norm(along)
    reach = _SHOWN * diameter
    there = tuple(vessel.region for vessel in _vessels(plan))
    return {
        "cord": Plane(way[at], tangents[at], shows=("cord_jelly", *there), reach=reach),
        "cord_long": Plane(way[at], along, shows=("cord_jelly", "cord_vein"), reach=1.5 * reach),
    }


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

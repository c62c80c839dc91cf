"""Arms and legs as chains of joints.

A limb has three segments: upper arm, forearm and hand; thigh, shank and foot. Each has a frame
of three directions: lateral (away from the midline), anterior (as the anatomical position has
it: kneecap, palm, back of the foot) and distal. In these directions left and right are the
same, and so are the angles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.plan import Plan

__all__ = [
    "LIMBS",
    "RANGES",
    "Limb",
    "Segment",
    "Settled",
    "angles",
    "limb",
    "limb_roots",
    "limbs",
    "proximal_scale",
    "segment_lengths",
    "shaft_lengths",
    "with_angles",
]

#: The limbs in their order: kind and side.
LIMBS = (("arm", "left"), ("arm", "right"), ("leg", "left"), ("leg", "right"))
#: Shoulder and hip as (s, |u|, v) (E).
_ROOTS = {"arm": (0.225, 0.95, -0.05), "leg": (0.885, 0.52, 0.05)}
#: A segment over the ossified shaft in it, and the hand over the foot (E).
BONE_SHARE = 1.18
FOREARM_SHARE = 1.15
_HAND_OVER_FOOT = 0.75
#: Height of the ankle above the sole over the foot's length (E).
ANKLE_HEIGHT = 0.16
#: Middle of what the posture does not say, and what `vary` of 1 adds to it [rad] (E):
#: abduction (added to the posture's), outward turn about the upper segment, bend of the last joint.
_REST = {"arm": (0.0, -0.30, 0.35), "leg": (0.0, 0.60, 0.15)}
_REACH = {"arm": (0.15, 0.25, 0.25), "leg": (0.10, 0.25, 0.15)}
_VARIED = ("abduction", "turn", "bend")
#: Least and largest flexion, abduction, turn, flexion of the middle joint, bend of the last one
#: [rad]; the first and the fourth as in `Posture` (spec: hip 60-130, knee 0-140, shoulder 0-120,
#: elbow 30-140 degrees).
RANGES = {
    "arm": ((0.0, 2.1), (-0.35, 1.3), (-1.6, 0.4), (0.5, 2.4), (-0.35, 1.05)),
    "leg": ((1.05, 2.3), (-0.25, 1.1), (-0.3, 1.5), (0.0, 2.4), (-0.35, 0.6)),
}
#: The palm looks this far inwards of the anatomical position [rad] (E).
_PRONATION = 0.9

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """One segment of a limb.

    Attributes:
        start: its proximal joint, `(3,)` [mm].
        end: its distal joint, or the tip of the hand or foot, `(3,)` [mm].
        frame: columns lateral, anterior, distal, orthonormal `(3, 3)`; left-handed on the right.
    """

    start: Vector
    end: Vector
    frame: Vector

    def point(self, along: float, lateral: float = 0.0, anterior: float = 0.0) -> Vector:
        """Position `(3,)` [mm]: a share of the length along it, and [mm] to the sides."""
        way = self.start + along * (self.end - self.start)
        return way + lateral * self.frame[:, 0] + anterior * self.frame[:, 1]


@dataclass(frozen=True)
class Limb:
    """An arm or a leg in its place.

    Attributes:
        kind: arm or leg.
        side: left or right.
        upper: upper arm or thigh.
        lower: forearm or shank.
        tip: hand, from the wrist to the tips of its straight fingers; or foot, from under the
            heel to the toes, at half the height of the sole.
    """

    kind: str
    side: str
    upper: Segment
    lower: Segment
    tip: Segment


class Settled(dict[str, float]):
    """The variation of a plan whose joints have been set: what the posture cannot say of them.

    Attributes:
        base: the variation before.
        own: abduction beyond the posture's, turn and last bend of the limbs, `(4, 3)` [rad].
    """

    def __init__(self, base: Mapping[str, float], own: Vector):
        super().__init__(base)
        self.base, self.own = base, own

    def get(self, name: str, default: float = 0.0) -> float:  # type: ignore[override]
        """The number of `name`, as it was before."""
        return self.base.get(name, default)


def proximal_scale(plan: Plan) -> float:
    """Length of humerus and femur over what they would be without the finding."""
    return plan.finding("short_femur") or 1.0


def shaft_lengths(plan: Plan) -> dict[str, float]:
    """Ossified lengths [mm].

    A short femur is rhizomelic: the humerus is as short, the bones below are spared by half. The
    femur is as long as the plan says, which counts the finding already.
    """
    sizes, scale = plan.sizes, proximal_scale(plan)
    spared = math.sqrt(scale)
    lengths = {name: sizes[name] * spared for name in ("radius", "ulna", "tibia", "fibula")}
    return lengths | {"femur": sizes.fl, "humerus": sizes["humerus"] * scale}


def segment_lengths(plan: Plan, kind: str) -> tuple[float, float, float]:
    """Upper and lower segment and hand or foot of an arm or leg [mm]."""
    shafts, foot = shaft_lengths(plan), plan.sizes["foot"]
    if kind == "arm":
        upper, lower = BONE_SHARE * shafts["humerus"], FOREARM_SHARE * shafts["ulna"]
        return upper, lower, _HAND_OVER_FOOT * foot
    return BONE_SHARE * shafts["femur"], BONE_SHARE * shafts["tibia"], foot


def angles(plan: Plan) -> Vector:
    """Joint angles `(4, 5)` [rad] of the limbs, columns as in `RANGES`.

    What the posture does not say is set by `with_angles`, else varies by names such as
    "arm_turn_left".
    """
    posture, rows = plan.posture, []
    for (kind, side), own in zip(LIMBS, _own(plan), strict=True):
        k = 0 if side == "left" else 1
        first = posture.shoulder[k] if kind == "arm" else posture.hip[k]
        middle = posture.elbow[k] if kind == "arm" else posture.knee[k]
        rows.append((first, posture.abduction[k] + own[0], own[1], middle, own[2]))
    return np.array(rows)


def _own(plan: Plan) -> Vector:
    """Abduction beyond the posture's, turn and last bend of the limbs, `(4, 3)` [rad]."""
    if isinstance(plan.variation, Settled):
        return plan.variation.own
    varied = [[plan.vary(f"{kind}_{name}_{side}") for name in _VARIED] for kind, side in LIMBS]
    rest, reach = (np.array([table[kind] for kind, _ in LIMBS]) for table in (_REST, _REACH))
    return rest + reach * np.array(varied)


def with_angles(plan: Plan, wanted: Vector) -> Plan:
    """The plan with joint angles `(4, 5)` [rad], as `angles` gives them back."""
    wanted = np.asarray(wanted, np.float64)
    shared = np.array(plan.posture.abduction * 2)
    own = np.stack([wanted[:, 1] - shared, wanted[:, 2], wanted[:, 4]], axis=1)
    before = plan.variation
    base = before.base if isinstance(before, Settled) else before
    pairs = {name: (float(a), float(b)) for name, (a, b) in _posture_pairs(wanted).items()}
    posture = replace(plan.posture, **pairs)
    return replace(plan, posture=posture, variation=Settled(base, own))


def _posture_pairs(wanted: Vector) -> Mapping[str, Vector]:
    arms, legs = wanted[:2], wanted[2:]
    return {"shoulder": arms[:, 0], "elbow": arms[:, 3], "hip": legs[:, 0], "knee": legs[:, 3]}


def limb_roots(plan: Plan) -> tuple[Segment, ...]:
    """Where the limbs begin: segments of no length at shoulders and hips, in order of `LIMBS`."""
    found = []
    for kind, side in LIMBS:
        s, u, v = _ROOTS[kind]
        way = 1.0 if side == "left" else -1.0
        axes = plan.trunk.axes(s)
        frame = np.stack([way * axes[:, 0], -axes[:, 1], -axes[:, 2]], axis=1)
        at = plan.trunk.point(s, way * u, v)
        found.append(Segment(at, at, frame))
    return tuple(found)


def limbs(plan: Plan) -> tuple[Limb, ...]:
    """The four limbs, in order of `LIMBS`."""
    rows = zip(LIMBS, limb_roots(plan), angles(plan), strict=True)
    return tuple(limb(name, root, row, segment_lengths(plan, name[0])) for name, root, row in rows)


def limb(
    name: tuple[str, str], root: Segment, row: Vector, lengths: tuple[float, float, float]
) -> Limb:
    """One limb.

    Args:
        name: kind and side.
        root: its shoulder or hip.
        row: joint angles `(5,)` [rad].
        lengths: of its segments [mm].
    """
    kind, side = name
    flexion, abduction, turn, middle, last = row
    frame = root.frame @ _flexed(flexion) @ _abducted(abduction) @ _turned(turn)
    upper = _segment(root.start, frame, lengths[0])
    if kind == "arm":
        frame = frame @ _flexed(middle) @ _turned(-_PRONATION)
        lower = _segment(upper.end, frame, lengths[1])
        return Limb(
            kind, side, upper, lower, _segment(lower.end, frame @ _flexed(last), lengths[2])
        )
    frame = frame @ _flexed(-middle)
    lower = _segment(upper.end, frame, lengths[1])
    return Limb(
        kind, side, upper, lower, _foot(lower.end, frame @ _flexed(0.5 * np.pi + last), lengths[2])
    )


def _foot(ankle: Vector, frame: Vector, length: float) -> Segment:
    """A foot: the ankle stands over a quarter of its length."""
    heel = ankle - frame @ np.array([0.0, 0.5 * ANKLE_HEIGHT, 0.25]) * length
    return _segment(heel, frame, length)


def _segment(start: Vector, frame: Vector, length: float) -> Segment:
    return Segment(start, start + length * frame[:, 2], frame)


def _flexed(angle: float) -> Vector:
    """Distal turns to anterior, in coordinates (lateral, anterior, distal)."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]])


def _abducted(angle: float) -> Vector:
    """Distal turns to lateral."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def _turned(angle: float) -> Vector:
    """Anterior turns to lateral: an outward rotation about the segment."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])

"""Long bones of arms and legs, their cartilage, and the muscles around them.

The femur's ossified shaft has its length exactly, between two flat ends; cartilage lies between
the shaft and the joint and is nearly black.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.joints import Limb, Segment
from insonate.anatomy.fetus.limb_flesh import Flesh
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.implicit import (
    Part,
    Shape,
    capsule,
    half_space,
    intersect,
    sphere,
    tube,
    union,
)
from insonate.anatomy.implicit.program import distance

__all__ = ["clearance", "knee_centres", "limb_parts", "shaft_ends"]

#: Between the core of a limb and whatever lies in it, over R, and its least and largest [mm].
_CLEARANCE, _CLEARANCES = 0.022, (0.3, 0.6)
#: The shaft's diameter at its ends over that in its middle (spec), and where it widens (E).
_FLARE = 1.5
_FLARED = (0.0, 0.13, 0.30, 0.70, 0.87, 1.0)
_FLARES = (1.0, 0.44, 0.0, 0.0, 0.44, 1.0)
#: Bones of forearm and shank (E): diameter over that of femur and humerus, radius of their ends
#: over the room in the flesh at most, and the direction in which they lie: lateral, anterior.
_LOWER = {
    "arm": {"radius": (0.72, 0.44, +1.0, 0.1), "ulna": (0.68, 0.44, -1.0, -0.1)},
    "leg": {"tibia": (0.90, 0.55, -0.9, 0.4), "fibula": (0.50, 0.32, +0.9, -0.4)},
}
#: Ossification of the epiphyses at the knee: weeks of the first sign, growth a week [mm] (M, E).
_KNEE = {"femur": (32.0, 0.75), "tibia": (35.0, 0.75)}
_KNEE_LEAST = 0.8
#: The femur's centre over the gap between shaft and joint: place and largest diameter (E). Room
#: stays between it and the shaft, so that the shaft keeps its length on any lattice.
_KNEE_AT, _KNEE_MOST = 0.72, 0.64
#: Between a centre and the surface of its cartilage or a bone [mm].
_KNEE_APART = 0.4
#: Muscle bellies (E): first and last place along the limb, 0 to 2 as in `Flesh`.
_BELLIES = {"arm": ((0.22, 0.97), (1.02, 1.80)), "leg": ((0.22, 0.95), (1.04, 1.80))}
#: Places along a belly, and how much of the room it fills there.
_BELLY = np.array([0.0, 0.2, 0.5, 0.8, 1.0])
_BLUNT = 0.55
_SPINDLE = (_BLUNT, 0.92, 1.0, 0.88, _BLUNT)

Vector = NDArray[np.float64]


def clearance(plan: Plan) -> float:
    """Least distance [mm] between the core of a limb and whatever lies in it."""
    return float(np.clip(_CLEARANCE * plan.sizes.trunk_radius, *_CLEARANCES))


def shaft_ends(segment: Segment, length: float) -> tuple[Vector, Vector]:
    """Ends `(3,)` [mm] of a shaft of `length` [mm] in the middle of its segment."""
    middle = 0.5 * (segment.start + segment.end)
    half = 0.5 * length * segment.frame[:, 2]
    return middle - half, middle + half


def limb_parts(
    plan: Plan, limb: Limb, body: Flesh, lengths: dict[str, float], cut: float
) -> tuple[Part, ...]:
    """Muscle, cartilage and bones of one limb, in painter's order.

    Args:
        plan: of the fetus.
        limb: where it lies.
        body: its flesh.
        lengths: of its shafts by name [mm].
        cut: share of the upper segment up to which there is no muscle, since that is trunk.
    """
    room = _Room(body, clearance(plan))
    upper = "humerus" if limb.kind == "arm" else "femur"
    bones = f"fetal_{upper}_{limb.side}" if limb.kind == "leg" else "fetal_bone"
    shaft = plan.sizes["shaft_diameter"]
    low = _lower_bones(limb, room, lengths, shaft)
    cartilage = _cartilage(limb, room, lengths[upper], low)
    return (
        Part("fetal_muscle", _muscle(limb, room, cut)),
        Part("fetal_cartilage", intersect(cartilage, body.tube("core", room.clearance))),
        Part(bones, _Bone(*shaft_ends(limb.upper, lengths[upper]), shaft).shape(), shaft),
        *(Part("fetal_bone", bone.shape(), bone.diameter) for bone in low),
    )


def knee_centres(
    plan: Plan, limb: Limb, body: Flesh, length: float, parts: Sequence[Part]
) -> tuple[Part, ...]:
    """Ossification centres of a knee late in pregnancy: bright dots in its black cartilage.

    Args:
        plan: of the fetus.
        limb: a leg.
        body: its flesh.
        length: of the shaft of its femur [mm].
        parts: of the leg, as `limb_parts` gives them: the centres keep clear of its bones.
    """
    room = _Room(body, clearance(plan))
    gap = float(np.linalg.norm(limb.upper.end - shaft_ends(limb.upper, length)[1]))
    places = {
        "femur": limb.upper.end - (1.0 - _KNEE_AT) * gap * limb.upper.frame[:, 2],
        "tibia": limb.lower.point(0.035, 0.0, 0.1 * room.at(1.0)),
    }
    centres = []
    for name, (first, growth) in _KNEE.items():
        at = places[name]
        free = [(-1.0 if part.region == "fetal_cartilage" else 1.0) * distance(part.shape, at[None])
                for part in parts if part.region != "fetal_muscle"]  # fmt: skip
        most = min(_KNEE_MOST * gap, 2.0 * (float(np.min(free)) - _KNEE_APART))
        diameter = min(growth * (plan.sizes.weeks - first), most)
        if diameter > _KNEE_LEAST:
            centres.append(Part("fetal_bone", sphere(at, 0.5 * diameter), diameter))
    return tuple(centres)


@dataclass(frozen=True)
class _Room:
    """The flesh, and the distance that everything keeps to its surface [mm]."""

    body: Flesh
    clearance: float

    def at(self, along: float) -> float:
        """Radius [mm] that may be filled; 0 is shoulder or hip, 1 elbow or knee."""
        return self.body.core_radius(along) - self.clearance


@dataclass(frozen=True)
class _Bone:
    """A straight shaft with flat ends.

    Attributes:
        start: middle of its proximal end, `(3,)` [mm].
        end: middle of its distal end, `(3,)` [mm].
        diameter: in its middle [mm].
        flares: diameter of its ends over that of its middle.
    """

    start: Vector
    end: Vector
    diameter: float
    flares: tuple[float, float] = (_FLARE, _FLARE)

    @property
    def along(self) -> Vector:
        """Its direction, a unit vector `(3,)`."""
        way = self.end - self.start
        return way / np.linalg.norm(way)

    def shape(self) -> Shape:
        """Its surface."""
        share = np.array(_FLARED)
        points = self.start + share[:, None] * (self.end - self.start)
        flare = np.where(share < 0.5, *self.flares)
        body = tube(points, 0.5 * self.diameter * (1.0 + np.array(_FLARES) * (flare - 1.0)))
        ends = half_space(self.start, -self.along), half_space(self.end, self.along)
        return intersect(body, *ends)


def _lower_bones(
    limb: Limb, room: _Room, lengths: dict[str, float], shaft: float
) -> tuple[_Bone, ...]:
    """Radius and ulna, or tibia and fibula: beside each other, as the flesh has room."""
    segment, bones = limb.lower, []
    whole = float(np.linalg.norm(segment.end - segment.start))
    for name, (wide, most, *way) in _LOWER[limb.kind].items():
        half = 0.5 * lengths[name] / whole
        rooms = [room.at(1.5 - half), room.at(1.5 + half)]
        ends = [min(0.5 * _FLARE * wide * shaft, most * wide_open) for wide_open in rooms]
        lateral, anterior = np.array(way) / np.linalg.norm(way)
        points = [
            segment.point(share, lateral * aside, anterior * aside)
            for share, aside in zip((0.5 - half, 0.5 + half), np.subtract(rooms, ends), strict=True)
        ]
        diameter = min(wide * shaft, 2.0 * min(ends))
        flares = (2.0 * ends[0] / diameter, 2.0 * ends[1] / diameter)
        bones.append(_of_length(_Bone(points[0], points[1], diameter, flares), lengths[name]))
    return tuple(bones)


def _of_length(bone: _Bone, length: float) -> _Bone:
    """The bone with its length [mm] made exact, its middle kept."""
    middle, half = 0.5 * (bone.start + bone.end), 0.5 * length * bone.along
    return replace(bone, start=middle - half, end=middle + half)


def _cartilage(limb: Limb, room: _Room, length: float, low: Sequence[_Bone]) -> Shape:
    """Epiphyses between the shafts and the joints."""
    start, end = shaft_ends(limb.upper, length)
    gap = float(np.linalg.norm(limb.upper.start - start))
    shapes = [
        capsule(limb.upper.start, start, 1.05 * gap, 0.8 * gap),
        *_condyles(limb.upper, end, gap, room.at(1.0)),
    ]
    for bone in low:
        first, last = (0.5 * bone.diameter * flare for flare in bone.flares)
        shapes.append(capsule(bone.start, bone.start - 0.45 * gap * bone.along, 1.25 * first))
        shapes.append(capsule(bone.end, bone.end + 0.45 * gap * bone.along, 1.15 * last))
    return union(*shapes, blend=0.2 * gap)


def _condyles(segment: Segment, end: Vector, gap: float, wide: float) -> tuple[Shape, Shape]:
    """Two rollers side by side at the lower end of femur or humerus."""
    r = min(0.62 * gap, 0.5 * wide)
    apart = (wide - r) * 0.8 * segment.frame[:, 0]
    at = end + 0.5 * gap * segment.frame[:, 2]
    return capsule(at - apart, at + apart, r), capsule(end, at, r)


def _muscle(limb: Limb, room: _Room, cut: float) -> Shape:
    """Bellies that taper towards the joints, from where the limb leaves the trunk."""
    (first, last), lower = _BELLIES[limb.kind]
    bellies = (limb.upper, max(first, cut), last, 0.0), (limb.lower, *lower, 1.0)
    return union(*(_belly(room, *belly) for belly in bellies))


def _belly(room: _Room, segment: Segment, first: float, last: float, base: float) -> Shape:
    """A spindle along a segment whose ends, as balls, stay between `first` and `last`."""
    whole = float(np.linalg.norm(segment.end - segment.start))
    ends = [_BLUNT * room.at(share) for share in (first, last)]
    along = first + ends[0] / whole + _BELLY * (last - first - sum(ends) / whole)
    radii = [wide * room.at(share) for share, wide in zip(along, _SPINDLE, strict=True)]
    return tube(np.array([segment.point(share - base) for share in along]), radii)

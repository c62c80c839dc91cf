"""The abdominal wall: skin, fat, fascia with muscles in it, peritoneum; and the cavity.

Everything starts from the cavity: a torso that bulges over the uterus and whatever else needs
room. The layers are its offsets, so they nest whatever the shape; the fat is thicker where
the wall faces forwards because it is the union of a layer and its copy moved forwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.interpolate import PchipInterpolator

from insonate.anatomy.implicit import (
    Group,
    Part,
    Shape,
    capsule,
    ellipsoid,
    half_space,
    intersect,
    subtract,
    sweep,
    union,
)
from insonate.anatomy.implicit.frozen import frozen
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.mother.room import front, mirrored, reach

__all__ = ["WALL_TISSUES", "Wall", "base_cavity"]

WALL_TISSUES = {
    "skin": "skin",
    "subcutaneous_fat": "fat_subcutaneous",
    "wall_fascia": "fascia_connective",
    "rectus_muscle": "muscle_abdominal",
    "lateral_wall_muscle": "muscle_abdominal",
    "back_muscle": "muscle_abdominal",
    "hip_muscle": "muscle_abdominal",
    "preperitoneal_fat": "fat_subcutaneous",
    "peritoneum": "peritoneum_bladder_wall",
    "peritoneal_fat": {"like": "fat_subcutaneous", "echogenicity": -2.0, "modulation": 1.5},
}

#: Fascia in front of and behind the muscles, peritoneum: 0.5-1 (E); fat before it: 2-8 (E) [mm].
_FASCIA, _PERITONEUM, _PREPERITONEAL = 0.8, 0.7, 3.5
#: Sections of the cavity: height, half-width, front and back y [mm] (E).
_TORSO = (
    (-60.0, 152.0, -6.0, 166.0),
    (0.0, 160.0, -7.0, 172.0),
    (60.0, 158.0, -2.0, 170.0),
    (100.0, 152.0, 2.0, 162.0),
    (150.0, 133.0, 3.0, 152.0),
    (190.0, 126.0, 3.0, 157.0),
    (260.0, 132.0, 0.0, 167.0),
    (330.0, 138.0, -4.0, 168.0),
    (400.0, 136.0, -2.0, 166.0),
)
#: The section is that of two ellipses this far to both sides, joined: flat in front [mm].
_SPREAD, _JOIN = 46.0, 40.0
#: Thigh: hip, knee end [mm], radii [mm].
_THIGH = ((78.0, 82.0, -50.0), (84.0, 76.0, -150.0), 74.0, 66.0)
#: What the cavity leaves around its contents, and how softly it follows them [mm].
_CLEARANCE, _FOLLOW, _CLING = 3.0, 60.0, 18.0
#: The belly before a large uterus: half-width, y of its middle and its back, lower end [mm] (E).
_BELLY_WIDTH, _BELLY_MIDDLE, _BELLY_END, _BELLY_FLOOR = 134.0, 60.0, 100.0, 5.0
#: The cavity, of which every layer is an offset, is worked out once on a lattice of so many
#: mm, and so far beyond the skin [mm].
_FROZEN, _MARGIN = 6.0, 25.0
#: Fat in the flanks and on the back over the fat in front (E; S: thinner laterally).
_FLANK = 0.55
#: Umbilicus: width and depth of the dimple over the fat [mm, share].
_NAVEL, _NAVEL_DEPTH = 9.0, 0.4
#: Rectus: width, lower and upper end [mm] (M); where its inner edge begins to part (S: 2 mm
#: wide below the umbilicus).
_RECTUS_WIDTH, _RECTUS_ENDS, _PARTING = 62.0, (6.0, 372.0), 1.2
#: Gap between the rectus and the lateral muscles: the linea semilunaris [mm].
_SEMILUNAR = 6.0
#: Inguinal ligament: a point and the normal of the plane that it lies in, on the left.
_LIGAMENT, _LIGAMENT_NORMAL = (20.0, 0.0, 5.0), (0.64, 0.0, -0.77)
#: Where the muscles of the back begin, y [mm].
_BACK = 131.0
#: External oblique, internal oblique, transversus over all three (M).
_LATERAL = (0.30, 0.42, 0.28)
_LATERAL_GAP = 0.5
#: Lattices of the layers, of the recti and of the thin muscles at the sides, relative to the whole.
_LAYER, _RECTUS_FINENESS, _THIN = 7.0, 3.6, 5.0


def base_cavity() -> Shape:
    """The cavity of a torso with nothing that needs room: to the thighs and the chest."""
    rows = np.array(_TORSO)
    z = np.linspace(rows[0, 0], rows[-1, 0], 24)
    half, front, back = (PchipInterpolator(rows[:, 0], rows[:, k])(z) for k in (1, 2, 3))
    widths = np.stack([half - _SPREAD, 0.5 * (back - front)], axis=1)
    frames = np.broadcast_to(np.eye(3), (len(z), 3, 3))
    sides = []
    for side in (1.0, -1.0):
        centres = np.stack([np.full_like(z, side * _SPREAD), 0.5 * (back + front), z], axis=1)
        sides.append(sweep(centres, frames, widths, (40.0, 50.0)))
    torso = union(*sides, blend=_JOIN)
    hip, knee, wide, narrow = _THIGH
    for side in (1.0, -1.0):
        thigh = capsule(mirrored(hip, side), mirrored(knee, side), wide, narrow)
        torso = union(torso, thigh, blend=30.0)
    return torso


def _belly(uterus: Shape) -> Shape:
    """The flanks' way to the front of the uterus, round instead of straight."""
    heights = np.arange(10.0, 300.0, 6.0)
    y = front(uterus, heights)
    apex, height = float(y.min()), float(heights[np.argmin(y)])
    depth = max(_BELLY_MIDDLE - apex, 40.0) if np.isfinite(apex) else 40.0
    rise = max(height - _BELLY_FLOOR, 40.0)
    belly = ellipsoid((0.0, _BELLY_MIDDLE, height), (_BELLY_WIDTH, depth, rise))
    return intersect(belly, half_space((0.0, _BELLY_END, 0.0), (0.0, 1.0, 0.0)), blend=_CLING)


@dataclass(frozen=True)
class Wall:
    """The wall around what is in the belly.

    Attributes:
        plan: of the mother.
        uterus: its outer surface.
        contents: what else the wall has to go around: the bladder, a cyst.
    """

    plan: MotherPlan
    uterus: Shape | None = None
    contents: Sequence[Shape] = ()

    @cached_property
    def cavity(self) -> Shape:
        """Inside of the peritoneum: it holds everything else."""
        cavity = base_cavity()
        if self.uterus is not None:
            cavity = union(cavity, _belly(self.uterus), blend=_FOLLOW)
            cavity = union(cavity, self.uterus.offset(_CLEARANCE), blend=_CLING)
        grown = (shape.offset(_CLEARANCE) for shape in self.contents)
        outwards = self.plan.fat + self.plan.muscle + self.plan.skin + _MARGIN
        return frozen(union(cavity, *grown, blend=_CLING), _FROZEN, outwards)

    @cached_property
    def peritoneum(self) -> Shape:
        """Outer surface of the peritoneum."""
        return self.cavity.offset(_PERITONEUM)

    @cached_property
    def preperitoneal(self) -> Shape:
        """Outer surface of the preperitoneal fat: the muscles' inner fascia begins."""
        return self.peritoneum.offset(_PREPERITONEAL)

    @cached_property
    def fascia(self) -> Shape:
        """Outer surface of the muscles' outer fascia."""
        return self.preperitoneal.offset(2.0 * _FASCIA + self.plan.muscle)

    @cached_property
    def fat(self) -> Shape:
        """Outer surface of the subcutaneous fat."""
        flank = _FLANK * self.plan.fat
        layer = self.fascia.offset(flank)
        step = np.eye(4)
        step[1, 3] = flank - self.plan.fat
        fat = union(layer, layer.moved(step), blend=2.0)
        height = self.plan.umbilicus_height
        depth = -reach(fat, (0.0, 60.0, height), (0.0, -1.0, 0.0)) + 60.0
        dimple = np.array([_NAVEL, _NAVEL_DEPTH * self.plan.fat, 0.8 * _NAVEL])
        return subtract(fat, ellipsoid((0.0, depth, height), dimple), blend=4.0)

    @cached_property
    def skin(self) -> Shape:
        """The body's surface."""
        return self.fat.offset(self.plan.skin)

    def groups(self, outside: str = "outside") -> tuple[Group, ...]:
        """All layers, and the muscles between the fasciae."""
        layers = [
            Part("skin", self.skin),
            Part("subcutaneous_fat", self.fat),
            Part("wall_fascia", self.fascia),
            Part("preperitoneal_fat", self.preperitoneal),
            Part("peritoneum", self.peritoneum),
            Part("peritoneal_fat", self.cavity),
        ]
        return (*Group.layers(outside, layers, _LAYER), *self._muscles())

    def _muscles(self) -> tuple[Group, ...]:
        thick = self.plan.muscle
        groups = []
        for name, side in (("left", 1.0), ("right", -1.0)):
            rectus = Part("rectus_muscle", self._rectus(side), thick)
            groups.append(Group(f"rectus_{name}", "wall_fascia", (rectus,), _RECTUS_FINENESS))
            lateral = tuple(Part("lateral_wall_muscle", s) for s in self._lateral(side))
            for number, part in enumerate(lateral):
                thin = (Part(part.region, part.shape, _LATERAL[number] * thick),)
                groups.append(Group(f"lateral_{name}_{number}", "wall_fascia", thin, _THIN))
            hip = Part("hip_muscle", self._hip(side), thick)
            groups.append(Group(f"hip_{name}", "wall_fascia", (hip,), _LAYER))
        back = Part("back_muscle", self._back(), thick)
        return (*groups, Group("back_muscles", "wall_fascia", (back,), _LAYER))

    def _shell(self, low: float = 0.0, high: float = 1.0) -> Shape:
        """Room between the fasciae, from `low` to `high` of it, outside to inside."""
        outside = self.fascia.offset(-_FASCIA - low * self.plan.muscle)
        return outside - self.preperitoneal.offset(_FASCIA + (1.0 - high) * self.plan.muscle)

    def _edge(self) -> float:
        """Outer edge of the recti, x [mm]."""
        return 0.5 * self.plan.linea_alba_width + _RECTUS_WIDTH

    def _rectus(self, side: float) -> Shape:
        half, edge = 0.5 * self.plan.linea_alba_width, self._edge()
        rise = self.plan.umbilicus_height - _RECTUS_ENDS[0]
        lean = (half - _PARTING) / rise
        apart = intersect(
            half_space((side * half, 0.0, 0.0), (side, 0.0, 0.0)),
            half_space((side * _PARTING, 0.0, _RECTUS_ENDS[0]), (side, 0.0, -lean)),
        )
        strip = intersect(
            half_space((side * edge, 0.0, 0.0), (side, 0.0, 0.0)),
            half_space((0.0, 70.0, 0.0), (0.0, 1.0, 0.0)),
            half_space((0.0, 0.0, _RECTUS_ENDS[0]), (0.0, 0.0, -1.0)),
            half_space(mirrored(_LIGAMENT, side), mirrored(_LIGAMENT_NORMAL, side)),
            half_space((0.0, 0.0, _RECTUS_ENDS[1]), (0.0, 0.0, 1.0)),
        )
        return intersect(self._shell(), strip - apart, blend=0.6 * self.plan.muscle)

    def _lateral(self, side: float) -> list[Shape]:
        """Both obliques and the transversus, above the inguinal ligament."""
        edge = self._edge() + _SEMILUNAR
        patch = intersect(
            half_space((side * edge, 0.0, 0.0), (-side, 0.0, 0.0)),
            half_space(mirrored(_LIGAMENT, side), mirrored(_LIGAMENT_NORMAL, side)),
            half_space((0.0, 0.0, 372.0), (0.0, 0.0, 1.0)),
            half_space((0.0, _BACK - 3.0, 0.0), (0.0, 1.0, 0.0)),
        )
        ends = np.append(0.0, np.cumsum(_LATERAL))
        half_gap = 0.5 * _LATERAL_GAP / self.plan.muscle
        return [
            intersect(self._shell(low + half_gap, high - half_gap), patch, blend=1.0)
            for low, high in pairwise(ends)
        ]

    def _hip(self, side: float) -> Shape:
        """The muscle below the inguinal ligament, in front and at the side."""
        below = (_LIGAMENT[0] + 4.0, *_LIGAMENT[1:])
        patch = intersect(
            half_space(mirrored(below, side), -mirrored(_LIGAMENT_NORMAL, side)),
            half_space((side * 26.0, 0.0, 0.0), (-side, 0.0, 0.0)),
            half_space((0.0, _BACK - 3.0, 0.0), (0.0, 1.0, 0.0)),
        )
        return intersect(self._shell(), patch, blend=2.0)

    def _back(self) -> Shape:
        """All the muscle behind: of the back, the buttocks and the thighs."""
        behind = half_space((0.0, _BACK, 0.0), (0.0, -1.0, 0.0))
        return intersect(self._shell(), behind, blend=2.0)

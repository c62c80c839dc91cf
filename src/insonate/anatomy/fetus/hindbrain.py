"""Posterior fossa of the fetus: brainstem, cerebellum with vermis, cisterna magna."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.skull import BASE, Cranium, basion_radius, shifted
from insonate.anatomy.implicit import (
    Part,
    Shape,
    box,
    ellipsoid,
    half_space,
    intersect,
    tube,
    union,
)

__all__ = ["Hindbrain"]

#: What the transcerebellar plane passes in front, in units of (B, F, B), and the height of the
#: cerebellum over B.
CAVUM, HEIGHT = (0.0, -0.36, 0.05), -0.42
#: The tentorium over B; where the fossa begins in the midline over F, and how much farther
#: back it does so at the side.
TENTORIUM, CLIVUS, PETROUS = -0.13, 0.02, 0.45
#: Hemispheres over the transcerebellar diameter: centre, half-width, -depth and -height; the
#: first two add up to half of it.
LOBE, LOBE_HALF = 0.23, (0.27, 0.21, 0.22)
#: Foremost place of the vermis over F: an enlarged cisterna magna pushes it no farther.
FOREMOST = 0.05
#: Arachnoid septa in the cisterna magna: distance from the midline over B, thickness [mm] (E).
SEPTA, SEPTUM = 0.07, 0.5
#: They begin behind the vermis, at this share of the cisterna magna (E), and end in the bone.
SEPTA_BEGIN = 0.35

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Hindbrain:
    """What lies below the tentorium, in the head frame.

    The plane of the cerebellum runs from the cavum through its centre; the centre is put where
    the vermis is as far from the occipital bone as the cisterna magna is wide.

    Attributes:
        plan: of the fetus.
    """

    plan: Plan

    @property
    def tentorium(self) -> float:
        """Height of the tentorium over B."""
        return TENTORIUM

    @cached_property
    def cranium(self) -> Cranium:
        """The skull around it."""
        return Cranium.of(self.plan)

    @property
    def front(self) -> Vector:
        """Where the plane passes the cavum, `(3,)` [mm]."""
        return self.plan.in_head(*CAVUM)

    @cached_property
    def way(self) -> Vector:
        """Direction of the plane's midline, from the cavum backwards, `(3,)`."""
        normal = self.plan.sizes["cisterna_magna"] + 0.5 * self.plan.sizes["vermis_ap"]
        low, high = math.radians(5.0), math.radians(60.0)
        way = np.array([0.0, 1.0, 0.0])
        for _ in range(60):  # the steeper the plane, the farther in front it meets the height
            angle = 0.5 * (low + high)
            way = np.array([0.0, math.cos(angle), -math.sin(angle)])
            drop = self.front[2] - HEIGHT * self.plan.sizes.half_width
            room = self._inner_table(way) - drop / math.sin(angle)
            low, high = (low, angle) if room > normal else (angle, high)
        return way

    def _inner_table(self, way: Vector) -> float:
        return self.cranium.reach(self.front, way, self.cranium.bone)

    @property
    def tilt(self) -> float:
        """Of the plane against that of the thalami [rad]."""
        return math.asin(-float(self.way[2]))

    @property
    def axes(self) -> Vector:
        """Columns: left, back along the plane, up across it `(3, 3)`."""
        left = np.array([1.0, 0.0, 0.0])
        return np.stack([left, self.way, np.cross(left, self.way)], axis=1)

    @property
    def cisterna(self) -> float:
        """Vermis to inner table along the plane [mm]."""
        enlarged = self.plan.finding("enlarged_cisterna_magna")
        return enlarged or self.plan.sizes["cisterna_magna"]

    @property
    def widest_cisterna(self) -> float:
        """Widest cisterna magna that leaves the vermis behind the thalami [mm]."""
        front = (FOREMOST * self.plan.sizes.half_length - self.front[1]) / self.way[1]
        return self._inner_table(self.way) - self.plan.sizes["vermis_ap"] - float(front)

    @property
    def back(self) -> Vector:
        """Inner table of the occipital bone in the plane, `(3,)` [mm]."""
        return self.front + self.way * self._inner_table(self.way)

    @property
    def outer_back(self) -> Vector:
        """Outer table of the occipital bone in the plane, `(3,)` [mm]."""
        return self.front + self.way * self.cranium.reach(self.front, self.way)

    @property
    def vermis_back(self) -> Vector:
        """Hindmost point of the vermis in the plane, `(3,)` [mm]."""
        return self.back - self.way * self.cisterna

    @property
    def centre(self) -> Vector:
        """Of the cerebellum, `(3,)` [mm]."""
        return self.vermis_back - self.way * 0.5 * self.plan.sizes["vermis_ap"]

    @property
    def diameter(self) -> float:
        """Transcerebellar, outer to outer [mm]."""
        return self.plan.sizes["transcerebellar_diameter"]

    def fossa(self) -> Shape:
        """All below the tentorium and behind clivus and petrous bones, without end."""
        plan = self.plan
        start = plan.in_head(0.0, CLIVUS, 0.0)
        slope = PETROUS * plan.sizes.half_length / plan.sizes.half_width
        sides = [half_space(start, (side * slope, -1.0, 0.0)) for side in (1.0, -1.0)]
        return intersect(half_space(plan.in_head(0, 0, TENTORIUM), (0.0, 0.0, 1.0)), *sides)

    def stem(self, vault: Shape) -> tuple[Part, ...]:
        """Cerebral peduncles, pons and medulla; an enlarged cisterna pushes them forwards."""
        plan = self.plan
        b, f = plan.sizes.half_width, plan.sizes.half_length
        pushed = max(self.cisterna - plan.sizes["cisterna_magna"], 0.0)
        shift = np.array([0.0, -min(0.5 * pushed, 0.12 * f), 0.0])
        feet = [
            ellipsoid(plan.in_head(side * 0.10, 0.17, -0.25), (0.12 * b, 0.13 * f, 0.14 * b))
            for side in (1.0, -1.0)
        ]
        pons = ellipsoid(plan.in_head(0.0, 0.20, -0.40) + shift, (0.17 * b, 0.10 * f, 0.13 * b))
        low = BASE + (basion_radius(plan) + 2.0 * self.cranium.bone + 2.5) / b
        low = min(low, -0.50)
        ends = [plan.in_head(0.0, 0.21, -0.44) + shift, plan.in_head(0.0, 0.26, low) + shift]
        medulla = tube(ends, [0.10 * b, 0.07 * b])
        stem = union(*feet, pons, medulla, blend=0.06 * b)
        return (Part("fetal_brainstem", intersect(stem, vault)),)

    def parts(self, vault: Shape) -> tuple[Part, ...]:
        """Cistern, its septa, hemispheres, fourth ventricle and vermis, in painter's order."""
        plan, c = self.plan, self.centre
        ap, height, wide = plan.sizes["vermis_ap"], plan.sizes["vermis_cc"], self.diameter
        half = np.array(LOBE_HALF) * wide
        lobes = [
            ellipsoid(shifted(c, side * LOBE * wide, 0.0, 0.0), half, self.axes)
            for side in (1.0, -1.0)
        ]
        b = plan.sizes.half_width
        fourth = ellipsoid(c - self.way * 0.5 * ap, (0.10 * b, 0.10 * b, 0.35 * height), self.axes)
        vermis = ellipsoid(c, (0.10 * wide, 0.5 * ap, 0.5 * height), self.axes)
        return (
            Part("fetal_cisterna_septa", intersect(self._septa(), vault), SEPTUM),
            Part("fetal_cerebellum", intersect(union(*lobes), vault)),
            Part("fetal_fourth_ventricle", intersect(fourth, vault)),
            Part("fetal_vermis", intersect(vermis, vault)),
        )

    def cistern(self, vault: Shape) -> Part:
        """The fluid of the posterior fossa; it comes before the brainstem."""
        below = self.fossa().offset(-0.6)
        return Part("fetal_cisterna_magna", intersect(vault, below))

    def _septa(self) -> Shape:
        plan = self.plan
        long = (1.0 - SEPTA_BEGIN) * self.cisterna + 1.5
        half = (0.5 * SEPTUM, 0.5 * long, 0.4 * plan.sizes["vermis_cc"])
        middle = self.vermis_back + self.way * (SEPTA_BEGIN * self.cisterna + 0.5 * long)
        aside = SEPTA * plan.sizes.half_width
        plates = [
            box(shifted(middle, side * aside, 0.0, 0.0), half, self.axes) for side in (1.0, -1.0)
        ]
        return union(*plates)

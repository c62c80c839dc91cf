"""The lateral ventricles of the fetal brain, and the choroid plexus that lies in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.skull import Cranium
from insonate.anatomy.implicit import Part, Shape, half_space, intersect, tube

__all__ = ["Ventricles"]

#: Axis of the ventricle in units of (B, F, B), and its radius over that of the atrium; where x
#: is None it is that of the atrium, so that the atrium is measured straight across.
ATRIUM = (None, 0.38, 0.22)
HORN = (((0.17, -0.58, 0.16), 0.35), ((0.18, -0.45, 0.22), 0.5))  # over the frontal horn's width
BODY = (((0.22, -0.25, 0.35), 0.52), ((0.25, -0.05, 0.42), 0.55), ((0.31, 0.12, 0.37), 0.72))
REAR = (
    ((None, 0.28, 0.27), 0.94),
    (ATRIUM, 1.0),
    ((None, 0.48, 0.20), 0.92),
    ((0.37, 0.59, 0.18), 0.76),
    ((0.33, 0.69, 0.16), 0.52),
    ((0.29, 0.76, 0.14), 0.26),
)
TEMPORAL = ((ATRIUM, 0.9), ((0.50, 0.26, 0.02), 0.6), ((0.55, 0.05, -0.20), 0.4))
#: A dilated ventricle is round all along: radii of body, occipital and temporal horn (spec).
DILATED_BODY, DILATED_REAR, DILATED_TEMPORAL = 0.7, 1.0, 0.6
#: The plexus: from the body of the ventricle to the glomus in the atrium; share of its radius.
PLEXUS = (((0.25, -0.05, 0.40), 0.35), ((0.31, 0.12, 0.35), 0.6), ((None, 0.25, 0.28), 0.9))
GLOMUS, PLEXUS_TAIL = (None, 0.33, 0.23), ((0.50, 0.26, 0.02), 0.35)
#: It fills this share of the atrium's radius at most; nearly all before 16 weeks.
PLEXUS_WEEKS, PLEXUS_SHARE = (14.0, 16.0, 20.0, 24.0), (0.92, 0.90, 0.84, 0.80)
#: Tissue that stays around the widest ventricle: brain mantle, medial wall, subarachnoid space.
MANTLE, SEPTUM, GAP = 1.2, 0.6, 0.8
FILM = 0.35
#: Ependyma and what echoes with it [mm] (E).
WALL = 0.45

Vector = NDArray[np.float64]
Knot = tuple[tuple[float | None, float, float], float]


@dataclass(frozen=True)
class Ventricles:
    """Both lateral ventricles, in the head frame.

    Attributes:
        plan: of the fetus.
    """

    plan: Plan

    @cached_property
    def cranium(self) -> Cranium:
        """The skull around them."""
        return Cranium.of(self.plan)

    @cached_property
    def atrium_width(self) -> float:
        """Inner to inner [mm]."""
        wide = self.plan.finding("ventriculomegaly")
        return wide or min(self.plan.sizes["atrium_width"], self.widest)

    @property
    def widest(self) -> float:
        """Widest atrium that the head has room for [mm]."""
        inner = self._mantle(self.cranium.bone + GAP) - MANTLE
        return inner - 0.5 * self.plan.sizes["falx_width"] - SEPTUM

    def _mantle(self, depth: float) -> float:
        """Half the width of the brain at the atrium [mm]."""
        _, y, z = self.plan.in_head(0.0, *ATRIUM[1:])
        return self.cranium.width_at(y, z, depth)

    @cached_property
    def brain_depth(self) -> float:
        """Of the brain's surface under the skull's; dilated ventricles press it outwards [mm]."""
        bone, gap = self.cranium.bone, self.plan.sizes["subarachnoid_gap"]
        inner = 0.5 * self.plan.sizes["falx_width"] + SEPTUM
        lacking = inner + self.atrium_width + MANTLE - self._mantle(bone + gap)
        return bone + max(gap - 1.2 * max(lacking, 0.0), GAP)

    @cached_property
    def atrium(self) -> float:
        """Distance of the atrium's centre from the midline [mm]."""
        least = 0.5 * (self.plan.sizes["falx_width"] + self.atrium_width) + SEPTUM
        most = self._mantle(self.brain_depth) - MANTLE - 0.5 * self.atrium_width
        return max(min(0.38 * self.plan.sizes.half_width, most), least)

    def centre(self, side: float) -> Vector:
        """Centre of the left (1) or right (-1) atrium, `(3,)` [mm]."""
        return self._at(ATRIUM, side)

    def _at(self, knot: tuple[float | None, float, float], side: float) -> Vector:
        x, y, z = knot
        point = self.plan.in_head(x or 0.0, y, z)
        point[0] = side * (self.atrium if x is None else point[0])
        return point

    def _tube(self, knots: tuple[Knot, ...], radius: float, side: float) -> Shape:
        points = [self._at(at, side) for at, _ in knots]
        return tube(points, [share * radius for _, share in knots])

    def _shares(self, knots: tuple[Knot, ...], dilated: float) -> tuple[Knot, ...]:
        """Knots with the radii of a dilated ventricle, as far as this one is."""
        degree = float(np.clip((self.atrium_width - 9.0) / 4.0, 0.0, 1.0))
        return tuple((at, max(share, share + degree * (dilated - share))) for at, share in knots)

    def ventricle(self, side: float) -> Shape:
        """One ventricle from its frontal to its occipital and temporal horn."""
        radius = 0.5 * self.atrium_width
        slim = self.plan.sizes["frontal_horn_width"] / (2.0 * radius)
        horn = tuple((at, share * 2.0 * slim) for at, share in HORN)
        rear = (*REAR[:2], *self._shares(REAR[2:4], DILATED_REAR), *self._shares(REAR[4:], 0.7))
        main = self._shares(horn, 0.6) + self._shares(BODY, DILATED_BODY) + rear
        whole = self._tube(main, radius, side)
        whole |= self._tube(self._shares(TEMPORAL, DILATED_TEMPORAL), radius, side)
        medial = 0.5 * self.plan.sizes["falx_width"] + 0.9 * SEPTUM
        aside = half_space((side * medial, 0.0, 0.0), (-side, 0.0, 0.0))
        return intersect(whole, aside, self.cranium.surface(self.brain_depth + 0.9 * MANTLE))

    def plexus(self, side: float) -> Shape:
        """The choroid plexus, sunk onto the wall that is dependent."""
        sizes, room = self.plan.sizes, 0.5 * self.atrium_width
        share = float(np.interp(sizes.weeks, PLEXUS_WEEKS, PLEXUS_SHARE))
        radius = min(0.5 * sizes["choroid_width"], share * room)
        down = -1.0 if self.plan.vary("dependent_side") < 0.0 else 1.0
        sink = np.array([down * max(room - radius - FILM, 0.0), 0.0, 0.0])
        knots = (*PLEXUS, (GLOMUS, 1.0), (GLOMUS, 1.0), PLEXUS_TAIL)
        points = [self._at(at, side) for at, _ in knots]
        points[3] = points[3] + sink
        points[4] = points[4] + sink + [0.0, 0.25 * sizes["choroid_length"] - radius, 0.0]
        points[2] = points[2] + 0.8 * sink
        plexus = tube(points, [r * radius for _, r in knots])
        phase = 3.0 * self.plan.vary(f"plexus_{side:+.0f}")
        plexus = plexus.rippled(0.08 * radius, 1.7 * radius, phase)
        return intersect(plexus, self.ventricle(side).offset(-FILM))

    def parts(self) -> tuple[Part, ...]:
        """Walls and fluid of both sides, in painter's order."""
        whole = [self.ventricle(side) for side in (1.0, -1.0)]
        wall = [Part("fetal_ventricle_wall", fluid.offset(WALL), WALL) for fluid in whole]
        fluid = [Part("fetal_ventricle", shape) for shape in whole]
        return (*wall, *fluid)

    def plexus_parts(self) -> tuple[Part, ...]:
        """The plexus of both sides, inside the fluid: a group of its own.

        On a lattice shared with the ventricle's wall the film between them would be lost, and
        with it the ventricle's width.
        """
        return tuple(Part("fetal_choroid_plexus", self.plexus(side)) for side in (1.0, -1.0))

"""The fetal face: nasal bone, jaws, palate, tongue, eyes; nose, lips and chin over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.skull import Cranium, orbit_centre, shifted
from insonate.anatomy.implicit import (
    Part,
    Shape,
    box,
    capsule,
    ellipsoid,
    half_space,
    intersect,
    sphere,
    subtract,
    tube,
    union,
)

__all__ = ["Face"]

#: Upper end of the nasal bone in units of (B, F, B), its direction, its radius by age (E).
NASION, NASAL_WAY = (0.0, -0.94, -0.42), (0.0, -0.5, -0.8660254)
NASAL_RADIUS = ((14.0, 40.0), (0.4, 0.75))
#: Upper arch: share of the palate's half-width and y over F, from behind; its height over B.
ARCH, ARCH_HEIGHT = ((1.0, -0.48), (0.92, -0.66), (0.66, -0.82), (0.30, -0.90), (0.0, -0.92)), -0.85
#: Mandible from its joint to the chin.
MANDIBLE = (
    (0.62, -0.15, -0.62),
    (0.54, -0.24, -0.92),
    (0.40, -0.55, -1.04),
    (0.20, -0.80, -1.09),
    (0.0, -0.84, -1.10),
)
#: Lips: share of the mouth's half-width, y over F, drop of the height over B, share of radius.
LIP = ((1.0, -0.93, 0.02, 0.5), (0.55, -1.02, 0.0, 0.9), (0.0, -1.06, 0.0, 1.0))
MOUTH = -1.00
#: Half of the open mouth, radius of a nostril, its distance from the midline (E), over B.
PARTED, NOSTRIL, NOSTRIL_ASIDE = 0.03, 0.042, 0.065
#: Half of the bone that is left in the midline between two clefts (E) [mm].
PREMAXILLA = 0.5
EAR, EAR_HALF = (0.95, 0.05, -0.45), (0.07, 0.13, 0.20)
#: Between bone and the deepest surface of the skin's layers [mm].
COVER = 0.8
#: Bone behind the eye [mm] (E).
CUP = 0.6

Vector = NDArray[np.float64]


def _both(points: list[Vector]) -> list[Vector]:
    """A half of an arch that ends in the midline, `(3,)` each, and its mirror image."""
    return points + [p * [-1.0, 1.0, 1.0] for p in points[-2::-1]]


@dataclass(frozen=True)
class Face:
    """Bones and soft parts of the face, in the head frame.

    Attributes:
        plan: of the fetus.
        soft: thickness of skin and fat [mm].
        scalp: of everything over the skull [mm].
    """

    plan: Plan
    soft: float
    scalp: float

    @property
    def nasion(self) -> Vector:
        """Upper end of the nasal bone, `(3,)` [mm]."""
        return self.plan.in_head(*NASION)

    @property
    def nasal_end(self) -> Vector:
        """Lower end of the nasal bone, `(3,)` [mm]."""
        return self.nasion + np.array(NASAL_WAY) * self.plan.sizes["nasal_bone"]

    @property
    def nose_tip(self) -> Vector:
        """Foremost point of the nose, `(3,)` [mm]."""
        return shifted(self._tip, 0.0, -self._tip_radius, 0.0)

    @property
    def mouth(self) -> Vector:
        """Middle of the upper lip in the coronal plane that also cuts the nose, `(3,)` [mm]."""
        b = self.plan.sizes.half_width
        return shifted(self._tip, 0.0, 0.118 * b, -0.290 * b)

    @property
    def _tip_radius(self) -> float:
        return 0.105 * self.plan.sizes.half_width

    @property
    def _tip(self) -> Vector:
        b = self.plan.sizes.half_width
        return shifted(self.nasal_end, 0.0, -0.035 * b, -0.075 * b)

    def _nasal_bone(self) -> Shape:
        radius = float(np.interp(self.plan.sizes.weeks, *NASAL_RADIUS))
        way = np.array(NASAL_WAY) * radius
        return capsule(self.nasion + way, self.nasal_end - way, radius)

    def _arch(self) -> Shape:
        half = 0.5 * self.plan.sizes["palate_width"]
        points = [
            shifted(self.plan.in_head(0.0, y, ARCH_HEIGHT), x * half, 0.0, 0.0) for x, y in ARCH
        ]
        return tube(_both(points), 0.045 * self.plan.sizes.half_width)

    def _palate(self) -> Shape:
        b, f = self.plan.sizes.half_width, self.plan.sizes.half_length
        half = (0.46 * self.plan.sizes["palate_width"], 0.22 * f, max(0.02 * b, 0.4))
        return ellipsoid(self.plan.in_head(0.0, -0.66, ARCH_HEIGHT + 0.03), half)

    def _mandible(self) -> Shape:
        points = [self.plan.in_head(*at) for at in MANDIBLE]
        return tube(_both(points), 0.045 * self.plan.sizes.half_width)

    def _eye(self, side: float) -> tuple[Shape, Shape, Shape]:
        """Bony cup, globe and lens of the left (1) or right (-1) side."""
        centre, radius = orbit_centre(self.plan, side), 0.5 * self.plan.sizes["orbit_diameter"]
        globe = sphere(centre, radius)
        behind = half_space(shifted(centre, 0.0, -0.15 * radius, 0.0), (0.0, -1.0, 0.0))
        lens = 0.5 * self.plan.sizes["lens_diameter"]
        at = shifted(centre, 0.0, -(radius - 1.05 * lens), 0.0)
        bulb = ellipsoid(at, (lens, 0.8 * lens, lens))
        return intersect(globe.offset(CUP), behind), globe, bulb

    def cleft(self) -> list[Shape]:
        """What clefts of the lip take away, from the vermilion to the nostril."""
        gaps = []
        for side, name in ((1.0, "cleft_lip"), (-1.0, "cleft_lip_right")):
            gap = self.plan.finding(name)
            if gap > 0.0:
                low, high = self.plan.in_head(0, -1.35, -0.99), self.plan.in_head(0, -0.82, -0.80)
                middle = 0.5 * (low + high)
                middle[0] = side * (0.5 * gap + self.soft + COVER + PREMAXILLA)
                half = (0.5 * gap, 0.5 * (high - low)[1], 0.5 * (high - low)[2])
                gaps.append(box(middle, half, rounding=min(0.3 * gap, 0.5)))
        return gaps

    def parts(self) -> tuple[Part, ...]:
        """Bones, tongue and eyes, in painter's order; they follow the skull's parts."""
        wide = [gap.offset(self.soft + COVER) for gap in self.cleft()]
        arch, palate = subtract(self._arch(), *wide), subtract(self._palate(), *wide)
        b, f = self.plan.sizes.half_width, self.plan.sizes.half_length
        tongue = ellipsoid(self.plan.in_head(0.0, -0.58, -0.98), (0.22 * b, 0.24 * f, 0.10 * b))
        eyes = [self._eye(side) for side in (1.0, -1.0)]
        return (
            Part("fetal_tongue", tongue),
            Part("fetal_maxilla", palate, max(0.04 * b, 0.8)),
            Part("fetal_maxilla", arch),
            Part("fetal_mandible", self._mandible()),
            Part("fetal_nasal_bone", self._nasal_bone(), 0.8),
            *(Part("fetal_skull", cup) for cup, _, _ in eyes),
            *(Part("fetal_eye", globe) for _, globe, _ in eyes),
            *(Part("fetal_lens", lens) for _, _, lens in eyes),
        )

    def outline(self, cranium: Cranium) -> Shape:
        """Outside of the head with its face: scalp, lids, nose, cheeks, lips, jaw, ears."""
        k = 0.12 * self.plan.sizes.half_width
        head = union(cranium.surface(-self.scalp), *self._flesh(), *self._covers(), blend=k)
        head = union(head, *self._nose(), blend=0.5 * k)
        head = union(head, *self._lips(), *self._ears(), blend=0.25 * k)
        return subtract(head, self._mouth_slit(), *self._nostrils(), *self.cleft(), blend=0.3)

    def _mouth_slit(self) -> Shape:
        """What parts the lips."""
        at, b = self.plan.in_head, self.plan.sizes.half_width
        half = (0.36 * self.plan.sizes["mouth_width"], 0.26 * at(0, 1, 0)[1], PARTED * b)
        return box(at(0.0, -1.18, MOUTH), half, rounding=0.5 * PARTED * b)

    def _flesh(self) -> list[Shape]:
        at, b, f = self.plan.in_head, self.plan.sizes.half_width, self.plan.sizes.half_length
        cheeks = [
            ellipsoid(at(side * 0.36, -0.64, -0.84), (0.28 * b, 0.31 * f, 0.30 * b))
            for side in (1.0, -1.0)
        ]
        middle = ellipsoid(at(0.0, -0.48, -0.60), (0.74 * b, 0.51 * f, 0.55 * b))
        muzzle = ellipsoid(at(0.0, -0.76, -0.94), (0.36 * b, 0.27 * f, 0.30 * b))
        floor = ellipsoid(at(0.0, -0.45, -0.97), (0.46 * b, 0.44 * f, 0.20 * b))
        chin = sphere(at(0.0, -0.87, -1.12), 0.12 * b)
        return [middle, muzzle, floor, chin, *cheeks]

    def _covers(self) -> list[Shape]:
        """Skin over every bone, at least as thick as it has to be."""
        over = self.soft + COVER
        lid = 0.5 * self.plan.sizes["orbit_diameter"] + CUP + over
        lids = [sphere(orbit_centre(self.plan, side), lid) for side in (1.0, -1.0)]
        bones = (self._arch(), self._mandible(), self._nasal_bone())
        return [*lids, *(bone.offset(over) for bone in bones)]

    def _nose(self) -> list[Shape]:
        b, tip, radius = self.plan.sizes.half_width, self._tip, self._tip_radius
        wings = [
            sphere(shifted(tip, side * 0.085 * b, 0.035 * b, -0.01 * b), 0.075 * b)
            for side in (1.0, -1.0)
        ]
        base = shifted(tip, 0.0, 0.10 * b, -0.02 * b)
        return [capsule(self.nasion, tip, 0.07 * b, radius), capsule(tip, base, radius), *wings]

    def _lips(self) -> list[Shape]:
        sizes = self.plan.sizes
        radius, half = 0.62 * sizes["lip_thickness"], 0.5 * sizes["mouth_width"]
        lips, apart = [], 0.85 * radius + 0.5 * PARTED * sizes.half_width
        for up in (1.0, -1.0):
            points = [
                shifted(self.plan.in_head(0.0, y, MOUTH - drop), x * half, 0.0, up * apart * r)
                for x, y, drop, r in LIP
            ]
            radii = [radius * r for *_, r in LIP]
            lips.append(tube(_both(points), radii + radii[-2::-1]))
        return lips

    def _ears(self) -> list[Shape]:
        b, f = self.plan.sizes.half_width, self.plan.sizes.half_length
        half = np.array(EAR_HALF) * (b, f, b)
        return [ellipsoid(self.plan.in_head(side * EAR[0], *EAR[1:]), half) for side in (1.0, -1.0)]

    def _nostrils(self) -> list[Shape]:
        b = self.plan.sizes.half_width
        holes = []
        for side in (1.0, -1.0):
            low = shifted(self._tip, side * NOSTRIL_ASIDE * b, 0.01 * b, -0.14 * b)
            holes.append(capsule(low, shifted(low, 0.0, 0.03 * b, 0.10 * b), NOSTRIL * b))
        return holes

"""The fetal skull: ossified plates with gaps between them, around a cavity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.plan import Plan
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
    union,
)

__all__ = ["BASE", "Cranium", "basion_radius", "cavity", "orbit_centre", "shifted", "skull_parts"]

#: Half the height of the skull over B, and its base under the origin (E).
HEIGHT, BASE = 0.90, -0.80
#: The back of the head is wider than its front by twice this share, and by more or less (E).
TAPER, TAPER_VARIES = 0.08, 0.04
#: Where the sutures meet, in units of (B, F, B): front of the vault, temple, back, behind the
#: ear (E, from anatomical drawings).
BREGMA, PTERION = (0.0, -0.28, 0.86), (0.80, -0.50, -0.10)
LAMBDA, ASTERION = (0.0, 0.80, 0.52), (0.72, 0.62, -0.25)
#: The frontal suture is narrower than the sagittal one (E).
METOPIC = 0.6

Vector = NDArray[np.float64]


def _widest(taper: float) -> tuple[float, float]:
    """Where an egg is widest over its half-length, and its half-width there over the nominal."""
    y = (math.sqrt(1.0 + 8.0 * taper**2) - 1.0) / (4.0 * taper)
    return y, (1.0 + taper * y) * math.sqrt(1.0 - y * y)


@dataclass(frozen=True)
class Cranium:
    """Surfaces parallel to the outside of the skull, in the head frame.

    Attributes:
        half_width: B, half the biparietal diameter [mm].
        half_length: F, half the occipitofrontal diameter [mm].
        bone: thickness of the plates [mm].
        taper: the back of the head is wider than its front by twice this share.
    """

    half_width: float
    half_length: float
    bone: float
    taper: float = TAPER

    @classmethod
    def of(cls, plan: Plan) -> Cranium:
        """The skull of a fetus."""
        sizes = plan.sizes
        taper = TAPER + TAPER_VARIES * plan.vary("skull_taper")
        return cls(sizes.half_width, sizes.half_length, sizes["skull_thickness"], taper)

    @property
    def widest(self) -> float:
        """Where the skull is widest, behind the origin [mm]."""
        return _widest(self.taper)[0] * self.half_length

    def radii(self, depth: float = 0.0) -> tuple[float, float, float]:
        """Semi-axes `depth` mm below the outside; the first is that of the untapered egg [mm]."""
        b, f = self.half_width, self.half_length
        return (b - depth) / _widest(self.taper)[1], f - depth, HEIGHT * b - depth

    def surface(self, depth: float = 0.0) -> Shape:
        """All that lies deeper than `depth` [mm]; negative is outside of the skull."""
        return ellipsoid((0.0, 0.0, 0.0), self.radii(depth), taper=self.taper)

    def width_at(self, y: float, z: float, depth: float = 0.0) -> float:
        """Half the width of a surface at height `z` and `y` behind the origin [mm]."""
        a, b, c = self.radii(depth)
        rest = 1.0 - (y / b) ** 2 - (z / c) ** 2
        return a * (1.0 + self.taper * y / b) * math.sqrt(max(rest, 0.0))

    def reach(self, start: Vector, way: Vector, depth: float = 0.0) -> float:
        """Distance from `start` `(3,)` along `way` `(3,)` to a surface, in the midline [mm]."""
        _, b, c = self.radii(depth)
        p, w = start[1:] / (b, c), way[1:] / (b, c)
        half, square = float(p @ w), float(w @ w)
        return (math.sqrt(half**2 - square * (float(p @ p) - 1.0)) - half) / square

    def perimeter(self) -> float:
        """Circumference of the outside in the plane of the thalami [mm]."""
        a, b, _ = self.radii()
        angle = np.linspace(0.0, 2.0 * np.pi, 4097)
        y = np.sin(angle)
        x = a * np.cos(angle) * (1.0 + self.taper * y)
        return float(np.hypot(np.diff(x), np.diff(b * y)).sum())


def basion_radius(plan: Plan) -> float:
    """Radius of the ball around the skull's base that is left to the spine [mm]."""
    return 0.17 * plan.sizes.trunk_radius


def shifted(point: Vector, x: float, y: float, z: float) -> Vector:
    """`point` `(3,)` moved to the left by `x`, back by `y` and up by `z` [mm]."""
    return point + np.array([x, y, z])


def orbit_centre(plan: Plan, side: float) -> Vector:
    """Centre of the left (`side` 1) or right (-1) eye, `(3,)` [mm]."""
    sizes = plan.sizes
    x = 0.5 * (sizes["interorbital_inner"] + sizes["orbit_diameter"])
    return plan.in_head(0.0, -0.73, -0.48) + np.array([side * x, 0.0, 0.0])


def _base(plan: Plan, lift: float) -> tuple[Shape, Shape]:
    """What lies above the base, and the ball that the spine's top needs; `lift` above both."""
    floor = half_space(
        shifted(plan.in_head(0.0, 0.0, BASE), 0.0, 0.0, 0.8 + lift), (0.0, 0.0, -1.0)
    )
    return floor, sphere(plan.in_head(0.0, 0.15, BASE), basion_radius(plan) + lift)


def cavity(plan: Plan, cranium: Cranium) -> Shape:
    """What the skull encloses: inner tables, base, roofs of the orbits."""
    bone, k = cranium.bone, 0.10 * cranium.half_width
    floor, ball = _base(plan, 1.3 * bone + 0.4)
    left, right = orbit_centre(plan, 1.0), orbit_centre(plan, -1.0)
    roofs = capsule(left, right, 0.5 * plan.sizes["orbit_diameter"] + 1.2 * bone + 0.4)
    inside = intersect(cranium.surface(bone), floor, blend=k)
    return subtract(inside, roofs, ball, blend=k)


def _slab(start: Vector, end: Vector, width: float) -> Shape:
    """A plate through the origin and two points `(3,)` [mm], `width` mm thick, between them."""
    along = 0.5 * (start + end)
    normal = np.cross(start, end)
    normal /= np.linalg.norm(normal)
    radial = along / np.linalg.norm(along)
    axes = np.stack([normal, np.cross(radial, normal), radial], axis=1)
    far = 1.5 * float(max(np.linalg.norm(start), np.linalg.norm(end)))
    half = 0.5 * float(np.linalg.norm((end - start) @ axes[:, 1]))
    return box(radial * 0.5 * far, (0.5 * width, half, 0.5 * far), axes)


def _fontanelle(plan: Plan) -> Shape:
    """The anterior fontanelle as an ellipse through the vault."""
    at = plan.in_head(*BREGMA)
    radial = at / np.linalg.norm(at)
    axes = np.stack([[1.0, 0.0, 0.0], np.cross(radial, [1.0, 0.0, 0.0]), radial], axis=1)
    sizes = plan.sizes
    half = (0.5 * sizes["fontanelle_width"], 0.5 * sizes["fontanelle_length"], 0.35 * at[2])
    return ellipsoid(at, half, axes)


def sutures(plan: Plan) -> Shape:
    """Where no bone is: sagittal, frontal, coronal and lambdoid sutures, and fontanelles."""
    width = plan.sizes["suture_width"]
    bregma, nasion = plan.in_head(*BREGMA), plan.in_head(0.0, -0.95, -0.10)
    back = plan.in_head(*LAMBDA)
    gaps = [_slab(bregma, back, width), _slab(nasion, bregma, METOPIC * width)]
    gaps += [_fontanelle(plan), sphere(back, 0.9 * width)]
    for side in (1.0, -1.0):
        temple, ear = (plan.in_head(side * x, y, z) for x, y, z in (PTERION, ASTERION))
        gaps += [_slab(bregma, temple, width), _slab(back, ear, width)]
        gaps += [sphere(temple, 0.9 * width), sphere(ear, 0.9 * width)]
    return union(*gaps)


def skull_parts(plan: Plan) -> tuple[Part, ...]:
    """Plates, cartilage of the base, what spans the gaps, and the cavity with its fluid."""
    cranium = Cranium.of(plan)
    floor, ball = _base(plan, 0.0)
    solid = subtract(intersect(cranium.surface(), floor, blend=0.05 * cranium.half_width), ball)
    gaps = intersect(sutures(plan), cranium.surface())
    under, lifted = 1.6 * cranium.bone, _base(plan, cranium.bone)
    cartilage = subtract(intersect(cranium.surface(under), lifted[0]), lifted[1])
    return (
        Part("fetal_skull", solid, cranium.bone),
        Part("fetal_skull_base", cartilage),
        Part("fetal_suture", gaps, cranium.bone),
        Part("fetal_subarachnoid", cavity(plan, cranium)),
    )

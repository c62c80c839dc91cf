"""Shapes as expressions of signed distances: what anatomy is written in.

A shape is negative inside, zero on its surface. Expressions are data: they are moved as a
whole, reused inside others, and compiled for the kernels by `program`.

    head = ellipsoid((0, 0, 0), (27, 34, 24))
    skull = head - head.offset(-1.0)
    arm = tube([shoulder, elbow, wrist], [6, 5, 4])
    body = union(head, trunk, arm, blend=3.0)

All lengths are in mm. Distances are exact for ellipsoids, tubes and boxes; blends, tapers and
ripples keep the surface where it says and change the distance around it a little.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Combined",
    "Grown",
    "Primitive",
    "Rippled",
    "Shape",
    "box",
    "capsule",
    "ellipsoid",
    "half_space",
    "intersect",
    "sphere",
    "subtract",
    "sweep",
    "tube",
    "union",
]

#: Radius that stands for "has no end" [mm].
ENDLESS = 1e6

Vector = NDArray[np.float64]


class Shape:
    """A solid given by its signed distance."""

    def __or__(self, other: Shape) -> Shape:
        return Combined("union", self, other)

    def __and__(self, other: Shape) -> Shape:
        return Combined("intersect", self, other)

    def __sub__(self, other: Shape) -> Shape:
        return Combined("subtract", self, other)

    def offset(self, by: float) -> Shape:
        """The shape grown by `by` mm on all sides; shrunk if negative."""
        return Grown(self, float(by))

    def rippled(self, height: float, wavelength: float, phase: float = 0.0) -> Shape:
        """The shape with smooth bumps of amplitude `height` [mm] and `wavelength` [mm].

        Args:
            height: at most a twentieth of the wavelength.
            wavelength: of the bumps [mm].
            phase: turns one pattern into another [rad].
        """
        return Rippled(self, float(height), float(wavelength), float(phase))

    def moved(self, matrix: ArrayLike) -> Shape:
        """The shape after a rigid motion `(4, 4)` [mm]."""
        raise NotImplementedError

    def bounds(self) -> tuple[Vector, Vector]:
        """Corners of a box around the shape, `(3,)` each [mm]."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Primitive(Shape):
    """A leaf.

    Attributes:
        kind: ellipsoid, capsule, box, half_space, sweep or lattice.
        frame: `(4, 4)`, from the primitive's own axes to the world [mm].
        sizes: up to eight numbers that the kind understands [mm].
        reach: half the size of its bounding box in its own axes, `(3,)` [mm].
        table: sections of a sweep, `(sections, 14)`: see `sweep`; or nodes of a lattice
            `(z, y, x)` [mm]: see `frozen`.
    """

    kind: str
    frame: Vector
    sizes: tuple[float, ...]
    reach: Vector
    table: Vector | None = None

    def moved(self, matrix: ArrayLike) -> Shape:
        """The shape after a rigid motion `(4, 4)` [mm]."""
        matrix = np.asarray(matrix, np.float64)
        return Primitive(self.kind, matrix @ self.frame, self.sizes, self.reach, self.table)

    def bounds(self) -> tuple[Vector, Vector]:
        """Corners of a box around the shape, `(3,)` each [mm]."""
        half = np.abs(self.frame[:3, :3]) @ self.reach
        return self.frame[:3, 3] - half, self.frame[:3, 3] + half


@dataclass(frozen=True, eq=False)
class Combined(Shape):
    """Two shapes joined.

    Attributes:
        how: union, intersect or subtract.
        first: what `second` is joined to, or taken from.
        second: the other.
        blend: over which the edge between the two is rounded [mm].
    """

    how: str
    first: Shape
    second: Shape
    blend: float = 0.0

    def moved(self, matrix: ArrayLike) -> Shape:
        """The shape after a rigid motion `(4, 4)` [mm]."""
        return Combined(self.how, self.first.moved(matrix), self.second.moved(matrix), self.blend)

    def bounds(self) -> tuple[Vector, Vector]:
        """Corners of a box around the shape, `(3,)` each [mm]."""
        low, high = self.first.bounds()
        if self.how == "subtract":
            return low, high
        other_low, other_high = self.second.bounds()
        if self.how == "intersect":
            return np.maximum(low, other_low), np.minimum(high, other_high)
        swell = 0.25 * self.blend
        return np.minimum(low, other_low) - swell, np.maximum(high, other_high) + swell


@dataclass(frozen=True, eq=False)
class Grown(Shape):
    """A shape and how much it has grown [mm]."""

    shape: Shape
    by: float

    def moved(self, matrix: ArrayLike) -> Shape:
        """The shape after a rigid motion `(4, 4)` [mm]."""
        return Grown(self.shape.moved(matrix), self.by)

    def bounds(self) -> tuple[Vector, Vector]:
        """Corners of a box around the shape, `(3,)` each [mm]."""
        low, high = self.shape.bounds()
        return low - self.by, high + self.by


@dataclass(frozen=True, eq=False)
class Rippled(Shape):
    """A shape with bumps, fixed to the frame that moves with it.

    Attributes:
        shape: without bumps.
        height: of the bumps [mm].
        wavelength: of the bumps [mm].
        phase: turns one pattern into another [rad].
        frame: of the pattern to the world `(4, 4)` [mm]; the world's own when None.
    """

    shape: Shape
    height: float
    wavelength: float
    phase: float
    frame: Vector | None = None

    def moved(self, matrix: ArrayLike) -> Shape:
        """The shape after a rigid motion `(4, 4)` [mm]."""
        frame = np.asarray(matrix, np.float64) @ (np.eye(4) if self.frame is None else self.frame)
        return Rippled(self.shape.moved(matrix), self.height, self.wavelength, self.phase, frame)

    def bounds(self) -> tuple[Vector, Vector]:
        """Corners of a box around the shape, `(3,)` each [mm]."""
        low, high = self.shape.bounds()
        return low - self.height, high + self.height


def _frame(centre: ArrayLike, axes: ArrayLike | None) -> Vector:
    frame = np.eye(4)
    frame[:3, 3] = np.asarray(centre, np.float64)
    if axes is not None:
        frame[:3, :3] = np.asarray(axes, np.float64)
    return frame


def ellipsoid(
    centre: ArrayLike, radii: ArrayLike, axes: ArrayLike | None = None, taper: float = 0.0
) -> Shape:
    """An ellipsoid.

    Args:
        centre: `(3,)` [mm].
        radii: semi-axes `(3,)` [mm].
        axes: columns are the directions of the semi-axes, orthonormal `(3, 3)`.
        taper: an egg: the first semi-axis grows by this share towards the end of the second.
    """
    a, b, c = (float(r) for r in np.asarray(radii, np.float64))
    reach = np.array([a * (1.0 + abs(taper)), b, c])
    return Primitive("ellipsoid", _frame(centre, axes), (a, b, c, float(taper)), reach)


def sphere(centre: ArrayLike, radius: float) -> Shape:
    """A ball around `centre` `(3,)` of `radius`, both [mm]."""
    return capsule(centre, centre, radius)


def capsule(
    start: ArrayLike, end: ArrayLike, radius: float, end_radius: float | None = None
) -> Shape:
    """A round cone: balls at both ends `(3,)` [mm] and their hull.

    Args:
        start: centre of the first ball.
        end: centre of the second.
        radius: of the first ball [mm].
        end_radius: of the second; the same if None [mm].
    """
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    ra = float(radius)
    rb = ra if end_radius is None else float(end_radius)
    length = float(np.linalg.norm(b - a))
    frame = _frame(0.5 * (a + b), _axes_along(b - a))
    reach = np.array([max(ra, rb), max(ra, rb), 0.5 * length + max(ra, rb)])
    return Primitive("capsule", frame, (length, ra, rb), reach)


def _axes_along(way: Vector) -> Vector:
    """Orthonormal axes `(3, 3)` whose last column points along `way`."""
    length = np.linalg.norm(way)
    z = way / length if length > 1e-12 else np.array([0.0, 0.0, 1.0])
    helper = np.eye(3)[int(np.argmin(np.abs(z)))]
    x = np.cross(helper, z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def tube(points: ArrayLike, radii: ArrayLike, blend: float = 0.0) -> Shape:
    """A bent tube: round cones through `points` `(points, 3)` [mm].

    Args:
        points: at least two.
        radii: one number, or `(points,)` [mm].
        blend: of neighbouring cones; 0 is right for smooth bends [mm].
    """
    at = np.asarray(points, np.float64)
    r = np.broadcast_to(np.asarray(radii, np.float64), len(at))
    pieces = [capsule(at[i], at[i + 1], r[i], r[i + 1]) for i in range(len(at) - 1)]
    return union(*pieces, blend=blend)


def box(
    centre: ArrayLike, half: ArrayLike, axes: ArrayLike | None = None, rounding: float = 0.0
) -> Shape:
    """A box with rounded edges.

    Args:
        centre: `(3,)` [mm].
        half: half its sides `(3,)`, rounding included [mm].
        axes: columns are the directions of its sides `(3, 3)`.
        rounding: radius of its edges [mm].
    """
    a, b, c = (float(h) for h in np.asarray(half, np.float64))
    reach = np.array([a, b, c])
    return Primitive("box", _frame(centre, axes), (a, b, c, float(rounding)), reach)


def half_space(point: ArrayLike, normal: ArrayLike) -> Shape:
    """All that lies behind the plane through `point` `(3,)` [mm] with outward `normal` `(3,)`."""
    frame = _frame(point, _axes_along(np.asarray(normal, np.float64)))
    return Primitive("half_space", frame, (), np.full(3, ENDLESS))


def sweep(
    centres: ArrayLike, frames: ArrayLike, half_widths: ArrayLike, caps: tuple[float, float]
) -> Shape:
    """Elliptic sections along a curve, with half ellipsoids as its ends.

    Args:
        centres: of the sections `(sections, 3)` [mm].
        frames: columns are the first and second semi-axis and the curve's direction,
            `(sections, 3, 3)`.
        half_widths: semi-axes of the sections `(sections, 2)` [mm].
        caps: height of the ends at the first and the last section [mm].
    """
    at, axes = np.asarray(centres, np.float64), np.asarray(frames, np.float64)
    half = np.asarray(half_widths, np.float64)
    table = np.concatenate([at, axes.transpose(0, 2, 1).reshape(-1, 9), half], axis=1)
    span = half.max(axis=1)[:, None] + max(caps)
    low, high = (at - span).min(axis=0), (at + span).max(axis=0)
    middle = 0.5 * (low + high)
    table[:, :3] -= middle
    return Primitive("sweep", _frame(middle, None), tuple(caps), 0.5 * (high - low), table)


def union(*shapes: Shape, blend: float = 0.0) -> Shape:
    """All shapes together, their creases filled over `blend` [mm]."""
    return reduce(lambda a, b: Combined("union", a, b, blend), shapes)


def intersect(*shapes: Shape, blend: float = 0.0) -> Shape:
    """What all shapes share, the edges rounded over `blend` [mm]."""
    return reduce(lambda a, b: Combined("intersect", a, b, blend), shapes)


def subtract(shape: Shape, *others: Shape, blend: float = 0.0) -> Shape:
    """The shape without the others, the edges rounded over `blend` [mm]."""
    return reduce(lambda a, b: Combined("subtract", a, b, blend), others, shape)

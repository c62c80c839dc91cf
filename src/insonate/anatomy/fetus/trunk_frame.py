"""Coordinates of the trunk: along the spine, to the left, to the front.

Everything in the trunk is placed by `(s, u, v)`, so that a change of posture breaks nothing:
s runs from 0 at the top of the first cervical vertebra to 1 at the fifth sacral one, u is
left over the half-width of the section, v is anterior over its half-depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from insonate.anatomy.implicit import Shape, sweep

__all__ = ["SPINE_V", "TrunkFrame"]

#: Section half-width and half-depth over R at s; from the neck to the rump.
_S = (0.0, 0.10, 0.20, 0.25, 0.32, 0.40, 0.50, 0.565, 0.69, 0.79, 0.87, 0.93, 1.0)
_A = (0.42, 0.44, 0.66, 0.80, 0.87, 0.89, 0.98, 1.03, 0.99, 0.93, 0.88, 0.82, 0.55)
_B = (0.42, 0.42, 0.55, 0.68, 0.80, 0.85, 0.94, 0.97, 0.94, 0.88, 0.82, 0.74, 0.50)
#: Height of the vertebral bodies' centres in a section.
SPINE_V = -0.56
#: The plane of the abdominal circumference: the origin of the fetal frame.
ABDOMEN_S = 0.565
_SECTIONS = 36
#: Where the curve is integrated.
_KNOTS = np.linspace(0.0, 1.0, 401)
#: Below it the rump is half an ellipsoid.
_ROUND_S = 0.87
#: The curve is bent between the first thoracic and the third sacral vertebra.
_BENT = (0.20, 0.93)

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class TrunkFrame:
    """The trunk's curve and sections, in the fetal frame.

    The fetal frame is LPS (x left, y posterior, z cranial) [mm] with its origin in the middle
    of the plane of the abdominal circumference.

    Attributes:
        length: of the spine, first cervical to fifth sacral vertebra [mm].
        radius: R, circumference of the abdomen over 2 pi [mm].
        flexion: angle between the tangents at both ends of the bent part [rad].
        bend: the same to the left [rad].
    """

    length: float
    radius: float
    flexion: float
    bend: float = 0.0

    def _axes(self, s: Vector) -> Vector:
        """Columns left, posterior, cranial at `s` `(points,)`: `(points, 3, 3)`."""
        share = _relative(np.asarray(s, np.float64))
        turned = np.clip(share, _relative(_BENT[0]), _relative(_BENT[1]))
        pitch, roll = self.flexion * turned, self.bend * turned
        sp, cp, sr, cr = np.sin(pitch), np.cos(pitch), np.sin(roll), np.cos(roll)
        # Towards the head (smaller s) the tangent leans forward (-y), towards the rump too.
        cranial = (sr, sp * cr, cp * cr)
        posterior = (np.zeros_like(pitch), cp, -sp)
        left = (cr, -sp * sr, -cp * sr)
        return np.stack([*left, *posterior, *cranial], axis=-1).reshape(-1, 3, 3).swapaxes(1, 2)

    @cached_property
    def _centres(self) -> Vector:
        """Positions of the sections' centres at `_KNOTS`, by integration `(knots, 3)` [mm]."""
        axes = self._axes(_KNOTS)
        # The spine, not the middle of the sections, has the length of the spine.
        step = -np.gradient(_KNOTS) * self.length
        spine = np.cumsum(axes[:, :, 2] * step[:, None], axis=0)
        centre = spine + axes[:, :, 1] * (SPINE_V * self._half(_KNOTS)[:, 1])[:, None]
        return centre - _between(centre, ABDOMEN_S)

    def _half(self, s: ArrayLike) -> Vector:
        return _SECTION(np.clip(s, _S[0], _S[-1])) * (self.radius * _PERIMETER)

    def half(self, s: float) -> tuple[float, float]:
        """Half-width and half-depth of the section at `s`, skin included [mm]."""
        a, b = self._half(s)
        return float(a), float(b)

    def centre(self, s: float) -> Vector:
        """Middle of the section at `s`, `(3,)` [mm]; beyond 0 and 1 the curve goes on straight."""
        inside = min(max(s, 0.0), 1.0)
        point = _between(self._centres, inside)
        return point + self.axes(inside)[:, 2] * (inside - s) * self.length

    def axes(self, s: float) -> Vector:
        """Columns: left, posterior, cranial at `s`, orthonormal `(3, 3)`."""
        return self._axes(np.array([min(max(s, 0.0), 1.0)]))[0]

    def point(self, s: float, u: float, v: float) -> Vector:
        """Position of `(s, u, v)`, `(3,)` [mm]."""
        a, b = self.half(s)
        return self.centre(s) + self.axes(s) @ np.array([u * a, -v * b, 0.0])

    def points(self, suv: ArrayLike) -> Vector:
        """Positions `(points, 3)` [mm] of `(s, u, v)` rows `(points, 3)`."""
        return np.array([self.point(*row) for row in np.asarray(suv, np.float64)])

    def path(self, suv: ArrayLike, points: int = 16) -> Vector:
        """A smooth curve through `(s, u, v)` rows `(rows, 3)`: `points` positions [mm]."""
        rows = np.asarray(suv, np.float64)
        steps = np.linalg.norm(np.diff(self.points(rows), axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        at = np.linspace(0.0, along[-1], points)
        return self.points(PchipInterpolator(along, rows, axis=0)(at))

    def frame(self, s: float, u: float = 0.0, v: float = 0.0) -> Vector:
        """Local to fetal frame `(4, 4)` [mm]: axes left, posterior, cranial at `(s, u, v)`."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.axes(s), self.point(s, u, v)
        return matrix

    def outline(
        self, start: float = 0.0, end: float = _ROUND_S, scale: tuple[float, float] = (1.0, 1.0)
    ) -> Shape:
        """The body between two sections; its ends are half ellipsoids beyond them.

        The last sections taper faster than a smooth rump does: its end begins above them.

        Args:
            start: s of the first section.
            end: s of the last section.
            scale: of half-width and half-depth; for a wall of even thickness use `offset`.
        """
        s = np.linspace(start, end, _SECTIONS)
        if start < ABDOMEN_S < end:  # where the circumference is measured, it is exact
            s = np.union1d(s, ABDOMEN_S)
        half = self._half(s) * np.asarray(scale)
        centres = np.array([self.centre(x) for x in s])
        axes = self._axes(s)
        rump = (1.0 - end) * self.length + 0.45 * float(self._half(1.0).min())
        caps = (0.5 * float(half[0].min()), max(rump, 0.5 * float(half[-1].min())))
        return sweep(centres, axes, half, caps)


def _between(rows: Vector, s: float) -> Vector:
    """Linear interpolation of `rows` `(knots, 3)` at `s` from 0 to 1."""
    at = s * (len(_KNOTS) - 1)
    first = min(int(at), len(_KNOTS) - 2)
    return rows[first] + (at - first) * (rows[first + 1] - rows[first])


def _relative(s: Any) -> Any:
    """Distance from the plane of the abdomen over the bent part's length."""
    return (s - ABDOMEN_S) / (_BENT[1] - _BENT[0])


def _ellipse_perimeter(a: float, b: float) -> float:
    angle = np.linspace(0.0, 2.0 * np.pi, 4097)
    return float(np.hypot(np.diff(a * np.cos(angle)), np.diff(b * np.sin(angle))).sum())


#: Makes the section at the abdomen exactly as long as a circle of radius R.
_PERIMETER = 2.0 * np.pi / _ellipse_perimeter(1.03, 0.97)
#: Half-width and half-depth over R, monotone between the knots: no overshoot.
_SECTION = PchipInterpolator(_S, np.stack([_A, _B], axis=1), axis=0)

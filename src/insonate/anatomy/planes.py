"""Standard planes: where to look, from where, and what has to be seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Plane"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """A standard plane of an examination.

    Attributes:
        origin: middle of what is to be seen, `(3,)` [mm].
        normal: unit normal, `(3,)`.
        beams: directions from the probe into the body that show it best, unit vectors in the
            plane, each `(3,)`; any direction is as good as another if empty.
        spread: how far the beam may deviate from them [rad].
        shows: regions that the plane has to cut.
        hides: regions that it must not cut within `reach`.
        reach: radius around the origin that has to be in the image [mm].
        axis: unit vector in the plane, `(3,)`: the plane may be turned about this line, and the
            beam has to be perpendicular to it; None for a plane that is fixed.
    """

    origin: Vector
    normal: Vector
    beams: tuple[Vector, ...] = ()
    spread: float = np.pi / 4
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    reach: float = 40.0
    axis: Vector | None = None

    def moved(self, matrix: ArrayLike) -> Plane:
        """The plane after a rigid motion `(4, 4)` [mm]."""
        matrix = np.asarray(matrix, np.float64)
        turn = matrix[:3, :3]
        return replace(
            self,
            origin=turn @ self.origin + matrix[:3, 3],
            normal=turn @ self.normal,
            beams=tuple(turn @ beam for beam in self.beams),
            axis=None if self.axis is None else turn @ self.axis,
        )

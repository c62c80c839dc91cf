"""A shape that is asked for distances again and again, compiled once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.anatomy.implicit import Shape
from insonate.anatomy.implicit.distance_kernels import distances
from insonate.anatomy.implicit.program import compile_shapes

__all__ = ["Measure"]


class Measure:
    """Signed distance to a shape as a function; for few points many times."""

    def __init__(self, shape: Shape):
        self._arrays = compile_shapes([shape]).arrays

    def __call__(self, points: ArrayLike) -> NDArray[np.float64]:
        """Distance `(points,)` [mm] of `points` `(points, 3)` [mm], negative inside."""
        at = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
        out = np.empty(len(at))
        distances(*self._arrays, 0, at, out)
        return out

"""A shape kept as distances on a lattice: for what many others have to stay clear of."""

from __future__ import annotations

import numpy as np

from insonate.anatomy.implicit.program import distance
from insonate.anatomy.implicit.shape import Primitive, Shape

__all__ = ["frozen"]


def frozen(shape: Shape, spacing: float, margin: float) -> Shape:
    """The shape, smoothed a little and as cheap as a single primitive.

    Its distance is a cubic spline of distances on a lattice: smooth, and off by about
    spacing^2 / 6 times the curvature.

    Args:
        shape: made of many primitives.
        spacing: of the lattice [mm].
        margin: of the lattice around the shape [mm]; beyond it the distance is rough.
    """
    low, high = shape.bounds()
    counts = np.ceil((high - low + 2.0 * margin) / spacing).astype(int) + 3
    middle = 0.5 * (low + high)
    lines = [
        (np.arange(n) - 0.5 * (n - 1)) * spacing + m for n, m in zip(counts, middle, strict=True)
    ]
    z, y, x = np.meshgrid(*lines[::-1], indexing="ij")
    values = distance(shape, np.stack([x, y, z], axis=-1)).reshape(z.shape)
    frame = np.eye(4)
    frame[:3, 3] = middle
    sizes = (spacing, *(float(n) for n in counts))
    return Primitive("lattice", frame, sizes, 0.5 * (high - low) + spacing, values)

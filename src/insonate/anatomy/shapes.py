"""Analytic shapes for what no file holds: vessels, ribs, fluid, a wall of even thickness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fields import SurfaceField
from insonate.errors import InputError, closest

__all__ = ["SHAPES", "Shape", "make_shape"]

#: A field and the low and high corners of its bounding box `(3,)` [mm].
Shape = tuple[SurfaceField, NDArray[np.float64], NDArray[np.float64]]


def ellipsoid(centre: list[float], radii: list[float]) -> Shape:
    """Ellipsoid along the axes; exact at its surface, a distance nearby.

    Args:
        centre: `(3,)` [mm].
        radii: half axes `(3,)` [mm].
    """
    c, r = _vector("centre", centre), _vector("radii", radii)
    _positive("radii", r)

    def field(points: NDArray[np.float32]) -> NDArray[np.float32]:
        unit = (points - c) / r
        length = np.linalg.norm(unit, axis=1)
        slope = np.linalg.norm(unit / r, axis=1)
        inner = -float(r.min()) * (1.0 - length)
        with np.errstate(divide="ignore", invalid="ignore"):
            outer = length * (length - 1.0) / slope
        return np.where(slope > 1e-9, outer, inner).astype(np.float32)

    return field, c - r, c + r


def box(low: list[float], high: list[float], rounding: float = 0.0) -> Shape:
    """Box along the axes, its edges rounded.

    Args:
        low: corner `(3,)` [mm].
        high: corner `(3,)` [mm].
        rounding: radius of the edges [mm].
    """
    a, b = _vector("low", low), _vector("high", high)
    _positive("high - low", b - a)
    half, c = (b - a) / 2.0 - rounding, (a + b) / 2.0
    _positive("half the size less the rounding", half)

    def field(points: NDArray[np.float32]) -> NDArray[np.float32]:
        q = np.abs(points - c) - half
        outer = np.linalg.norm(np.maximum(q, 0.0), axis=1)
        return (outer + np.minimum(q.max(axis=1), 0.0) - rounding).astype(np.float32)

    return field, a, b


def tube(points: list[list[float]], radius: float | list[float]) -> Shape:
    """Round tube along a chain of points.

    Args:
        points: `(points, 3)` [mm], two or more.
        radius: one, or one for each point [mm].
    """
    chain = np.asarray(points, np.float64)
    if chain.ndim != 2 or chain.shape[1] != 3 or len(chain) < 2:
        raise InputError("tube: points must be two or more [x, y, z] in mm")
    radii = np.broadcast_to(np.asarray(radius, np.float64), (len(chain),))
    _positive("radius", radii)

    def field(at: NDArray[np.float32]) -> NDArray[np.float32]:
        best = np.full(len(at), np.inf)
        for p, q, r, s in zip(chain, chain[1:], radii, radii[1:], strict=False):
            way = q - p
            t = np.clip(((at - p) @ way) / max(float(way @ way), 1e-12), 0.0, 1.0)
            gap = np.linalg.norm(at - p - t[:, None] * way, axis=1) - (r + t * (s - r))
            best = np.minimum(best, gap)
        return best.astype(np.float32)

    reach = radii[:, None]
    return field, (chain - reach).min(axis=0), (chain + reach).max(axis=0)


SHAPES: dict[str, Callable[..., Shape]] = {"ellipsoid": ellipsoid, "box": box, "tube": tube}


def make_shape(where: str, spec: Mapping[str, Any]) -> Shape:
    """The shape that a scene file describes as `{ellipsoid: {...}}`.

    Raises:
        InputError: unknown shape or argument, or a value of the wrong form.
    """
    if len(spec) != 1:
        raise InputError(f"{where}: shape must be one of {', '.join(SHAPES)}")
    kind, arguments = next(iter(spec.items()))
    if kind not in SHAPES:
        raise InputError(f"{where}: unknown shape '{kind}'; {closest(str(kind), SHAPES)}")
    if not isinstance(arguments, Mapping):
        raise InputError(f"{where}: {kind} expects its measures as a mapping")
    try:
        return SHAPES[kind](**arguments)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {kind}: {error}") from error


def _vector(name: str, value: object) -> NDArray[np.float64]:
    vector = np.asarray(value, np.float64)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InputError(f"{name} must be three numbers [mm], got {value!r}")
    return vector


def _positive(name: str, value: NDArray[np.float64]) -> None:
    if not (value > 0).all():
        raise InputError(f"{name} must be above 0 mm")

"""Amniotic fluid: measured as a sonographer does, and what follows for the cavity.

Examination frame: the axes of the world, origin at the internal os [mm]. The woman lies on her
back, so pockets are measured along y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import minimum_filter
from scipy.optimize import brentq

from insonate.anatomy.implicit import Shape
from insonate.anatomy.implicit.program import distance

__all__ = ["CLOSE", "POCKET_WIDTH", "Fluid", "Lattice", "solve"]

Vector = NDArray[np.float64]

#: Points of a lattice, about; and spacing of its columns over that along them.
_NODES, _FLAT = 45_000, 2.0
_FAR = 1e3
#: A pocket has to be this wide (M) [mm].
POCKET_WIDTH = 10.0


#: The index is met within this share; the first step of the search for it.
CLOSE, _FIRST_STEP = 0.01, 0.05


@dataclass(frozen=True)
class Fluid:
    """Amniotic fluid.

    Attributes:
        pockets: deepest vertical pocket of the quadrants: lower right, upper right, lower left,
            upper left, `(4,)` [mm].
        volume: of the fluid [ml].
        deepest: middle of the deepest pocket, in the examination frame `(3,)` [mm].
    """

    pockets: Vector
    volume: float
    deepest: Vector

    @property
    def index(self) -> float:
        """Amniotic fluid index: sum of the pockets [mm]."""
        return float(self.pockets.sum())

    @property
    def deepest_pocket(self) -> float:
        """The deepest of the pockets [mm]."""
        return float(self.pockets.max())


@dataclass(frozen=True)
class Lattice:
    """Points of an examination, in columns along y.

    Attributes:
        points: in the uterine frame `(x, z, y, 3)` [mm].
        lines: positions along x, z and y in the examination frame [mm].
        axes: from the uterine to the examination frame `(3, 3)`.
        width: that a pocket has to have [mm].
    """

    points: Vector
    lines: tuple[Vector, Vector, Vector]
    axes: Vector
    width: float = POCKET_WIDTH

    @staticmethod
    def around(shape: Shape, axes: ArrayLike, width: float) -> Lattice:
        """Points around a shape of the uterine frame.

        Args:
            shape: of the uterine frame.
            axes: from the uterine frame to the world `(3, 3)`.
            width: that a pocket has to have [mm].
        """
        turn = np.eye(4)
        turn[:3, :3] = axes
        low, high = shape.moved(turn).bounds()
        fine = (float(np.prod(high - low)) / _NODES / _FLAT**2) ** (1 / 3)  # along y
        step = 0.5 * width / max(1, round(0.5 * width / (_FLAT * fine)))
        steps = (step, step / _FLAT, step)
        x, y, z = (np.arange(low[k] - d, high[k] + 2.0 * d, d) for k, d in enumerate(steps))
        grid = np.stack(np.meshgrid(x, z, y, indexing="ij"), axis=-1)[..., [0, 2, 1]]
        return Lattice(grid @ turn[:3, :3], (x, z, y), turn[:3, :3], width)

    @property
    def step(self) -> float:
        """Spacing of the columns [mm]."""
        return float(self.lines[0][1] - self.lines[0][0])

    @property
    def fine(self) -> float:
        """Spacing of the points in a column [mm]."""
        return float(self.lines[2][1] - self.lines[2][0])

    def distance(self, shape: Shape, where: NDArray[np.bool_] | None = None) -> Vector:
        """Signed distance `(x, z, y)` [mm] to a shape of the uterine frame.

        Args:
            shape: of the uterine frame.
            where: mask `(x, z, y)` of the points to evaluate; elsewhere it is far.
        """
        if where is None:
            return distance(shape, self.points.reshape(-1, 3)).reshape(self.points.shape[:3])
        out = np.full(self.points.shape[:3], _FAR)
        out[where] = distance(shape, self.points[where])
        return out

    def volume(self, depth: Vector) -> float:
        """Volume [ml] where `depth` `(x, z, y)` [mm] is positive."""
        cell = self.step * self.step * self.fine
        share = np.clip(0.5 + depth / cell ** (1 / 3), 0.0, 1.0)
        return float(share.sum()) * cell / 1000.0

    def examine(self, depth: Vector, top: Vector) -> Fluid:
        """Measure the fluid.

        Args:
            depth: of the points in the fluid, negative outside it, `(x, z, y)` [mm].
            top: the fundus, in the uterine frame `(3,)` [mm].
        """
        x, z, y = self.lines
        reach = round(0.5 * self.width / self.step)
        free = minimum_filter(depth, size=(2 * reach + 1, 2 * reach + 1, 1))
        runs = _longest(free, self.fine)
        left, upper = x[:, None] > 0.0, z[None, :] > 0.5 * (self.axes @ top)[2]
        quadrants = [~left & ~upper, ~left & upper, left & ~upper, left & upper]
        pockets = np.array([np.where(quadrant, runs, 0.0).max() for quadrant in quadrants])
        i, j = np.unravel_index(int(runs.argmax()), runs.shape)
        deepest = np.array([x[i], _middle(free[i, j], y), z[j]])
        return Fluid(pockets, self.volume(depth), deepest)


def _longest(depth: Vector, step: float) -> Vector:
    """Longest run of positive values along the last axis, ends interpolated [mm]."""
    best = np.zeros(depth.shape[:-1])
    run = np.zeros_like(best)
    for here, ahead in pairwise(np.moveaxis(depth, -1, 0)):
        share = here / np.where(here == ahead, 1.0, here - ahead)  # where it crosses zero
        inside, goes_on = here > 0.0, ahead > 0.0
        run = np.where(inside & goes_on, run + step, run)
        run = np.where(~inside & goes_on, (1.0 - share) * step, run)
        run = np.where(inside & ~goes_on, run + share * step, run)
        best = np.maximum(best, run)
        run = np.where(goes_on, run, 0.0)
    return best


def _middle(depth: Vector, y: Vector) -> float:
    """Middle of the longest run of positive values of a column [mm]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], depth > 0.0, [False]])))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return float(y[int(depth.argmax())])
    longest = int((stops - starts).argmax())
    return float(0.5 * (y[starts[longest]] + y[stops[longest] - 1]))


def solve(
    index: Callable[[float], float],
    wanted: float,
    low: float,
    high: float,
    guess: float,
    close: float = CLOSE,
) -> float:
    """The scale at which the amniotic fluid index is as wanted.

    Args:
        index: amniotic fluid index of a scale [mm], growing with it.
        wanted: the index that is asked for [mm].
        low: smallest scale; it is the answer if there is too much fluid even there.
        high: largest scale; it is the answer if there is too little even there.
        guess: scale to start from.
        close: share of the index by which it may be missed.
    """
    errors: dict[float, float] = {}

    def excess(scale: float) -> float:
        """Zero as soon as it is good enough, which ends the search."""
        if scale not in errors:
            errors[scale] = index(scale) - wanted
        return 0.0 if abs(errors[scale]) < close * wanted else errors[scale]

    step, end = _FIRST_STEP * (high - low), guess
    start = end
    grows = excess(guess) < 0.0
    while (excess(end) < 0.0) == grows and end != (high if grows else low):
        start, end = end, min(end + step, high) if grows else max(end - step, low)
        step *= 2.0
    if (excess(end) < 0.0) == grows:
        return end
    brentq(excess, min(start, end), max(start, end), xtol=1e-4 * (high - low))
    return min(errors, key=lambda scale: abs(errors[scale]))  # pockets come and go with a jump

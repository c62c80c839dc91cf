"""The shape of an ultrasound image on the screen: a fan or a rectangle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insonate.data.importers.source import Box

__all__ = ["Area", "Fan", "Rectangle", "bounds"]


@dataclass(frozen=True)
class Fan:
    """Image of a convex, phased or endocavity probe, in pixels; centres of pixels are whole.

    Attributes:
        column: of the apex, where the sides meet.
        row: of the apex; it may lie above the image.
        inner: radius of the probe's face; 0 if the image shows none.
        outer: radius of the deepest samples.
        left: angle of the left side from straight down, negative to the left [rad].
        right: angle of the right side [rad].
    """

    column: float
    row: float
    inner: float
    outer: float
    left: float
    right: float

    @property
    def face(self) -> tuple[float, float] | None:
        """Column and row of the middle of the probe's face; None if it is above the image."""
        if self.inner <= 0.0 and self.row < -0.005 * self.outer:
            return None
        middle = (self.left + self.right) / 2.0
        return (
            self.column + self.inner * math.sin(middle),
            self.row + self.inner * math.cos(middle),
        )

    def polar(
        self, column: NDArray[np.float64], row: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Radius [pixels] and angle [rad] of points."""
        across, down = column - self.column, row - self.row
        return np.hypot(across, down), np.arctan2(across, down)

    def mask(self, rows: int, columns: int) -> NDArray[np.uint8]:
        """1 in the fan, uint8 `(rows, columns)`."""
        row, column = np.ogrid[:rows, :columns]
        across, down = column - self.column, row - self.row
        squared = across**2 + down**2
        inside = (squared >= self.inner**2) & (squared <= self.outer**2)
        inside &= across * math.cos(self.left) >= down * math.sin(self.left)
        inside &= across * math.cos(self.right) <= down * math.sin(self.right)
        return inside.astype(np.uint8)

    def box(self, rows: int, columns: int) -> Box:
        """The smallest box around the fan in an image of a size."""
        return bounds(self.mask(rows, columns))

    def moved(self, across: float, down: float) -> Fan:
        """The same fan in an image whose first pixel lies elsewhere [pixels]."""
        return Fan(self.column + across, self.row + down, *self._rest())

    def described(self) -> dict[str, float | str]:
        """For metadata: pixels, degrees."""
        named = {"column": self.column, "row": self.row, "inner": self.inner, "outer": self.outer}
        degrees = {"left": math.degrees(self.left), "right": math.degrees(self.right)}
        return {"shape": "fan"} | {k: round(v, 2) for k, v in (named | degrees).items()}

    def _rest(self) -> tuple[float, float, float, float]:
        return self.inner, self.outer, self.left, self.right


@dataclass(frozen=True)
class Rectangle:
    """Image of a linear probe: a box of pixels."""

    bounds: Box

    @property
    def face(self) -> tuple[float, float]:
        """Column and row of the middle of the probe's face."""
        return (self.bounds.left + self.bounds.right - 1) / 2.0, self.bounds.top - 0.5

    def mask(self, rows: int, columns: int) -> NDArray[np.uint8]:
        """1 in the rectangle, uint8 `(rows, columns)`."""
        mask = np.zeros((rows, columns), np.uint8)
        self.bounds.within(rows, columns).cut(mask)[:] = 1
        return mask

    def box(self, rows: int, columns: int) -> Box:
        """The part of the rectangle in an image of a size."""
        return self.bounds.within(rows, columns)

    def moved(self, across: int, down: int) -> Rectangle:
        """The same rectangle in an image whose first pixel lies elsewhere [pixels]."""
        b = self.bounds
        return Rectangle(Box(b.left + across, b.top + down, b.right + across, b.bottom + down))

    def described(self) -> dict[str, float | str]:
        """For metadata: pixels."""
        b = self.bounds
        return {
            "shape": "rectangle",
            "left": b.left,
            "top": b.top,
            "right": b.right,
            "bottom": b.bottom,
        }


Area = Fan | Rectangle


def bounds(mask: NDArray[np.uint8]) -> Box:
    """The smallest box around all of `(rows, columns)` that is not 0; empty if all is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return Box(0, 0, 0, 0)
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)

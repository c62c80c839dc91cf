"""A lattice of control points of cubic B-splines over an image, with derivatives."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

__all__ = ["Lattice"]


@dataclasses.dataclass(frozen=True, eq=False)
class Lattice:
    """Control points every so many pixels; a displacement is B_r φ B_cᵀ.

    Attributes:
        down: values of the row splines at every row, and of their first and second derivatives,
            `(3, rows, control rows)`, by control points.
        across: the same for columns, `(3, columns, control columns)`.
        spacing: of control points [pixels].
    """

    down: Tensor
    across: Tensor
    spacing: int

    @classmethod
    def over(cls, rows: int, columns: int, spacing: int, device: torch.device) -> Lattice:
        """The lattice of an image, with one control point more on every side.

        Args:
            rows: of the image [pixels].
            columns: of the image [pixels].
            spacing: of control points [pixels].
            device: to keep it on.
        """
        down, across = _splines(rows, spacing), _splines(columns, spacing)
        return cls(down.to(device), across.to(device), spacing)

    def at_rest(self, count: int) -> Tensor:
        """No displacement of any control point: `(n, 2, control rows, control columns)`.

        Args:
            count: of images.
        """
        shape = (count, 2, self.down.shape[2], self.across.shape[2])
        return torch.zeros(shape, device=self.down.device)

    def displacement(self, control: Tensor) -> Tensor:
        """Displacement of every pixel down and across [pixels], `(n, 2, rows, columns)`.

        Args:
            control: displacements of control points `(n, 2, control rows, control columns)`
                [pixels].
        """
        return self._derived(control, 0, 0)

    def determinant(self, control: Tensor) -> Tensor:
        """Determinant of the Jacobian of x + u(x), `(n, rows, columns)`.

        Args:
            control: displacements of control points [pixels].
        """
        by_row = self._derived(control, 1, 0) / self.spacing
        by_column = self._derived(control, 0, 1) / self.spacing
        straight = (1.0 + by_row[:, 0]) * (1.0 + by_column[:, 1])
        return straight - by_column[:, 0] * by_row[:, 1]

    def bending_energy(self, control: Tensor) -> Tensor:
        """Mean of u_rr² + 2 u_rc² + u_cc² with lengths in control points, `(n,)` [pixels²].

        Args:
            control: displacements of control points [pixels].
        """
        orders = ((2, 0, 1.0), (1, 1, 2.0), (0, 2, 1.0))
        terms = [w * self._derived(control, r, c).square() for r, c, w in orders]
        return sum(terms, torch.zeros((), device=control.device)).sum(1).flatten(1).mean(1)

    def _derived(self, control: Tensor, by_row: int, by_column: int) -> Tensor:
        return self.down[by_row] @ control @ self.across[by_column].T


def _splines(size: int, spacing: int) -> Tensor:
    """Cubic B-splines of all control points at every pixel, with two derivatives."""
    points = math.ceil((size - 1) / spacing) + 3
    at = torch.arange(size, dtype=torch.float64)[:, None] / spacing
    # Point 0 lies one spacing before the first pixel.
    distance = at - (torch.arange(points, dtype=torch.float64)[None, :] - 1.0)
    return torch.stack(_cubic(distance)).float()


def _cubic(distance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The cubic B-spline and its first and second derivative, 0 beyond a distance of 2."""
    far, sign = distance.abs(), distance.sign()
    near = far < 1.0
    rest = (2.0 - far).clamp_min(0.0)
    value = torch.where(near, 2.0 / 3.0 - far**2 + far**3 / 2.0, rest**3 / 6.0)
    first = sign * torch.where(near, 1.5 * far**2 - 2.0 * far, -(rest**2) / 2.0)
    second = torch.where(near, 3.0 * far - 2.0, rest)
    return value, first, second

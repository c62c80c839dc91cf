"""A part of a frame, such as the crop that a network trains on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Window"]


@dataclass(frozen=True)
class Window:
    """A part of a frame.

    Attributes:
        row: first one [pixels].
        column: first one [pixels].
        rows: height [pixels].
        columns: width [pixels].
    """

    row: int
    column: int
    rows: int
    columns: int

    def cut(self, image: NDArray[Any]) -> NDArray[Any]:
        """This part of an image `(rows, columns)`."""
        return image[self.row : self.row + self.rows, self.column : self.column + self.columns]

    @classmethod
    def draw(cls, shape: tuple[int, int], side: int, rng: np.random.Generator) -> Window:
        """A square window anywhere in an image of shape `(rows, columns)` [pixels]."""
        row = int(rng.integers(shape[0] - side + 1))
        return cls(row, int(rng.integers(shape[1] - side + 1)), side, side)

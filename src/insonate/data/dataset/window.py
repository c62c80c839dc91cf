"""A part of a frame, such as the crop that a network trains on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError

__all__ = ["Window"]

#: Tries to find a window with enough of the fan in it.
_TRIES = 64


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
        """This part of an image `(rows, columns)`.

        Raises:
            InputError: it reaches beyond the image.
        """
        rows, columns = image.shape[:2]
        down, across = self.row + self.rows, self.column + self.columns
        if min(self.row, self.column) < 0 or down > rows or across > columns:
            raise InputError(f"{self}: expected within an image of {rows} x {columns}")
        return image[self.row : self.row + self.rows, self.column : self.column + self.columns]

    @classmethod
    def draw(cls, shape: tuple[int, int], side: int, rng: np.random.Generator) -> Window:
        """A square window anywhere in an image of shape `(rows, columns)` [pixels]."""
        row = int(rng.integers(shape[0] - side + 1))
        return cls(row, int(rng.integers(shape[1] - side + 1)), side, side)

    @classmethod
    def draw_inside(
        cls, fan: NDArray[Any], side: int, share: float, rng: np.random.Generator
    ) -> Window:
        """A square window with enough of the fan in it; of 64 the fullest if none has it.

        Args:
            fan: where the frame has content `(rows, columns)`, 0 or 1.
            side: of the window [pixels].
            share: of the window that lies in the fan, at least.
            rng: that draws.
        """
        best, most = None, -1.0
        for _ in range(_TRIES):
            window = cls.draw((fan.shape[0], fan.shape[1]), side, rng)
            found = float(window.cut(fan).mean())
            if found >= share:
                return window
            if found > most:
                best, most = window, found
        assert best is not None
        return best

"""Where a frame is measured: random crops, and tiles around its centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import Window

__all__ = ["centre_window", "draw_crops", "tiles"]

#: Networks take multiples of this without padding [pixels].
_LEGAL = 256


def draw_crops(
    fan: NDArray[np.bool_], side: int, count: int, seed: int, number: int, inside: float = 0.0
) -> list[Window]:
    """Square crops in random places, the same whoever asks.

    A crop with less of the fan in it than wanted is drawn anew: where all is black for good,
    every image equals every other. The best of 64 is taken if none has enough.

    Args:
        fan: where the frame has content `(rows, columns)`.
        side: of the crops [pixels].
        count: how many.
        seed: of the places.
        number: of the frame in its dataset.
        inside: least share of a crop that lies in the fan.
    """
    rng = np.random.default_rng((seed, number))
    return [Window.draw_inside(fan, side, inside, rng) for _ in range(count)]


def centre_window(shape: tuple[int, int], tile: int) -> Window:
    """The centre of a frame `(rows, columns)` that is translated for its tiles.

    Two tiles of 299 pixels are 598, a side that a U-Net of eight levels does not take: the
    centre is the next multiple of 256 where the frame has it, 768 for the paper.
    """
    side = min(-(-2 * tile // _LEGAL) * _LEGAL, *shape)
    return Window((shape[0] - side) // 2, (shape[1] - side) // 2, side, side)


def tiles(side: int, tile: int) -> list[Window]:
    """Two by two tiles around the centre of a square image, both sides in pixels."""
    first = side // 2 - tile
    corners = [(row, column) for row in (0, tile) for column in (0, tile)]
    return [Window(first + row, first + column, tile, tile) for row, column in corners]

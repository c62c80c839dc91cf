"""What a picture holds that is no image: black that was put there, gray scales, bars.

Pictures of a screen show more than ultrasound: outside of the fan, and where writing was hidden,
they are exactly black, and scales and bars are drawn beside the image or upon it. Within an image
next to nothing is exactly black over more than a few pixels, not even fluid and shadow, so that
what is, and is joined to the picture's border, was never image. This needs pictures without
lossy compression.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["drawn_or_hidden"]

#: Black that is narrower is a speck of the image [pixels].
THICK = 5
#: A box upon the image: least side [pixels], largest as a share of the image's, gray values, the
#: share of its rectangle that is as dark, and the share around it that is brighter.
BOX, LARGEST, DARK, FULL, LIT = 7, 0.25, 16, 0.95, 0.97
#: How far pixels beside black, a scale or a bar are mixtures of both [pixels].
BLURRED = 1
#: Where a scale may be, as a share of the width from the border.
ASIDE = 0.06
#: Least fall of gray along a scale, least share of the height that it goes on, and least width.
FALL, LONG, WIDE = 100, 0.1, 3
#: Least height of what is image, of all rows: what sticks out and is lower is none.
LEDGE = 0.045
#: Where a bar may begin, as a share of the height from the lower border, and the share of the
#: width over which black ends there.
BELOW, ACROSS = 0.06, 0.3

Bools = NDArray[np.bool_]


def drawn_or_hidden(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 where a picture holds no image, uint8 `(rows, columns)`.

    Args:
        image: gray values `(rows, columns)`.
    """
    black = (image == 0) | _gray_scale(image) | _bar_below(image)
    hidden = _joined_to_border(black)
    hidden |= _ledges(~hidden)
    hidden |= _boxes(image, hidden)
    shown = _largest(~_grown(hidden, 2 * BLURRED + 1))
    return (~shown).astype(np.uint8)


def _joined_to_border(black: Bools) -> Bools:
    """Black that reaches the border without passing where it is thin."""
    padded = np.pad(black, THICK, constant_values=True)
    parts = _parts(_opened(padded, THICK))
    return (parts == parts[0, 0])[THICK:-THICK, THICK:-THICK]


def _ledges(shown: Bools) -> Bools:
    """What of an image is lower than a ledge, such as a mark beside the fan that touches it."""
    side = 2 * round(LEDGE * len(shown) / 2.0) + 1
    core = ndimage.minimum_filter1d(shown, side, axis=0, mode="constant", cval=0)
    high: Any = ndimage.maximum_filter1d(core, side, axis=0, mode="constant", cval=0)
    return shown & ~high


def _boxes(image: NDArray[np.uint8], hidden: Bools) -> Bools:
    """Small dark boxes upon the image: straight sides, and brighter all around."""
    boxes, most = np.zeros_like(hidden), LARGEST * max(image.shape)
    parts = _parts(_opened((image <= DARK) & ~hidden, BOX))
    for number, where in enumerate(ndimage.find_objects(parts), start=1):
        part = parts[where] == number
        if max(part.shape) > most or part.mean() < FULL:
            continue
        ring = np.zeros_like(hidden)
        ring[_around(where, BLURRED + 1)] = True
        ring[_around(where, BLURRED)] = False
        ring &= ~hidden
        if ring.any() and (image[ring] > DARK).mean() >= LIT:
            boxes[where] = True
    return boxes


def _around(where: tuple[slice, ...], reach: int) -> tuple[slice, ...]:
    return tuple(slice(max(s.start - reach, 0), s.stop + reach) for s in where)


def _gray_scale(image: NDArray[np.uint8]) -> Bools:
    """A strip, up to the border, in which gray falls from row to row, as no speckle does."""
    rows, columns = image.shape
    reach = min(max(round(ASIDE * columns), WIDE), columns)
    scale = np.zeros(image.shape, bool)
    for start, side in ((0, image[:, :reach]), (columns - reach, image[:, -reach:])):
        falls = [_longest_fall(side[:, k].astype(int)) for k in range(side.shape[1])]
        steady = [k for k, (top, end, fall) in enumerate(falls)
                  if fall >= FALL and end - top >= LONG * rows]  # fmt: skip
        if len(steady) < WIDE or steady[-1] - steady[0] >= 2 * len(steady):
            continue
        top, end = min(falls[k][0] for k in steady), max(falls[k][1] for k in steady)
        left, right = max(start + steady[0] - 2, 0), start + steady[-1] + 3
        across = slice(0, right) if start == 0 else slice(left, columns)
        scale[max(top - 2, 0) : end + 2, across] = True
    return scale


def _longest_fall(values: NDArray[np.int_]) -> tuple[int, int, int]:
    """First row, end and fall of the stretch over which a column falls most without a rise."""
    rises = np.flatnonzero(np.diff(values) > 0) + 1
    tops, ends = np.concatenate([[0], rises]), np.concatenate([rises, [len(values)]])
    falls = values[tops] - values[ends - 1]
    best = int(falls.argmax())
    top, end = int(tops[best]), int(ends[best])
    level = int(np.flatnonzero(values[top:end] == values[end - 1])[0])  # a floor is no scale
    return top, top + level + 1, int(falls[best])


def _bar_below(image: NDArray[np.uint8]) -> Bools:
    """A bar along the lower border: black ends there at one row, over much of the width."""
    rows, columns = image.shape
    bar = np.zeros(image.shape, bool)
    first = rows - max(round(BELOW * rows), 2)
    if first < 1:
        return bar
    black = image[first - 1 :] == 0
    ends = (black[:-1] & ~black[1:]).sum(1)
    row = int(ends.argmax())
    if ends[row] >= ACROSS * columns:
        bar[first + row :] = True
    return bar


def _largest(mask: Bools) -> Bools:
    """The largest connected part, without threads that tie others to it."""
    parts = _parts(_opened(mask, 3))
    if not parts.any():
        return np.zeros_like(mask)
    core = parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())
    return _grown(core, 3) & mask


def _parts(mask: Bools) -> NDArray[Any]:
    labelled: Any = ndimage.label(mask)  # parts and their number
    return labelled[0]


def _opened(mask: Bools, side: int) -> Bools:
    """What squares of so many pixels cover that fit into a mask; it goes on beyond the border."""
    core: Any = ndimage.minimum_filter(mask, side, mode="nearest")
    return _grown(core, side)


def _grown(mask: Bools, side: int) -> Bools:
    grown: Any = ndimage.maximum_filter(mask, side, mode="constant", cval=0)
    return grown

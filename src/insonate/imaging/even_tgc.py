"""Time-gain compensation from a picture, as the optimise knob of a scanner sets it."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from insonate.imaging.display import SLIDER_LIMIT, SLIDERS, Display

__all__ = ["even_tgc"]

#: Gray values between which a pixel counts as tissue: fluid is darker, mirrors are brighter.
TISSUE = (0.12, 0.98)
#: Depths at which brightness is averaged, and the share of pixels that one needs to count whole.
BINS, ENOUGH = 64, 0.2
#: Weight of the wish that neighbouring sliders differ little, against that of one whole bin.
STIFFNESS = 0.5


def even_tgc(
    display: Display,
    bmode: NDArray[np.floating],
    depth: NDArray[np.floating],
    lit: NDArray[np.bool_],
    total: float,
) -> Display:
    """The display with sliders that make tissue evenly bright over depth (:eq:`even-tgc`).

    Args:
        display: that the picture was made with.
        bmode: log-compressed picture, 0 to 1, `(rows, columns)`.
        depth: of every pixel along its scanline, `(rows, columns)` [mm].
        lit: pixels in the fan and not in a shadow, `(rows, columns)`.
        total: depth of the image [mm].

    Returns:
        A copy with other sliders; the same display if no tissue is seen.
    """
    seen = lit & (bmode > TISSUE[0]) & (bmode < TISSUE[1])
    level = display.dynamic_range * (bmode[seen].astype(np.float64) ** (1.0 / display.gamma) - 1.0)
    at = np.minimum((depth[seen] / total * BINS).astype(int), BINS - 1)
    inside = np.minimum((depth[lit] / total * BINS).astype(int), BINS - 1)
    pixels, tissue = (np.bincount(k, minlength=BINS) for k in (inside, at))
    if not tissue.any():
        return display
    mean = np.bincount(at, level, BINS) / np.maximum(tissue, 1)
    weight = np.minimum(tissue / np.maximum(pixels, 1) / ENOUGH, 1.0)
    wanted = np.average(mean, weights=weight) - mean
    # Sliders are hats over depth: least squares, with the ends held by their neighbours.
    knots = np.linspace(0.0, BINS, SLIDERS)
    hats = np.stack([np.interp(np.arange(BINS) + 0.5, knots, e) for e in np.eye(SLIDERS)], 1)
    bend = STIFFNESS * np.diff(np.eye(SLIDERS), axis=0)
    matrix = hats.T @ (weight[:, None] * hats) + bend.T @ bend
    change = np.linalg.solve(matrix, hats.T @ (weight * wanted))
    sliders = np.clip(np.add(display.tgc, change), -SLIDER_LIMIT, SLIDER_LIMIT)
    return dataclasses.replace(display, tgc=tuple(float(round(v, 1)) for v in sliders))

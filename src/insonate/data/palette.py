"""One colour for every label, the same in every file."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

__all__ = ["label_colors"]

GOLDEN = 0.618033988749895


def label_colors(count: int) -> NDArray[np.uint8]:
    """Colours of labels 0 to `count` - 1, `(count, 3)`; 0 is black.

    Hues step by the golden ratio, so that neighbouring labels differ and a label keeps its
    colour however many there are.
    """
    colors = np.zeros((count, 3), np.uint8)
    for label in range(1, count):
        ring = label % 3
        hue = (0.02 + label * GOLDEN) % 1.0
        rgb = colorsys.hsv_to_rgb(hue, (0.75, 0.5, 0.9)[ring], (0.95, 1.0, 0.7)[ring])
        colors[label] = np.round(np.multiply(rgb, 255.0))
    return colors

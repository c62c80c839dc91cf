"""The head as an ellipse: its circumference from two diameters, and back."""

from __future__ import annotations

import math

__all__ = ["ellipse_circumference", "ellipse_diameter"]


def ellipse_circumference(first: float, second: float) -> float:
    """Circumference of an ellipse by Ramanujan's second formula.

    Args:
        first: one diameter [mm].
        second: the other [mm].
    """
    h = ((first - second) / (first + second)) ** 2
    return 0.5 * math.pi * (first + second) * (1.0 + 3.0 * h / (10.0 + math.sqrt(4.0 - 3.0 * h)))


def ellipse_diameter(circumference: float, other: float) -> float:
    """The long diameter of an ellipse, at most twice the short one; by bisection.

    Args:
        circumference: of the ellipse [mm].
        other: its short diameter [mm].
    """
    low, high = other, 2.0 * other
    for _ in range(40):
        middle = 0.5 * (low + high)
        short = ellipse_circumference(middle, other) < circumference
        low, high = (middle, high) if short else (low, middle)
    return low

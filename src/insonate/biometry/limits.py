"""Which numbers a growth formula takes."""

from __future__ import annotations

import math
from numbers import Real

from insonate.errors import InputError

__all__ = [
    "FIRST_WEEK",
    "LAST_WEEK",
    "check_finite",
    "check_positive",
    "check_range",
    "check_weeks",
]

#: Gestational ages that the room covers, in exact weeks.
FIRST_WEEK, LAST_WEEK = 14.0, 40.0


def check_range(value: object, what: str, low: float, high: float) -> float:
    """The number `value`, if it lies from `low` to `high`.

    Args:
        value: as the user gave it.
        what: it is, with its unit; begins the error's line.
        low: smallest number accepted.
        high: largest number accepted.

    Raises:
        InputError: not a number, or outside of the range.
    """
    number = _number(value)
    if not low <= number <= high:
        raise InputError(f"{what}: expected {low:g} to {high:g}, got {value!r}")
    return number


def check_weeks(
    weeks: object,
    what: str = "gestational age [weeks]",
    low: float = FIRST_WEEK,
    high: float = LAST_WEEK,
) -> float:
    """The gestational age `weeks`, if it lies where a formula holds.

    Args:
        weeks: exact weeks, days as sevenths.
        what: it is; begins the error's line.
        low: first week.
        high: last week.
    """
    return check_range(weeks, what, low, high)


def check_positive(value: object, what: str) -> float:
    """The number `value`, if it is finite and above 0.

    Args:
        value: as the user gave it.
        what: it is, with its unit; begins the error's line.

    Raises:
        InputError: not a number, or not above 0.
    """
    number = _number(value)
    if not 0.0 < number < math.inf:
        raise InputError(f"{what}: expected a number above 0, got {value!r}")
    return number


def check_finite(value: object, what: str) -> float:
    """The number `value`, if it is finite.

    Args:
        value: as the user gave it.
        what: it is, with its unit; begins the error's line.

    Raises:
        InputError: not a number, or not finite.
    """
    number = _number(value)
    if not math.isfinite(number):
        raise InputError(f"{what}: expected a finite number, got {value!r}")
    return number


def _number(value: object) -> float:
    """Python's float of `value`; not a number where it is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf

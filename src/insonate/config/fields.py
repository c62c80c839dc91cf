"""Fields of settings: every number finite and of its type, whoever set it."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterable
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np

from insonate.errors import InputError

__all__ = ["check_fields"]

Checked = tuple[object, str]  # the value as plain Python, or what it should have been


def check_fields(settings: Any, owner: str = "") -> None:
    """Refuse fields of a dataclass that are not of their type, or not finite.

    NumPy's numbers and lists are taken and become Python's and tuples.

    Args:
        settings: of a dataclass, in its `__post_init__`; frozen or not.
        owner: what the error's line begins with, such as "probe 'mine': ".

    Raises:
        InputError: names the first field that does not fit.
    """
    for name, kind in _kinds(type(settings)).items():
        given = getattr(settings, name)
        value, expected = _checked(kind, given)
        if expected:
            raise InputError(f"{owner}{name}: expected {expected}, got {_one_line(given)}")
        object.__setattr__(settings, name, value)


@cache
def _kinds(of: type) -> dict[str, Any]:
    hints = typing.get_type_hints(of)
    return {field.name: hints[field.name] for field in dataclasses.fields(of)}


def _checked(kind: Any, value: object) -> Checked:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):  # of a type and None
        checked, expected = (None, "") if value is None else _checked(inner[0], value)
        return checked, expected and f"{expected} or None"
    if origin is tuple:
        return _checked_all(inner[0], value)
    if origin is typing.Literal:
        return value, "" if isinstance(value, str) else " or ".join(inner)
    if kind in (int, float):
        return _number(kind, value)
    if kind is bool:
        fits = isinstance(value, bool | np.bool_)
        return (bool(value), "") if fits else (value, "True or False")
    return value, "" if isinstance(value, kind) else f"a {kind.__name__}"


def _checked_all(kind: Any, values: object) -> Checked:
    if not isinstance(values, Iterable) or isinstance(values, str):
        return values, "a sequence"
    checked = [_checked(kind, value) for value in values]
    wrong = next((expected for _, expected in checked if expected), "")
    return tuple(value for value, _ in checked), wrong and f"{wrong} in each place"


def _number(kind: type, value: object) -> Checked:
    if isinstance(value, bool | np.bool_):
        return value, "a number, not a truth value"
    if kind is int:
        fits = isinstance(value, Integral)
        return (int(value), "") if fits else (value, "a whole number")
    try:
        number = float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        number = math.inf
    return number, "" if math.isfinite(number) else "a finite number"


def _one_line(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else f"{text[:76]} ..."

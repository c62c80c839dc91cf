"""Settings changed from the command line by name: `rays=8`, `display.gain=3`, `probe.samples=4096`.

Values are read by the type of the field that they go to; angles are in degrees.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterable
from typing import Any

from insonate.errors import InputError, closest
from insonate.probe import Probe
from insonate.sim.settings import Settings

__all__ = ["override"]

ANGLES = ("field_of_view", "steering")  # rad inside, degrees on the command line


def override(
    settings: Settings, probe: Probe, assignments: Iterable[str]
) -> tuple[Settings, Probe]:
    """Settings and probe with `NAME=VALUE` assignments applied.

    Args:
        settings: to change; fields of its display are written `display.NAME`.
        probe: to change; its fields are written `probe.NAME`.
        assignments: in order; a later one wins.

    Raises:
        InputError: not an assignment, no such name, or a value of the wrong type or range.
    """
    targets: dict[str, Any] = {"": settings, "display": settings.display, "probe": probe}
    changes: dict[str, dict[str, object]] = {group: {} for group in targets}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"--set {assignment}: expected NAME=VALUE, such as rays=8")
        group, _, field = name.rpartition(".")
        if group not in targets:
            raise InputError(f"--set {name}: unknown group; {closest(group, _groups(targets))}")
        changes[group][field] = _read(name, targets[group], field, text)
    display = dataclasses.replace(settings.display, **changes["display"])  # type: ignore[arg-type]
    return settings.replace(display=display, **changes[""]), probe.replace(**changes["probe"])


def _groups(targets: Iterable[str]) -> list[str]:
    return [group for group in targets if group]


def _read(name: str, target: object, field: str, text: str) -> object:
    kinds = typing.get_type_hints(type(target))
    kinds.pop("display", None)
    if field not in kinds:
        raise InputError(f"--set {name}: no such setting; {closest(field, kinds)}")
    try:
        value = _value(kinds[field], text)
    except ValueError as error:
        raise InputError(f"--set {name}: expected {error}, got '{text}'") from error
    return math.radians(value) if field in ANGLES and isinstance(value, float) else value


def _value(kind: Any, text: str) -> object:
    """The value that `text` means for a field of type `kind`; ValueError says what it is not."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        (inner,) = (k for k in typing.get_args(kind) if k is not type(None))
        return None if text.lower() == "none" else _value(inner, text)
    if typing.get_origin(kind) is tuple:
        return tuple(_value(typing.get_args(kind)[0], part) for part in text.split(","))
    if typing.get_origin(kind) is typing.Literal:
        return _choice(typing.get_args(kind), text)
    if kind is bool:
        return _choice(("true", "false"), text.lower()) == "true"
    if kind is int or kind is float:
        return _number(kind, text)
    return text


def _choice(choices: tuple[str, ...], text: str) -> str:
    if text not in choices:
        raise ValueError(" or ".join(choices))
    return text


def _number(kind: type, text: str) -> float | int:
    try:
        number = kind(text)
    except ValueError:
        raise ValueError("a whole number" if kind is int else "a number") from None
    if not math.isfinite(number):
        raise ValueError("a finite number")
    return number

"""Plain values of a YAML or JSON file to frozen dataclasses, each key known, each value fitting."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from insonate.errors import InputError, closest

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")
_WORDS = {float: "a finite number", int: "a whole number", str: "a text", bool: "true or false"}


def from_plain(of: type[T], value: object, where: str = "") -> T:
    """A dataclass from the mapping that a file holds.

    Fields may be dataclasses, mappings, tuples, literals, numbers, texts, any of these or None,
    and one of several dataclasses that are told apart by their field `name`. A class with a
    `parse(value, where)` of its own is read by that.

    Args:
        of: the dataclass.
        value: what the file holds.
        where: what errors begin with, such as the file's name.

    Raises:
        InputError: an unknown or missing key, or a value that does not fit; names the key.
    """
    if hasattr(of, "parse"):
        return of.parse(value, where)  # type: ignore[attr-defined]
    if not isinstance(value, Mapping):
        raise _expected(where, "names and values", value)
    kinds = typing.get_type_hints(of)
    fields = {f.name: f for f in dataclasses.fields(of)}  # type: ignore[arg-type]
    for name in value:
        if name not in fields:
            raise InputError(f"{_join(where, name)}: unknown; {closest(str(name), fields)}")
    for name, field in fields.items():
        if name not in value and _required(field):
            raise InputError(f"{_join(where, name)}: missing")
    given = {name: _value(kinds[name], value[name], _join(where, name)) for name in value}
    return of(**given)


def to_plain(value: object) -> Any:
    """Dataclasses, tuples and mappings as what JSON can say; the inverse of `from_plain`."""
    if hasattr(value, "plain"):
        return value.plain()  # type: ignore[attr-defined]
    if dataclasses.is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return value


def _value(kind: Any, value: object, where: str) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        some = [k for k in inner if k is not type(None)]
        if value is None and len(some) < len(inner):
            return None
        return _value(some[0] if len(some) == 1 else _named(some, value, where), value, where)
    if origin is typing.Literal:
        if value not in inner:
            raise _expected(where, " or ".join(map(str, inner)), value)
        return value
    if origin is tuple:
        return _tuple(inner, value, where)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _expected(where, "names and values", value)
        return {str(k): _value(inner[1], v, _join(where, k)) for k, v in value.items()}
    if dataclasses.is_dataclass(kind):
        return from_plain(kind, value, where)  # type: ignore[arg-type]
    return _scalar(kind, value, where)


def _named(kinds: list[Any], value: object, where: str) -> Any:
    """The one of several dataclasses that the value calls by its field `name`."""
    by_name = {kind.name: kind for kind in kinds}
    name = value.get("name") if isinstance(value, Mapping) else None
    if name not in by_name:
        near = closest("" if name is None else str(name), by_name)  # no name is like no other
        raise InputError(f"{_join(where, 'name')}: {name!r}; {near}")
    return by_name[name]


def _tuple(inner: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _expected(where, "a list", value)
    kinds = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is ... else list(inner)
    if len(kinds) != len(value):
        raise _expected(where, f"{len(kinds)} values", value)
    pairs = zip(kinds, value, strict=True)
    return tuple(_value(kind, item, f"{where}[{k}]") for k, (kind, item) in enumerate(pairs))


def _scalar(kind: type, value: object, where: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and number and math.isfinite(value):  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]
    if kind is float or (kind is int and isinstance(value, bool)) or not isinstance(value, kind):
        raise _expected(where, _WORDS.get(kind, kind.__name__), value)
    return value


def _required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _join(where: str, name: object) -> str:
    return f"{where}.{name}" if where and not where.endswith(": ") else f"{where}{name}"


def _expected(where: str, what: str, got: object) -> InputError:
    text = " ".join(repr(got).split())
    text = text if len(text) < 80 else f"{text[:76]} ..."
    return InputError(f"{where}: expected {what}, got {text}")

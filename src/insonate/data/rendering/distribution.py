"""What a recipe leaves to chance: a value, or what it is drawn from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from insonate.anatomy.patient.draw import Draw
from insonate.errors import InputError, closest

__all__ = ["Distribution", "draw_of"]

KINDS = ("uniform", "integer", "normal", "choice")


def draw_of(seed: int, *counters: object) -> Draw:
    """Chance for what has these counters, such as frame 4711: the same for whoever draws it."""
    text = "/".join(map(str, (seed, *counters)))
    return Draw(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


@dataclass(frozen=True)
class Distribution:
    """A value, or what it is drawn from.

    In a recipe: a plain value; `{uniform: [low, high]}`; `{integer: [low, high]}`, both included;
    `{normal: [mean, deviation]}`, cut at two deviations; `{choice: [a, b]}`, all alike, or
    `{choice: {a: 3, b: 1}}`, by weight.

    Attributes:
        kind: of `KINDS`, or "constant".
        values: what the kind needs.
        weights: of a choice's values.
    """

    kind: str
    values: tuple[Any, ...]
    weights: tuple[float, ...] = ()

    @classmethod
    def parse(cls, value: object, where: str) -> Distribution:
        """From what a file holds.

        Raises:
            InputError: it is none of these, or cannot be drawn from.
        """
        if not isinstance(value, Mapping):
            return cls("constant", (tuple(value) if isinstance(value, list) else value,))
        if len(value) != 1 or next(iter(value)) not in KINDS:
            raise InputError(
                f"{where}: expected a value or one of {', '.join(KINDS)}; "
                f"{closest(str(next(iter(value), '')), KINDS)}"
            )
        ((kind, given),) = value.items()
        return _choice(given, where) if kind == "choice" else _range(kind, given, where)

    def plain(self) -> Any:
        """What `parse` reads."""
        if self.kind == "constant":
            return list(self.values[0]) if isinstance(self.values[0], tuple) else self.values[0]
        if self.kind == "choice":
            alike = len(set(self.weights)) == 1
            texts = all(isinstance(value, str) for value in self.values)
            if alike or not texts:
                return {"choice": list(self.values)}
            return {"choice": dict(zip(self.values, self.weights, strict=True))}
        return {self.kind: list(self.values)}

    def draw(self, draw: Draw, name: str) -> Any:
        """A value from the stream called `name`."""
        if self.kind == "constant":
            return self.values[0]
        if self.kind == "choice":
            options = [str(k) for k in range(len(self.values))]
            return self.values[int(draw.choice(name, options, self.weights))]
        if self.kind == "normal":
            return draw.normal(name, *self.values)
        low, high = self.values
        if self.kind == "integer":
            return min(int(draw.even(name, low, high + 1)), int(high))
        return draw.even(name, low, high)


def _range(kind: str, given: object, where: str) -> Distribution:
    pair = isinstance(given, list | tuple) and len(given) == 2
    if not (pair and all(_finite(v) for v in given)):  # type: ignore[union-attr]
        raise InputError(f"{where}.{kind}: expected two numbers, got {given!r}")
    first, second = given  # type: ignore[misc]
    if kind == "normal" and second < 0:
        raise InputError(f"{where}.normal: expected a deviation from 0, got {second!r}")
    if kind != "normal" and second < first:
        raise InputError(f"{where}.{kind}: expected the lower number first, got {given!r}")
    if kind == "integer" and not all(isinstance(v, int) for v in (first, second)):
        raise InputError(f"{where}.integer: expected whole numbers, got {given!r}")
    return Distribution(kind, (first, second))


def _choice(given: object, where: str) -> Distribution:
    if isinstance(given, list | tuple):
        values = tuple(tuple(v) if isinstance(v, list) else v for v in given)
        weights = (1.0,) * len(values)
    elif isinstance(given, Mapping) and all(_finite(w) and w >= 0 for w in given.values()):
        values, weights = tuple(given), tuple(float(w) for w in given.values())
    else:
        raise InputError(f"{where}.choice: expected values, or values with weights, got {given!r}")
    if not sum(weights) > 0:
        raise InputError(f"{where}.choice: expected something to choose from, got {given!r}")
    return Distribution("choice", values, tuple(w / sum(weights) for w in weights))


def _finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]

"""A result that carries what made it, so that numbers that cannot be compared are not."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.config import from_plain
from insonate.errors import InputError

__all__ = ["Made", "Score", "Setting", "Summary", "check_comparable", "joined"]

#: What a setting may be.
Setting = str | int | float
_WORDS = {math.inf: "inf", -math.inf: "-inf"}


@dataclasses.dataclass(frozen=True)
class Made:
    """What made a number.

    Attributes:
        measure: short name, such as `KID`.
        settings: all that changes the number, by name: extractor, layer, count, rule.
    """

    measure: str
    settings: Mapping[str, Setting] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.settings.items():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise InputError(f"{self.measure}: {name}: expected a text or a number")

    @property
    def key(self) -> str:
        """Texts as they are, numbers behind their names: `KID-random-d512-n443-subset221`."""
        parts = [v if isinstance(v, str) else f"{k}{v}" for k, v in self.settings.items()]
        return "-".join([self.measure, *parts])

    def also(self, **settings: Setting) -> Made:
        """The same with further settings."""
        return Made(self.measure, {**self.settings, **settings})

    def plain(self) -> dict[str, Any]:
        """As JSON has it, with the key."""
        return {"measure": self.measure, "settings": dict(self.settings), "key": self.key}

    @classmethod
    def parse(cls, value: object, where: str = "") -> Made:
        """The inverse of `plain`.

        Args:
            value: what the file holds.
            where: what errors begin with.

        Raises:
            InputError: not what `plain` writes.
        """
        written = from_plain(_WrittenMade, value, where)
        try:
            made = cls(written.measure, written.settings)
        except InputError as error:
            raise InputError(_at(where, str(error))) from error
        if made.key != written.key:
            raise InputError(_at(where, f"key: expected {made.key!r}, got {written.key!r}"))
        return made


@dataclasses.dataclass(frozen=True)
class Summary:
    """A row of a table.

    Attributes:
        mean: of all values.
        std: standard deviation of the values themselves, not of a larger population.
        low: 5th percentile.
        high: 95th percentile.
        count: of values.
    """

    mean: float
    std: float
    low: float
    high: float
    count: int


@dataclasses.dataclass(frozen=True, eq=False)
class Score:
    """Values of one measure, one for every image, subset, or one in all.

    Attributes:
        values: `(n,)` float64, in the measure's unit.
        made: what made them.
    """

    values: NDArray[np.float64]
    made: Made

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 1 or not len(values):
            raise InputError(f"{self.made.key}: expected values (n,), got shape {values.shape}")
        object.__setattr__(self, "values", values)

    @property
    def key(self) -> str:
        """Of what made it; scores with different keys cannot be compared."""
        return self.made.key

    def summary(self) -> Summary:
        """Mean, standard deviation, 5th and 95th percentile, count."""
        # Percentiles between two infinite values, and their deviations, are no numbers.
        with np.errstate(invalid="ignore"):
            low, high = np.percentile(self.values, (5.0, 95.0))
            mean, std = self.values.mean(), self.values.std()
        return Summary(float(mean), float(std), float(low), float(high), len(self.values))

    def difference(self, other: Score) -> NDArray[np.float64]:
        """This score minus another of the same images, value by value, `(n,)`.

        Args:
            other: made by the same.

        Raises:
            InputError: made otherwise, or another number of values.
        """
        check_comparable((self, other))
        if len(self.values) != len(other.values):
            counts = f"{len(self.values)} and {len(other.values)}"
            raise InputError(f"{self.key}: expected pairs, got {counts} values")
        return self.values - other.values

    def plain(self) -> dict[str, Any]:
        """As JSON has it; what is no finite number is written as a text."""
        values = [float(v) for v in self.values]
        return {
            "made": self.made.plain(),
            "values": [v if math.isfinite(v) else _WORDS.get(v, "nan") for v in values],
        }

    @classmethod
    def parse(cls, value: object, where: str = "") -> Score:
        """The inverse of `plain`.

        Args:
            value: what the file holds.
            where: what errors begin with.

        Raises:
            InputError: not what `plain` writes.
        """
        written = from_plain(_WrittenScore, value, where)
        values = [_number(v, _at(where, f"values[{k}]")) for k, v in enumerate(written.values)]
        if not values:
            raise InputError(_at(where, "values: expected at least one, got none"))
        return cls(np.array(values), written.made)


@dataclasses.dataclass(frozen=True)
class _WrittenMade:
    measure: str
    settings: Mapping[str, Any]
    key: str


@dataclasses.dataclass(frozen=True)
class _WrittenScore:
    made: Made
    values: tuple[Any, ...]


def check_comparable(scores: Sequence[Score]) -> None:
    """Refuses scores that different measures, settings, extractors or counts made.

    Args:
        scores: to be compared or joined.

    Raises:
        InputError: two keys; names both.
    """
    keys = sorted({score.key for score in scores})
    if len(keys) > 1:
        raise InputError(f"scores: cannot be compared: {keys[0]} and {keys[1]}")


def joined(scores: Sequence[Score]) -> Score:
    """One score of the values of several, in order.

    Args:
        scores: made by the same, such as those of the batches of one data set.

    Raises:
        InputError: none, or made differently.
    """
    if not scores:
        raise InputError("scores: expected at least one, got none")
    check_comparable(scores)
    return Score(np.concatenate([score.values for score in scores]), scores[0].made)


def _at(where: str, what: str) -> str:
    """What errors begin with: the file, then the place in it."""
    return f"{where}.{what}" if where and not where.endswith(": ") else f"{where}{what}"


def _number(value: object, where: str) -> float:
    if isinstance(value, str) and value in ("inf", "-inf", "nan"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where}: expected a number, got {value!r}")
    return float(value)

"""Plain values to dataclasses: what fits is taken, what does not is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.config import from_plain, to_plain
from insonate.errors import InputError


@dataclass(frozen=True)
class Inner:
    depth: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    count: int
    inner: Inner
    kind: Literal["a", "b"] = "a"
    on: bool = False
    maybe: float | None = None
    table: Mapping[str, Inner] = field(default_factory=dict)
    pair: tuple[int, float] = (1, 2.0)


inners = st.builds(
    Inner, st.floats(allow_nan=False, allow_infinity=False), st.lists(st.text()).map(tuple)
)
outers = st.builds(
    Outer, st.integers(), inners, st.sampled_from("ab"), st.booleans(),
    st.none() | st.floats(-1e9, 1e9), st.dictionaries(st.text(), inners),
    st.tuples(st.integers(), st.floats(-1e9, 1e9)),
)  # fmt: skip


@given(outers)
def test_what_is_said_plainly_is_read_back(outer):
    assert from_plain(Outer, to_plain(outer)) == outer


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "expected names and values, got []"),
        ({"count": 1}, "inner: missing"),
        ({"count": True, "inner": {"depth": 1}}, "count: expected a whole number, got True"),
        ({"count": 1.0, "inner": {"depth": 1}}, "count: expected a whole number"),
        ({"count": 1, "inner": {"depth": "x"}}, "inner.depth: expected a finite number, got 'x'"),
        ({"count": 1, "inner": {"depth": float("nan")}}, "inner.depth: expected a finite number"),
        ({"count": 1, "inner": {"deph": 1}}, "inner.deph: unknown; did you mean 'depth'"),
        ({"count": 1, "inner": {"depth": 1, "words": "ab"}}, "inner.words: expected a list"),
        ({"count": 1, "inner": {"depth": 1, "words": [1]}}, "inner.words[0]: expected a text"),
        ({"count": 1, "inner": {"depth": 1}, "kind": "c"}, "kind: expected a or b, got 'c'"),
        ({"count": 1, "inner": {"depth": 1}, "on": 1}, "on: expected true or false"),
        ({"count": 1, "inner": {"depth": 1}, "table": {"x": 1}}, "table.x: expected names"),
        ({"count": 1, "inner": {"depth": 1}, "pair": [1]}, "pair: expected 2 values"),
    ],
)
def test_what_does_not_fit_is_named(value, words):
    with pytest.raises(InputError) as error:
        from_plain(Outer, value, "file.yaml: ")
    assert str(error.value).startswith("file.yaml: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@dataclass(frozen=True)
class Ball:
    name: Literal["ball"] = "ball"
    radius: float = 1.0


@dataclass(frozen=True)
class Box:
    name: Literal["box"] = "box"
    sides: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Room:
    thing: Ball | Box
    other: Ball | Box | None = None


@pytest.mark.parametrize("room", [Room(Ball(radius=2.0)), Room(Box(), Ball())])
def test_one_of_several_is_told_by_its_name(room):
    assert from_plain(Room, to_plain(room)) == room


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ({"name": "bal"}, "thing.name: 'bal'; did you mean 'ball'?"),
        ({"radius": 1.0}, "thing.name: None; known: ball, box"),
        (3, "thing.name: None; known: ball, box"),
        (None, "thing.name: None; known: ball, box"),
        ({"name": "box", "radius": 1.0}, "thing.radius: unknown; known: name, sides"),
    ],
)
def test_none_of_several(thing, words):
    with pytest.raises(InputError, match=re.escape(words)):
        from_plain(Room, {"thing": thing})

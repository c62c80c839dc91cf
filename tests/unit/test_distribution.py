"""What a recipe leaves to chance: drawn by name and number, within what was said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.data.rendering.distribution import Distribution, draw_of
from insonate.errors import InputError

ranges = st.tuples(st.integers(-1000, 1000), st.integers(0, 1000)).map(lambda p: [p[0], sum(p)])


@given(ranges, st.integers(0, 2**60), st.sampled_from(["uniform", "integer"]))
def test_ranges_hold_and_number_decides(pair, seed, kind):
    said = Distribution.parse({kind: pair}, "x")
    value = said.draw(draw_of(seed, "frame", 3), "x")
    assert pair[0] <= value <= pair[1]
    assert value == said.draw(draw_of(seed, "frame", 3), "x")
    assert kind == "uniform" or isinstance(value, int)


def test_every_whole_number_of_a_range_is_drawn_alike():
    said = Distribution.parse({"integer": [2, 4]}, "x")
    drawn = [said.draw(draw_of(1, k), "x") for k in range(3000)]
    assert np.bincount(drawn)[2:] == pytest.approx([1000, 1000, 1000], abs=110)


def test_weights_are_shares():
    said = Distribution.parse({"choice": {"a": 3, "b": 1, "c": 0}}, "x")
    drawn = [said.draw(draw_of(1, k), "x") for k in range(2000)]
    assert drawn.count("a") == pytest.approx(1500, abs=80)
    assert "c" not in drawn


def test_normal_has_its_mean_and_stays_within_two_deviations():
    said = Distribution.parse({"normal": [5, 2]}, "x")
    drawn = np.array([said.draw(draw_of(1, k), "x") for k in range(2000)])
    assert drawn.mean() == pytest.approx(5.0, abs=0.15)
    assert np.abs(drawn - 5.0).max() <= 4.0


def test_frames_differ():
    said = Distribution.parse({"uniform": [0, 1]}, "x")
    assert len({said.draw(draw_of(1, "frame", k), "x") for k in range(100)}) == 100


@pytest.mark.parametrize(
    "value",
    [3, 2.5, "word", [1, 2], {"uniform": [0, 1]}, {"integer": [1, 9]}, {"normal": [0, 1]},
     {"choice": ["a", "b"]}, {"choice": {"a": 0.25, "b": 0.75}}],
)  # fmt: skip
def test_plain_values_are_read_back(value):
    said = Distribution.parse(value, "x")
    assert Distribution.parse(said.plain(), "x") == said


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"unifrom": [0, 1]}, "did you mean 'uniform'"),
        ({"uniform": [0, 1], "normal": [0, 1]}, "expected a value or one of"),
        ({"uniform": [1, 0]}, "expected the lower number first"),
        ({"uniform": 3}, "expected two numbers"),
        ({"uniform": [0, float("inf")]}, "expected two numbers"),
        ({"integer": [0, 1.5]}, "expected whole numbers"),
        ({"normal": [0, -1]}, "expected a deviation from 0"),
        ({"choice": []}, "expected something to choose from"),
        ({"choice": {"a": -1}}, "expected values, or values with weights"),
        ({"choice": {"a": 0}}, "expected something to choose from"),
    ],
)
def test_what_cannot_be_drawn_from_is_named(value, words):
    with pytest.raises(InputError, match="shift") as error:
        Distribution.parse(value, "shift")
    assert words in str(error.value)

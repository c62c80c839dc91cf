"""What settings, displays and probes refuse from Python: one line that names the field."""

import dataclasses
import math
import typing

import numpy as np
import pytest

from insonate.errors import InputError
from insonate.imaging import Display
from insonate.probe import load_probe
from insonate.sim import Settings

THINGS = [Settings.fast(), Display(), load_probe("c5_2v")]


def fields(*kinds):
    """Every field of one of `kinds`, with the thing that has it."""
    found = []
    for thing in THINGS:
        hints = typing.get_type_hints(type(thing))
        names = [f.name for f in dataclasses.fields(thing) if hints[f.name] in kinds]
        found += [pytest.param(thing, name, id=f"{type(thing).__name__}-{name}") for name in names]
    return found


def refused(thing, name, value, expected):
    with pytest.raises(InputError, match=f"{name}: expected {expected}") as caught:
        dataclasses.replace(thing, **{name: value})
    assert "\n" not in str(caught.value)


def test_fields_are_found():
    assert len(fields(float, float | None)) > 25
    assert len(fields(int)) > 6


@pytest.mark.parametrize(("thing", "name"), fields(float, float | None))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "1", 10**400, 1j, np.zeros(2)])
def test_fields_that_are_no_finite_number(thing, name, value):
    refused(thing, name, value, "a finite number")


@pytest.mark.parametrize(("thing", "name"), fields(float))
def test_fields_that_cannot_be_left_out(thing, name):
    refused(thing, name, None, "a finite number, got None")


@pytest.mark.parametrize(("thing", "name"), fields(float | None))
def test_fields_that_can_be_left_out(thing, name):
    assert getattr(dataclasses.replace(thing, **{name: None}), name) is None


@pytest.mark.parametrize(("thing", "name"), fields(int))
@pytest.mark.parametrize("value", [2.5, 2.0, math.nan, "2", None])
def test_fields_that_are_no_whole_number(thing, name, value):
    refused(thing, name, value, "a whole number")


@pytest.mark.parametrize(("thing", "name"), fields(int, float))
def test_fields_that_are_truth_values(thing, name):
    refused(thing, name, True, "a number, not a truth value")


@pytest.mark.parametrize(("thing", "name"), fields(bool))
def test_fields_that_are_no_truth_values(thing, name):
    refused(thing, name, 1, "True or False")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("tgc", 3.0, "a sequence, got 3.0"),
        ("tgc", "00000000", "a sequence"),
        ("tgc", [math.nan] * 8, "a finite number in each place"),
        ("tgc", ["0"] * 8, "a finite number in each place"),
    ],
)
def test_fields_of_sliders(name, value, expected):
    refused(Display(), name, value, expected)


def test_fields_of_another_kind():
    refused(Settings.fast(), "display", 3, "a Display, got 3")
    refused(Settings.fast(), "branching", 3, "dominant or stochastic, got 3")
    refused(load_probe("c5_2v"), "name", 3, "a str, got 3")
    with pytest.raises(InputError, match=r"rays: expected a whole number, got 2\.5"):
        Settings.fast(rays=2.5)
    with pytest.raises(InputError, match="probe 'linear_l11': steering: expected a finite"):
        load_probe("linear_l11").replace(steering=math.nan)


def test_fields_take_numbers_of_numpy_and_keep_those_of_python():
    settings = Settings.fast(rays=np.int64(8), haze=np.float32(-45), keep_iq=np.bool_(True))
    assert settings == Settings.fast(rays=8, haze=-45.0, keep_iq=True)
    assert [type(v) for v in (settings.rays, settings.haze, settings.keep_iq)] == [int, float, bool]
    assert Display(tgc=np.arange(8)).tgc == (0, 1, 2, 3, 4, 5, 6, 7)
    probe = load_probe("c5_2v").replace(depth=np.int32(100), samples=np.int32(3000))
    assert (type(probe.depth), type(probe.samples)) == (float, int)

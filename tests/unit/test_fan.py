"""Fans are found where they are, and nothing is found where there is none."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insonate import Settings, Simulator, load_probe, load_scene, look_at
from insonate.data.importers.fan import Fan, Rectangle
from insonate.data.importers.find_fan import Content, background, find_area
from insonate.data.importers.source import Box

SWEEP = Path(__file__).parents[2].parent / "shared" / "data" / "tracked" / "liver-sweep.igs.mha"


def found(*images):
    content = Content()
    for image in images:
        content.add(image)
    return find_area(content)


def speckle(mask, seed=0, dark=0.2):
    """Content with holes: a share of its pixels is black."""
    noise = np.random.default_rng(seed)
    image = np.clip(noise.rayleigh(40.0, mask.shape), 1, 255)
    image[noise.random(mask.shape) < dark] = 0
    return (image * mask).astype(np.uint8)


def test_mask_of_a_fan_is_what_lies_between_its_radii_and_sides():
    fan = Fan(50.0, 10.0, 20.0, 60.0, -0.5, 0.5)
    mask = fan.mask(100, 101)
    assert mask[10 + 20, 50] == 1
    assert mask[10 + 19, 50] == 0
    assert mask[10 + 60, 50] == 1
    assert mask[10 + 61, 50] == 0
    assert mask[50, 50 + int(40 * math.tan(0.49))] == 1
    assert mask[50, 50 + int(40 * math.tan(0.53))] == 0
    assert mask.sum() == pytest.approx(0.5 * (60**2 - 20**2), rel=0.02)
    assert fan.face == (50.0, 30.0)


def test_a_fan_whose_face_is_above_the_image_has_no_face():
    assert Fan(50.0, -100.0, 0.0, 300.0, -0.5, 0.5).face is None
    assert Fan(50.0, 0.0, 0.0, 300.0, -0.5, 0.5).face == (50.0, 0.0)


@given(
    inner=st.floats(30, 120),
    depth=st.floats(150, 260),
    half=st.floats(0.35, 0.9),
    tilt=st.floats(-0.1, 0.1),
    top=st.floats(5, 40),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_any_fan_is_found_to_a_pixel(inner, depth, half, tilt, top, seed):
    outer = inner + depth
    left, right = tilt - half, tilt + half
    row = top - inner * math.cos(max(abs(left), abs(right)))
    fan = Fan(320.0, row, inner, outer, left, right)
    got = found(*(speckle(fan.mask(420, 640), seed + k) for k in range(3)))
    assert isinstance(got, Fan)
    mask, true = got.mask(420, 640), fan.mask(420, 640)
    assert (mask & true).sum() / (mask | true).sum() > 0.98
    assert got.face == pytest.approx(fan.face, abs=2.0)
    assert got.left == pytest.approx(left, abs=0.01)
    assert got.right == pytest.approx(right, abs=0.01)


@pytest.mark.parametrize("name", ["paper_convex", "c5_2v", "endocavity", "phased_p4"])
def test_the_fans_of_our_own_probes_are_found_to_a_tenth_of_a_pixel(name):
    probe = load_probe(name)
    frame = Simulator(load_scene("qa"), probe, Settings.fast()).frame(
        look_at(at=(0, 0, 0), aim=(0, 10, 0)), seed=1
    )
    fan = found(frame.image())
    assert isinstance(fan, Fan)
    lateral, depth = frame.origin
    true = -lateral / frame.spacing, -depth / frame.spacing
    tight = 0.1 if name != "phased_p4" else 0.7  # its apex is cut by the image's edge
    assert fan.face == pytest.approx(true, abs=tight)
    assert fan.inner == pytest.approx(probe.radius / frame.spacing, abs=tight)
    assert fan.outer == pytest.approx((probe.radius + probe.depth) / frame.spacing, abs=tight)
    assert fan.right - fan.left == pytest.approx(probe.field_of_view, abs=1e-3)


def test_writing_and_a_gray_bar_do_not_move_the_fan():
    fan = Fan(200.0, -40.0, 60.0, 320.0, -0.5, 0.5)
    image = speckle(fan.mask(320, 400))
    image[5:12, 5:100:3] = 255  # writing
    image[60:260, 385:392] = 128  # a bar
    got = found(image)
    assert isinstance(got, Fan)
    assert (got.column, got.row) == pytest.approx((fan.column, fan.row), abs=1.5)


def test_a_linear_probe_is_a_rectangle():
    mask = np.zeros((300, 400), np.uint8)
    mask[40:260, 80:330] = 1
    got = found(*(speckle(mask, k) for k in range(3)))
    assert isinstance(got, Rectangle)
    assert got.bounds == Box(80, 40, 330, 260)
    assert got.face == (204.5, 39.5)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((200, 300), np.uint8),
        np.full((200, 300), 77, np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((3, 500), np.uint8),
        np.random.default_rng(0).integers(0, 256, (200, 300)).astype(np.uint8),
    ],
    ids=["black", "gray", "one pixel", "thin", "noise"],
)
def test_nothing_is_found_where_nothing_is(image):
    assert found(image) is None


def test_two_fans_side_by_side_are_not_taken_for_one():
    mask = Fan(150.0, -20.0, 60.0, 260.0, -0.5, 0.5).mask(300, 600)
    mask |= Fan(450.0, -20.0, 60.0, 260.0, -0.5, 0.5).mask(300, 600)
    assert found(speckle(mask)) is None


def test_background_is_that_of_the_upper_corners():
    image = np.full((80, 120), 48, np.uint8)
    image[30:, 30:90] = 0
    assert background(image) == 48


@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.integers(1, 90))
@settings(max_examples=60, deadline=None)
def test_any_picture_is_looked_at_without_a_crash(seed, rows, columns):
    noise = np.random.default_rng(seed)
    image = noise.integers(0, 256, (rows, columns)).astype(np.uint8)
    image[noise.random(image.shape) < noise.random()] = 0
    area = found(image)
    assert area is None or area.mask(rows, columns).any()


@pytest.mark.skipif(not SWEEP.exists(), reason="real data are not here")
def test_the_fan_of_a_real_sweep():
    """Column, row of the face and inner radius as published.

    The published outer radius (724.4) ends inside of what is to be seen, which reaches to 733
    around the same apex, so it is held to 1.5 %.
    """
    import SimpleITK

    frames = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(SWEEP)))
    for chosen in (frames[::12], frames[48:49]):
        fan = found(*chosen)
        assert isinstance(fan, Fan)
        assert fan.column == pytest.approx(369.0, abs=1.0)
        assert fan.row + fan.inner == pytest.approx(22.0, abs=1.0)
        assert fan.inner == pytest.approx(161.3, abs=1.0)
        assert fan.outer == pytest.approx(724.4, rel=0.015)
        assert fan.outer == pytest.approx(733.0, abs=1.0)

"""Where frames are measured: crops, and tiles around the centre."""

import numpy as np
import pytest

from insonate.errors import InputError
from insonate.evaluation import EvaluationSettings
from insonate.evaluation.windows import centre_window, draw_crops, tiles

SMALL = EvaluationSettings(crop=32)


def test_crops_are_the_same_whoever_asks():
    fan = np.ones((64, 80), bool)
    first = draw_crops(fan, 32, 4, seed=0, number=7)
    assert first == draw_crops(fan, 32, 4, seed=0, number=7)
    assert first != draw_crops(fan, 32, 4, seed=0, number=8)
    assert first != draw_crops(fan, 32, 4, seed=1, number=7)
    assert len(set(first)) == 4
    for window in first:
        assert 0 <= window.row <= 32
        assert 0 <= window.column <= 48
        assert (window.rows, window.columns) == (32, 32)


def test_crops_hold_some_of_the_fan():
    fan = np.zeros((64, 80), bool)
    fan[:, :20] = True
    shares = [w.cut(fan).mean() for w in draw_crops(fan, 32, 40, 0, 0, inside=0.3)]
    assert min(shares) >= 0.3
    assert min(w.cut(fan).mean() for w in draw_crops(fan, 32, 40, 0, 0)) < 0.3
    assert len(draw_crops(np.zeros_like(fan), 32, 4, 0, 0, inside=0.5)) == 4  # there is none


def test_tiles_of_the_paper():
    """Zhang et al. 2020: centre crops in four of 299; 598 is no side of a U-Net, 768 is."""
    centre = centre_window((1000, 1386), 299)
    assert (centre.row, centre.column, centre.rows, centre.columns) == (116, 309, 768, 768)
    corners = [(w.row, w.column) for w in tiles(768, 299)]
    assert corners == [(85, 85), (85, 384), (384, 85), (384, 384)]


def test_tiles_of_small_frames_are_what_fits():
    assert SMALL.tile_side((256, 354)) == 128
    assert centre_window((256, 354), 128).rows == 256
    assert centre_window((64, 80), 32) == centre_window((64, 80), 32)
    seen = np.zeros((64, 64), int)
    for window in tiles(64, 32):
        window.cut(seen)[:] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize(
    ("shape", "side"), [((1000, 1386), 512), ((256, 354), 128), ((64, 80), 64)]
)
def test_sides_of_crops(shape, side):
    assert EvaluationSettings().crop_side(shape) == side


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"crop": 8}, "crop: expected at least 32, got 8"),
        ({"crops": 0}, "crops: expected at least 1"),
        ({"batch": 0}, "batch: expected at least 1"),
        ({"frames": 0}, "frames: expected at least 1"),
        ({"inside": 1.5}, "inside: expected a share"),
        ({"seed": -1}, "seed: expected at least 0"),
    ],
)
def test_settings_that_cannot_be(change, words):
    with pytest.raises(InputError, match=words):
        EvaluationSettings(**change)


def test_windows_larger_than_frames():
    with pytest.raises(InputError, match="crop: 65 pixels, larger than the frames, 64 x 80; "):
        EvaluationSettings(crop=65).crop_side((64, 80))
    with pytest.raises(InputError, match=r"tile: 40 pixels, two of them .* expected at most 32"):
        EvaluationSettings(tile=40).tile_side((64, 80))

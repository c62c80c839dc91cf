"""Pictures of a screen: black, scales, bars and marks are found, dark parts of the body stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from picture_folders import bring, save
from scipy import ndimage

from insonate.cli.import_data import ImportData
from insonate.data.importers import Imported, Options, open_source
from insonate.data.importers.fan import Fan
from insonate.data.importers.screen import drawn_or_hidden
from insonate.errors import InputError

pytest.importorskip("zarr")
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "hc18"
ROWS, COLUMNS = 240, 354
FAN = Fan(177.0, -120.0, 130.0, 350.0, -0.6, 0.6)
BOX = (slice(190, 225), slice(260, 340))
NEAR = 3  # pixels beside an edge that may belong to either side


def tissue(low=25, seed=0):
    """Speckle that is nowhere black, over the whole picture."""
    noise = np.random.default_rng(seed).rayleigh(60.0, (ROWS, COLUMNS))
    return np.clip(ndimage.gaussian_filter(noise, 1.0), low, 255).astype(np.uint8)


def screen():
    """A fan that the picture cuts off at its lower corners, with a black box upon it."""
    image = tissue() * FAN.mask(ROWS, COLUMNS)
    image[BOX] = 0
    return image


def differs(image, hidden):
    """Pixels, not beside an edge, that are not hidden as they should be."""
    hidden = hidden.astype(bool)
    wide = ndimage.binary_dilation(hidden, iterations=NEAR)
    far = ndimage.binary_erosion(hidden, iterations=NEAR, border_value=1) | np.logical_not(wide)
    return int(((drawn_or_hidden(image) > 0) != hidden)[far].sum())


def test_all_but_the_fan_without_its_box_is_hidden():
    image = screen()
    assert differs(image, image == 0) == 0


def test_fluid_that_is_black_is_kept_within_the_fan():
    image, wanted = screen(), screen() == 0
    row, column = np.ogrid[:ROWS, :COLUMNS]
    image[np.hypot(row - 100, column - 170) < 30] = 0
    assert differs(image, wanted) == 0


def test_a_shadow_that_is_nearly_black_is_kept_to_the_border():
    image, wanted = screen(), screen() == 0
    image[60:, 150:190] = np.minimum(image[60:, 150:190], 2)
    assert differs(image, wanted) == 0


def test_a_picture_beside_the_fan_is_hidden():
    image, wanted = screen(), screen() == 0
    image[10:40, 10:50] = 150
    assert differs(image, wanted) == 0


def test_speckle_alone_hides_nothing():
    assert drawn_or_hidden(tissue()).sum() == 0


def with_scale(left, rows=68, width=6, first=250, last=2, contrast=1.0):
    image = (60 + contrast * (tissue() - 60.0)).astype(np.uint8)
    image[12 : 12 + rows, left : left + width] = np.linspace(first, last, rows)[:, None]
    return image


@pytest.mark.parametrize("left", [1, 345])
def test_a_gray_scale_is_hidden_also_upon_the_image(left):
    hidden = drawn_or_hidden(with_scale(left))
    assert hidden[12:76, left : left + 6].all()
    assert hidden.sum() < 3 * 68 * 6


@pytest.mark.parametrize(
    "change",
    [{"left": 100}, {"rows": 15}, {"width": 2}, {"first": 100, "last": 40, "contrast": 0.2}],
)
def test_what_falls_within_or_short_or_narrow_or_by_little_is_no_scale(change):
    assert drawn_or_hidden(with_scale(**{"left": 1} | change)).sum() == 0


def test_a_bar_that_the_fan_touches_is_hidden():
    image = screen()
    wanted = image == 0
    image[232:] = np.random.default_rng(1).integers(60, 200, (8, COLUMNS))
    wanted[232:] = True
    assert differs(image, wanted) == 0


def test_black_fluid_above_the_lower_border_ends_no_image():
    image = tissue()
    row, column = np.ogrid[:ROWS, :COLUMNS]
    image[np.hypot(row - 222, column - 170) < 14] = 0
    assert drawn_or_hidden(image).sum() == 0


def test_an_image_below_black_is_no_bar():
    image = tissue()
    image[:130] = 0
    assert differs(image, image == 0) == 0


def test_a_shadow_that_is_black_but_narrow_is_kept_to_the_border():
    image = tissue()
    image[100:, 170:173] = 0
    assert drawn_or_hidden(image).sum() == 0


@pytest.mark.parametrize(
    ("spot", "hidden"), [("square", True), ("round", False), ("small", False), ("tailed", False)]
)
def test_a_dark_box_upon_the_image_is_hidden_and_other_spots_are_not(spot, hidden):
    image = tissue()
    down, across = np.ogrid[-60 : ROWS - 60, -120 : COLUMNS - 120]
    square = np.maximum(abs(down), abs(across))
    shapes = {
        "square": square <= 8, "round": np.hypot(down, across) <= 8, "small": square <= 2,
        "tailed": (square <= 8) | ((abs(across) <= 2) & (down > 0) & (down < 60)),
    }  # fmt: skip
    image[shapes[spot]] = 6
    found = drawn_or_hidden(image).sum()
    assert (found > 200) if hidden else (found == 0)


def test_a_mark_that_touches_the_fan_is_hidden():
    image = screen()
    wanted = image == 0
    end = int(np.flatnonzero(image[20])[0])
    image[15:24, end - 16 : end + 1] = np.maximum(image[15:24, end - 16 : end + 1], 9)
    assert differs(image, wanted) < 30  # of 140


def test_an_import_leaves_out_what_is_black(tmp_path):
    save(tmp_path / "in" / "a.png", screen())
    save(tmp_path / "in" / "b.png", np.zeros((ROWS, COLUMNS), np.uint8))
    report, data = bring(tmp_path / "in", tmp_path / "out.zarr", Options(mask_black=True))
    assert report.skipped == {"hardly anything but black": 1}
    assert any("--mask-black leaves out" in note and "a.png" in note for note in report.notes)
    image, mask = data.raw("bmode", 0), data.raw("mask", 0)
    assert (image[mask == 0] == 0).all()
    assert image[mask == 1].min() >= 12
    left, top, columns, rows = data.metadata(0)["crop"]
    box = np.zeros((ROWS, COLUMNS), bool)
    box[BOX] = True
    assert mask[:rows, :columns][box[top : top + rows, left : left + columns]].sum() == 0
    _, whole = bring(tmp_path / "in", tmp_path / "whole.zarr")
    assert whole.raw("mask", 0).sum() > mask.sum() + 1000


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (9, 2), (40, 1)])
def test_any_size_is_looked_at(size):
    falling = np.linspace(255, 1, size[0] * size[1]).reshape(size).astype(np.uint8)
    assert drawn_or_hidden(falling).shape == size


def test_only_pictures_are_looked_at_for_black(tmp_path):
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(InputError, match="--mask-black: not for ultrasound DICOM"):
        open_source(tmp_path, Options(mask_black=True))


def test_the_command_says_what_is_left_out(tmp_path, capsys):
    save(tmp_path / "in" / "a.png", screen())
    ImportData(tmp_path / "in", str(tmp_path / "out.zarr"), mask_black=True).run()
    assert "--mask-black leaves out" in capsys.readouterr().out


@pytest.mark.skipif(not REAL.is_dir(), reason="needs HC18")
def test_heads_of_hc18_are_kept():
    source = open_source(REAL, Options(mask_black=True))
    lost, hidden = [], []
    for number, frame in enumerate(source):
        if number == 60:
            break
        assert isinstance(frame, Imported)
        assert frame.hidden is not None
        assert frame.labels is not None
        hidden.append(frame.hidden.mean())
        lost.append(frame.hidden[frame.labels > 0].mean())
    assert 0.05 < np.mean(hidden) < 0.3
    assert np.median(lost) == 0.0
    assert np.mean(lost) < 0.005

"""The gallery scripts run, at small size."""

import runpy
from pathlib import Path

import numpy as np

from insonate import Settings
from insonate.imaging.display import Display

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = Settings.fast(display=Display(rows=64))


def test_first_frame():
    frame = runpy.run_path(str(EXAMPLES / "first_frame.py"))["run"](SMALL)
    assert frame.bmode.shape[0] == 64
    assert 0.2 < frame.bmode[frame.mask].mean() < 0.8


def test_sweep():
    example = runpy.run_path(str(EXAMPLES / "sweep.py"))
    frames = list(example["run"](example["setup"](3), SMALL))
    assert len(frames) == 3
    for frame, height in zip(frames, (-12.0, 0.0, 12.0), strict=True):
        np.testing.assert_allclose(frame.pose[:3, 3], [0.0, 0.0, height], atol=1e-9)
    assert np.abs(frames[0].bmode - frames[2].bmode).max() > 0.1


def test_the_cast_of_patients_and_their_sheet():
    example = runpy.run_path(str(EXAMPLES / "patients.py"))
    people = example["cast"]()
    ages = [patient.gestational_age for patient in people]
    assert len({patient.seed for patient in people}) == 20
    assert ages == sorted(ages)
    assert 14.0 <= ages[0] < 16.0 < 37.0 < ages[-1] <= 40.0
    assert sum(len(patient.findings) for patient in people) >= 5
    tile = example["TILE"]
    strips = [{"head": np.full((tile, tile), 10 * k, np.uint8)} for k in range(12)]
    sheet = np.asarray(example["sheet"](strips, [str(k) for k in range(12)]))
    assert sheet.shape[1] == 10 * (tile + 2)
    assert sheet[18 + tile // 2, 5 * (tile + 2) + tile // 2] == 50
    assert sheet[sheet.shape[0] // 2 + 18 + tile // 2, tile + 2 + tile // 2] == 110


def test_real_heads_are_shown_at_one_size():
    example = runpy.run_path(str(EXAMPLES / "real_heads.py"))
    for height in (60, 150):
        image = np.zeros((400, 500), np.uint8)
        image[100 : 100 + height, 200 : 200 + height] = 255
        head = example["Head"](image, (200, 100, 200 + height, 100 + height), 200.0)
        shown = np.asarray(example["tile"](head)) > 128
        rows = np.flatnonzero(shown.any(axis=1))
        assert abs(len(rows) - example["FILLED"] * example["TILE"][0]) < 6
        assert abs(rows.mean() - 0.5 * example["TILE"][0]) < 3

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

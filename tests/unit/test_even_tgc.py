"""TGC sliders set from a picture."""

import dataclasses

import numpy as np
import pytest

from insonate.acoustics import load_tissues
from insonate.anatomy import phantoms
from insonate.anatomy.phantoms import phantom_pose
from insonate.imaging import Display, even_tgc
from insonate.probe import load_probe
from insonate.sim import Settings, Simulator

ROWS, COLUMNS, TOTAL = 320, 100, 160.0
DEPTH = np.broadcast_to(((np.arange(ROWS) + 0.5) * TOTAL / ROWS)[:, None], (ROWS, COLUMNS))
EVERYWHERE = np.ones(DEPTH.shape, bool)


def picture(display, level):
    """Gray values of a level below white [dB], through the sliders of the display."""
    shown = level + display.tgc_curve(DEPTH.ravel(), TOTAL, 0.0).reshape(DEPTH.shape)
    return np.clip(1.0 + shown / display.dynamic_range, 0.0, 1.0) ** display.gamma


def spread(display, level):
    """Range of the mean level of tissue over depth [dB]."""
    shown = display.dynamic_range * (picture(display, level) ** (1.0 / display.gamma) - 1.0)
    return np.ptp(shown[level > -50.0])


@pytest.mark.parametrize("gamma", [1.0, 1.6])
def test_a_slope_is_made_even(gamma):
    before = Display(gamma=gamma)
    level = -30.0 + 20.0 * DEPTH / TOTAL
    after = even_tgc(before, picture(before, level), DEPTH, EVERYWHERE, TOTAL)
    assert spread(before, level) > 19.0
    assert spread(after, level) < 4.0
    assert after.tgc[0] == pytest.approx(9.0, abs=2.0)
    assert after.tgc[-1] == pytest.approx(-9.0, abs=2.0)
    assert dataclasses.replace(after, tgc=before.tgc) == before


def test_even_tissue_stays_as_it_is():
    before = Display(tgc=(3.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    level = -25.0 - before.tgc_curve(DEPTH.ravel(), TOTAL, 0.0).reshape(DEPTH.shape)
    after = even_tgc(before, picture(before, level), DEPTH, EVERYWHERE, TOTAL)
    assert after.tgc == pytest.approx(before.tgc, abs=0.2)


def test_enhancement_behind_fluid_is_taken_back_and_fluid_not_amplified():
    before = Display()
    level = np.where(DEPTH < 40, -28.0, np.where(DEPTH < 100, -58.0, -12.0))
    after = even_tgc(before, picture(before, level), DEPTH, EVERYWHERE, TOTAL)
    assert spread(after, level) < 6.0 < spread(before, level)
    assert np.abs(after.tgc).max() < 10.0


def test_shadow_does_not_count():
    before, shadow = Display(), np.zeros(DEPTH.shape, bool)
    shadow[150:, 40:80] = True
    level = np.where(shadow, -48.0, -25.0)
    seen = picture(before, level)
    assert even_tgc(before, seen, DEPTH, ~shadow, TOTAL).tgc == pytest.approx([0.0] * 8, abs=0.1)
    assert max(even_tgc(before, seen, DEPTH, EVERYWHERE, TOTAL).tgc) > 3.0


def test_sliders_keep_their_limits_and_black_pictures_their_display():
    before = Display(dynamic_range=100.0)
    level = -85.0 + 80.0 * DEPTH / TOTAL
    after = even_tgc(before, picture(before, level), DEPTH, EVERYWHERE, TOTAL)
    assert max(after.tgc) == 15.0
    assert even_tgc(before, np.zeros(DEPTH.shape), DEPTH, EVERYWHERE, TOTAL) == before


@pytest.mark.parametrize("gamma", [1.0, 1.7])
def test_depths_of_noise_alone_stay_as_good_as_black(gamma):
    """Tissue weakens the pulse to below the noise, which the TGC lifts to gray."""
    probe = load_probe("c5_2v").replace(scanlines=96, depth=180.0)
    dense = dataclasses.replace(load_tissues()["liver_adult"], attenuation=1.2)
    settings = Settings.fast(display=Display(rows=220, gamma=gamma, gain=15.0))
    engine = Simulator(phantoms.homogeneous(dense), probe, settings)
    deep = np.s_[180:200, 120:-120]
    assert engine.frame(phantom_pose(), 1).bmode[deep].mean() > 0.1
    engine.even_tgc(phantom_pose(), 1)
    frame = engine.frame(phantom_pose(), 1)
    assert frame.bmode[deep].mean() < 0.04
    assert frame.bmode[20:40, 120:-120].mean() > 0.15


def test_a_frame_of_tissue_that_absorbs_more_than_the_scanner_assumes():
    liver = dataclasses.replace(load_tissues()["liver_adult"], modulation=0.0)
    probe = load_probe("c5_2v").replace(scanlines=96, depth=100.0)
    display = Display(rows=160, tgc_attenuation=0.3)
    engine = Simulator(phantoms.homogeneous(liver), probe, Settings.fast(display=display))
    slopes = []
    for _ in range(2):
        frame = engine.frame(phantom_pose(), 1)
        middle = frame.bmode[20:150, frame.bmode.shape[1] // 2 - 20 :][:, :40].mean(axis=1)
        slopes.append(np.polyfit(np.arange(130) * frame.spacing / 10.0, 60.0 * middle, 1)[0])
        display = frame.even_tgc(display)
        engine.configure(settings=Settings.fast(display=display))
    missing = liver.attenuation_at(3.57) - 0.3 * 3.57  # dB/cm, one way
    assert slopes[0] == pytest.approx(-2.0 * missing, rel=0.15)
    assert abs(slopes[1]) < 0.3

"""Faults that public ultrasound simulators have; this one must not.

Seen in the source of other ray-tracing simulators: specular echoes that ignore impedance and
arriving energy, one-way attenuation, an image built at one speed of sound, axial samples of
uneven spacing, TGC over a part of the line, brightness scaled to each frame's maximum,
organs that show an outline where nothing changes.
"""

import dataclasses

import numpy as np
import pytest
from rendered import (
    CLEAR,
    LINEAR_DISPLAY,
    PROBE,
    level_db,
    lines,
    peak_depth,
    render,
    rows,
    simulator,
    snr,
    tissue,
)

from insonate.anatomy import phantoms
from insonate.anatomy.phantoms import phantom_pose, phantom_tissues
from insonate.imaging.display import Display
from insonate.probe import PRESETS

LIVER = phantom_tissues()["liver_adult"]
qualities = pytest.mark.parametrize("quality", ["fast", "fine"])


def test_a_liver_sphere_in_liver_changes_nothing():
    plain = simulator(phantoms.homogeneous(LIVER))
    sphere = simulator(phantoms.cysts((25.0,), (50.0,), [LIVER], LIVER))
    pair = [engine.frame(phantom_pose(), seed=2) for engine in (plain, sphere)]
    inside = [rows(f, 35, 65)[lines(PROBE, -8, 8)] for f in pair]
    assert level_db(inside[0]) == pytest.approx(level_db(inside[1]), abs=0.1)
    # not only the statistics: the same scatterers, but for rounding at the voxels' faces
    assert np.corrcoef(pair[0].polar.ravel(), pair[1].polar.ravel())[0, 1] > 0.98


def test_a_liver_sphere_in_liver_changes_no_statistics_in_fine():
    plain = render(phantoms.homogeneous(LIVER), quality="fine", seed=2)
    sphere = render(phantoms.cysts((25.0,), (50.0,), [LIVER], LIVER), quality="fine", seed=2)
    for top in range(30, 70, 8):  # in front of, across, inside and behind its surface
        a, b = (rows(f, top, top + 8)[lines(PROBE, -8, 8)] for f in (plain, sphere))
        assert level_db(a) == pytest.approx(level_db(b), abs=0.5)
        assert snr(np.abs(a)) == pytest.approx(snr(np.abs(b)), rel=0.05)


def echo(reflector, above=CLEAR, depth=60.0, quality="fast", **settings):
    """Level of a plate's echo [dB]."""
    scene = phantoms.plate(depth, None, reflector, above)
    frame = render(scene, quality=quality, scatterers=False, **settings)
    return 10 * np.log10(
        np.mean(np.abs(rows(frame, depth - 3, depth + 3)).max(axis=1) ** 2) + 1e-30
    )


@qualities
def test_the_echo_grows_with_the_impedance_difference(quality):
    ratios = np.array([1.01, 1.05, 1.2, 1.6, 2.5, 4.0])
    levels = [echo(tissue(density=CLEAR.density * r), quality=quality) for r in ratios]
    expected = 20 * np.log10((ratios - 1) / (ratios + 1))
    assert np.subtract(levels, levels[0]) == pytest.approx(expected - expected[0], abs=0.3)


@qualities
def test_no_impedance_difference_no_echo(quality):
    assert echo(tissue(attenuation=1.0, echogenicity=20.0), quality=quality) < -150


@qualities
def test_the_echo_falls_with_the_energy_that_arrives(quality):
    reflector = tissue(density=2 * CLEAR.density)
    lossy = tissue(attenuation=0.5)
    difference = echo(reflector, quality=quality) - echo(reflector, lossy, quality=quality)
    assert difference == pytest.approx(2 * 0.5 * PROBE.frequency * 6.0, abs=0.3)


@qualities
def test_ten_centimetres_of_liver_cost_twice_the_one_way_loss(quality):
    # 0.7 dB/(cm MHz), as the simulator with this fault has it: 35 dB at 2.5 MHz, not 17.5
    liver = tissue("liver_adult", attenuation=0.7, attenuation_power=1.0, speed_of_sound=1540.0)
    probe = PROBE.replace(attenuation_frequency=2.5)
    frame = render(phantoms.homogeneous(liver), probe, quality)
    lost = level_db(rows(frame, 10, 20)) - level_db(rows(frame, 110, 120))
    assert lost == pytest.approx(35.0, abs=0.7)


@pytest.mark.parametrize("slider", range(8))
def test_tgc_spans_the_whole_line(slider):
    scene, depth = phantoms.homogeneous(CLEAR), PROBE.depths()
    sliders = tuple(12.0 if k == slider else 0.0 for k in range(8))
    flat = render(scene).polar
    raised = render(scene, display=dataclasses.replace(LINEAR_DISPLAY, tgc=sliders)).polar
    gain = 120.0 * np.median(raised - flat, axis=0)
    knots = np.linspace(0, PROBE.depth, 8)
    assert gain == pytest.approx(np.interp(depth, knots, sliders), abs=0.05)
    assert abs(depth[np.argmax(gain)] - knots[slider]) < 0.1  # the last one acts at the end


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_one_axial_spacing_everywhere(name):
    probe = PRESETS[name].replace(scanlines=65)
    depths = np.linspace(0.1, 0.95, 12) * probe.depth
    frame = render(phantoms.wires(tuple(depths), (0.0,), CLEAR), probe, scatterers=False)
    shown = [peak_depth(frame.iq[32], probe.sample_spacing, z, reach=1.5) for z in depths]
    assert np.abs(shown - depths).max() < probe.sample_spacing


@qualities
def test_a_slower_layer_displaces_what_lies_behind_it(quality):
    fat = tissue("fat_subcutaneous", density=1540 * 1050 / 1450)
    metal = tissue("iud_metal_needle")
    frame = render(phantoms.layers([(fat, 20.0), (CLEAR, 30.0)], metal), quality=quality)
    profile = np.abs(frame.iq).mean(axis=0)
    shown = peak_depth(profile, PROBE.sample_spacing, 51.2)
    assert shown == pytest.approx(20 * 1.54 / 1.45 + 30, abs=0.05)


@qualities
def test_brightness_does_not_float(quality):
    # a bright reflector comes into view on the right: nothing changes on the left
    empty = phantoms.half_plane(60.0, 2.0, CLEAR, CLEAR)
    bright = phantoms.half_plane(60.0, 2.0, tissue("iud_metal_needle"), CLEAR)
    display = Display(rows=250, tgc_attenuation=0.0)  # so that nothing else is at its maximum
    settings = {"display": display, "quality": quality}
    a, b = (render(scene, **settings) for scene in (empty, bright))
    far = lines(PROBE, 6, 20)
    assert np.array_equal(a.polar[far], b.polar[far])
    assert np.array_equal(a.bmode[:, far], b.bmode[:, far])
    assert not np.array_equal(a.bmode, b.bmode)


def test_brightness_does_not_float_with_the_view():
    engine = simulator(phantoms.cysts(shape="cylinder"), display=Display(rows=250))
    means = [engine.frame(phantom_pose(x), seed=1).bmode[5:40].mean() for x in (-60, -30, 0, 30)]
    assert np.ptp(means) < 0.02


def test_texture_stays_when_the_frame_is_rendered_again():
    # noise drawn anew for each frame would make still tissue boil
    engine = simulator(phantoms.homogeneous(LIVER), quality="fine", noise_level=-115.0)
    first, second = (engine.frame(phantom_pose(), seed=7).polar for _ in range(2))
    assert np.array_equal(first, second)


def test_echoes_add_to_scatter_instead_of_replacing_it():
    plate = phantoms.plate(60.0, None, tissue(density=CLEAR.density * 1.002), CLEAR)
    alone = render(plate, scatterers=False, seed=3).iq
    texture = render(phantoms.homogeneous(CLEAR), seed=3).iq
    both = render(plate, seed=3).iq
    near = slice(1200, 1225)  # up to the plate, whose tissue behind has its own path
    assert np.abs(both - texture - alone)[:, near].max() < 0.02 * np.abs(texture).max()

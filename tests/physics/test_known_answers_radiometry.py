"""Known answers K8-K15 on rendered frames: where echoes lie, and what they have lost.

Expected values: simulator specification, section 6; all follow from T = sum 2 d / c, from
2 alpha f dB/cm and from (1 - R) per crossing, and are derived again beside each test.
"""

import numpy as np
import pytest
from rendered import CLEAR, PROBE, level_db, lines, peak_depth, render, rows, tissue

from insonate.anatomy import phantoms
from insonate.imaging.display import Display

METAL = tissue("iud_metal_needle")


def echoes_at(scene, near, probe=PROBE, **settings):
    """Depths of the interface echoes nearest to `near`, on the mean line [mm]."""
    frame = render(scene, probe, scatterers=False, **settings)
    profile = np.abs(frame.iq).mean(axis=0)
    return [peak_depth(profile, probe.sample_spacing, z, reach=0.6) for z in near]


@pytest.mark.parametrize("quality", ["fast", "fine"])
def test_k8_plate_shows_at_its_depth(quality):
    frame = render(phantoms.plate(77.0, None, METAL, CLEAR), scatterers=False, quality=quality)
    brightest = np.argmax(np.abs(frame.iq), axis=1)
    assert set(brightest.tolist()) <= {1576, 1577}


@pytest.mark.parametrize("samples", [3072, 4096])
def test_k8_does_not_depend_on_sampling(samples):
    probe = PROBE.replace(samples=samples)
    (depth,) = echoes_at(phantoms.plate(77.0, None, METAL, CLEAR), [77.0], probe)
    assert depth == pytest.approx(77.0, abs=0.02)


@pytest.mark.parametrize(
    ("material", "thickness", "shown"),
    [("fat_subcutaneous", 20.0, 21.241), ("cortical_bone_adult", 3.0, 1.444)],
)
def test_k9_layers_are_shown_by_time_not_by_thickness(material, thickness, shown):
    scene = phantoms.layers([(CLEAR, 10.0), (tissue(material), thickness)], METAL)
    top, bottom = echoes_at(scene, [10.0, 10.0 + shown])
    assert bottom - top == pytest.approx(shown, abs=0.05)
    speed = tissue(material).speed
    assert shown == pytest.approx(thickness * 1.54 / speed, abs=1e-3)


WALL = (
    ("skin", 2.0), ("fat_subcutaneous", 20.0), ("muscle_abdominal", 10.0),
    ("uterus_myometrium", 10.0), ("amniotic_fluid", 50.0),
)  # fmt: skip


@pytest.mark.parametrize("quality", ["fast", "fine"])
def test_k10_abdominal_wall_and_fluid(quality):
    stack = [(tissue(name), thickness) for name, thickness in WALL]
    time = sum(2 * thickness / layer.speed for layer, thickness in stack)
    assert time == pytest.approx(120.122, abs=1e-3)
    (depth,) = echoes_at(phantoms.layers(stack, METAL), [92.5], quality=quality)
    assert depth == pytest.approx(92.494, abs=0.05)


LOSSY = tissue("", attenuation=0.5)


def slope(frame, in_db):
    """Decay of the mean log speckle with depth [dB/cm]."""
    z = frame.probe.depths()
    inside = (z > 20) & (z < 140)
    return np.polyfit(z[inside] / 10, in_db.mean(axis=0)[inside], 1)[0]


@pytest.mark.parametrize("quality", ["fast", "fine"])
def test_k11_attenuation_slope_without_tgc(quality):
    probe = PROBE.replace(attenuation_frequency=5.0)
    frame = render(phantoms.homogeneous(LOSSY), probe, quality)
    assert slope(frame, 20 * np.log10(np.abs(frame.iq))) == pytest.approx(-5.0, rel=0.03)


@pytest.mark.parametrize("quality", ["fast", "fine"])
def test_k12_matching_tgc_makes_it_flat(quality):
    probe = PROBE.replace(attenuation_frequency=5.0)
    display = Display(tgc_attenuation=0.5, dynamic_range=120.0, white_level=60.0, rows=250)
    frame = render(phantoms.homogeneous(LOSSY), probe, quality, display=display)
    assert np.mean((frame.polar <= 0) | (frame.polar >= 1)) < 1e-4
    assert slope(frame, 120.0 * frame.polar) == pytest.approx(0.0, abs=0.1)


def behind(frame, top, bottom):
    """Speckle behind a slab that covers x < 0, over speckle beside its shadow [dB]."""
    z = frame.probe.depths()
    inside = (z > top) & (z < bottom)
    hidden, clear = lines(frame.probe, -14, -4), lines(frame.probe, 4, 14)
    return level_db(frame.iq[hidden][:, inside]) - level_db(frame.iq[clear][:, inside])


@pytest.mark.parametrize("quality", ["fast", "fine"])
@pytest.mark.parametrize(("f", "gain"), [(3.5, 10.25), (8.0, 23.02)])
def test_k14_enhancement_behind_fluid(f, gain, quality):
    fluid = tissue("amniotic_fluid", speed_of_sound=1540.0, density=1050.0)
    scene = phantoms.half_plane(30.0, 30.0, fluid, LOSSY)
    frame = render(scene, PROBE.replace(attenuation_frequency=f), quality)
    assert behind(frame, 65, 145) == pytest.approx(gain, abs=1.0)


@pytest.mark.parametrize("f", [3.5, 8.0])
def test_k14_enhancement_behind_a_round_cyst(f):
    gain = {3.5: 10.25, 8.0: 23.02}[f]
    scene = phantoms.cysts((30.0,), (45.0,), [tissue("amniotic_fluid")], LOSSY)
    frame = render(scene, PROBE.replace(attenuation_frequency=f, elements=600), "fast")
    z = frame.probe.depths()
    inside = (z > 65) & (z < 110)
    centre, beside = lines(frame.probe, -3, 3), ~lines(frame.probe, -18, 18)
    gained = level_db(frame.iq[centre][:, inside]) - level_db(frame.iq[beside][:, inside])
    assert gained == pytest.approx(gain, abs=1.0)


SKULL = tissue("fetal_skull")
CORTICAL = tissue("cortical_bone_adult")


@pytest.mark.parametrize("quality", ["fast", "fine"])
@pytest.mark.parametrize(
    ("bone", "thickness", "f", "shadow", "tolerance"),
    [
        (SKULL, 2.0, 3.5, -14.19, 1.0),
        (SKULL, 2.0, 8.0, -28.59, 1.0),
        (CORTICAL, 5.0, 3.5, -31.3, 1.5),
        (CORTICAL, 5.0, 8.0, -62.3, 1.5),
    ],
    ids=["k15 skull 3.5", "k15 skull 8", "k15b cortical 3.5", "k15b cortical 8"],
)
def test_k15_shadow_behind_bone(bone, thickness, f, shadow, tolerance, quality):
    scene = phantoms.half_plane(60.0, thickness, bone, CLEAR)
    frame = render(scene, PROBE.replace(attenuation_frequency=f), quality)
    assert behind(frame, 70, 145) == pytest.approx(shadow, abs=tolerance)


def test_speckle_of_liver_is_at_the_level_that_the_settings_name():
    for probe in (PROBE, PROBE.replace(samples=6144), PROBE.replace(scanlines=400)):
        for quality in ("fast", "fine"):
            frame = render(phantoms.homogeneous(CLEAR), probe, quality, speckle_level=-40.0)
            assert level_db(rows(frame, 20, 140)) == pytest.approx(-40.0, abs=0.4)

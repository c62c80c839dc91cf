"""Shadows, borders and regions: known answers."""

import numpy as np
import pytest

from insonate.evaluation.places import PLACES, Scene, border_band, correlation, region_levels

MEASURES = {place.name: place for place in PLACES}
SHAPE = (48, 60)


def scene(**changes):
    """A shadow in the lower right quarter, two regions side by side, all in the fan."""
    shadow = np.zeros(SHAPE)
    shadow[24:, 30:] = 0.9
    labels = np.ones(SHAPE, int)
    labels[:, 20:] = 2
    labels[:, 40:] = 3
    given = {
        "fan": np.ones(SHAPE, bool),
        "shadow": shadow,
        "attenuation": np.where(shadow > 0.5, 0.0, 0.3),
        "labels": labels,
    }
    return Scene(**(given | changes))


def image(seed=0):
    return np.random.default_rng(seed).uniform(40.0, 200.0, SHAPE)


@pytest.mark.parametrize("name", ["shadow_error", "attenuated_error"])
def test_an_error_in_shadow_is_seen_there_alone(name):
    target = image()
    wrong = target.copy()
    wrong[24:, 30:] += 12.0
    assert MEASURES[name].of(wrong, target, scene()) == pytest.approx(12.0)
    assert MEASURES["shadow_level"].of(wrong, target, scene()) == pytest.approx(12.0)
    assert MEASURES["lit_error"].of(wrong, target, scene()) == 0.0
    wrong = target.copy()
    wrong[:24] -= 5.0
    assert MEASURES[name].of(wrong, target, scene()) == 0.0
    assert MEASURES["lit_error"].of(wrong, target, scene()) > 0.0


def test_what_is_outside_of_the_fan_does_not_count():
    fan = np.zeros(SHAPE, bool)
    fan[:, :10] = True
    target, here = image(), scene(fan=fan)
    wrong = target + 7.0 * ~fan
    for name, place in MEASURES.items():
        value = place.of(wrong, target, here)
        assert np.isnan(value) or value in (0.0, pytest.approx(1.0)), name


def test_the_level_of_shadows_does_not_mind_speckle():
    target, other = image(0), image(1)
    other[24:, 30:] += target[24:, 30:].mean() - other[24:, 30:].mean()
    assert MEASURES["shadow_level"].of(other, target, scene()) == pytest.approx(0.0, abs=1e-9)
    assert MEASURES["shadow_error"].of(other, target, scene()) > 30.0


def test_the_band_reaches_as_far_as_said():
    labels = np.ones((9, 20), int)
    labels[:, 10:] = 2
    for reach in (1, 2, 3):
        columns = np.flatnonzero(border_band(labels, reach).all(axis=0)).tolist()
        assert columns == list(range(10 - reach, 10 + reach))
    assert not border_band(np.ones((9, 20), int)).any()


def test_borders_have_their_own_error():
    target = image()
    wrong = target.copy()
    wrong[:, 18:22] += 9.0
    band = scene().band
    expected = 9.0 * band[:, 18:22].sum() / band.sum()
    assert MEASURES["border_error"].of(wrong, target, scene()) == pytest.approx(expected)


def test_edges_that_are_not_there_do_not_agree():
    """A step at the border: found, missing, and elsewhere."""
    target = np.full(SHAPE, 60.0)
    target[:, 20:40] = 160.0
    rng = np.random.default_rng(0)
    noise = rng.normal(0.0, 2.0, SHAPE)
    found = MEASURES["border_edges"].of(target + noise, target, scene())
    missing = MEASURES["border_edges"].of(100.0 + noise, target, scene())
    assert found > 0.95
    assert abs(missing) < 0.3


def test_levels_of_regions():
    levels = np.array([0.0, 50.0, 80.0, 120.0])
    here = scene()
    target = levels[here.labels]
    of = MEASURES["region_levels"].of
    assert of(2.0 * target + 3.0, target, here) == pytest.approx(1.0)
    assert of(200.0 - target, target, here) == pytest.approx(-1.0)
    assert np.isnan(of(np.full(SHAPE, 9.0), target, here))  # no levels to agree
    assert np.isnan(of(target, target, scene(labels=np.ones(SHAPE, int))))  # one region only
    assert region_levels(target, here.labels, here.fan) == {1: 50.0, 2: 80.0, 3: 120.0}
    assert np.isnan(of(target, target, scene(unlabelled=2)))  # leaves two regions


def test_correlation_is_pearsons():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40))
    assert correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert np.isnan(correlation(a, np.ones(40)))


def speckle(seed, smooth):
    """Rayleigh speckle on a screen of 60 dB, averaged over so many looks."""
    rng = np.random.default_rng(seed)
    envelope = rng.rayleigh(1.0, (smooth, *SHAPE)).mean(0)
    return np.clip(255.0 * (1.0 + (20.0 * np.log10(envelope) - 15.0) / 60.0), 8.0, 255.0)


def test_speckle_is_compared_by_its_snr():
    """The mean of n looks has an SNR larger by the root of n (Wagner et al. 1983)."""
    here, of = scene(), MEASURES["speckle"].of
    target = speckle(0, 1)
    assert of(speckle(1, 1), target, here) == pytest.approx(1.0, abs=0.06)
    assert of(speckle(1, 4), target, here) == pytest.approx(2.0, rel=0.12)
    assert np.isnan(of(target, np.zeros(SHAPE), here))  # no speckle in the target


def test_the_dynamic_range_is_that_of_the_frame():
    sample = {"bmode": np.zeros((1, *SHAPE)), "mask": np.ones((1, *SHAPE))}
    assert Scene.of(sample, None, {"display": {"dynamic_range": 45.0}}).dynamic_range == 45.0
    assert Scene.of(sample, None, {"display": {"dynamic_range": "wide"}}).dynamic_range == 60.0
    assert Scene.of(sample).dynamic_range == 60.0


def test_what_the_data_does_not_have_is_not_measured():
    bare = Scene(np.ones(SHAPE, bool))
    target = image()
    assert all(np.isnan(place.of(target, target, bare)) for place in PLACES)

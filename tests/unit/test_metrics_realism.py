"""What realism is measured by besides distances: hallucinations, shadows, flicker, intervals."""

import itertools
import math

import numpy as np
import pytest
from scipy import ndimage

from insonate.errors import InputError
from insonate.metrics import (
    displacement,
    distance_interval,
    flicker,
    frechet_distance,
    hallucination,
    shadow_contrast,
    unexplained,
    warped,
)
from insonate.metrics.hallucination import expected_levels
from insonate.metrics.kernel_distance import squared_mmd

ROWS, COLUMNS = 96, 112


def smooth_noise(seed, shape=(ROWS, COLUMNS), grain=1.5):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), grain)
    return noise / noise.std()


def scene(seed=0):
    """Tissue at two levels around black fluid; labels with it, and a fan without its corners."""
    row, column = np.mgrid[:ROWS, :COLUMNS]
    labels = np.where(column > 70, 2, 1)
    labels[(row - 45) ** 2 + (column - 35) ** 2 < 26**2] = 3
    fan = np.abs(column - COLUMNS / 2) < 40 + 0.5 * row
    level = np.array([0.0, 90.0, 140.0, 0.0])[labels]
    image = np.where(level > 0, level + 20.0 * smooth_noise(seed), 0.0)
    return np.clip(image, 0.0, 255.0) * fan, labels, fan


# hallucination


def test_what_is_not_changed_has_no_hallucination():
    image, labels, fan = scene()
    found = hallucination(image, image, fan, labels)
    assert found.rate == found.echo_free == 0.0


@pytest.mark.parametrize("curve", [lambda g: 255.0 * (g / 255.0) ** 0.5, lambda g: 30 + 0.7 * g])
def test_a_rising_gray_curve_is_no_structure(curve):
    image, labels, fan = scene()
    assert hallucination(image, np.where(fan, curve(image), 0.0), fan, labels).rate == 0.0


def test_other_speckle_is_no_structure():
    image, labels, fan = scene(0)
    other, _, _ = scene(1)
    assert hallucination(image, other, fan, labels).rate < 1e-3


def test_a_bright_blob_in_fluid_counts_with_its_area():
    image, labels, fan = scene()
    row, column = np.mgrid[:ROWS, :COLUMNS]
    blob = (row - 45) ** 2 + (column - 35) ** 2 < 10**2
    found = unexplained(image, np.where(blob, 180.0, image), fan)
    # what is seen through a window of 7 pixels is wider by up to 3 of them on every side
    wider = ndimage.binary_dilation(blob, iterations=4)
    assert found[blob].all()
    assert not found[~wider].any()
    rate = hallucination(image, np.where(blob, 180.0, image), fan, labels)
    assert blob.sum() < found.sum() <= wider.sum()
    assert rate.echo_free > rate.rate > blob.sum() / fan.sum()


def test_what_was_simulated_nearby_is_a_cause_and_further_away_is_none():
    image, _, fan = scene()
    line = np.zeros_like(image)
    line[40:46, 20:50] = 200.0
    simulated = np.maximum(image, line)
    near, far = np.roll(line, 3, 0), np.roll(line, 14, 0)
    assert not unexplained(simulated, np.maximum(image, near), fan).any()
    assert unexplained(simulated, np.maximum(image, far), fan).sum() > 150


def test_echoes_at_borders_of_regions_are_not_looked_at():
    image, labels, fan = scene()
    edge = ndimage.binary_dilation(labels == 3, iterations=2) & (labels != 3)
    bright = np.where(edge, 240.0, image)
    assert hallucination(image, bright, fan, labels).rate == 0.0
    assert hallucination(image, bright, fan).rate > 0.0


def test_expected_levels_are_those_of_the_same_rank_and_shared_by_equal_ones():
    before, after = np.array([3.0, 1.0, 1.0, 2.0]), np.array([10.0, 40.0, 20.0, 30.0])
    levels, due = expected_levels(before, after)
    assert levels.tolist() == [1.0, 2.0, 3.0]
    assert due.tolist() == [15.0, 30.0, 40.0]


def test_hallucination_refuses_what_does_not_fit():
    image, labels, fan = scene()
    with pytest.raises(InputError, match="expected one shape"):
        hallucination(image, image[1:], fan, labels)
    with pytest.raises(InputError, match="at least one pixel"):
        unexplained(image, image, np.zeros_like(fan))


# shadow


def shadowed():
    labels = np.repeat([[1] * 20, [2] * 20], 10, axis=0)
    dark = np.zeros(labels.shape, bool)
    dark[:, 10:] = True
    image = np.where(labels == 1, 100.0, 200.0) - np.where(dark, 40.0, 0.0)
    return image, labels, dark


def test_shadow_contrast_is_what_the_beam_has_lost_in_each_region():
    image, labels, dark = shadowed()
    assert shadow_contrast(image, labels, dark, ~dark) == pytest.approx(40.0)
    assert shadow_contrast(0.5 * image, labels, dark, ~dark) == pytest.approx(20.0)


def test_a_darker_region_in_shadow_alone_is_no_shadow_contrast():
    image, labels, dark = shadowed()
    image = np.where(labels == 1, 100.0, 200.0)
    dark[:10] = False  # only the second region is in shadow, the first is darker
    assert shadow_contrast(image, labels, dark, ~dark) == 0.0


def test_regions_with_few_pixels_have_no_shadow_contrast():
    image, labels, dark = shadowed()
    dark[:] = False
    dark[0, :5] = True
    assert math.isnan(shadow_contrast(image, labels, dark, ~dark))


# motion and flicker


def textured(seed=0):
    return 120.0 + 40.0 * smooth_noise(seed, grain=2.5)


@pytest.mark.parametrize("by", [(0.0, 0.0), (2.4, -3.7), (-6.0, 5.0)])
def test_displacement_is_the_shift_of_a_shifted_image(by):
    first = textured()
    second = ndimage.shift(first, by, order=3, mode="nearest")
    shift = displacement(first, second)[:, 12:-12, 12:-12]
    np.testing.assert_allclose(np.median(shift, (1, 2)), np.negative(by), atol=0.05)


def test_displacement_follows_a_slow_stretch():
    first = textured()
    places = np.indices(first.shape) * np.array([0.97, 1.0])[:, None, None]
    second = ndimage.map_coordinates(first, places, order=3, mode="nearest")
    off = displacement(first, second) - (places - np.indices(first.shape))
    assert np.abs(off[:, 12:-12, 12:-12]).mean() < 0.1


def motion(images):
    return [displacement(first, second) for first, second in itertools.pairwise(images)]


def test_images_that_only_move_do_not_flicker():
    fan = np.ones((ROWS, COLUMNS), bool)
    fan[:, :20] = fan[:, -20:] = fan[:10] = fan[-10:] = False
    whole = 120.0 + 40.0 * smooth_noise(0, (ROWS + 12, COLUMNS + 12), grain=2.5)
    moved = np.stack([whole[k : k + ROWS, 2 * k : 2 * k + COLUMNS] for k in range(4)])
    translated = 255.0 * (np.clip(moved, 0, 255) / 255.0) ** 0.7
    left = flicker(translated, motion(moved), fan)
    assert left.shape == (3,)
    assert left.max() < 0.5
    assert np.abs(moved[0] - moved[1])[fan].mean() > 10.0


def test_gain_that_flickers_by_so_much_is_so_much():
    fan = np.ones((ROWS, COLUMNS), bool)
    still = np.stack([textured()] * 4)
    translated = still + np.array([0.0, 7.0, 0.0, 7.0])[:, None, None]
    np.testing.assert_allclose(flicker(translated, motion(still), fan), 7.0, atol=1e-6)
    np.testing.assert_allclose(flicker(still, motion(still), fan), 0.0, atol=1e-6)


def test_flicker_in_the_fan_alone_counts():
    fan = np.zeros((ROWS, COLUMNS), bool)
    fan[20:60, 20:60] = True
    still = np.stack([textured()] * 2)
    outside = still + np.where(fan, 0.0, 50.0) * np.array([0.0, 1.0])[:, None, None]
    np.testing.assert_allclose(flicker(outside, motion(still), fan), 0.0, atol=1e-6)


def test_warped_by_whole_pixels_fetches_them():
    image = textured()
    shift = np.zeros((2, *image.shape))
    shift[0] = 2.0
    np.testing.assert_allclose(warped(image, shift)[:-2], image[2:])


def test_flicker_refuses_what_does_not_fit():
    one, fan = textured()[None], np.ones((ROWS, COLUMNS), bool)
    with pytest.raises(InputError, match="2 images or more"):
        flicker(one, [], fan)
    with pytest.raises(InputError, match="expected shape"):
        flicker(np.concatenate([one, one]), [np.zeros((2, ROWS, COLUMNS))], fan[1:])


# intervals of distances


def sets(n=60, d=8, shift=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal((n, d)) + shift


def test_interval_lies_around_the_estimate_and_holds_another_sample():
    a, b = sets()
    each = np.arange(60)
    distances = [frechet_distance(*sets(seed=seed)) for seed in range(40)]
    found = distance_interval("frechet", distances[0], (a, b), (each, each))
    assert found.low < distances[0] < found.high
    # as wide as the spread of the distance over samples that are new
    assert 0.5 < (found.high - found.low) / (4.0 * np.std(distances)) < 2.0


def test_kernel_interval_is_as_wide_as_samples_spread():
    each = np.arange(60)
    distances = [squared_mmd(*sets(seed=seed)) for seed in range(40)]
    found = distance_interval("kernel", distances[0], sets(), (each, each))
    assert found.low < distances[0] < found.high
    assert 0.5 < (found.high - found.low) / (4.0 * np.std(distances)) < 2.0


@pytest.mark.parametrize("kind", ["frechet", "kernel"])
def test_windows_of_one_image_are_drawn_together(kind):
    """Copies of a feature add no knowledge: the interval stays as wide."""
    a, b = sets()
    each = np.arange(60)
    once = distance_interval(kind, 1.0, (a, b), (each, each))
    four = [np.repeat(each, 4)] * 2
    copied = distance_interval(kind, 1.0, (a.repeat(4, 0), b.repeat(4, 0)), (four[0], four[1]))
    alone = [np.arange(240)] * 2
    naive = distance_interval(kind, 1.0, (a.repeat(4, 0), b.repeat(4, 0)), (alone[0], alone[1]))
    width = once.high - once.low
    assert (copied.high - copied.low) / width == pytest.approx(1.0, abs=0.25)
    assert (naive.high - naive.low) / width < 0.7


def test_resampled_frechet_distance_is_that_of_the_copies():
    """With weights as with rows that are there so often: seen with d larger and smaller than n."""
    from insonate.metrics.distance_interval import _frechet, _kernel

    for d in (5, 40):
        a, b = sets(20, d)
        wa, wb = np.arange(20) % 3, (np.arange(20) + 1) % 3
        got = _frechet(a, b)(wa.astype(float), wb.astype(float))
        wanted = frechet_distance(a.repeat(wa, 0), b.repeat(wb, 0))
        assert got == pytest.approx(wanted, rel=1e-5)
        ones = np.ones(20)
        assert _kernel(a, b)(ones, ones) == pytest.approx(squared_mmd(a, b))


def test_interval_refuses_one_image():
    a, b = sets(10)
    with pytest.raises(InputError, match="at least 2 images"):
        distance_interval("kernel", 0.0, (a, b), (np.zeros(10), np.arange(10)))

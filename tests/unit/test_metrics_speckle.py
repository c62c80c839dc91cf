"""Speckle and contrast: known laws of fully developed speckle, and of two Gaussians."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from speckle_field import speckle

from insonate.errors import InputError
from insonate.metrics import cnr, envelope_of, gcnr, grain_size, nakagami, speckle_snr
from insonate.metrics.speckle import _autocorrelation

RAYLEIGH_SNR = math.sqrt(math.pi / (4.0 - math.pi))


def envelope(side=256, sigma=0.0, seed=0):
    return torch.tensor(speckle(side, sigma, seed))[None]


def test_speckle_has_the_ratio_of_a_rayleigh_law():
    assert pytest.approx(1.913, abs=5e-4) == RAYLEIGH_SNR
    assert speckle_snr(envelope())[0] == pytest.approx(RAYLEIGH_SNR, rel=0.01)


def test_speckle_is_nakagami_of_one():
    found = nakagami(3.0 * envelope())
    assert found.m[0] == pytest.approx(1.0, rel=0.02)
    assert found.omega[0] == pytest.approx(9.0, rel=1e-6)


@pytest.mark.parametrize("m", [0.5, 2.5])
def test_nakagami_recovers_its_law(m):
    power = np.random.default_rng(0).gamma(m, 2.0 / m, (1, 300, 300))
    found = nakagami(torch.tensor(np.sqrt(power)))
    assert found.m[0] == pytest.approx(m, rel=0.02)
    assert found.omega[0] == pytest.approx(2.0, rel=0.02)


def test_masked_speckle():
    image = envelope()
    mask = torch.zeros(256, 256)
    mask[:100] = 1
    spoilt = image.clone()
    spoilt[:, 100:] = 50.0
    assert speckle_snr(spoilt, mask)[0] == pytest.approx(speckle_snr(image[:, :100])[0])
    assert nakagami(spoilt, mask).m[0] == pytest.approx(nakagami(image[:, :100]).m[0])


def test_logarithm_is_undone():
    """The display: 60 dB below white is black, with or without gamma."""
    amplitude = torch.tensor([1.0, 0.1, 0.01])
    for gamma in (1.0, 0.8):
        gray = 255.0 * (1.0 + 20.0 * amplitude.log10() / 60.0) ** gamma
        np.testing.assert_allclose(envelope_of(gray, 60.0, gamma), amplitude, rtol=1e-5)
    assert envelope_of(torch.zeros(1), 60.0)[0] == pytest.approx(1e-3)


@pytest.mark.parametrize(("down", "across"), [(2.0, 2.0), (1.5, 4.0)])
def test_grains_of_a_gaussian_field(down, across):
    """Smoothing by sigma gives an autocorrelation of sigma √2, so a width of 2.355 √2 sigma."""
    from scipy import ndimage

    noise = np.random.default_rng(0).standard_normal((512, 512))
    field = torch.tensor(ndimage.gaussian_filter(noise, (down, across)))[None]
    found = grain_size(field, (0.5, 0.25))
    width = 2.0 * math.sqrt(2.0 * math.log(2.0)) * math.sqrt(2.0)
    assert found.axial[0] == pytest.approx(width * down * 0.5, rel=0.05)
    assert found.lateral[0] == pytest.approx(width * across * 0.25, rel=0.05)


def test_grains_in_a_mask_are_those_of_its_part():
    field = torch.tensor(speckle(256, 1.5, 3))[None]
    mask = torch.zeros(256, 256)
    mask[32:224, 32:224] = 1
    spoilt = torch.where(mask > 0, field, 40.0)
    assert grain_size(spoilt, mask=mask).axial[0] == pytest.approx(
        float(grain_size(field).axial[0]), rel=0.05
    )


def test_autocorrelation_is_the_sum_over_pairs():
    """At every lag, without wrapping around, over the pairs of which both count."""
    rng = np.random.default_rng(0)
    image, mask = rng.random((6, 7)), rng.random((6, 7)) > 0.3
    centred = np.where(mask, image - image[mask].mean(), 0.0)
    found = _autocorrelation(torch.tensor(image)[None], torch.tensor(mask).double()[None])[0]
    for down in range(4):
        for across in range(4):
            one, other = np.s_[: 6 - down, : 7 - across], np.s_[down:, across:]
            pairs = (mask[one] & mask[other]).sum()
            expected = (centred[one] * centred[other]).sum() / pairs / image[mask].var()
            assert found[down, across] == pytest.approx(expected, abs=1e-9)


def test_grains_wider_than_the_image_are_no_number():
    slope = torch.arange(32.0).expand(1, 32, 32)
    assert torch.isnan(grain_size(slope).axial[0])


def two_gaussians(apart, side=300):
    rng = np.random.default_rng(0)
    image = rng.normal(100.0, 10.0, (1, side, side))
    inside = np.zeros((side, side))
    inside[: side // 2] = 1
    image[:, : side // 2] += 10.0 * apart
    return torch.tensor(image), torch.tensor(inside), torch.tensor(1 - inside)


@pytest.mark.parametrize("apart", [0.5, 1.0, 3.0])
def test_contrast_of_two_gaussians(apart):
    """CNR d / √2; the overlap of two unit Gaussians that are d apart is 2 Φ(-d / 2)."""
    image, inside, outside = two_gaussians(apart)
    assert cnr(image, inside, outside)[0] == pytest.approx(apart / math.sqrt(2.0), rel=0.02)
    expected = 1.0 - 2.0 * stats.norm.cdf(-apart / 2.0)
    assert gcnr(image, inside, outside)[0] == pytest.approx(expected, abs=0.015)


def test_gcnr_of_two_levels_of_speckle():
    """Powers 1 and k: the densities cross where p = k log k / (k - 1)."""
    k = 8.0
    cross = k * math.log(k) / (k - 1.0)
    expected = math.exp(-cross / k) - math.exp(-cross)
    image = torch.cat([envelope(300), math.sqrt(k) * envelope(300, seed=1)], 1)
    inside = torch.zeros(600, 300)
    inside[:300] = 1
    assert gcnr(image, inside, 1 - inside)[0] == pytest.approx(expected, abs=0.015)


def test_gcnr_bounds():
    image, inside, outside = two_gaussians(1.0)
    assert gcnr(image, inside, inside)[0] == 0.0
    assert gcnr(inside[None], inside, outside)[0] == 1.0
    assert gcnr(torch.zeros(1, 300, 300), inside, outside)[0] == 0.0


@settings(max_examples=15, deadline=None)
@given(st.floats(0.1, 50.0), st.floats(-100.0, 100.0), st.integers(0, 1000))
def test_contrast_does_not_hang_on_the_display(gain, offset, seed):
    image = torch.tensor(np.random.default_rng(seed).gamma(2.0, 10.0, (1, 40, 40)))
    inside = torch.zeros(40, 40)
    inside[:, :20] = 1
    for measure in (cnr, gcnr):
        value = measure(image, inside, 1 - inside)
        moved = measure(gain * image + offset, inside, 1 - inside)
        assert moved[0] == pytest.approx(float(value[0]), abs=2e-3)
        assert measure(image, 1 - inside, inside)[0] == pytest.approx(float(value[0]))


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 100.0), st.integers(0, 1000))
def test_speckle_does_not_hang_on_the_gain(gain, seed):
    image = envelope(48, 0.8, seed)
    assert speckle_snr(gain * image)[0] == pytest.approx(float(speckle_snr(image)[0]))
    assert nakagami(gain * image).m[0] == pytest.approx(float(nakagami(image).m[0]))
    wide, other = grain_size(gain * image + 3.0), grain_size(image)
    assert wide.axial[0] == pytest.approx(float(other.axial[0]))
    turned = grain_size(image.mT)
    assert turned.lateral[0] == pytest.approx(float(other.axial[0]))


def test_bad_input_is_refused():
    image, empty = envelope(16), torch.zeros(16, 16)
    for measure in (speckle_snr, nakagami):
        with pytest.raises(InputError, match="empty for image 0"):
            measure(image, empty)
        with pytest.raises(InputError, match="expected images"):
            measure(image[0])
    with pytest.raises(InputError, match="outside: empty"):
        cnr(image, 1 - empty, empty)
    with pytest.raises(InputError, match="inside: expected the shape"):
        gcnr(image, empty[:8], empty)
    with pytest.raises(InputError, match="bins"):
        gcnr(image, 1 - empty, 1 - empty, bins=1)
    with pytest.raises(InputError, match="at least 4"):
        grain_size(image[:, :3])
    with pytest.raises(InputError, match="positive"):
        envelope_of(image, 0.0)

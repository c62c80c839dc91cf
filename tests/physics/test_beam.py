"""Known answers of the focused beam.

Widths are -6 dB (half amplitude) in mm. The exact ones are sums over the aperture. Whole
probes against another simulator: test_point_targets.py.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.acoustics import beam
from insonate.acoustics.pulse import FWHM_PER_SIGMA

WAVELENGTH = 1.54 / 8.0


def full_width(x, profile, level):
    """Full width of a symmetric profile sampled at x >= 0, where it falls below `level`."""
    return 2.0 * x[np.argmax(profile < level)]


def rect_profile(depth, focus, f_number, x):
    """One-way profile of a flat aperture with very small elements."""
    pitch = 0.02
    count = round(focus / f_number / pitch)
    arc = (np.arange(count) - (count - 1) / 2) * pitch
    elements = np.stack([arc, np.zeros(count)], axis=1)
    normals = np.tile([0.0, 1.0], (count, 1))
    return beam.aperture_profile(x, depth, elements, normals, pitch, WAVELENGTH, focus)


@pytest.mark.parametrize(("f_number", "two_way"), [(2.0, 0.348), (4.0, 0.685)])
def test_k20_width_at_the_focus_of_a_rectangular_aperture(f_number, two_way):
    x = np.linspace(0.0, 1.5, 1501)
    profile = rect_profile(40.0, 40.0, f_number, x)
    unit = WAVELENGTH * f_number
    assert full_width(x, profile, 0.5) == pytest.approx(1.21 * unit, rel=0.05)
    assert full_width(x, profile**2, 0.5) == pytest.approx(two_way, rel=0.05)
    assert two_way == pytest.approx(0.89 * unit, rel=0.02)


@pytest.mark.parametrize("f_number", [2.0, 4.0])
def test_k20_width_of_the_gaussian_model(f_number):
    one_way = beam.waist(WAVELENGTH, f_number)
    two_way = FWHM_PER_SIGMA * beam.two_way_sigma(one_way, one_way)
    assert two_way == pytest.approx(0.853 * WAVELENGTH * f_number, rel=1e-3)


DEPTHS = np.array([20.0, 50.0, 70.0, 100.0, 150.0])


def test_k21_width_with_depth():
    transmit = beam.gaussian_sigma(DEPTHS, 70.0, float(beam.waist(WAVELENGTH, 4.0)), WAVELENGTH)
    receive = beam.waist(WAVELENGTH, np.maximum(1.5, DEPTHS / 30.0))
    width = FWHM_PER_SIGMA * beam.two_way_sigma(transmit, receive)
    assert width == pytest.approx([0.348, 0.385, 0.468, 0.766, 1.157], rel=0.02)


def test_k21_width_with_depth_is_near_that_of_the_aperture():
    transmit = beam.gaussian_sigma(DEPTHS, 70.0, float(beam.waist(WAVELENGTH, 4.0)), WAVELENGTH)
    receive = beam.waist(WAVELENGTH, np.maximum(1.5, DEPTHS / 30.0))
    model = FWHM_PER_SIGMA * beam.two_way_sigma(transmit, receive)
    x = np.linspace(0.0, 2.0, 2001)
    for depth, width in zip(DEPTHS, model, strict=True):
        sent = rect_profile(depth, 70.0, 4.0, x)
        received = rect_profile(depth, depth, max(1.5, depth / 30.0), x)
        exact = full_width(x, sent / sent[0] * received / received[0], 0.5)
        assert width == pytest.approx(exact, rel=0.12)


@pytest.mark.parametrize(
    ("depth", "low", "high"), [(60, 0.73, 0.76), (90, 3.57, 3.57), (120, 7.03, 7.03)]
)
def test_k22_slice_thickness(depth, low, high):
    waist = float(beam.waist(WAVELENGTH, 60.0 / 13.5))
    sigma = beam.gaussian_sigma(depth, 60.0, waist, WAVELENGTH)
    width = FWHM_PER_SIGMA * sigma / math.sqrt(2.0)
    assert 0.95 * low <= width <= 1.05 * high


def test_k23_skew_rays_make_the_beam():
    s0 = float(beam.waist(WAVELENGTH, 4.0))
    reach = float(beam.rayleigh_range(s0, WAVELENGTH))
    n1, n2 = np.random.default_rng(23).standard_normal((2, 200_000))
    intensity = s0 / math.sqrt(2.0)
    expected = {0: 3.857, 35: 1.943, 70: 0.279, 105: 1.943, 150: 4.405}
    for z, sigma in expected.items():
        x = intensity * n1 + intensity / reach * n2 * (z - 70.0)
        assert x.std() == pytest.approx(sigma, rel=0.02)
        model = beam.gaussian_sigma(z, 70.0, s0, WAVELENGTH) / math.sqrt(2.0)
        assert x.std() == pytest.approx(model, rel=0.01)


def test_three_layers_are_the_gauss_hermite_ones():
    nodes, weights = beam.hermite_layers(3)
    assert nodes == pytest.approx([-math.sqrt(3), 0.0, math.sqrt(3)], abs=1e-12)
    assert weights / weights.sum() == pytest.approx([1 / 6, 2 / 3, 1 / 6])


@pytest.mark.parametrize("layers", [1, 2, 3, 5, 7])
def test_layers_keep_the_speckle_level_and_the_second_moment(layers):
    nodes, weights = beam.hermite_layers(layers)
    assert np.sum(weights**2) == pytest.approx(1.0)
    if layers > 1:
        assert np.sum(weights * nodes**2) / np.sum(weights) == pytest.approx(1.0)


@given(st.floats(1, 150), st.floats(10, 120), st.floats(0.1, 1.0), st.floats(0.1, 0.6))
def test_beam_is_narrowest_and_symmetric_at_its_focus(offset, focus, sigma0, wavelength):
    sigma = beam.gaussian_sigma([focus - offset, focus, focus + offset], focus, sigma0, wavelength)
    assert sigma[1] == sigma0 <= sigma[0]
    assert sigma[0] == pytest.approx(sigma[2])
    far = beam.rayleigh_range(sigma0, wavelength)
    assert beam.gaussian_sigma(focus + far, focus, sigma0, wavelength) == pytest.approx(
        sigma0 * math.sqrt(2.0)
    )


@given(st.floats(0.05, 5), st.floats(0.05, 5))
def test_two_way_is_narrower_than_either(transmit, receive):
    both = beam.two_way_sigma(transmit, receive)
    assert both < min(transmit, receive)
    assert both == beam.two_way_sigma(receive, transmit)

"""Known answers of attenuation: dB per cm of path, one way, as a power of frequency."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.acoustics import load_tissues
from insonate.acoustics.attenuation import (
    attenuation_db,
    intensity_coefficient,
    two_way_decay,
)


def test_k13_power_law_of_amniotic_fluid():
    # 0.0053 f^1.65: Verma, Humphrey and Duck, Ultrasound Med Biol 2005 (from memory)
    amniotic = load_tissues()["amniotic_fluid"]
    assert amniotic.attenuation_at(3.5) == pytest.approx(0.0419, rel=0.01)
    assert amniotic.attenuation_at(8.0) == pytest.approx(0.164, rel=0.01)


def test_k11_two_way_decay_is_twice_the_one_way_decibels():
    # 0.5 dB/(cm MHz) at 5 MHz: 5 dB of image per cm of depth, 50 dB in 100 mm
    alpha = attenuation_db(0.5, 1.0, 5.0)
    amplitude = np.exp(-two_way_decay(alpha) * np.array([10.0, 100.0]))
    assert 20 * np.log10(amplitude) == pytest.approx([-5.0, -50.0], abs=1e-9)


def test_k37_intensity_coefficient():
    assert intensity_coefficient(0.5 * 8.0) == pytest.approx(0.9210, abs=1e-4)
    mu = float(intensity_coefficient(4.0))
    assert np.exp(-mu * 5.0) == pytest.approx(0.0100, abs=1e-4)
    assert np.exp(-mu * (5.0 - 0.3)) == pytest.approx(0.01318, rel=0.02)


def test_k14_k15_budgets_of_enhancement_and_shadow():
    # the numbers that the rendered frames must meet, from the table's formulas alone
    for f, gain in ((3.5, 10.25), (8.0, 23.02)):
        fluid = attenuation_db(0.0053, 1.65, f)
        assert 2 * 3.0 * (0.5 * f - fluid) == pytest.approx(gain, abs=0.01)
    reflected = 0.15795
    for f, shadow in ((3.5, -14.19), (8.0, -28.59)):
        slab = -2 * 0.2 * attenuation_db(8.0, 1.0, f)
        assert 2 * 20 * np.log10(1 - reflected) + slab == pytest.approx(shadow, abs=0.01)


@given(st.floats(0.001, 20), st.floats(0.5, 2), st.floats(0.5, 20), st.floats(1, 3))
def test_power_law_scales(alpha0, power, f, ratio):
    one, two = attenuation_db(alpha0, power, f), attenuation_db(alpha0, power, ratio * f)
    assert two / one == pytest.approx(ratio**power, rel=1e-9)

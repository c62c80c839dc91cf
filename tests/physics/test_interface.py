"""Known answers of a plane wave at a fluid interface.

Numbers: simulator specification, section 6, computed from c [m/s] and rho [kg/m3] of the
media below with the textbook formulas (Kinsler et al., Fundamentals of Acoustics, ch. 6).
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.acoustics.interface import (
    acceptance_slope,
    facet_slope,
    mirror_spreading,
    pressure_reflection,
    rough_cosine,
    sheet_reflection,
    snell_cosine,
    specular_lobe,
)

MEDIA = {
    "fat": (1450.0, 950.0),
    "muscle": (1580.0, 1050.0),
    "soft": (1540.0, 1050.0),
    "cortical": (3200.0, 1900.0),
    "fetal skull": (2500.0, 1500.0),
    "amniotic": (1541.0, 1005.0),
    "water": (1524.0, 993.0),
    "air": (343.0, 1.2),
}


def impedance(name):
    c, rho = MEDIA[name]
    return c * rho * 1e-6


def reflection(front, back, degrees=0.0):
    cos1 = np.cos(np.deg2rad(degrees))
    cos2 = snell_cosine(MEDIA[front][0], MEDIA[back][0], cos1)
    return pressure_reflection(impedance(front), impedance(back), cos1, cos2)


@pytest.mark.parametrize(
    ("incident", "refracted"),
    [(10, 10.907), (20, 21.881), (30, 33.013), (45, 50.399), (60, 70.677)],
)
def test_k1_snell_by_speed_of_sound(incident, refracted):
    cos = snell_cosine(1450.0, 1580.0, np.cos(np.deg2rad(incident)))
    assert np.rad2deg(np.arccos(cos)) == pytest.approx(refracted, abs=1e-3)


@pytest.mark.parametrize(
    ("front", "back", "critical"),
    [("soft", "cortical", 28.767), ("soft", "fetal skull", 38.025), ("fat", "muscle", 66.595)],
)
def test_k2_critical_angle(front, back, critical):
    below, above = np.cos(np.deg2rad([critical - 1e-3, critical + 1e-3]))
    c1, c2 = MEDIA[front][0], MEDIA[back][0]
    assert snell_cosine(c1, c2, below) > 0
    assert snell_cosine(c1, c2, above) == 0
    assert reflection(front, back, critical + 1.0) == 1.0


def test_k3_reflected_power_of_fat_and_muscle():
    assert reflection("fat", "muscle") ** 2 == pytest.approx(0.008594, abs=1e-5)
    assert pressure_reflection(1.38, 1.70, 1.0, 1.0) ** 2 == pytest.approx(0.010794, abs=1e-5)
    assert 10 * np.log10(reflection("fat", "muscle") ** 2) == pytest.approx(-20.66, abs=0.01)


@pytest.mark.parametrize(
    ("front", "back", "power"),
    [
        ("soft", "cortical", 0.33621),
        ("soft", "fetal skull", 0.15795),
        ("amniotic", "fetal skull", 0.17259),
        ("soft", "air", 0.99898),
    ],
)
def test_k4_reflected_power_at_normal_incidence(front, back, power):
    assert reflection(front, back) ** 2 == pytest.approx(power, abs=1e-4)


@pytest.mark.parametrize(
    ("front", "back", "degrees", "gamma"),
    [
        ("fat", "muscle", 30, 0.10866),
        ("fat", "muscle", 45, 0.14383),
        ("soft", "cortical", 20, 0.66791),
        ("soft", "cortical", 25, 0.75381),
        ("soft", "cortical", 28, 0.87576),
        ("soft", "cortical", 30, 1.0),
    ],
)
def test_k5_oblique_reflection(front, back, degrees, gamma):
    assert reflection(front, back, degrees) == pytest.approx(gamma, abs=1e-4)


def test_k6_reflected_and_transmitted_power_sum_to_one():
    rng = np.random.default_rng(6)
    z1, z2 = 10 ** rng.uniform(-3, 2, (2, 100_000))
    c1, c2 = rng.uniform(300, 6000, (2, 100_000))
    cos1 = rng.uniform(0, 1, 100_000)
    cos2 = snell_cosine(c1, c2, cos1)
    below = cos2 > 0
    reflected = pressure_reflection(z1, z2, cos1, cos2) ** 2
    transmitted = 4 * z1 * z2 * cos1 * cos2 / (z2 * cos1 + z1 * cos2) ** 2
    assert np.abs(reflected + transmitted - 1)[below].max() < 1e-12
    assert np.all(reflected[~below] == 1)


@given(
    st.floats(1e-4, 100),
    st.floats(1e-4, 100),
    st.floats(0.3, 6.0),
    st.floats(0.3, 6.0),
    st.floats(1e-3, 1.0),
)
def test_k6_power_is_conserved_and_reciprocal(z1, z2, c1, c2, cos1):
    cos2 = float(snell_cosine(c1, c2, cos1))
    forth = float(pressure_reflection(z1, z2, cos1, cos2))
    back = float(pressure_reflection(z2, z1, cos2, cos1))
    through = 4 * z1 * z2 * cos1 * cos2 / (z2 * cos1 + z1 * cos2) ** 2
    assert -1 <= forth <= 1
    assert forth == -back
    assert forth**2 + through == pytest.approx(1.0, abs=1e-12)


def test_k7_sign_of_the_echo():
    assert reflection("water", "cortical") > 0
    assert reflection("soft", "air") == pytest.approx(-0.99949, abs=1e-4)


@given(st.floats(0.1, 50), st.floats(0.3, 6), st.floats(1e-3, 1.0))
def test_equal_media_reflect_nothing_and_do_not_bend(z, c, cos):
    assert snell_cosine(c, c, cos) == pytest.approx(cos, abs=1e-7)
    assert pressure_reflection(z, z, cos, cos) == 0


@given(st.floats(0.3, 6.0), st.floats(0.3, 6.0), st.floats(0.01, 1.0))
def test_refraction_is_reversible(c1, c2, cos1):
    cos2 = float(snell_cosine(c1, c2, cos1))
    if cos2 > 1e-3:
        assert float(snell_cosine(c2, c1, cos2)) == pytest.approx(cos1, abs=1e-6)


@pytest.mark.parametrize(("s", "mean"), [(0, 0.5), (1, 0.6667), (10, 0.9167), (100, 0.9902)])
def test_k24_mean_cosine_of_rough_normals(s, mean):
    n = 1_000_000
    u = 1.0 - np.random.default_rng(24).random(n)
    cos = rough_cosine(u, s)
    sigma = np.sqrt((s + 1) / (s + 3) - ((s + 1) / (s + 2)) ** 2) / np.sqrt(n)
    assert cos.mean() == pytest.approx((s + 1) / (s + 2), abs=3 * sigma)
    assert (s + 1) / (s + 2) == pytest.approx(mean, abs=5e-5)


@pytest.mark.parametrize("s", [0.0, 3.0, 60.0, 1000.0])
def test_rough_normals_follow_their_density(s):
    # the density (s + 1) / (2 pi) cos^s over the hemisphere has the distribution cos^(s + 1)
    u = 1.0 - np.random.default_rng(5).random(200_000)
    counts, _ = np.histogram(rough_cosine(u, s) ** (s + 1), bins=50, range=(0, 1))
    chi2 = np.sum((counts - counts.mean()) ** 2 / counts.mean())
    assert chi2 < 49 + 4 * np.sqrt(2 * 49)


def test_k39_cyst_refraction():
    for c1, c2, inner, deflection in ((1570, 1500, 59.302, -9.712), (1540, 1600, None, 10.161)):
        t1 = np.rad2deg(np.arcsin(0.9))
        t2 = np.rad2deg(np.arccos(snell_cosine(c1, c2, np.sqrt(1 - 0.9**2))))
        assert 2 * (t2 - t1) == pytest.approx(deflection, abs=1e-3)
        assert inner is None or t2 == pytest.approx(inner, abs=1e-3)


def test_smooth_mirror_returns_all_at_normal_incidence():
    assert specular_lobe(1.0, 1e12, 0.125) == pytest.approx(1.0, rel=1e-6)


def test_lobe_of_a_smooth_interface_is_down_6_db_at_11_8_degrees():
    m = acceptance_slope(2.0)
    assert m == 0.125
    # specification 2.6; the slope factor alone, without the 1 / cos^2 of the projected facet
    cos = np.cos(np.deg2rad(11.8))
    lobe = specular_lobe(cos, 1e12, m) * cos**2
    assert 20 * np.log10(lobe) == pytest.approx(-6.0, abs=0.1)


@given(st.floats(5, 1e5), st.floats(0.02, 0.2))
def test_rougher_is_dimmer_at_the_peak_and_the_total_stays(s, m):
    slopes = np.linspace(0, 3, 6000)
    cos = 1 / np.sqrt(1 + slopes**2)
    lobe = specular_lobe(cos, s, m) * cos**2
    assert specular_lobe(1.0, s, m) < 1
    inside = cos > np.cos(np.deg2rad(75))
    # power over the two slopes: the factor makes it pi 2 m^2 (times 1) whatever the roughness
    total = 2 * np.pi * np.sum((lobe**2 * slopes)[inside]) * (slopes[1] - slopes[0])
    assert total == pytest.approx(2 * np.pi * m**2, rel=0.02)
    assert facet_slope(s) == pytest.approx((s + 1) ** -0.5)


def test_sheet_agrees_with_the_exact_layer_when_thin():
    z1, z2, c2, f = 1.54, 1.80, 1.61, 3.5
    for thickness in (0.002, 0.005, 0.01):
        k = 2 * np.pi * f / c2 * thickness
        j = 0.5j * (z2 / z1 - z1 / z2) * np.sin(k)
        exact = abs(j / (np.cos(k) + 0.5j * (z2 / z1 + z1 / z2) * np.sin(k)))
        assert sheet_reflection(z1, z2, c2, thickness, f) == pytest.approx(exact, rel=0.02)
    assert sheet_reflection(z1, z1, c2, 0.1, f) == 0


@given(st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_only_convex_mirrors_spread_the_beam(flatter, rounder):
    flatter, rounder = sorted((flatter, rounder))
    assert mirror_spreading(rounder) <= mirror_spreading(flatter) <= 1.0
    assert mirror_spreading(0.0) == mirror_spreading(-rounder) == 1.0
    # a rib of 4 mm radius
    assert 20 * np.log10(mirror_spreading(0.25)) == pytest.approx(-15.6, abs=0.05)

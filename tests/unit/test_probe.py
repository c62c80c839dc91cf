import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.errors import InputError
from insonate.probe import Probe, load_probe

PAPER = load_probe("paper_convex")


@pytest.mark.parametrize(
    ("radius", "area"), [(40.0, 21_074.85), (50.0, 22_907.45), (60.0, 24_740.04)]
)
def test_k32_area_of_the_sector(radius, area):
    # 70 degrees, 150 mm: FoV/2 ((R + D)^2 - R^2), here as the sum over all sample cells
    probe = PAPER.replace(radius=radius)
    cells = probe.line_spacing(probe.depths()) * probe.sample_spacing * probe.scanlines
    assert cells.sum() == pytest.approx(area, abs=0.01)


def test_unknown_probe_suggests_the_nearest():
    with pytest.raises(InputError, match="unknown probe 'c5-2v'; did you mean 'c5_2v'"):
        load_probe("c5-2v")


def test_unknown_setting():
    with pytest.raises(InputError, match="no setting 'deepness'"):
        PAPER.replace(deepness=3)


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("field", ["depth", "frequency", "bandwidth", "radius", "focus"])
def test_sizes_must_be_above_zero(field, value):
    with pytest.raises(InputError, match=f"{field} must be above 0"):
        PAPER.replace(**{field: value})


@pytest.mark.parametrize("field", ["elements", "scanlines", "samples"])
def test_counts_have_limits(field):
    for count in (1, 10**9):
        with pytest.raises(InputError, match=f"{field} must be 2 to"):
            PAPER.replace(**{field: count})


def test_kind_must_be_known():
    with pytest.raises(InputError, match="kind must be convex, linear or phased"):
        PAPER.replace(kind="curved")


def test_degrees_instead_of_radians_are_noticed():
    with pytest.raises(InputError, match="rad"):
        PAPER.replace(field_of_view=70.0)


def test_too_few_samples_for_the_pulse():
    with pytest.raises(InputError, match="IQ Nyquist limit"):
        PAPER.replace(samples=512)


kinds = st.sampled_from(["convex", "linear", "phased"])


@given(kinds, st.integers(2, 200), st.floats(0.1, 2.5), st.floats(5, 80), st.floats(-0.5, 0.5))
def test_rays_of_any_probe(kind, scanlines, view, radius, steering):
    probe = PAPER.replace(
        kind=kind, scanlines=scanlines, field_of_view=view, radius=radius,
        steering=steering if kind == "linear" else 0.0,
    )  # fmt: skip
    origins, directions, lateral = probe.rays()
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1.0)
    assert np.cross([0.0, 1.0, 0.0], directions) == pytest.approx(lateral)
    assert origins[:, 0] == pytest.approx(-origins[::-1, 0], abs=1e-9)
    # neighbouring lines are as far apart as the probe says, at any depth
    for depth in (0.0, 30.0, 150.0):
        at = origins + depth * directions
        chord = np.linalg.norm(np.diff(at, axis=0), axis=1)
        spacing = probe.line_spacing(np.array([depth]))[0]
        if kind == "linear":
            apart = np.abs(np.sum(np.diff(at, axis=0) * lateral[:-1], axis=1))
            assert apart == pytest.approx(spacing)
        else:
            arc = probe.arc_radius + depth
            assert chord == pytest.approx(2 * arc * np.sin(spacing / (2 * arc or 1)), abs=1e-9)


@given(st.integers(2, 64), st.integers(1, 8))
def test_denser_rays_keep_the_cells(scanlines, per_line):
    probe = PAPER.replace(scanlines=scanlines)
    dense = probe.line_coordinates(per_line).reshape(scanlines, per_line)
    assert dense.mean(axis=1) == pytest.approx(probe.line_coordinates(), abs=1e-12)


def test_receive_aperture_opens_with_depth_and_then_stays():
    f = PAPER.receive_f_numbers(np.array([1.0, 30.0, 45.0, 60.0, 150.0]))
    assert f == pytest.approx([1.5, 1.5, 1.5, 2.0, 5.0])


def test_defaults_of_the_paper_preset():
    assert PAPER.focal_depth == pytest.approx(70.5)
    assert PAPER.wavelength == pytest.approx(0.1925)
    assert PAPER.line_step == pytest.approx(math.radians(70) / 256)
    assert PAPER.attenuation_frequency_mhz == 3.5
    assert load_probe("c5_2v").attenuation_frequency_mhz == 3.57


def test_curvature_and_directivity_only_broaden():
    assert PAPER.element_broadening(70.0, 4.0) >= 1.0
    fine = PAPER.replace(kind="linear", pitch=0.05, elements=1000)
    assert fine.element_broadening(70.0, 4.0) == pytest.approx(1.0, abs=0.06)


def test_a_probe_needs_a_sector_unless_linear():
    with pytest.raises(InputError, match="field_of_view must be above 0"):
        Probe("p", "phased", 100.0, 3.0, 0.6, 64, 0.3, 14.0, 60.0)
    Probe("p", "linear", 50.0, 7.0, 0.6, 64, 0.3, 5.0, 20.0)

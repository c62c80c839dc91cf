"""What every probe that ships must satisfy."""

import math

import numpy as np
import pytest

from insonate.acoustics import pulse
from insonate.errors import InputError
from insonate.probe import PRESETS, load_probe

every_probe = pytest.mark.parametrize("name", sorted(PRESETS))


def test_the_seven_presets_are_there():
    assert set(PRESETS) == {
        "paper_convex", "c5_2v", "c5_2v_res", "linear_l11", "linear_l12_3v", "phased_p4",
        "endocavity",
    }  # fmt: skip


@every_probe
def test_name_is_the_key(name):
    assert load_probe(name).name == name


@every_probe
def test_rays_are_unit_and_orthogonal(name):
    probe = load_probe(name)
    origins, directions, lateral = probe.rays()
    assert origins.shape == directions.shape == lateral.shape == (probe.scanlines, 3)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1.0)
    assert np.linalg.norm(lateral, axis=1) == pytest.approx(1.0)
    assert np.abs(np.sum(directions * lateral, axis=1)).max() < 1e-12
    assert np.all(directions[:, 2] > 0)
    # lateral is elevation x depth, so the image is not mirrored
    assert np.cross([0.0, 1.0, 0.0], directions) == pytest.approx(lateral)


@every_probe
def test_scanlines_are_symmetric_and_evenly_spaced(name):
    probe = load_probe(name)
    u = probe.line_coordinates()
    assert u == pytest.approx(-u[::-1], abs=1e-12)
    assert np.diff(u) == pytest.approx(probe.line_step)
    span = probe.width if probe.kind == "linear" else probe.field_of_view
    assert u[-1] - u[0] + probe.line_step == pytest.approx(span)  # cell-centred


@every_probe
def test_origins_lie_on_the_face(name):
    probe = load_probe(name)
    origins, directions, _ = probe.rays()
    centre = np.array([0.0, 0.0, -probe.arc_radius])
    if probe.kind == "linear":
        assert np.all(origins[:, 1:] == 0)
    else:
        assert origins - centre == pytest.approx(probe.arc_radius * directions, abs=1e-9)
    assert np.abs(origins.mean(axis=0)[:2]).max() < 1e-9


@every_probe
def test_samples_are_cell_centred_and_cover_the_depth(name):
    probe = load_probe(name)
    depths = probe.depths()
    assert depths[0] == pytest.approx(probe.sample_spacing / 2)
    assert depths[-1] == pytest.approx(probe.depth - probe.sample_spacing / 2)


@every_probe
def test_sampling_holds_the_pulse(name):
    probe = load_probe(name)
    pulse.check_sampling(probe.samples, probe.depth, probe.frequency, probe.bandwidth)
    least = probe.samples * 6 * probe.bandwidth * probe.frequency / pulse.FWHM_PER_SIGMA
    too_few = int(least / pulse.sampling_rate(probe.samples, probe.depth)) - 1
    with pytest.raises(InputError, match="IQ Nyquist limit"):
        probe.replace(samples=too_few)


@every_probe
def test_beam_is_finite_positive_and_narrowest_near_the_focus(name):
    probe = load_probe(name)
    depth = probe.depths()
    for sigma in (probe.lateral_sigma(depth), probe.elevation_sigma(depth)):
        assert np.isfinite(sigma).all()
        assert np.all(sigma > 0)
    thinnest = depth[np.argmin(probe.elevation_sigma(depth))]
    assert thinnest == pytest.approx(probe.elevation_focus, abs=probe.sample_spacing)
    assert np.all(np.diff(probe.receive_f_numbers(depth)) >= 0)


@every_probe
def test_geometry_is_possible(name):
    probe = load_probe(name)
    assert 0 < probe.focal_depth < probe.depth
    assert probe.largest_aperture <= probe.width + 1e-9
    if probe.kind == "convex":
        arc = probe.field_of_view * probe.radius
        assert arc == pytest.approx(probe.width, rel=0.02)
    assert 0.1 < probe.wavelength < 1.0
    assert math.isfinite(probe.attenuation_frequency_mhz)

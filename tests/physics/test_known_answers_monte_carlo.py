"""Known answers K25-K28 and K40: what the bundle of random paths must come to.

The shadow map is 1 - (mean two-way amplitude of the bundle), so without attenuation its
complement is the bundle's transmission, free of speckle.
"""

from itertools import islice

import numpy as np
import pytest
from rendered import CLEAR, LINEAR_DISPLAY, PROBE, lines, render, rows, simulator, tissue

from insonate.anatomy import phantoms
from insonate.anatomy.phantoms import phantom_pose
from insonate.imaging.display import Display
from insonate.sim.reference.path import stratum

SKULL = tissue("fetal_skull", attenuation=0.0)
BONE = tissue("cortical_bone_adult", attenuation=0.0)
#: Absorbs everything and reflects nothing.
BLACK = tissue(attenuation=1000.0)
BEHIND = 200  # an image row at 120 mm
MONTE_CARLO = {"quality": "fine", "layers": 1, "scatterers": False}


def transmission(scene, rays, seeds):
    """Mean amplitude behind the scene's slab, of every line and seed."""
    engine = simulator(scene, rays=rays, **MONTE_CARLO)
    frames = [engine.frame(phantom_pose(), seed) for seed in range(seeds)]
    assert frames[0].shadow.shape == (250, 64)
    return np.concatenate([1 - frame.shadow[BEHIND] for frame in frames])


def test_k25_error_falls_with_the_root_of_the_number_of_passes():
    engine = simulator(phantoms.plate(60.0, None, BONE, CLEAR), rays=1, **MONTE_CARLO)
    counts, errors = np.array([4, 8, 16, 32, 64]), []
    for seed in range(16):
        passes = islice(engine.accumulate(phantom_pose(), seed), 64)
        through = np.stack([1 - frame.shadow[BEHIND] for frame in passes])
        errors.append((through[counts - 1] - (1 - 0.33621)) ** 2)
    rms = np.sqrt(np.mean(errors, axis=(0, 2)))
    assert np.polyfit(np.log(counts), np.log(rms), 1)[0] == pytest.approx(-0.50, abs=0.05)
    assert rms[3] == pytest.approx(0.0835, rel=0.05)


def test_k25_strata_let_the_error_of_a_bundle_fall_faster():
    # 32 independent rays would be 0.0835 off; strata leave one ray in doubt
    scene = phantoms.plate(60.0, None, BONE, CLEAR)
    counts = np.array([4, 8, 16, 32, 64, 128, 256])
    through = 1 - 0.33621
    errors = [
        np.sqrt(np.mean((transmission(scene, int(n), seeds=4) - through) ** 2)) for n in counts
    ]
    assert np.polyfit(np.log(counts), np.log(errors), 1)[0] < -0.85
    assert errors[3] < 1 / 32


@pytest.mark.parametrize("rays", [3, 7, 32, 100])
def test_one_ray_of_a_beam_in_every_stratum(rays):
    orders = []
    for beam in range(200):
        drawn = [stratum(5, beam * rays + r, rays, 2, 8) for r in range(rays)]
        assert sorted(int(u * rays) for u in drawn) == list(range(rays))
        orders.append(drawn)
    assert np.mean(orders, axis=0) == pytest.approx(0.5, abs=4.5 / np.sqrt(12 * 200))
    adjacent = [np.corrcoef(order[:-1], order[1:])[0, 1] for order in orders]
    assert abs(np.mean(adjacent) + 1 / rays) < 0.15


def test_k26_branching_is_unbiased():
    scene = phantoms.plate(60.0, 2.0, SKULL, CLEAR)
    mean = transmission(scene, rays=256, seeds=8).mean()
    assert mean == pytest.approx((1 - 0.158) ** 2, rel=0.01)
    assert mean == pytest.approx(0.7090, rel=0.01)


def test_k26_the_dominant_branch_carries_the_same_mean():
    frame = render(phantoms.plate(60.0, 2.0, SKULL, CLEAR), scatterers=False)
    assert 1 - frame.shadow[BEHIND] == pytest.approx(0.7090, rel=0.01)


def edge(rays):
    """Light behind a black half plane at 60 mm, per line 0.1 mm apart."""
    fine_pixels = {"display": Display(**{**vars(LINEAR_DISPLAY), "rows": 1500})}
    scene = phantoms.half_plane(60.0, 0.5, BLACK, CLEAR)
    probe = PROBE.replace(scanlines=384)
    frame = render(scene, probe, rays=rays, **MONTE_CARLO, **fine_pixels)
    return probe.line_coordinates(), 1 - frame.shadow[700]


def test_k27_penumbra_is_that_of_the_beam():
    # 10 to 90 % of a Gaussian edge is 2.563 sigma; sigma_I(60) = 0.617 mm for F 4 at 70 mm
    x, lit = edge(rays=1024)
    low, high = np.interp([0.1, 0.9], lit, x)
    assert high - low == pytest.approx(1.58, rel=0.10)
    assert (low + high) / 2 == pytest.approx(0.0, abs=0.15)


def test_k27_one_ray_makes_a_step_of_one_line():
    x, lit = edge(rays=1)
    assert set(np.round(lit, 6)) == {0.0, 1.0}
    assert np.count_nonzero(np.diff(lit)) == 1
    assert x[np.argmax(lit > 0)] == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("thickness", [0.0, 0.05])
@pytest.mark.parametrize("layers", [1, 3])
def test_k28_interface_brightness_does_not_depend_on_rays(thickness, layers):
    # energy, because a fuzzy interface spreads its echo over depth
    plate = tissue("fetal_skull", attenuation=0.0, thickness=thickness)
    scene = phantoms.plate(60.0, None, plate, CLEAR)
    levels = []
    for rays in (1, 8, 32, 96):
        engine = simulator(scene, **{**MONTE_CARLO, "layers": layers, "rays": rays})
        frames = [engine.frame(phantom_pose(), seed) for seed in range(16)]
        energy = [np.sum(np.abs(rows(frame, 58, 62)) ** 2, axis=1) for frame in frames]
        levels.append(10 * np.log10(np.mean(energy)))
    assert max(levels) - min(levels) < 0.3, levels


def reverberation(**settings):
    """Level of the echoes at 10, 20 and 30 mm, of the mean line [dB]."""
    impedance = CLEAR.impedance * (1 + 0.58) / (1 - 0.58)
    plate = tissue(density=impedance / 1540 * 1e6)
    scene = phantoms.plate(10.0, None, plate, CLEAR)
    frame = render(scene, face_reflection=0.3, scatterers=False, **settings)
    profile, z = np.abs(frame.iq.mean(axis=0)), frame.probe.depths()
    near = [np.abs(z - depth) < 1.0 for depth in (10, 20, 30)]
    depths = [z[inside][np.argmax(profile[inside])] for inside in near]
    return depths, [20 * np.log10(profile[inside].max()) for inside in near]


@pytest.mark.parametrize(
    "settings",
    [{"rays": 1024, "layers": 1}, {"rays": 1, "layers": 1, "passes": 256}],
    ids=["bundle", "passes"],
)
def test_k40_reverberation_between_plate_and_face(settings):
    depths, levels = reverberation(quality="fine", **settings)
    assert depths == pytest.approx([10, 20, 30], abs=0.05)
    assert np.subtract(levels, levels[0]) == pytest.approx([0.0, -15.19, -30.38], abs=0.3)


def test_k40_reverberation_ends_at_a_face_that_absorbs():
    plate = phantoms.plate(10.0, None, BONE, CLEAR)  # whose back shows at 96 mm
    middle = lines(PROBE, -3, 3)  # whose paths do not pass beside the face
    heard = {}
    for face in (0.0, 0.3):
        frame = render(plate, face_reflection=face, **{**MONTE_CARLO, "rays": 64})
        heard[face] = np.abs(rows(frame, 15, 90)[middle]).max()
    assert heard[0.0] < 1e-6
    assert heard[0.3] > 1e-2

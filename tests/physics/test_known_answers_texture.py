"""Known answers K16-K20 and K29-K31 on rendered frames: speckle and points.

Speckle: Wagner et al. 1983, envelope SNR sqrt(pi / (4 - pi)) = 1.913, sd of its logarithm
5.570 dB, mean logarithm 2.507 dB below the rms.
"""

import numpy as np
import pytest
from rendered import (
    CLEAR,
    PROBE,
    level_db,
    render,
    rows,
    simulator,
    snr,
    tissue,
    upsampled,
    width_6db,
)

from insonate.acoustics import pulse
from insonate.acoustics.scattering import VOXEL_EDGE
from insonate.anatomy import phantoms
from insonate.anatomy.phantoms import phantom_pose

BLOCK = phantoms.homogeneous(CLEAR)
qualities = pytest.mark.parametrize("quality", ["fast", "fine"])


@qualities
def test_k16_k18_k30_fully_developed_speckle(quality):
    # K30: layers are added coherently; adding envelopes of 3 layers would give 3.31
    # K18: real-valued scatterers would give 1.33
    envelope = np.abs(rows(render(BLOCK, quality=quality), 5, 145))
    db = 20 * np.log10(envelope)
    assert snr(envelope) == pytest.approx(1.913, rel=0.03)
    assert snr(envelope) > 1.85
    assert db.std() == pytest.approx(5.570, abs=0.2)
    assert db.mean() - level_db(envelope) == pytest.approx(-2.507, abs=0.15)


def sparse_ratio(probe, occupancy, depth):
    """<I^2> / <I>^2 where scatterers fill `occupancy` of the voxels: 2 + excess / cell.

    The cell's weights are the lateral taps times the pulse summed over each voxel, averaged
    over the position of the lattice; lines lie further apart than a voxel.
    """
    spacing = probe.line_spacing(np.array([depth]))[0]
    assert spacing > VOXEL_EDGE
    sigma = max(probe.lateral_sigma(np.array([depth]))[0], 1.5 * spacing / pulse.FWHM_PER_SIGMA)
    lateral = np.exp(-0.5 * (np.arange(-20, 21) * spacing / sigma) ** 2)
    lateral /= np.linalg.norm(lateral)
    axial = pulse.axial_kernel(
        pulse.axial_sigma(probe.frequency, probe.bandwidth), probe.sample_spacing
    )
    square, fourth = [], []
    for shift in np.linspace(0, 1, 50, endpoint=False):
        voxel = np.floor(np.arange(len(axial)) * probe.sample_spacing / VOXEL_EDGE + shift)
        weight = np.bincount(voxel.astype(int), axial)
        square.append(np.sum(weight**2))
        fourth.append(np.sum(weight**4) * np.sum(lateral**4))
    excess = (2 / occupancy - 2) * np.mean(fourth)
    return (2 * np.mean(np.square(square)) + excess) / np.mean(square) ** 2


@pytest.mark.parametrize("occupancy", [1.0, 0.5, 0.2, 0.1])
def test_k17_sparse_speckle(occupancy):
    probe = PROBE.replace(scanlines=200)
    engine = simulator(phantoms.homogeneous(tissue(occupancy=occupancy)), probe)
    frames = [engine.frame(phantom_pose(), seed) for seed in range(6)]
    intensity = np.concatenate([np.abs(rows(f, 64, 76)).ravel() ** 2 for f in frames])
    measured = np.mean(intensity**2) / np.mean(intensity) ** 2
    assert measured == pytest.approx(sparse_ratio(probe, occupancy, 70.0), rel=0.08)
    assert level_db(np.sqrt(intensity)) == pytest.approx(-40.0, abs=0.3)  # whatever the texture


def wire_on_a_line(depth):
    """IQ of the scanline that looks straight at a wire of -20 dB."""
    x = PROBE.line_coordinates()[32]
    frame = render(phantoms.wires((depth,), (x,), CLEAR, -20.0), scatterers=False)
    return frame.iq[32]


def test_k19_axial_width_of_a_wire():
    line = wire_on_a_line(60.0)
    assert width_6db(line, PROBE.sample_spacing, 64) == pytest.approx(0.1416, rel=0.03)


def test_k19_no_ripple_with_the_position_between_samples():
    depths = 60.0 + np.linspace(0, 1, 9) * PROBE.sample_spacing
    peaks = [20 * np.log10(np.abs(upsampled(wire_on_a_line(z))).max()) for z in depths]
    assert np.ptp(peaks) < 0.3
    assert np.mean(peaks) == pytest.approx(-20.0, abs=0.1)


@pytest.mark.parametrize(("f_number", "width"), [(2.0, 0.348), (4.0, 0.685)])
def test_k20_lateral_width_of_a_wire_at_the_focus(f_number, width):
    probe = PROBE.replace(
        scanlines=384, depth=75.0, focus=60.0, transmit_f_number=f_number,
        receive_f_number=f_number, receive_aperture=60.0,
    )  # fmt: skip
    frame = render(phantoms.wires((60.0,), (0.0,), CLEAR, -20.0), probe, scatterers=False)
    at = np.argmax(np.abs(frame.iq).max(axis=0))
    profile = np.abs(frame.iq[:, at])
    assert width_6db(profile, probe.line_step) == pytest.approx(width, rel=0.05)


LEVELS = {
    "1 ray": {"quality": "fast"},
    "8 rays": {"quality": "fine", "rays": 8},
    "32 rays": {"quality": "fine"},
    "1 layer": {"quality": "fine", "layers": 1},
    "5 layers": {"quality": "fine", "layers": 5},
    "3 fast layers": {"quality": "fast", "layers": 3},
    "4 grid lines": {"quality": "fast", "scatterer_lines": 4},
}


@pytest.mark.parametrize("probe", [PROBE, PROBE.replace(scanlines=400)], ids=["64", "400"])
def test_k29_speckle_level_does_not_depend_on_rays_and_layers(probe):
    levels = {}
    for name, settings in LEVELS.items():
        db = 20 * np.log10(np.abs(rows(render(BLOCK, probe, **settings), 5, 145)))
        levels[name] = db.mean()
    assert max(levels.values()) - min(levels.values()) < 0.3, levels


def test_k29_nor_on_angle_and_depth():
    convex = PROBE.replace(kind="convex", radius=40.0, field_of_view=1.22, scanlines=128)
    for probe in (PROBE, convex):
        frames = [render(BLOCK, probe, seed=seed) for seed in range(4)]
        power = np.mean([np.abs(f.iq) ** 2 for f in frames], axis=0)
        blocks = power.reshape(8, probe.scanlines // 8, 8, -1).mean(axis=(1, 3))
        assert np.ptp(10 * np.log10(blocks)) < 1.0


@pytest.mark.parametrize(("frames", "expected"), [(2, 2.71), (3, 3.31), (4, 3.83)])
def test_k31_compounding_of_envelopes(frames, expected):
    engine = simulator(BLOCK, PROBE)
    envelopes = [np.abs(rows(engine.frame(phantom_pose(), s), 5, 145)) for s in range(frames)]
    assert snr(np.mean(envelopes, axis=0)) == pytest.approx(expected, rel=0.03)
    assert expected == pytest.approx(1.913 * np.sqrt(frames), abs=0.01)

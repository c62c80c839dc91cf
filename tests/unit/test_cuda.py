"""The kernels on a GPU; skipped where there is none."""

import numpy as np
import pytest
import warp as wp

from insonate.anatomy import phantoms
from insonate.anatomy.phantoms import phantom_pose
from insonate.imaging import Display
from insonate.probe import load_probe
from insonate.sim import Settings, Simulator

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(wp.get_cuda_device_count() == 0, reason="no CUDA device"),
]
PROBE = load_probe("c5_2v")


def test_cuda_same_seed_same_frame():
    scene = phantoms.PHANTOMS["qa"]()
    frames = [
        Simulator(scene, PROBE, Settings.fast(), device="cuda").frame(phantom_pose(), seed=1)
        for _ in range(2)
    ]
    for name in ("bmode", "labels", "attenuation", "shadow"):
        first, second = (getattr(frame, name) for frame in frames)
        np.testing.assert_array_equal(first, second, err_msg=name)
    assert 0.2 < frames[0].bmode[frames[0].mask].mean() < 0.8


def test_cuda_speckle_is_as_bright_as_on_the_cpu():
    settings = Settings.fast(keep_iq=True, noise_level=None, display=Display(rows=64))
    level = {}
    for device in ("cpu", "cuda"):
        simulator = Simulator(phantoms.homogeneous(), PROBE, settings, device=device)
        envelope = np.abs(simulator.frame(phantom_pose(), seed=1).iq)
        inside = (PROBE.depths() > 5) & (PROBE.depths() < 100)
        level[device] = np.mean(20.0 * np.log10(envelope[:, inside]))
    assert level["cuda"] == pytest.approx(level["cpu"], abs=0.3)

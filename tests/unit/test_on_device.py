"""The simulator's images to a network on the device where they are."""

import sys
from pathlib import Path

import numpy as np
import pytest
import warp as wp

pytest.importorskip("lightning_fabric")
sys.path.insert(0, str(Path(__file__).parent))
from translated import REGIONS, random_run

from insonate.anatomy import load_scene
from insonate.errors import InputError
from insonate.geometry import look_at
from insonate.imaging import Display
from insonate.probe import load_probe
from insonate.sim import Settings, Simulator
from insonate.translation import Translator

POSES = [look_at((x, 0, 0), (x, 10, 0)) for x in (-2.0, 3.0)]
PROBE = load_probe("c5_2v").replace(depth=40.0, scanlines=32, samples=1024)


def simulator(device="cpu", rows=48):
    settings = Settings.fast(display=Display(rows=rows))
    return Simulator(load_scene("layers"), PROBE, settings, device=device)


def look(scene, config="MSA", device="cpu"):
    """Of a run that knows the scene's regions, in another order."""
    names = tuple(region.name for region in scene.regions)
    found = Translator.load(random_run(config), device, seed=3)
    about = {"regions": ("outside", *reversed(names[1:])) if len(names) > 1 else REGIONS}
    object.__setattr__(found.about, "regions", about["regions"])
    return found


@pytest.mark.parametrize("config", ["M", "MSA", "bridge"])
def test_the_same_as_through_the_host(config):
    renders = simulator()
    translator = look(renders.scene, config)
    frames = [renders.device_frame(pose, 1, shot) for shot, pose in enumerate(POSES)]
    images = translator.on_device(frames, first=5)
    assert images.shape == (2, 1, *frames[0].mask.shape)
    for shot, pose in enumerate(POSES):
        expected = translator(renders.frame(pose, 1, shot=shot), 5 + shot)
        found = (images[shot, 0].numpy() + 1.0) / 2.0
        np.testing.assert_allclose(found, expected.bmode, atol=2e-6)
    assert np.ptp(images.numpy()) > 0.5


def test_a_frame_stays_while_others_are_rendered():
    renders = simulator()
    first = renders.device_frame(POSES[0], 1)
    before = first.bmode.numpy().copy()
    renders.frame(POSES[1], 2)
    np.testing.assert_array_equal(first.bmode.numpy(), before)
    np.testing.assert_array_equal(before, renders.frame(POSES[0], 1).bmode)


def test_frames_that_do_not_fit():
    renders = simulator()
    frame = renders.device_frame(POSES[0])
    translator = look(renders.scene)
    with pytest.raises(InputError, match="expected frames of one size, got 2 sizes"):
        translator.on_device([frame, simulator(rows=40).device_frame(POSES[0])])
    with pytest.raises(InputError, match="got 0 sizes"):
        translator.on_device([])
    with pytest.raises(InputError, match="frame: regions that the run was not trained with"):
        Translator.load(random_run()).on_device([frame])
    object.__setattr__(translator.about, "inputs", ("bmode_fast", "coordinates"))
    with pytest.raises(InputError, match="needs coordinates, which frames on a device do not"):
        translator.on_device([frame])


@pytest.mark.gpu
@pytest.mark.skipif(wp.get_cuda_device_count() == 0, reason="no CUDA device")
def test_images_stay_on_the_gpu():
    renders = simulator("cuda")
    translator = look(renders.scene, device="cuda")
    frames = [renders.device_frame(pose, 1, shot) for shot, pose in enumerate(POSES)]
    images = translator.on_device(frames)
    assert images.is_cuda
    for shot, pose in enumerate(POSES):
        expected = translator(renders.frame(pose, 1, shot=shot), shot).bmode
        found = (images[shot, 0].cpu().numpy() + 1.0) / 2.0
        np.testing.assert_allclose(found, expected, atol=1e-3)

"""The kernels against the NumPy reference, and what must hold whatever the machine."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from insonate.acoustics import load_tissues
from insonate.anatomy import phantoms
from insonate.anatomy.solids import box, sphere
from insonate.errors import InputError
from insonate.geometry import look_at
from insonate.imaging import Display
from insonate.probe import PRESETS, Probe, load_probe
from insonate.scene import Body, Membrane, PointTargets, Scene, Sheet, assemble
from insonate.sim import Settings, Simulator
from insonate.sim.reference import Surfaces, iq_lines, trace_path

POSE = look_at((0, 0, 0), (0, 10, 0))
SMALL = Display(rows=64)


def plain(name: str, **changes: float) -> object:
    """A tissue without the slow modulation that the reference leaves out."""
    return dataclasses.replace(load_tissues()[name], modulation=0.0, **changes)


def nested(roughness: float = 4000.0, outside: str = "gel") -> Scene:
    block = box((-60, -1, -40), (60, 120, 40))
    ball, bone = sphere((5.3, 40.1, 0.2), 12.0, 3), sphere((-15.2, 60.3, 0.4), 6.0, 2)
    bodies = [
        Body("liver", block.vertices, block.faces, plain("liver_adult", roughness=roughness), 0),
        Body("fat", ball.vertices, ball.faces, plain("fat_subcutaneous", roughness=roughness), 1),
        Body("bone", bone.vertices, bone.faces, plain("cortical_bone_adult", roughness=4000.0), 1),
    ]
    membrane = box((-20, 25, -15), (-10, 26, 15))
    amnion = Sheet("amnion", load_tissues()["amnion_membrane"], 0.1)
    sheets = [Membrane(amnion, membrane.vertices, membrane.faces)]
    return assemble(bodies, plain(outside), sheets)


def small(name: str, **changes: object) -> Probe:
    return load_probe(name).replace(scanlines=32, samples=1600, depth=80.0, **changes)


@pytest.mark.parametrize(
    ("name", "outside"),
    [("c5_2v", "gel"), ("linear_l11", "gel"), ("phased_p4", "gel"), ("c5_2v", "air_bowel_gas")],
)
def test_fast_iq_agrees_with_the_reference(name: str, outside: str):
    """In air the ends of the curved face do not touch the flat body."""
    scene = nested(outside=outside)
    probe = small(name)
    settings = Settings.fast(noise_level=None, keep_iq=True, display=SMALL, face_reflection=0.0)
    seen = Simulator(scene, probe, settings).frame(POSE, seed=3).iq
    told = iq_lines(scene, probe, settings, POSE, seed=3)
    assert seen is not None
    # Single precision puts some samples into the next voxel: compare what most show.
    error = np.abs(seen - told)
    scale = np.sqrt(np.mean(np.abs(told) ** 2, axis=0))
    assert np.median(error / scale) < 1e-4
    assert np.mean(error < 0.05 * scale) > 0.97
    correlation = np.abs(np.vdot(seen, told)) / np.linalg.norm(seen) / np.linalg.norm(told)
    assert correlation > 0.9995


def test_stochastic_paths_agree_with_the_reference():
    scene, probe = nested(), small("linear_l11")
    settings = Settings(rays=4, branching="stochastic", display=SMALL, face_reflection=0.0)
    simulator = Simulator(scene, probe, settings)
    simulator.frame(POSE, seed=9)
    paths, centre = simulator._buffers.bundle, simulator._scene.centre
    origin, direction = paths.origin.numpy(), paths.direction.numpy()
    start, counts = paths.start.numpy(), paths.segment_count.numpy()
    segments, echoes = paths.segments.numpy(), paths.echoes.numpy()
    lines = probe.rays()[1]
    surfaces = Surfaces(scene, centre)
    for i in range(0, paths.count, 7):
        o = POSE[:3, 3] - centre + POSE[:3, :3] @ origin[i]
        tilt = float(direction[i] @ lines[i // 4])
        told, heard = trace_path(
            surfaces,
            probe,
            settings,
            o,
            POSE[:3, :3] @ direction[i],
            tilt,
            start[i],
            i,
            9,
            POSE[:3, :3] @ lines[i // 4],
        )
        faint = [s for s in told if s.amplitude < 1e-2]
        kept = told[: len(told) - len(faint)][:4]  # roulette begins at the fourth bounce
        assert counts[i] >= len(kept)
        for b, s in enumerate(kept):
            assert segments[i, b]["region"] == s.region
            assert segments[i, b]["start"] == pytest.approx(s.start, abs=2e-3)
            assert segments[i, b]["amplitude"] == pytest.approx(s.amplitude, rel=2e-3)
            assert segments[i, b]["reflections"] == s.reflections
            assert segments[i, b]["rest"] == pytest.approx(s.rest, abs=5e-3)
        for b, e in enumerate(heard[: len(kept) - 1]):
            assert echoes[i, b]["depth"] == pytest.approx(e.depth, abs=5e-3)
            assert echoes[i, b]["incoherent"] == pytest.approx(e.incoherent, rel=2e-2, abs=1e-6)


@pytest.mark.parametrize("quality", ["fast", "fine"])
def test_threads_do_not_change_a_bit(quality: str):
    scene, probe = nested(200.0), small("c5_2v")
    settings = Settings.preset(quality, display=SMALL, haze=-45.0, clutter=-5.0)
    frames = [Simulator(scene, probe, settings, threads=n).frame(POSE, 1) for n in (1, 2, 5)]
    for other in frames[1:]:
        for name in ("bmode", "labels", "attenuation", "shadow"):
            assert np.array_equal(getattr(frames[0], name), getattr(other, name)), name


def test_seeds_differ_and_repeat():
    simulator = Simulator(nested(200.0), small("c5_2v"), Settings.fine(rays=4, display=SMALL))
    a, b, c = (simulator.frame(POSE, seed).bmode for seed in (1, 2, 1))
    assert np.array_equal(a, c)
    assert not np.array_equal(a, b)


def test_fast_and_fine_share_scatterers():
    scene, probe = nested(), small("linear_l11")
    lines = []
    for settings in (Settings.fast(), Settings.fine(scatterer_lines=1, layers=1)):
        settings = settings.replace(keep_iq=True, noise_level=None, display=SMALL)
        lines.append(Simulator(scene, probe, settings).frame(POSE, 4).iq)
    a, b = (line[:, 60:300] for line in lines if line is not None)
    assert abs(np.vdot(a, b)) / np.linalg.norm(a) / np.linalg.norm(b) > 0.9


def test_passes_accumulate_towards_the_mean():
    probe = small("c5_2v")
    settings = Settings.fine(rays=2, keep_iq=True, display=SMALL, scatterers=False)
    simulator = Simulator(nested(200.0), probe, settings)
    frames = simulator.accumulate(POSE, 1)
    power = [np.mean(np.abs(next(frames).iq) ** 2) for _ in range(24)]  # type: ignore[arg-type]
    once = [np.mean(np.abs(simulator.frame(POSE, s).iq) ** 2) for s in range(24)]  # type: ignore[arg-type]
    assert power[-1] == pytest.approx(np.mean(once), rel=0.25)
    amplitude = simulator._buffers.amplitude.numpy()
    assert np.isfinite(amplitude).all()
    assert amplitude.max() <= 1.001


def test_moved_vertices_equal_a_new_scene():
    scene, probe = nested(200.0), small("linear_l11")
    moved = scene.vertices + np.float32([0, 3, 0]) * (scene.vertices[:, 1:2] > 10)
    settings = Settings.fast(display=SMALL, scatterers=False)
    simulator = Simulator(scene, probe, settings)
    before = simulator.frame(POSE, 1)
    simulator.set_vertices(moved.astype(np.float32))
    after = simulator.frame(POSE, 1)
    fresh = Simulator(dataclasses.replace(scene, vertices=moved), probe, settings).frame(POSE, 1)
    assert not np.array_equal(before.labels, after.labels)
    # Device coordinates are about the middle of the scene, which has moved.
    assert np.mean(after.labels != fresh.labels) < 0.005
    assert np.mean(np.abs(after.bmode - fresh.bmode) > 0.02) < 0.02


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_probe_renders_a_consistent_frame(name: str):
    probe = load_probe(name).replace(scanlines=48)
    frame = Simulator(nested(200.0), probe, Settings.fast(display=SMALL)).frame(POSE, 1)
    shape = frame.bmode.shape
    for image in (frame.labels, frame.attenuation, frame.shadow, frame.mask):
        assert image.shape == shape
    for image in (frame.bmode, frame.attenuation, frame.shadow):
        assert np.isfinite(image).all()
        assert image.min() >= 0
        assert image.max() <= 1
        assert not image[~frame.mask].any()
    assert set(np.unique(frame.labels)) <= set(range(len(frame.region_names)))


@pytest.mark.parametrize("quality", ["fast", "fine"])
def test_brightness_does_not_depend_on_passes(quality: str):
    probe = small("c5_2v")
    changes = {"noise_level": None, "display": SMALL, "keep_iq": True, "scatterers": False}
    simulator = Simulator(phantoms.half_plane(), probe, Settings.preset(quality, **changes))
    power = []
    for passes in (1, 4):
        iq = [simulator.frame(POSE, seed, passes).iq for seed in range(20)]
        power.append(np.mean(np.abs(np.stack(iq)) ** 2))  # type: ignore[arg-type]
    assert 10 * abs(np.log10(power[1] / power[0])) < 0.5


def test_gas_rings_the_same_over_passes():
    scene = phantoms.plate(20.0, None, "air_bowel_gas", "water_37C")
    changes = {"noise_level": None, "display": SMALL, "keep_iq": True, "face_reflection": 0.0}
    simulator = Simulator(scene, small("c5_2v"), Settings.fine(rays=4, **changes))
    tails = [np.abs(simulator.frame(POSE, 1, passes).iq[:, 500:700]) for passes in (1, 8)]
    assert tails[0].mean() > 0
    assert 20 * abs(np.log10(tails[1].mean() / tails[0].mean())) < 1.0


def test_shots_differ_in_noise_alone():
    scene, probe = nested(200.0), small("linear_l11")
    noisy = Simulator(scene, probe, Settings.fast(display=SMALL))
    clean = Simulator(scene, probe, Settings.fast(display=SMALL, noise_level=None))
    assert not np.array_equal(noisy.frame(POSE, 1).bmode, noisy.frame(POSE, 1, shot=1).bmode)
    assert np.array_equal(clean.frame(POSE, 1).bmode, clean.frame(POSE, 1, shot=1).bmode)
    first, second = noisy.frames([POSE, POSE], seed=1)
    assert not np.array_equal(first.bmode, second.bmode)


def test_a_wire_across_the_image_is_seen_and_one_along_it_fades():
    levels, at = np.zeros(1, np.float32), np.array([[0, 30, 6]], np.float32)
    probe, settings = small("linear_l11"), Settings.fast(display=SMALL, keep_iq=True)
    seen = []
    for axis in ((0, 0, 1), (1, 0, 0)):  # the image plane is z = 0
        wire = PointTargets(at, levels, np.array(axis, np.float32))
        scene = assemble([], load_tissues()["water_37C"], targets=wire)
        iq = Simulator(scene, probe, settings.replace(noise_level=None)).frame(POSE, 1).iq
        seen.append(np.abs(iq).max())  # type: ignore[arg-type]
    assert seen[0] > 0.5
    assert seen[1] < 1e-3


def test_accumulation_is_not_mixed_with_other_frames():
    simulator = Simulator(nested(200.0), small("c5_2v"), Settings.fast(display=SMALL))
    frames = simulator.accumulate(POSE, 1)
    next(frames)
    simulator.frame(POSE, 1)
    with pytest.raises(InputError, match="another frame was rendered meanwhile"):
        next(frames)


def test_a_line_that_slips_through_a_surface_takes_its_neighbours_label():
    """A line meets a hole in the ball's near wall: it knows of the ball only at the far one."""
    scene, probe, settings = nested(), small("c5_2v"), Settings.fast(display=SMALL)
    above = look_at((0, -5, 0), (0, 10, 0))
    whole = Simulator(scene, probe, settings)
    whole.frame(above, 1)
    tables, expected = whole._looks[0].tables, whole._looks[0].buffers.labels.numpy().copy()
    ball = scene.labels["fat"]
    line = int(np.argmax((expected == ball).sum(axis=1)))
    depth = np.argmax(expected[line] == ball) * probe.sample_spacing
    origin, way = (getattr(tables.lines, n).numpy()[line] for n in ("origin", "direction"))
    at = above[:3, :3] @ (origin + depth * way) + above[:3, 3]
    away = np.linalg.norm(scene.vertices[scene.faces].mean(axis=1) - at, axis=1)
    keep = np.delete(np.arange(scene.triangles), np.argmin(away))
    holed = dataclasses.replace(
        scene, faces=scene.faces[keep], pairs=scene.pairs[keep], sheet_of=scene.sheet_of[keep],
        normals=None if scene.normals is None else scene.normals[keep],
    )  # fmt: skip
    torn = Simulator(holed, probe, settings)
    torn.frame(above, 1)
    buffers = torn._looks[0].buffers
    assert buffers.doubts.numpy()[line] == 1
    assert np.mean(buffers.labels.numpy()[line] != expected[line]) < 0.03

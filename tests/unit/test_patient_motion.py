"""A patient who lives: what moves, what must not, and that nothing folds or meets."""

import dataclasses
import runpy
from pathlib import Path

import numpy as np
import pytest

from insonate import Patient, Settings, Simulator
from insonate.anatomy.contact import SUNK
from insonate.anatomy.fetus.heartbeat import heart_displacement
from insonate.anatomy.patient.breathing import fetal_breath, maternal_breath
from insonate.anatomy.patient.compression import compressed
from insonate.anatomy.patient.motion import MOTION_RANGES
from insonate.anatomy.rays import RayMesh
from insonate.errors import InputError
from insonate.imaging import Display

EXAMPLES = Path(__file__).parents[2] / "examples"
STILL = {
    "heart_rate": 0.0, "fetal_breathing": 0.0, "limb_movement": 0.0, "maternal_breathing": 0.0,
}  # fmt: skip
SYSTOLE = 0.36 * 60.0 / 140.0  # [s]
TIMES = (1.1, 3.3, 7.4)


@pytest.fixture(scope="module")
def patient():
    return Patient(detail=60_000)


@pytest.fixture(scope="module")
def motion(patient):
    return patient.motion()


def only(patient, **options):
    return patient.motion(**{**STILL, **options})


def volumes(surfaces, vertices):
    """Volume of every region but the outside, by name [ml]."""
    a, b, c = (vertices[surfaces.faces[:, k]].astype(np.float64) for k in range(3))
    piece = np.einsum("fi,fi->f", a, np.cross(b, c)) / 6000.0
    count = len(surfaces.regions)
    inside = np.bincount(surfaces.pairs[:, 1], piece, count)
    inside -= np.bincount(surfaces.pairs[:, 0], piece, count)
    return {n: v for n, v in zip(surfaces.regions[1:], inside[1:], strict=True) if v != 0.0}


def jacobians(move, points, step=0.05):
    columns = []
    for axis in np.eye(3) * step:
        columns.append((move(points + axis) - move(points - axis)) / (2.0 * step))
    return np.linalg.det(np.stack(columns, axis=-1))


def sees_fluid(surfaces, vertices):
    """Whether vertices on the amniotic fluid see it when they look into it."""
    number = surfaces.regions.index("amniotic_fluid")
    bounds = (surfaces.pairs == number).any(axis=1)
    turned = surfaces.pairs[bounds, 1] == number
    faces = np.where(turned[:, None], surfaces.faces[bounds][:, ::-1], surfaces.faces[bounds])
    corners = vertices[faces].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    span = surfaces.spans["amniotic_content"]
    every = RayMesh(vertices, surfaces.faces[span.first_face : span.last_face])
    way, face = every.first_hit(corners.mean(axis=1) + 0.02 * normal, normal, 500.0)
    pairs = surfaces.pairs[span.first_face : span.last_face][face]
    front = np.einsum("fi,fi->f", every.normals(face), normal) < 0.0
    return np.isfinite(way) & (np.where(front, pairs[:, 0], pairs[:, 1]) == number)


def test_at_rest_nothing_moves(patient, motion):
    rest = patient.surfaces.vertices
    still = only(patient)
    for time in (0.0, 7.3):
        np.testing.assert_array_equal(still.vertices(time), rest)
    np.testing.assert_array_equal(motion.vertices(0.0), rest)


def test_time_alone_says_where_all_is(patient, motion):
    first = [motion.vertices(time) for time in TIMES]
    other = patient.motion()
    again = [other.vertices(time) for time in reversed(TIMES)][::-1]
    for a, b in zip(first, again, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_array_equal(a, b)
    assert np.abs(first[0] - patient.motion(seed=1).vertices(TIMES[0])).max() > 0.1


def test_everything_moves_smoothly(motion):
    for time in (0.9, 3.3, 12.0):
        step = motion.vertices(time + 0.01) - motion.vertices(time)
        assert 0.0 < np.linalg.norm(step, axis=1).max() < 0.6


def test_no_region_turns_inside_out(patient, motion):
    rest = volumes(patient.surfaces, patient.surfaces.vertices)
    for time in TIMES:
        moved = volumes(patient.surfaces, motion.vertices(time))
        for region, volume in rest.items():
            if volume > 0.02:
                assert 0.4 < moved[region] / volume < 1.7, (region, time)
        assert moved["fetal_skin"] == pytest.approx(rest["fetal_skin"], rel=0.1)


def test_fetus_cord_and_wall_do_not_meet(patient, motion):
    surfaces = patient.surfaces
    before = sees_fluid(surfaces, surfaces.vertices)
    for time in TIMES:
        after = sees_fluid(surfaces, motion.vertices(time))
        # what opens and what closes in the creases of a coarse mesh is about the same
        assert (before & ~after).mean() < 0.01
        assert after.mean() > before.mean() - 0.006
    limbs, turned = motion._limbs, []
    for time in (2.0, 5.0, 8.0):
        rest = limbs._rest
        moves = limbs._bones(limbs.angles(time))
        assert limbs._flesh.jacobian(moves).min() > 0.3
        assert limbs._gaps.share(moves).min() > 0.9
        turned.append(np.abs(limbs.angles(time) - rest).max())
    assert 0.02 < max(turned) < 0.22
    assert min(turned) > 0.005


def test_the_heart_contracts_inside_its_sac(patient):
    beating = only(patient, heart_rate=140.0)
    surfaces = patient.surfaces
    moved = beating.vertices(SYSTOLE)
    rest, now = volumes(surfaces, surfaces.vertices), volumes(surfaces, moved)
    # a lattice as coarse as this one does not have every chamber
    beats = ("fetal_left_ventricle", "fetal_right_ventricle", "fetal_myocardium")
    before, after = (sum(volume.get(name, 0.0) for name in beats) for volume in (rest, now))
    assert 0.5 * before < after < 0.9 * before
    way = np.linalg.norm(moved - surfaces.vertices, axis=1)
    crux = np.linalg.norm(surfaces.vertices - patient.landmarks["cardiac_crux"], axis=1)
    assert way.max() > 0.8
    assert crux[way > 0.0].max() < 30.0
    np.testing.assert_allclose(beating.vertices(60.0 / 140.0), surfaces.vertices, atol=1e-4)


def test_fields_do_not_fold(patient, motion):
    motion.vertices(1.0)
    heart = motion._rest[motion._by_heart]
    whole = patient.surfaces.vertices[::7].astype(np.float64)
    for phase in (0.2, 0.36, 0.6):
        beat = jacobians(lambda p, f=phase: p + heart_displacement(motion._plan, p, f), heart)
        assert beat.min() > 0.1
    fetal, mother = motion._breathing.displacement, motion._mother.displacement
    assert jacobians(lambda p: p + fetal(p), motion._rest[::3]).min() > 0.3
    assert jacobians(lambda p: p + 10.0 * mother(p), whole).min() > 0.3


def test_the_mother_breathes_but_her_bones_rest(patient):
    breathing = only(patient, maternal_breathing=8.0)
    moved = breathing.vertices(1.8) - patient.surfaces.vertices
    bones = np.isin(
        np.arange(len(moved)), patient.surfaces.faces[_of(patient.surfaces, "maternal_bone")]
    )
    assert np.linalg.norm(moved[bones], axis=1).max() < 0.5
    fetus = moved[np.unique(patient.surfaces.faces[_of(patient.surfaces, "fetal_liver")])]
    assert -8.0 < fetus[:, 2].mean() < -2.0
    assert moved[:, 1].min() < -1.0
    wave = [maternal_breath(0, t, 15.0) for t in np.linspace(0.0, 8.0, 161)]
    assert max(wave) > 0.8
    assert wave[0] == 0.0
    assert np.abs(np.diff(wave)).max() < 0.1


def _of(surfaces, region):
    return (surfaces.pairs == surfaces.regions.index(region)).any(axis=1)


def test_the_fetus_breathes_in_episodes_between_thirty_and_sixty():
    times = np.arange(0.0, 400.0, 0.05)
    wave = np.array([fetal_breath(3, t) for t in times])
    peaks = np.flatnonzero((wave[1:-1] > wave[:-2]) & (wave[1:-1] > wave[2:]) & (wave[1:-1] > 0.1))
    gaps = np.diff(times[peaks])
    assert 1.0 <= np.median(gaps) <= 2.0
    assert gaps.max() > 5.0
    assert wave[0] == 0.0
    assert 0.5 < wave.max() <= 1.0


def test_a_breath_moves_belly_out_and_chest_in(patient):
    motion = only(patient, fetal_breathing=1.0)
    trunk = motion._plan.trunk
    points = np.array([trunk.point(s, 0.0, 0.95) for s in (0.70, 0.36)])
    way = motion._breathing.displacement(points)
    front = [-trunk.axes(s)[:, 1] for s in (0.70, 0.36)]
    assert way[0] @ front[0] > 0.5
    assert way[1] @ front[1] < -0.3


def test_a_probe_presses_the_skin_onto_its_face(patient):
    view = patient.views["four_chamber"]
    probe, pose = view.load_probe(), view.pose()
    still = only(patient)
    outer = patient.surfaces.faces[(patient.surfaces.pairs == 0).any(axis=1)]
    for pressure in (0.0, 1.0):
        at = still.pushed(pose, pressure)
        vertices = still.vertices(0.0, probe, pose, pressure)
        start = at[:3, 3] - 40.0 * at[:3, 2]
        away, hit = RayMesh(vertices, outer).first_hit(start[None], at[None, :3, 2], 100.0)
        corners = vertices[outer[hit[0]]]
        edge = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).max()
        chord = edge**2 / (8.0 * probe.radius)  # how far a facet can lie above the curved face
        assert -SUNK - chord - 0.5 < away[0] - 40.0 < 0.5
    assert still.deepest == pytest.approx(
        0.35 * (patient.truth["maternal_fat"] + patient.truth["rectus"])
    )
    points = patient.surfaces.vertices[::3].astype(np.float64)
    fold = jacobians(lambda p: compressed(p, probe, pose, 20.0), points)
    assert fold.min() > 0.3
    moved = compressed(points, probe, pose, 20.0) - points
    np.testing.assert_allclose(np.cross(moved, pose[:3, 2]), 0.0, atol=1e-9)
    with pytest.raises(InputError, match="0 to 1"):
        still.vertices(0.0, probe, pose, 1.5)
    with pytest.raises(InputError, match="pose"):
        still.vertices(0.0, probe)


def test_bad_options_are_refused(patient):
    for name in MOTION_RANGES:
        with pytest.raises(InputError, match=name):
            patient.motion(**{name: 1e3})
        with pytest.raises(InputError, match=name):
            patient.motion(**{name: float("nan")})
    with pytest.raises(InputError, match="did you mean 'heart_rate'"):
        patient.motion(heart_rat=140.0)


def test_frames_show_the_beat_and_nothing_else(patient):
    view = patient.views["four_chamber"]
    probe = view.load_probe().replace(scanlines=96)
    pose, beating = view.pose(), only(patient, heart_rate=140.0)
    settings = Settings.fast().replace(keep_iq=True)

    def polar(time):
        simulator.set_vertices(beating.vertices(time, probe, pose))
        return simulator.frame(pose, seed=1).polar

    pressed = beating.vertices(0.0, probe, pose)
    scene = dataclasses.replace(patient.scene(), vertices=pressed)
    simulator = Simulator(scene, probe, settings)
    unmoved = simulator.frame(pose, seed=1).polar
    rest, systole, again = polar(0.0), polar(SYSTOLE), polar(0.0)
    np.testing.assert_array_equal(rest, again)
    assert np.mean(np.abs(rest - unmoved) > 1e-4) < 1e-3
    changed = (rest != systole).any(axis=1)
    local = patient.landmarks["cardiac_crux"] - pose[:3, 3]
    along, depth = local @ pose[:3, 0], local @ pose[:3, 2] + probe.arc_radius
    line = (np.arctan2(along, depth) / probe.field_of_view + 0.5) * probe.scanlines
    heart = round(line)
    assert changed[heart - 8 : heart + 9].sum() >= 5
    far = np.abs(np.arange(probe.scanlines) - line) * probe.field_of_view / probe.scanlines
    assert not changed[far * depth > 40.0].any()
    assert (far * depth > 40.0).sum() > 10


def test_given_normals_turn_with_the_faces(patient):
    settings, probe = Settings.fast(), patient.views["four_chamber"].load_probe()
    simulator = Simulator(patient.scene(), probe, settings)
    device = simulator._scene
    given = device.anatomy.normals.numpy()
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    simulator.set_vertices(patient.surfaces.vertices @ turn.T.astype(np.float32))
    turned = device.anatomy.normals.numpy()
    assert np.median(np.linalg.norm(turned - given @ turn.T, axis=1)) < 0.1
    length = np.linalg.norm(turned, axis=1)  # 0 at triangles without area: the facet is used
    assert np.mean(np.abs(length - 1.0) < 1e-4) > 0.99
    simulator.set_vertices(patient.surfaces.vertices)
    np.testing.assert_array_equal(device.anatomy.normals.numpy(), given)


def test_the_example_shows_a_living_patient(patient):
    example = runpy.run_path(str(EXAMPLES / "living_patient.py"))
    settings = Settings.fast(display=Display(rows=64))
    times = example["setup"](3)
    frames = list(example["run"](times, patient, settings))
    assert [round(time, 6) for time in times] == [0.0, 0.04, 0.08]
    for frame in frames:
        assert frame.bmode.shape[0] == 64
        assert 0.02 < frame.bmode[frame.mask].mean() < 0.8
    assert np.abs(frames[0].bmode - frames[2].bmode).max() > 0.1

"""Skin pressed onto a probe's face."""

import numpy as np
import pytest

from insonate.acoustics import load_tissues
from insonate.anatomy.check import unbalanced_edges
from insonate.anatomy.contact import REACH, SUNK, in_air, press
from insonate.anatomy.fields import Field, Grid
from insonate.anatomy.voxelise import Solid, solids_to_scene
from insonate.errors import InputError
from insonate.geometry import look_at
from insonate.probe import load_probe
from insonate.sim import Settings, Simulator

TISSUES = load_tissues()
PROBE = load_probe("c5_2v")
DOWN = (0.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def slab():
    """Flat layers: skin at y = 0, fat from 10 mm, muscle from 40 mm, down to 110 mm."""
    grid = Grid.box([-90, -10, -60], [90, 120, 60], 4.0)
    x, y, z = grid.points().T.astype(np.float64)
    side = np.maximum(np.abs(x) - 82.0, np.abs(z) - 52.0)

    def layer(name, tissue, top):
        values = np.maximum(np.maximum(top - y, y - 110.0), side).reshape(grid.shape)
        box = tuple(slice(0, n) for n in grid.shape)
        return Solid(name, TISSUES[tissue], Field(grid, values.astype(np.float32), box))

    solids = [layer("skin", "skin", 0.0), layer("fat", "fat_subcutaneous", 10.0)]
    solids.append(layer("muscle", "muscle_abdominal", 40.0))
    return solids_to_scene(solids, grid, TISSUES["gel"])[0]


def face_depth(scene, pose, pair):
    """Depth under the probe's face of the surface between two regions, near the image plane."""
    faces = scene.faces[(scene.pairs == pair).all(axis=1)]
    local = (scene.vertices[np.unique(faces)] - pose[:3, 3]) @ pose[:3, :3]
    angle = np.arctan2(local[:, 0], local[:, 2] + PROBE.radius)
    near = (np.abs(angle) < 0.45 * PROBE.field_of_view) & (np.abs(local[:, 1]) < 6.0)
    depth = np.hypot(local[:, 0], local[:, 2] + PROBE.radius) - PROBE.radius
    return depth[near & (depth < 60.0)]


@pytest.mark.parametrize("push", [0.0, 5.0, 9.0])
def test_skin_lies_on_the_face_whether_it_hung_free_or_sank_in(slab, push):
    pose = look_at((0.0, push, 0.0), (0.0, 60.0, 0.0))
    before = face_depth(slab, pose, (0, 1))
    assert np.ptp(before) > 6.0  # flat skin, curved face
    after = face_depth(press(slab, PROBE, pose), pose, (0, 1))
    np.testing.assert_allclose(after, -SUNK, atol=0.6)
    assert after.max() < 0.05  # nothing is left between: air would couple nothing


def test_layers_keep_their_order_and_the_depths_stay(slab):
    pose = look_at((0.0, 5.0, 0.0), (0.0, 60.0, 0.0))
    pressed = press(slab, PROBE, pose)
    assert face_depth(pressed, pose, (1, 2)).min() > 3.0
    assert unbalanced_edges(pressed) == {}
    push = [_push(slab, pressed, pair) for pair in ((0, 1), (1, 2), (2, 3))]
    assert push[0] > push[1] > 2.0 * push[2] > 0.2
    far = slab.vertices[:, 1] > 5.0 + REACH
    np.testing.assert_allclose(pressed.vertices[far], slab.vertices[far], atol=1e-4)
    beside = np.abs(slab.vertices[:, 2]) > 45.0
    np.testing.assert_allclose(pressed.vertices[beside], slab.vertices[beside], atol=1e-4)


def _push(before, after, pair):
    """Largest way of the vertices between two regions [mm]."""
    used = np.unique(before.faces[(before.pairs == pair).all(axis=1)])
    return np.linalg.norm(after.vertices[used] - before.vertices[used], axis=1).max()


def test_normals_turn_with_the_surface(slab):
    pose = look_at((0.0, 5.0, 0.0), (0.0, 60.0, 0.0))
    pressed = press(slab, PROBE, pose)
    corners = pressed.vertices[pressed.faces].astype(np.float64)
    facet = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facet /= np.linalg.norm(facet, axis=1, keepdims=True)
    top = (pressed.pairs == (0, 1)).all(axis=1) & (np.abs(corners[..., 0]).max(axis=1) < 30)
    top &= (np.abs(corners[..., 2]).max(axis=1) < 10) & (corners[..., 1].max(axis=1) < 20)
    cosine = np.einsum("fcx,fx->fc", pressed.normals[top].astype(np.float64), facet[top])
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 8.0
    assert facet[top][:, 0].std() > 0.1  # it did turn


def test_far_away_nothing_is_pressed(slab):
    pose = look_at((0.0, -200.0, 0.0), DOWN)
    np.testing.assert_array_equal(press(slab, PROBE, pose).vertices, slab.vertices)


def test_air_couples_nothing(slab):
    """Not pressed on, a curved face touches with its middle; gel would couple its ends, too."""
    pose, settings = look_at((0.0, 3.0, 0.0), (0.0, 60.0, 0.0)), Settings.fast(keep_iq=True)
    air, gel = (
        np.abs(Simulator(scene, PROBE, settings).frame(pose, 1).iq).mean(axis=1)
        for scene in (in_air(slab), slab)
    )
    middle = slice(len(air) // 2 - 20, len(air) // 2 + 20)
    np.testing.assert_allclose(air[middle], gel[middle], rtol=0.05)
    assert air[:20].max() < 0.01 * gel[:20].min()


def test_a_probe_in_air_is_refused(slab):
    pose = look_at((0.0, -12.0, 0.0), DOWN)
    with pytest.raises(InputError, match="does not touch the body"):
        Simulator(in_air(slab), PROBE).frame(pose)
    Simulator(slab, PROBE).frame(pose)  # in gel it may stand off

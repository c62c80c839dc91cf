import functools

import numpy as np
import pytest

from insonate.acoustics import load_tissues
from insonate.anatomy import phantoms
from insonate.anatomy.phantoms import PHANTOMS, phantom_pose, phantom_tissues
from insonate.anatomy.solids import box, cylinder, sphere, trough
from insonate.errors import InputError
from insonate.geometry import check_pose
from insonate.probe import PRESETS

SOLIDS = {
    "box": (box((0, -1, 2), (1, 2, 4)), 6.0),
    "sphere": (sphere((1, 2, 3), 5.0), 4 / 3 * np.pi * 125),
    "cylinder x": (cylinder((1, 2, 3), 2.0, 5.0, axis=0), 20 * np.pi),
    "cylinder z": (cylinder((1, 2, 3), 2.0, 5.0), 20 * np.pi),
    "half cylinder": (trough((1, 2, 3), 2.0, 2.0, 5.0), 10 * np.pi),
    # circular segment: R^2 acos(d/R) - d sqrt(R^2 - d^2), here R = 2, d = 1
    "trough": (trough((0, 0, 0), 2.0, 1.0, 3.0), 3 * (4 * np.arccos(0.5) - np.sqrt(3))),
    "deep trough": (
        trough((0, 0, 0), 2.0, -1.0, 3.0),
        3 * (4 * np.pi - 4 * np.arccos(0.5) + np.sqrt(3)),
    ),
}
SCENES = functools.cache(lambda name: PHANTOMS[name]())
every_solid = pytest.mark.parametrize("name", SOLIDS)
every_phantom = pytest.mark.parametrize("name", PHANTOMS)


def open_edges(vertices, faces):
    """Directed edges without their opposite, vertices at one place being one."""
    _, same = np.unique(np.round(vertices, 5), axis=0, return_inverse=True)
    welded = same.reshape(-1)[faces]
    edges = {tuple(e) for e in welded[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist()}
    return [(a, b) for a, b in edges if (b, a) not in edges]


def volume(vertices, faces):
    a, b, c = np.moveaxis(vertices.astype(float)[faces], 1, 0)
    return np.sum(a * np.cross(b, c)) / 6


@every_solid
def test_solids_are_closed_and_face_outwards(name):
    solid, expected = SOLIDS[name]
    assert not open_edges(solid.vertices, solid.faces)
    assert volume(solid.vertices, solid.faces) == pytest.approx(expected, rel=0.003)


@every_solid
def test_normals_of_solids_are_exact(name):
    solid, _ = SOLIDS[name]
    assert np.linalg.norm(solid.normals, axis=1) == pytest.approx(1.0, abs=1e-6)
    a, b, c = np.moveaxis(solid.vertices.astype(float)[solid.faces], 1, 0)
    flat = np.cross(b - a, c - a)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    corner = solid.normals[solid.faces]
    assert np.einsum("fc,fkc->fk", flat, corner).min() > 0.995  # within the facet's turn
    if name == "sphere":
        assert solid.vertices - np.array([1, 2, 3]) == pytest.approx(5 * solid.normals, abs=1e-5)


@every_phantom
def test_phantoms_are_closed_scenes_with_exact_normals(name):
    scene = SCENES(name)
    assert not open_edges(scene.vertices, scene.faces)
    assert scene.name == name
    assert scene.normals is not None
    assert scene.normals.shape == (scene.triangles, 3, 3)
    corners = scene.vertices[scene.faces].astype(float)
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert np.einsum("fc,fkc->fk", flat, scene.normals).min() > 0.99
    assert {int(label) for label in np.unique(scene.pairs)} == set(range(len(scene.regions)))


@every_phantom
@pytest.mark.parametrize("probe", sorted(PRESETS))
def test_phantoms_hold_the_whole_fan_of_every_probe(name, probe):
    low, high = SCENES(name).bounds()
    probe = PRESETS[probe]
    origins, directions, _ = probe.rays()
    ends = np.concatenate([origins, origins + probe.depth * directions])
    world = np.c_[ends, np.ones(len(ends))] @ phantom_pose().T
    assert np.all(world[:, :3] > low)
    assert np.all(world[:, :3] < high)


def test_no_two_surfaces_of_a_phantom_coincide():
    for name in ("layers", "plate", "half_plane"):
        scene = SCENES(name)
        corners = scene.vertices[scene.faces]
        for axis in range(3):
            flat = np.ptp(corners[..., axis], axis=1) == 0
            at = corners[flat][:, 0, axis]
            assert np.unique(at, return_counts=True)[1].max() == 2  # two triangles a face


def test_pose_sits_on_the_block_and_looks_in():
    pose = check_pose(phantom_pose(5.0))
    assert pose[:3, 3].tolist() == [5, 0, 0]
    assert pose[:3, 2].tolist() == [0, 1, 0]
    assert pose[:3, 0].tolist() == [1, 0, 0]


def test_layers_are_where_they_were_asked_for():
    stack = (("skin", 2.0), ("fat_subcutaneous", 20.0), ("muscle_abdominal", 10.0))
    scene = phantoms.layers(stack, bottom="liver_adult")
    names = [region.tissue.name for region in scene.regions]
    assert names == ["gel", "skin", "fat_subcutaneous", "muscle_abdominal", "liver_adult"]
    for label, top in ((2, 2.0), (3, 22.0), (4, 32.0)):
        assert scene.vertices[scene.faces[scene.pairs[:, 1] == label]][..., 1].min() == top
    # each layer borders the next: in front the one above
    assert {(1, 2), (2, 3), (3, 4)} <= {tuple(pair) for pair in scene.pairs.tolist()}


def test_plate_with_and_without_a_back():
    thin = phantoms.plate(77.0, thickness=3.0)
    y = thin.vertices[thin.faces[thin.pairs[:, 1] == 2]][..., 1]
    assert (y.min(), y.max()) == (77.0, 80.0)
    thick = phantoms.plate(77.0)
    assert thick.vertices[thick.faces[thick.pairs[:, 1] == 2]][..., 1].max() > 150.0


def test_half_plane_ends_at_its_edge():
    scene = phantoms.half_plane(depth=60.0, thickness=2.0, edge=3.0)
    occluder = scene.vertices[scene.faces[scene.pairs[:, 1] == scene.labels["occluder"]]]
    assert occluder[..., 0].max() == 3.0
    assert (occluder[..., 1].min(), occluder[..., 1].max()) == (60.0, 62.0)


def test_wires_run_along_the_elevation():
    scene = phantoms.wires(depths=(20.0, 40.0), laterals=(-5.0, 5.0), level=-10.0)
    targets = scene.targets
    assert targets.axis is not None
    assert targets.axis.tolist() == [0, 0, 1]
    assert targets.positions.shape == (4, 3)
    assert np.all(targets.levels == -10.0)


def test_cysts_of_all_sizes_and_fillings():
    scene = phantoms.cysts()
    assert len(scene.regions) == 2 + 27
    assert {r.tissue.name for r in scene.regions} >= {"phantom_fluid", "phantom_hypo"}
    tubes = phantoms.cysts(shape="cylinder", diameters=(6.0,), depths=(40.0,))
    assert len(tubes.regions) == 2 + 3
    with pytest.raises(InputError, match="neighbours touch"):
        phantoms.cysts(diameters=(30.0, 30.0))


def test_gray_targets_differ_in_echogenicity_alone():
    scene = SCENES("qa")
    background = phantom_tissues()["phantom_background"]
    gray = [r.tissue for r in scene.regions if r.name.startswith("gray")]
    assert [t.echogenicity for t in gray] == [-9, -6, -3, 3, 6, 15]
    for tissue in gray:
        assert (tissue.speed, tissue.impedance) == (background.speed, background.impedance)
        assert tissue.attenuation == background.attenuation


def test_wall_of_the_qa_phantom_follows_the_face():
    scene = phantoms.qa(face_radius=49.57)
    skin = scene.vertices[scene.faces[scene.pairs[:, 1] == scene.labels["skin"]]]
    wall = skin.reshape(-1, 3)[:, :2] + [0, 49.57]
    assert np.linalg.norm(wall, axis=1).max() == pytest.approx(49.57 + 2.0, abs=1e-3)
    flat = phantoms.qa(face_radius=None)
    skin = flat.vertices[flat.faces[flat.pairs[:, 1] == flat.labels["skin"]]]
    assert skin[..., 1].max() == 2.0


def test_phantom_tissues_extend_the_shipped_ones():
    assert set(load_tissues()) < set(phantom_tissues())
    with pytest.raises(InputError, match="unknown tissue"):
        phantoms.homogeneous("phantom_foam")

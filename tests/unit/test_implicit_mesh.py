"""Groups of parts become closed, oriented, exact surfaces that know their sides."""

import hashlib
import os

import numpy as np
import pytest

from insonate.anatomy.implicit import Group, Part, box, ellipsoid, half_space, sphere
from insonate.anatomy.implicit.mesh import (
    Surfaces,
    count_triangles,
    mesh_groups,
    refined,
    region_tissues,
)
from insonate.anatomy.implicit.program import distance
from insonate.errors import InputError

HEAD = ellipsoid((0, 0, 0), (38, 31, 33))
FALX = box((0, 0, 0), (0.4, 40, 40)) & HEAD.offset(-1.5)
PARTS = (
    Part("skull", HEAD, thickness=1.0, shell=True),
    Part("brain", HEAD.offset(-1.0)),
    Part("falx", FALX, thickness=0.8),
    Part("ventricle", sphere((12, 5, 0), 8)),
    Part("ventricle", sphere((18, 5, 0), 6)),
    Part("choroid", sphere((14, 5, 0), 3)),
)
SKIN = ellipsoid((0, 0, 0), (48, 42, 44))
GROUPS = (
    Group("head", "fat", PARTS),
    *Group.layers("outside", [Part("skin", SKIN), Part("fat", SKIN.offset(-0.7))], fineness=2.0),
)


@pytest.fixture(scope="module")
def surfaces() -> Surfaces:
    return mesh_groups(GROUPS, 1.0)


def boundary(surfaces: Surfaces, region: int) -> np.ndarray:
    """Faces around a region, oriented outwards."""
    back = surfaces.faces[surfaces.pairs[:, 1] == region]
    front = surfaces.faces[surfaces.pairs[:, 0] == region][:, ::-1]
    return np.concatenate([back, front])


def open_edges(faces: np.ndarray) -> int:
    """Directed edges whose opposite is missing."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    size = int(ends.max()) + 1
    key = ends.min(axis=1) * size + ends.max(axis=1)
    sign = np.where(ends[:, 0] < ends[:, 1], 1, -1)
    _, where = np.unique(key, return_inverse=True)
    return int((np.bincount(where, weights=sign) != 0).sum())


def volume(surfaces: Surfaces, region: int) -> float:
    a, b, c = surfaces.vertices[boundary(surfaces, region)].astype(float).transpose(1, 0, 2)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def test_every_region_is_closed_and_oriented(surfaces):
    for region in range(1, len(surfaces.regions)):
        assert open_edges(boundary(surfaces, region)) == 0
        assert volume(surfaces, region) > 0


def test_the_rim_of_a_part_thinner_than_the_lattice_lies_on_its_surface():
    ball = sphere((0, 0, 0), 70)
    muscle = (ball - ball.offset(-1.6)) & half_space((20, 0, 0), (0.8, 0.6, 0))
    thin = mesh_groups([Group("muscle", "outside", (Part("muscle", muscle, 1.6),))], 11.0)
    assert np.abs(distance(muscle, thin.vertices)).max() < 0.05


def test_volumes_are_those_of_the_shapes(surfaces):
    number = {name: n for n, name in enumerate(surfaces.regions)}
    ball = 4.0 / 3.0 * np.pi
    assert volume(surfaces, number["choroid"]) == pytest.approx(ball * 27, rel=0.05)
    assert volume(surfaces, number["skull"]) == pytest.approx(shell(38, 31, 33, 1.0), rel=0.02)
    assert volume(surfaces, number["skin"]) == pytest.approx(shell(48, 42, 44, 0.7), rel=0.02)


def shell(a: float, b: float, c: float, thickness: float) -> float:
    """Volume between an ellipsoid and its inner offset: area times thickness, to first order."""
    p = 1.6075
    mean = ((a * b) ** p + (a * c) ** p + (b * c) ** p) / 3.0
    return 4.0 * np.pi * mean ** (1.0 / p) * thickness * (1.0 - thickness / (a * b * c) ** (1 / 3))


def test_vertices_lie_on_the_surface_of_the_higher_part(surfaces):
    head = surfaces.spans["head"]
    faces = surfaces.faces[head.first_face : head.last_face]
    pairs = surfaces.pairs[head.first_face : head.last_face]
    number = {name: n for n, name in enumerate(surfaces.regions)}
    outer = np.unique(faces[(pairs == [number["fat"], number["skull"]]).all(axis=1)])
    assert np.abs(distance(HEAD, surfaces.vertices[outer])).max() < 2e-3
    falx = np.unique(faces[pairs[:, 1] == number["falx"]])
    off = np.abs(distance(FALX, surfaces.vertices[falx]))
    assert np.percentile(off, 95) < 0.05


def test_a_falx_thinner_than_the_lattice_keeps_its_thickness(surfaces):
    number = {name: n for n, name in enumerate(surfaces.regions)}
    faces = boundary(surfaces, number["falx"])
    at = surfaces.vertices[np.unique(faces)]
    middle = at[(np.abs(at[:, 1]) < 20) & (np.abs(at[:, 2]) < 20) & (np.abs(at[:, 0]) < 2)]
    assert np.abs(middle[:, 0]).mean() == pytest.approx(0.4, abs=0.02)


def test_normals_are_those_of_the_ellipsoid(surfaces):
    number = {name: n for n, name in enumerate(surfaces.regions)}
    at = np.flatnonzero((surfaces.pairs == [0, number["skin"]]).all(axis=1))
    corners = surfaces.vertices[surfaces.faces[at]].astype(float)
    exact = corners / np.array([48, 42, 44]) ** 2
    exact /= np.linalg.norm(exact, axis=-1, keepdims=True)
    cosine = np.einsum("fci,fci->fc", exact, surfaces.normals[at])
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 0.1


def test_same_bytes_on_one_and_two_cores(surfaces, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    again = mesh_groups(GROUPS, 1.0)

    def digest(s: Surfaces) -> str:
        parts = (s.vertices, s.faces, s.pairs, s.normals)
        return hashlib.sha256(b"".join(p.tobytes() for p in parts)).hexdigest()

    assert digest(again) == digest(surfaces)


def test_blocks_give_the_labels_of_every_single_voxel():
    from insonate.anatomy.implicit.mesh import _paint
    from insonate.anatomy.implicit.program import compile_shapes

    parts = tuple(Part(p.region, p.shape) for p in PARTS)
    labels, origin = _paint(parts, compile_shapes([p.shape for p in parts]), 2.3)
    z, y, x = np.indices(labels.shape)
    at = np.stack([x, y, z], axis=-1).reshape(-1, 3) * 2.3 + origin
    expected = np.zeros(len(at), int)
    for n, part in enumerate(parts):
        expected[distance(part.shape, at) < 0] = n + 1
    assert (labels.ravel() == expected).all()


def test_triangles_are_counted_without_making_them():
    count = count_triangles(GROUPS[0], 1.0)
    made = mesh_groups((Group("head", "outside", PARTS),), 1.0)
    assert count == pytest.approx(len(made.faces), rel=0.03)


def test_the_surface_between_two_parts_of_one_region_is_dropped(surfaces):
    number = {name: n for n, name in enumerate(surfaces.regions)}
    assert not (surfaces.pairs == number["ventricle"]).all(axis=1).any()
    assert (surfaces.pairs[:, 0] != surfaces.pairs[:, 1]).all()


def test_scene_has_the_tissue_of_every_region(surfaces):
    given = {name: "fetal_brain" for name in surfaces.regions} | {
        "skull": {"like": "fetal_skull", "speed_of_sound": 1850.0}
    }
    scene = surfaces.scene(region_tissues(given))
    assert scene.regions[scene.labels["skull"]].tissue.speed_of_sound == 1850.0
    assert scene.triangles == len(surfaces.faces)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ((Group("a", "nowhere", (Part("b", HEAD),)),), "nobody makes"),
        ((Group("a", "outside", (Part("b", HEAD),)),) * 2, "twice"),
    ],
)
def test_groups_that_cannot_nest_are_refused(groups, words):
    with pytest.raises(InputError, match=words):
        mesh_groups(groups, 4.0)


def test_groups_are_refined_to_the_triangles_wanted():
    groups = refined(GROUPS, 30_000, 3.0)
    assert sum(count_triangles(g, g.fineness) for g in groups) == pytest.approx(30_000, rel=0.1)
    assert groups[1].fineness / groups[0].fineness == pytest.approx(2.0)

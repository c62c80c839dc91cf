import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from insonate.acoustics import load_tissues
from insonate.anatomy import load_scene, views
from insonate.anatomy.check import unbalanced_edges
from insonate.anatomy.scene_file import load_scene_notes
from insonate.anatomy.voxelise import voxelise
from insonate.errors import InputError
from insonate.scene import Body

trimesh = pytest.importorskip("trimesh")
pytest.importorskip("pyvista")

ROOT = Path(__file__).parents[2]
TISSUES = load_tissues()
#: Turns the bowl, so that its lid does not lie along the lattice.
TILT = trimesh.transformations.rotation_matrix(0.4, [1.0, 0.5, 0.0])


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """A cache and a data folder of the test's own."""
    monkeypatch.setenv("INSONATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INSONATE_DATA", str(tmp_path))
    trimesh.creation.icosphere(4, 20.0).export(tmp_path / "ball.stl")
    shifted = trimesh.creation.icosphere(4, 12.0)
    shifted.apply_translation([15.0, 0.0, 0.0])
    shifted.export(tmp_path / "side.stl")
    cap = trimesh.creation.icosphere(3, 20.0)
    cap.update_faces(cap.triangles_center[:, 2] < 17.0)
    tilted = cap.copy()
    tilted.apply_transform(TILT)
    tilted.export(tmp_path / "bowl.stl")
    cap.update_faces(cap.triangles_center[:, 2] < -15.0)
    cap.export(tmp_path / "sheet.stl")


BASE = {
    "name": "two",
    "outside": "water_37C",
    "resolve": {"method": "voxelise", "spacing": 1.0},
    "parts": [
        {"name": "side", "file": "side.stl", "units": "mm", "tissue": "skin", "priority": 1},
        {"name": "ball", "file": "ball.stl", "units": "mm", "tissue": "liver_adult"},
    ],
}


def write(tmp_path, content=BASE, **changes):
    path = tmp_path / "scene.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}))
    return path


def part(name="ball", **changes):
    return {"name": name, "file": f"{name}.stl", "units": "mm", "tissue": "liver_adult", **changes}


def volume(scene, name):
    """Of a region [ml]."""
    label = scene.labels[name]
    a, b, c = np.moveaxis(scene.vertices[scene.faces].astype(np.float64), 1, 0)
    signed = np.einsum("fx,fx->f", a, np.cross(b, c)) / 6000.0
    return signed[scene.pairs[:, 1] == label].sum() - signed[scene.pairs[:, 0] == label].sum()


def sphere(radius):
    return 4 / 3 * np.pi * radius**3 / 1000.0


def test_overlaps_go_to_the_higher_priority_and_are_reported(tmp_path):
    scene, notes = load_scene_notes(write(tmp_path))
    assert volume(scene, "side") == pytest.approx(sphere(12), rel=0.02)
    # the lens that two spheres 15 mm apart share
    d, r, s = 15.0, 20.0, 12.0
    lens = np.pi * (r + s - d) ** 2 * (d**2 + 2 * d * (r + s) - 3 * (r - s) ** 2) / (12 * d)
    assert volume(scene, "ball") == pytest.approx(sphere(20) - lens / 1000, rel=0.02)
    assert unbalanced_edges(scene) == {}
    assert any("ball" in note and "given to side" in note for note in notes)


def test_surfaces_are_exact_not_stepped(tmp_path):
    scene = load_scene(write(tmp_path, parts=[part()]))
    distance = np.linalg.norm(scene.vertices, axis=1)
    assert np.abs(distance - 20.0).max() < 0.15  # of an icosphere's facets; steps are 1.5 mm
    corners = scene.vertices[scene.faces]
    cosine = np.einsum("fcx,fcx->fc", scene.normals, corners / 20.0)
    assert cosine.min() > 0.995


def test_an_open_mesh_is_closed_and_said_so(tmp_path):
    scene, notes = load_scene_notes(write(tmp_path, parts=[part("bowl")]))
    assert unbalanced_edges(scene) == {}
    lid = np.pi * 3.0**2 * (3 * 20.0 - 3.0) / 3 / 1000  # what lies above the rim
    assert volume(scene, "bowl") == pytest.approx(sphere(20) - lid, rel=0.02)
    assert any("open edges closed" in note for note in notes)
    corners = scene.vertices[scene.faces].astype(np.float64)
    corners = corners @ TILT[:3, :3]
    lid = (corners[..., 2].min(axis=1) > 12.0) & (np.abs(corners[..., :2]).max(axis=(1, 2)) < 6.0)
    facet = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[lid]
    facet /= np.linalg.norm(facet, axis=1, keepdims=True)
    assert facet[:, 2].min() > 0.9  # the lid is smooth, without steps


def test_a_mesh_without_inside_is_refused_with_its_open_edges(tmp_path):
    with pytest.raises(InputError, match=r"part 'sheet'.*\d+ open edges.*fill its holes"):
        load_scene(write(tmp_path, parts=[part("sheet")]))


def test_nested_keeps_the_triangles_and_refuses_holes(tmp_path):
    resolve = {"method": "nested"}
    scene = load_scene(write(tmp_path, resolve=resolve, parts=[part()]))
    assert scene.triangles == 5120
    with pytest.raises(InputError, match=r"part 'bowl': \d+ open edges.*voxelise"):
        load_scene(write(tmp_path, resolve=resolve, parts=[part("bowl")]))


@pytest.mark.parametrize(("offset", "radius"), [(4.0, 24.0), (-4.0, 16.0)])
def test_offsets_of_files_and_of_other_parts(tmp_path, offset, radius):
    own = load_scene(write(tmp_path, parts=[part(offset=offset)]))
    assert volume(own, "ball") == pytest.approx(sphere(radius), rel=0.02)
    helper = {**part(), "tissue": None}
    del helper["tissue"]
    shell = {"name": "shell", "of": "ball", "offset": offset, "tissue": "skin"}
    box = [[-30, -30, -30], [30, 30, 30]]
    resolve = {"method": "voxelise", "spacing": 1.0, "box": box}
    derived = load_scene(write(tmp_path, resolve=resolve, parts=[helper, shell]))
    assert set(derived.labels) == {"outside", "shell"}
    assert volume(derived, "shell") == pytest.approx(sphere(radius), rel=0.02)


def test_within_and_without_cut(tmp_path):
    half = {"name": "half", "shape": {"box": {"low": [-40, -40, -40], "high": [40, 40, 0]}}}
    inner = load_scene(write(tmp_path, parts=[half, part(within="half")]))
    outer = load_scene(write(tmp_path, parts=[half, part(without=["half"])]))
    assert volume(inner, "ball") == pytest.approx(sphere(20) / 2, rel=0.03)
    assert volume(outer, "ball") == pytest.approx(sphere(20) / 2, rel=0.03)
    assert inner.vertices[:, 2].max() < 0.5
    assert outer.vertices[:, 2].min() > -0.5


def test_fill_takes_the_cavity(tmp_path):
    outer, inner = trimesh.creation.icosphere(3, 20.0), trimesh.creation.icosphere(3, 12.0)
    inner.invert()
    trimesh.util.concatenate([outer, inner]).export(tmp_path / "shell.stl")
    hollow = load_scene(write(tmp_path, parts=[part("shell")]))
    full = load_scene(write(tmp_path, parts=[part("shell", fill=True)]))
    assert volume(hollow, "shell") == pytest.approx(sphere(20) - sphere(12), rel=0.02)
    assert volume(full, "shell") == pytest.approx(sphere(20), rel=0.02)


WALL = {
    "surface": {"shape": {"ellipsoid": {"centre": [0, 0, 0], "radii": [60, 60, 60]}}},
    "spacing": 4.0,
    "layers": [
        {"name": "skin", "tissue": "skin", "thickness": 2.0},
        {"name": "fat", "tissue": "fat_subcutaneous", "thickness": 9.0},
    ],
    "cavity": {"name": "cavity", "tissue": "amniotic_fluid"},
}


def test_wall_layers_have_their_thickness(tmp_path):
    scene = load_scene(write(tmp_path, wall=WALL, parts=[part()]))
    assert list(scene.labels) == ["outside", "skin", "fat", "cavity", "ball"]
    distance = np.linalg.norm(scene.vertices[scene.faces].mean(axis=1), axis=1)
    for pair, radius in (((0, 1), 60.0), ((1, 2), 58.0), ((2, 3), 49.0), ((3, 4), 20.0)):
        found = distance[(scene.pairs == pair).all(axis=1)]
        assert found.mean() == pytest.approx(radius, abs=0.15)
        assert found.std() < 0.2
    assert unbalanced_edges(scene) == {}


def test_parts_are_cut_where_they_reach_into_the_wall(tmp_path):
    far = {"name": "far", "tissue": "skin"}
    far["shape"] = {"ellipsoid": {"centre": [45, 0, 0], "radii": [15, 15, 15]}}
    scene, notes = load_scene_notes(write(tmp_path, wall=WALL, parts=[part(), far]))
    mine = scene.faces[(scene.pairs == scene.labels["far"]).any(axis=1)]
    assert np.linalg.norm(scene.vertices[mine], axis=-1).max() < 49.0
    assert any("far" in note and "cut off" in note for note in notes)


def test_sheets_lie_in_their_regions(tmp_path):
    sheet = {"name": "veil", "tissue": "amnion_membrane", "thickness": 0.3, "within": ["ball"]}
    sheet |= {"point": [5, 0, 0], "normal": [1, 0, 0]}
    scene = load_scene(write(tmp_path, parts=[part()], sheets=[sheet]))
    mine = scene.sheet_of == 0
    assert scene.sheets[0].thickness == 0.3
    assert (scene.pairs[mine] == 1).all()
    corners = scene.vertices[scene.faces[mine]]
    np.testing.assert_allclose(corners[..., 0], 5.0, atol=1e-5)
    assert np.linalg.norm(corners, axis=-1).max() < 21.5
    assert np.linalg.norm(corners, axis=-1).max() > 18.0


def test_tissues_are_changed_without_a_new_build(tmp_path, monkeypatch):
    load_scene(write(tmp_path))
    monkeypatch.setattr(
        "insonate.anatomy.scene_file.build_scene", lambda *_: pytest.fail("built again")
    )
    changes = {"liver_adult": {"echogenicity": -7.5}}
    scene = load_scene(write(tmp_path, tissues=changes, about="other words"))
    assert scene.regions[scene.labels["ball"]].tissue.echogenicity == -7.5
    assert scene.normals is not None


def test_geometry_changes_are_built_anew_and_the_cache_is_no_pickle(tmp_path):
    first = load_scene(write(tmp_path))
    resolve = {"method": "voxelise", "spacing": 3.0}
    assert load_scene(write(tmp_path, resolve=resolve)).triangles < first.triangles
    thick = {**WALL, "layers": [{"name": "skin", "tissue": "skin", "thickness": 8.0}]}
    walled = [load_scene(write(tmp_path, wall=wall)) for wall in (WALL, thick)]
    assert len(walled[0].regions) == len(walled[1].regions) + 1
    kept = sorted((tmp_path / "cache").iterdir())
    assert [path.suffix for path in kept] == [".npz"] * 4
    for path in kept:
        path.write_bytes(b"broken")
    assert load_scene(write(tmp_path)).triangles == first.triangles


def test_voxelise_bodies_directly():
    mesh = trimesh.creation.icosphere(3, 10.0)
    vertices, faces = mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32)
    body = Body("ball", vertices, faces, TISSUES["skin"])
    scene, notes = voxelise([body], TISSUES["gel"], spacing=1.0)
    assert volume(scene, "ball") == pytest.approx(sphere(10), rel=0.02)
    assert notes == []
    with pytest.raises(InputError, match="million voxels"):
        voxelise([body], TISSUES["gel"], spacing=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"partz": []}, r"unknown key 'partz'; did you mean 'parts'\?"),
        ({"parts": [part(tisue="skin")]}, r"parts\[0\]: unknown key 'tisue'.*'tissue'"),
        ({"parts": [part(tissue="livre_adult")]}, r"unknown tissue 'livre_adult'.*'liver_adult'"),
        ({"parts": [part(offset="2 mm")]}, r"offset: expected a number"),
        ({"parts": [part(file="none.stl")]}, r"no file 'none\.stl' in the data folder"),
        ({"parts": [part(file="../ball.stl")]}, r"without '\.\.'"),
        ({"parts": [part(file="/ball.stl")]}, r"leading slash"),
        ({"parts": [part(), part()]}, r"two parts named 'ball'"),
        ({"parts": [part(shape={"box": {}})]}, r"exactly one of file, shape and of"),
        ({"parts": [{"name": "a", "of": "bal", "tissue": "skin"}, part()]}, r"no earlier part"),
        ({"parts": [part(), part("side", region="ball", tissue="skin")]}, r"has two tissues"),
        ({"tissues": {"skin": {"densty": 1}}}, r"unknown field 'densty'; did you mean 'density'"),
        ({"resolve": {"method": "magic"}}, r"method must be voxelise or nested"),
        ({"resolve": {"spacing": 0}}, r"spacing must be above 0"),
        ({"views": {"a": {"at": [0, 0], "aim": [0, 0, 1]}}}, r"views: a: at: expected \[x, y, z\]"),
        ({"views": {"a": {"at": [0, 0, 0]}}}, r"views: a: lacks 'aim'"),
        ({"outside": 3}, r"outside: expected text"),
    ],
)
def test_bad_scene_files_are_one_line_naming_the_field(tmp_path, changes, message):
    with pytest.raises(InputError, match=message) as error:
        load_scene(write(tmp_path, **changes))
    assert "scene.yaml" in str(error.value) or "resolve" in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_no_scene(tmp_path):
    path = tmp_path / "scene.yaml"
    with pytest.raises(InputError, match="no such scene file"):
        load_scene(path)
    path.write_text("a: [1")
    with pytest.raises(InputError, match="not YAML"):
        load_scene(path)
    path.write_text("- 1")
    with pytest.raises(InputError, match="expected keys and values"):
        load_scene(path)
    path.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(InputError, match="not YAML"):
        load_scene(path)


def test_links_out_of_the_data_folder_are_refused(tmp_path):
    root = tmp_path / "inner"
    root.mkdir()
    os.symlink(tmp_path / "ball.stl", root / "ball.stl")
    with pytest.raises(InputError, match="leads out of the data folder"):
        load_scene(write(tmp_path, parts=[part()]), data=root)


def test_unknown_names_suggest_the_nearest(tmp_path):
    with pytest.raises(InputError, match=r"unknown scene 'qaa'; did you mean 'qa'"):
        load_scene("qaa")
    assert load_scene("qa").triangles > 0
    assert list(views("qa")) == ["top"]


def test_views_give_pose_and_probe(tmp_path):
    view = {"at": [0, -40, 0], "aim": [0, 0, 0], "roll": 90, "depth": 90, "probe": "phased_p4"}
    found = views(write(tmp_path, views={"front": view}))["front"]
    pose = found.pose()
    np.testing.assert_allclose(pose[:3, 2], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(pose[:3, 0], [0, 0, -1], atol=1e-12)
    assert found.load_probe().depth == 90
    assert found.load_probe().kind == "phased"


@pytest.mark.parametrize("path", sorted((ROOT / "recipes" / "scenes").glob("*.yaml")), ids=str)
def test_recipes_parse_and_credit_their_sources(path):
    from insonate.anatomy.scene_build import region_tissues, scene_tissues
    from insonate.anatomy.scene_parts import Library
    from insonate.anatomy.scene_spec import read_scene_file

    spec = read_scene_file(path)
    assert spec.provenance
    assert spec.licence
    assert spec.views
    named = region_tissues(spec, Library(path.name, path.parent))
    assert set(named.values()) <= set(scene_tissues(spec, path.name))


def test_the_scene_files_in_the_docs_parse():
    from insonate.anatomy.scene_spec import parse_scene

    text = (ROOT / "docs" / "scenes.rst").read_text("utf-8")
    blocks = text.split(".. code-block:: yaml\n\n")[1:]
    assert len(blocks) == 2
    for block in blocks:
        lines = block.splitlines()
        end = next((i for i, s in enumerate(lines) if s and not s.startswith(" ")), len(lines))
        content = {"name": "from the docs", **yaml.safe_load("\n".join(lines[:end]))}
        spec = parse_scene("docs", content)
        named = {p.tissue for p in spec.parts if p.tissue}
        assert named <= set(TISSUES)


def test_lateral_names_the_right_of_the_image(tmp_path):
    view = {"at": [-40, 0, 0], "aim": [0, 0, 0], "lateral": [0, 0, -1]}
    pose = views(write(tmp_path, views={"side": view}))["side"].pose()
    np.testing.assert_allclose(pose[:3, 0], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(pose[:3, 2], [1, 0, 0], atol=1e-12)

import numpy as np
import pytest

from insonate.anatomy.mesh_files import join, open_edges, read_meshes, select, weld
from insonate.errors import InputError

pyvista = pytest.importorskip("pyvista")
trimesh = pytest.importorskip("trimesh")

#: A tetrahedron with legs of 10, 20 and 40 units: no axis can be mistaken for another.
CORNERS = np.array([[0, 0, 0], [10, 0, 0], [0, 20, 0], [0, 0, 40]], np.float64)
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def write(path, vertices=CORNERS, faces=FACES):
    surface = pyvista.PolyData(vertices, np.c_[np.full(len(faces), 3), faces].ravel())
    surface.save(path)
    return path


def write_glb(path, parts):
    scene = trimesh.Scene()
    for name, vertices in parts.items():
        mesh = trimesh.Trimesh(vertices, FACES, process=False)
        scene.add_geometry(mesh, node_name=name, geom_name=name)
    scene.export(str(path))
    return path


def volume(vertices, faces):
    a, b, c = np.moveaxis(vertices[faces].astype(np.float64), 1, 0)
    return float(np.einsum("fx,fx->f", a, np.cross(b, c)).sum() / 6.0)


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".vtp", ".obj"])
def test_every_format_keeps_place_and_volume(tmp_path, suffix):
    (mesh,) = read_meshes(write(tmp_path / f"part{suffix}"))
    assert mesh.name == "part"
    assert len(mesh.vertices) == 4  # STL repeats corners: they are welded
    assert open_edges(mesh.faces) == 0
    np.testing.assert_allclose(mesh.extent, [10, 20, 40], rtol=1e-6)
    assert volume(mesh.vertices, mesh.faces) == pytest.approx(10 * 20 * 40 / 6, rel=1e-5)


@pytest.mark.parametrize(("units", "factor"), [("m", 1000.0), ("cm", 10.0), ("mm", 1.0)])
def test_units_scale(tmp_path, units, factor):
    (mesh,) = read_meshes(write(tmp_path / "a.stl"), units=units)
    np.testing.assert_allclose(mesh.extent, np.array([10, 20, 40]) * factor, rtol=1e-6)
    assert not mesh.guessed


@pytest.mark.parametrize(("size", "units"), [(0.004, "m"), (0.4, "cm"), (10.0, "mm")])
def test_units_are_guessed_from_the_extent_and_said(tmp_path, size, units):
    (mesh,) = read_meshes(write(tmp_path / "a.stl", CORNERS * size))
    assert (mesh.units, mesh.guessed) == (units, True)


def test_axes_turn_without_mirroring(tmp_path):
    path = write(tmp_path / "a.vtp")
    (up,) = read_meshes(path, "mm", "y_up")
    np.testing.assert_allclose(up.vertices.max(axis=0), [10, 0, 20], atol=1e-5)
    np.testing.assert_allclose(up.vertices.min(axis=0), [0, -40, 0], atol=1e-5)
    (ras,) = read_meshes(path, "mm", "ras")
    np.testing.assert_allclose(ras.vertices.min(axis=0), [-10, -20, 0], atol=1e-5)
    for mesh in (up, ras):
        assert volume(mesh.vertices, mesh.faces) == pytest.approx(10 * 20 * 40 / 6, rel=1e-5)


def test_gltf_parts_by_name_in_metres_and_y_up(tmp_path):
    path = write_glb(tmp_path / "a.glb", {"liver_a": CORNERS * 1e-3, "kidney": CORNERS * 2e-3})
    meshes = read_meshes(path)
    assert [mesh.name for mesh in meshes] == ["kidney", "liver_a"]
    assert not meshes[0].guessed
    (liver,) = select(meshes, ["liver*"], path)
    np.testing.assert_allclose(liver.vertices.min(axis=0), [0, -40, 0], atol=1e-4)
    with pytest.raises(InputError, match=r"a\.glb.*no part named 'livr_a'.*'liver_a'"):
        select(meshes, ["livr_a"], path)


def test_parts_that_share_a_rim_close_together(tmp_path):
    path = write(tmp_path / "a.ply", CORNERS, FACES[:2])
    other = write(tmp_path / "b.ply", CORNERS, FACES[2:])
    halves = [*read_meshes(path), *read_meshes(other)]
    assert [open_edges(half.faces) for half in halves] == [4, 4]
    vertices, faces = join(halves)
    assert (len(vertices), open_edges(faces)) == (4, 0)


def test_weld_drops_collapsed_faces():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], np.float64)
    _, faces = weld(vertices, np.array([[0, 1, 2], [0, 3, 1]]))
    assert len(faces) == 1


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.stl: no such file"):
        read_meshes(tmp_path / "none.stl")


def test_unknown_format_units_and_axes(tmp_path):
    path = tmp_path / "a.step"
    path.write_text("x")
    with pytest.raises(InputError, match=r"unknown mesh format '\.step'.*\.stl"):
        read_meshes(path)
    with pytest.raises(InputError, match="unknown units 'inch'"):
        read_meshes(path, units="inch")
    with pytest.raises(InputError, match=r"unknown axes 'yup'; did you mean 'y_up'\?"):
        read_meshes(path, axes="yup")


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".vtp", ".obj", ".glb"])
def test_garbage_is_one_line(tmp_path, suffix):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(b"\x00\x01 not a mesh \xff")
    with pytest.raises(InputError) as error:
        read_meshes(path)
    assert "bad" in str(error.value)
    assert "\n" not in str(error.value)


def test_empty_mesh(tmp_path):
    pyvista.PolyData(CORNERS).save(tmp_path / "points.ply")
    with pytest.raises(InputError, match=r"points\.ply: empty mesh"):
        read_meshes(tmp_path / "points.ply")


def test_nan_vertices(tmp_path):
    broken = CORNERS.copy()
    broken[2, 1] = np.nan
    with pytest.raises(InputError, match=r"1 vertices that are NaN"):
        read_meshes(write(tmp_path / "nan.vtp", broken))

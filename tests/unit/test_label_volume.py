import numpy as np
import pytest

from insonate.acoustics import load_tissues
from insonate.anatomy.check import unbalanced_edges
from insonate.anatomy.fields import Grid
from insonate.anatomy.label_volume import (
    label_scene,
    parse_labels,
    read_label_map,
    read_label_volume,
)
from insonate.anatomy.surface_nets import surface_net
from insonate.errors import InputError

sitk = pytest.importorskip("SimpleITK")

TISSUES = load_tissues()
BALL = {1: ("ball", "liver_adult"), 2: ("core", "kidney_cortex")}


def write(
    path,
    values,
    spacing=(1.0, 1.0, 1.0),
    origin=(0.0, 0.0, 0.0),
    direction=((1, 0, 0), (0, 1, 0), (0, 0, 1)),
):
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection([float(v) for v in np.ravel(direction)])
    sitk.WriteImage(image, str(path))
    return path


def ball(radius=14.0, size=40, spacing=1.0):
    at = np.indices((size, size, size)) * spacing - (size - 1) * spacing / 2
    return np.linalg.norm(at, axis=0) < radius


def volume(scene, label):
    """Enclosed by a region's boundary, whichever side the triangles call theirs [mm3]."""
    a, b, c = np.moveaxis(scene.vertices[scene.faces].astype(np.float64), 1, 0)
    signed = np.einsum("fx,fx->f", a, np.cross(b, c)) / 6.0
    return signed[scene.pairs[:, 1] == label].sum() - signed[scene.pairs[:, 0] == label].sum()


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_ball_keeps_volume_place_and_outward_normals(tmp_path, suffix):
    values = ball(14.0).astype(np.uint8)
    origin = (-19.5, -19.5, -19.5)
    path = write(tmp_path / f"ball{suffix}", values, origin=origin)
    scene = label_scene(path, BALL, TISSUES, TISSUES["water_37C"])
    assert scene.labels == {"outside": 0, "ball": 1}
    assert volume(scene, 1) == pytest.approx(4 / 3 * np.pi * 14.0**3, rel=0.03)
    distance = np.linalg.norm(scene.vertices, axis=1)
    assert distance.mean() == pytest.approx(14.0, abs=0.15)
    assert distance.std() < 0.1  # the steps of the voxels are 0.3 mm rms
    corners = scene.vertices[scene.faces]
    radial = corners / np.linalg.norm(corners, axis=-1, keepdims=True)
    cosine = np.einsum("fcx,fcx->fc", scene.normals, radial)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 4.0
    assert (scene.pairs == [0, 1]).all()


def test_touching_labels_share_one_closed_surface(tmp_path):
    values = ball(14.0).astype(np.uint8)
    values[:, :, 20:] *= 2
    path = write(tmp_path / "halves.mha", values)
    scene = label_scene(path, BALL, TISSUES, TISSUES["water_37C"])
    assert {tuple(p) for p in scene.pairs} == {(0, 1), (0, 2), (1, 2)}
    assert unbalanced_edges(scene) == {}
    between = scene.faces[(scene.pairs == [1, 2]).all(axis=1)]
    inner = scene.vertices[between][..., 0]
    assert np.abs(inner - 19.5).max() < 0.6
    # the normal points into the front region: label 1 lies at lower x
    corners = scene.vertices[between].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normal[:, 0] < 0).mean() > 0.99


def test_labels_at_the_border_are_closed(tmp_path):
    path = write(tmp_path / "full.nrrd", np.ones((6, 7, 8), np.uint8), spacing=(2.0, 1.0, 1.0))
    scene = label_scene(path, BALL, TISSUES, TISSUES["water_37C"], smooth=0.1)
    assert unbalanced_edges(scene) == {}
    assert volume(scene, 1) == pytest.approx(16 * 7 * 6, rel=0.2)


def test_direction_and_spacing_are_honoured(tmp_path):
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    values = np.zeros((10, 10, 30), np.uint8)
    values[2:8, 2:8, 2:28] = 1  # long along the first index, which this turns to y
    path = write(tmp_path / "rod.nii.gz", values, (1.0, 1.0, 2.0), (100.0, 50.0, 0.0), turn)
    scene = label_scene(path, BALL, TISSUES, TISSUES["water_37C"])
    low, high = scene.bounds()
    np.testing.assert_allclose(high - low, [6, 26, 12], atol=2.0)  # ends are rounded off
    np.testing.assert_allclose((low + high) / 2, [100 - 4.5, 50 + 14.5, 9], atol=0.3)


def test_a_mirrored_direction_keeps_normals_outward(tmp_path):
    values = ball(9.0, 24).astype(np.uint8)
    mirror = np.diag([-1.0, 1.0, 1.0])
    path = write(tmp_path / "mirror.mha", values, origin=(11.5, -11.5, -11.5), direction=mirror)
    scene = label_scene(path, BALL, TISSUES, TISSUES["water_37C"])
    assert volume(scene, 1) == pytest.approx(4 / 3 * np.pi * 9.0**3, rel=0.05)


def test_the_net_of_one_voxel_is_a_closed_outward_box():
    labels = np.zeros((3, 3, 3), np.uint8)
    labels[1, 1, 1] = 1
    net = surface_net(labels, Grid(np.zeros(3), np.eye(3), (3, 3, 3)))
    faces, pairs = net.triangles()
    assert (len(net.vertices), len(faces)) == (8, 12)
    assert (pairs == [0, 1]).all()
    a, b, c = np.moveaxis(net.vertices[faces] - 1.0, 1, 0)
    assert np.einsum("fx,fx->f", a, np.cross(b, c)).min() > 0


def test_unmapped_labels_are_all_named(tmp_path):
    values = np.zeros((8, 8, 8), np.uint8)
    values[2, 2, 2], values[4, 4, 4], values[6, 6, 6] = 1, 5, 7
    path = write(tmp_path / "three.mha", values)
    with pytest.raises(InputError, match=r"three\.mha: labels 5, 7 have no tissue"):
        label_scene(path, BALL, TISSUES, TISSUES["water_37C"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 4, 4), np.uint8), "holds no label but 0"),
        (np.full((4, 4, 4), 0.5, np.float32), "whole numbers"),
        (np.full((4, 4, 4), np.nan, np.float32), "whole numbers"),
        (np.full((4, 4, 4), -3, np.int16), "from -3"),
        (np.arange(1000, dtype=np.int16).reshape(10, 10, 10), "999 labels"),
    ],
)
def test_volumes_that_hold_no_labels(tmp_path, values, message):
    with pytest.raises(InputError, match=message):
        read_label_volume(write(tmp_path / "bad.mha", values))


def test_missing_and_unreadable_volumes(tmp_path):
    with pytest.raises(InputError, match=r"none\.nii: no such file"):
        read_label_volume(tmp_path / "none.nii")
    path = tmp_path / "bad.nrrd"
    path.write_bytes(b"NRRD? no")
    with pytest.raises(InputError, match=r"bad\.nrrd: unreadable volume") as error:
        read_label_volume(path)
    assert "\n" not in str(error.value)


def test_label_maps(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("1: liver_adult\n3: {name: rim, tissue: skin}\n")
    assert read_label_map(path) == {1: ("liver_adult", "liver_adult"), 3: ("rim", "skin")}
    with pytest.raises(InputError, match="did you mean 'tissue'"):
        parse_labels("map", {1: {"name": "rim", "tissue": "skin", "tisue": "skin"}})
    with pytest.raises(InputError, match="label must be a whole number"):
        parse_labels("map", {"liver": "skin"})
    with pytest.raises(InputError, match="none"):
        read_label_map(tmp_path / "none.yaml")

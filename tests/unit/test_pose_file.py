import json

import numpy as np
import pytest

from insonate.errors import InputError
from insonate.geometry import look_at
from insonate.geometry.pose_file import read_poses

POSES = [look_at([z, -20.0, 3.0], [40.0, 60.0, 35.0], 0.4) for z in (0.0, 5.0, 10.0)]


def same(read, expected):
    assert len(read) == len(expected)
    for one, other in zip(read, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (POSES[0].tolist(), 1),
        ([pose.tolist() for pose in POSES], 3),
        ({"poses": [pose.tolist() for pose in POSES], "other": 1}, 3),
        ({"poses": POSES[0].tolist()}, 1),
    ],
)
def test_pose_file_json(tmp_path, content, count):
    path = tmp_path / "poses.json"
    path.write_text(json.dumps(content))
    same(read_poses(path), POSES[:count])


@pytest.mark.parametrize("separator", [",", " ", ";", ", ", "\t"])
@pytest.mark.parametrize("numbers", [12, 16])
@pytest.mark.parametrize("head", ["", "# row by row\n", "a,b,c,d\n", "\ufeff"])
def test_pose_file_text(tmp_path, separator, numbers, head):
    lines = [separator.join(repr(float(v)) for v in pose.ravel()[:numbers]) for pose in POSES]
    path = tmp_path / "poses.csv"
    path.write_text(head + "\n".join(lines) + "\n\n", encoding="utf-8")
    same(read_poses(path), POSES)


@pytest.mark.parametrize("count", [1, 3])
def test_pose_file_npy(tmp_path, count):
    path = tmp_path / "poses.npy"
    np.save(path, POSES[0] if count == 1 else np.stack(POSES))
    same(read_poses(path), POSES[:count])


def shaped(factor, row=0):
    pose = POSES[0].copy()
    pose[row] *= factor
    return pose.tolist()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "not JSON"),
        ("a.json", "[" * 100_000, "not JSON"),
        ("a.json", "{}", "expected a field 'poses'"),
        ("a.json", "3", "expected a 4x4 matrix or a list"),
        ("a.json", "[]", "holds no pose"),
        ("a.json", "[[1, 2, 3]]", "pose 0: expected a 4x4"),
        ("a.json", '[[["x"]]]', "pose 0: expected 4 rows of 4 numbers"),
        ("a.json", f"[[[{10**400}]]]", "pose 0: expected 4 rows of 4 numbers"),
        ("a.json", json.dumps([POSES[0].tolist(), [[1, 2], [3]]]), "pose 1: expected 4 rows"),
        ("a.json", json.dumps([POSES[0].tolist(), shaped(2.0)]), "pose 1: expected a rigid"),
        ("a.json", json.dumps([shaped(-1.0)]), "pose 0: expected a rotation, but .* mirrors"),
        ("a.json", json.dumps([shaped(float("nan"))]), "pose 0: expected finite numbers"),
        ("a.csv", "", "holds no pose"),
        ("a.csv", "x,y\nz,w\n", "line 2: expected 12 or 16 numbers, got 'z,w'"),
        ("a.csv", "1,2,3\n", "line 1: expected 12 or 16 numbers"),
        ("a.txt", b"\xff\xfe\x00", "not a text file"),
        ("a.npy", b"\x93NUMPY", "not a NumPy array"),
        ("a.npy", "hello", "not a NumPy array"),
        ("a.mat", "", r"poses are read from \.json"),
    ],
)
def test_pose_file_refuses(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=f"^{path}: {message}") as caught:
        read_poses(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 3)), r"expected a 4x4 .*\(3, 3\)"),
        (np.zeros(16), r"expected shape \(4, 4\) or \(poses, 4, 4\), got \(16,\)"),
        (np.zeros((0, 4, 4)), "holds no pose"),
        (np.zeros((4, 4), complex), "not a NumPy array of real numbers"),
        (np.zeros((4, 4), "U3"), "not a NumPy array of real numbers"),
    ],
)
def test_pose_file_refuses_arrays(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=message):
        read_poses(tmp_path / "a.npy")


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return self.path.write_text, ("sprung",)


def test_pose_file_never_unpickles(tmp_path):
    trap = np.array([Trap(tmp_path / "trap")], dtype=object)
    np.save(tmp_path / "a.npy", trap, allow_pickle=True)
    with pytest.raises(InputError, match="not a NumPy array"):
        read_poses(tmp_path / "a.npy")
    assert not (tmp_path / "trap").exists()
    np.savez(tmp_path / "b.npz", POSES[0])
    (tmp_path / "b.npz").rename(tmp_path / "b.npy")
    with pytest.raises(InputError, match="not a NumPy array"):
        read_poses(tmp_path / "b.npy")


def test_pose_file_missing_folder_or_huge(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: cannot be read \(No such file"):
        read_poses(tmp_path / "none.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InputError, match=r"folder\.json: cannot be read"):
        read_poses(tmp_path / "folder.json")
    with open(tmp_path / "huge.npy", "wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(InputError, match="more than 64 MB"):
        read_poses(tmp_path / "huge.npy")

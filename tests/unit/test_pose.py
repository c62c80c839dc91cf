import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from insonate.errors import InputError
from insonate.geometry import check_pose, look_at, rotation_about

coordinate = st.floats(-500, 500)
point = st.tuples(coordinate, coordinate, coordinate)
angle = st.floats(-math.pi, math.pi)


@given(point, point, angle)
def test_look_at_is_rigid_and_looks_there(at, aim, roll):
    distance = math.dist(at, aim)
    assume(distance > 1e-2)
    pose = look_at(at, aim, roll)
    check_pose(pose)
    assert pose[:3, 3] == pytest.approx(at)
    assert pose[:3, 3] + distance * pose[:3, 2] == pytest.approx(np.array(aim), abs=1e-6)


def test_probe_on_the_belly_shows_the_patients_left_on_the_right():
    pose = look_at((0, -100, 0), (0, 0, 0))
    assert pose[:3, 0] == pytest.approx([1, 0, 0])  # lateral: LPS x, to the left
    assert pose[:3, 2] == pytest.approx([0, 1, 0])  # depth: to the back


@given(angle)
def test_roll_turns_about_the_central_line(roll):
    still, rolled = look_at((0, 0, 0), (0, 9, 0)), look_at((0, 0, 0), (0, 9, 0), roll)
    assert rolled[:3, 2] == pytest.approx(still[:3, 2])
    assert still[:3, 0] @ rolled[:3, 0] == pytest.approx(math.cos(roll), abs=1e-9)


def test_looking_along_the_lateral_hint_still_works():
    check_pose(look_at((0, 0, 0), (5, 0, 0)))


def test_nowhere_to_look():
    with pytest.raises(InputError, match="same point"):
        look_at((1, 2, 3), (1, 2, 3))


@given(point, angle)
def test_rotation_keeps_lengths_and_its_axis(axis, turn):
    assume(np.linalg.norm(axis) > 1e-3)
    matrix = rotation_about(axis, turn)
    assert matrix.T @ matrix == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1.0)
    assert matrix @ np.array(axis) == pytest.approx(np.array(axis), abs=1e-6)
    assert np.trace(matrix) == pytest.approx(1 + 2 * math.cos(turn), abs=1e-9)


@given(point, point, angle)
def test_poses_compose_to_poses(at, axis, turn):
    assume(np.linalg.norm(axis) > 1e-3)
    one = np.eye(4)
    one[:3, :3], one[:3, 3] = rotation_about(axis, turn), at
    check_pose(one @ one)
    check_pose(np.linalg.inv(one))


def _spoilt(change):
    pose = look_at((1, 2, 3), (4, 5, 6))
    change(pose)
    return pose


@pytest.mark.parametrize(
    ("pose", "message"),
    [
        (np.eye(3), "expected a 4x4"),
        (np.full((4, 4), np.nan), "finite"),
        (2.0 * np.eye(4), "rigid"),
        (np.diag([1.0, 1.0, -1.0, 1.0]), "mirrors"),
        (np.diag([1.0, 1.0, 1.0, 2.0]), "rigid"),
        (_spoilt(lambda pose: pose.__setitem__((0, 1), pose[0, 1] + 0.1)), "rigid"),
        (_spoilt(lambda pose: pose.__setitem__((3, 0), 0.5)), "rigid"),
    ],
)
def test_poses_that_are_none(pose, message):
    with pytest.raises(InputError, match=f"pose: .*{message}"):
        check_pose(pose)

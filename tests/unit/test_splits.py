import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from insonate.data.dataset.splits import folds, groups_by, near_poses, split_frames
from insonate.errors import InputError

SHARES = st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.5), (1.0,), (0.7, 0.0, 0.3), (0.9, 0.1)])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), SHARES, st.integers(0, 2**64))
@settings(deadline=None)
def test_no_group_lies_in_two_splits(groups, shares, seed):
    split = split_frames(groups, shares, seed)
    assert len(split) == len(groups)
    for group in set(groups):
        assert len(set(split[np.array(groups) == group].tolist())) == 1
    used = set(split.tolist())
    wanted = {k for k, share in enumerate(shares) if share > 0}
    assert used <= wanted
    assert len(used) == min(len(wanted), len(set(groups)))  # none stays empty without need


@given(st.permutations(list(range(24))), st.integers(0, 1000))
@settings(deadline=None)
def test_order_of_frames_has_no_say(order, seed):
    groups = np.arange(24) // 3
    split = split_frames(groups, (0.5, 0.5), seed)
    assert np.array_equal(split_frames(groups[order], (0.5, 0.5), seed), split[order])


def test_single_frames_meet_the_shares_to_a_frame():
    split = split_frames(np.arange(6669), (0.8, 0.1, 0.1), 7)
    assert np.abs(np.bincount(split) - 6669 * np.array([0.8, 0.1, 0.1])).max() <= 1.0
    assert not np.array_equal(split, split_frames(np.arange(6669), (0.8, 0.1, 0.1), 8))


def test_uneven_patients_meet_the_shares_nearly():
    groups = np.repeat(np.arange(40), np.random.default_rng(1).integers(1, 60, 40))
    split = split_frames(groups, (0.7, 0.15, 0.15), 3)
    assert np.abs(np.bincount(split) / len(groups) - [0.7, 0.15, 0.15]).max() < 0.03


def test_a_split_stays_what_it_was():
    assert split_frames(["a", "b", "c", "d", "e", "f"], (0.5, 0.5), 1).tolist() == [
        1, 1, 0, 1, 0, 0
    ]  # fmt: skip


@pytest.mark.parametrize("shares", [(0.5, 0.4), (1.5, -0.5), (), (math.nan, 1.0)])
def test_shares_that_are_none(shares):
    with pytest.raises(InputError, match="shares: expected"):
        split_frames([1, 2], shares)


def test_groups_come_from_columns():
    columns = {"sequence": np.array([0, 0, 1]), "patient": np.array([4, -1, 4])}
    assert groups_by("frame", columns).tolist() == [0, 1, 2]
    assert groups_by("sequence", columns).tolist() == [0, 0, 1]
    with pytest.raises(InputError, match="1 frames, the first of them 1, have no known patient"):
        groups_by("patient", columns)
    with pytest.raises(InputError, match="did you mean 'patient'"):
        groups_by("patients", columns)


def sweep(count, step, turn, seed=0):
    """A walk of poses; steps in mm, turns in degrees."""
    random = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (count, 1, 1))
    moved = np.cumsum(random.normal(0, step, (count, 3)), axis=0)
    turned = Rotation.from_rotvec(np.radians(np.cumsum(random.normal(0, turn, (count, 3)), axis=0)))
    poses[:, :3, :3], poses[:, :3, 3] = turned.as_matrix(), moved
    return poses


def near_by_hand(a, b, distance, angle):
    """Every pair, by scipy's own idea of an angle."""
    apart = np.linalg.norm(a[:, None, :3, 3] - b[None, :, :3, 3], axis=-1)
    between = np.swapaxes(a[:, None, :3, :3], -1, -2) @ b[None, :, :3, :3]
    turned = Rotation.from_matrix(between.reshape(-1, 3, 3)).magnitude().reshape(apart.shape)
    return ((apart < distance) & (turned < angle)).any(axis=1)


@given(
    st.integers(0, 10_000), st.floats(0.1, 3), st.floats(0.1, 5), st.floats(0.5, 10),
    st.floats(0.01, 3.14),
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_exclusion_is_what_every_pair_says(seed, step, turn, distance, angle):
    poses = sweep(30, step, turn, seed)
    a, b = poses[:20], poses[20:]
    assert np.array_equal(near_poses(a, b, distance, angle), near_by_hand(a, b, distance, angle))


@given(st.integers(0, 1000), st.integers(2, 10), st.integers(1, 7))
@settings(deadline=None, max_examples=25)
def test_folds_hold_every_frame_out_once_and_keep_their_distance(seed, count, group_size):
    poses = sweep(70, 1.0, 1.0, seed)
    groups = np.arange(70) // group_size
    rounds = folds(poses, count, groups)
    held = np.concatenate([fold.held_out for fold in rounds])
    assert sorted(held.tolist()) == list(range(70))
    for fold in rounds:
        parts = [fold.training, fold.held_out, fold.excluded]
        assert sorted(np.concatenate(parts).tolist()) == list(range(70))
        assert (np.diff(fold.held_out) == 1).all()
        assert not set(groups[fold.held_out]) & set(groups[fold.training])
        assert not near_by_hand(
            poses[fold.training], poses[fold.held_out], 2.0, math.radians(2)
        ).any()
        excluded = near_by_hand(
            poses[fold.excluded], poses[fold.held_out], 2.0, math.radians(2)
        ) if len(fold.excluded) else np.ones(0)  # fmt: skip
        assert excluded.all()


def test_blocks_are_nearly_equal():
    sizes = [len(fold.held_out) for fold in folds(sweep(109, 1, 1), 10)]
    assert min(sizes) >= 10
    assert max(sizes) <= 11


def test_a_frame_turned_or_moved_away_stays():
    base = np.eye(4)
    moved, turned, near = base.copy(), base.copy(), base.copy()
    moved[0, 3], near[0, 3] = 2.01, 1.99
    turned[:3, :3] = Rotation.from_rotvec([0, math.radians(2.01), 0]).as_matrix()
    near[:3, :3] = Rotation.from_rotvec([0, math.radians(1.99), 0]).as_matrix()
    assert near_poses([moved, turned, near], [base]).tolist() == [False, False, True]
    assert not near_poses([base], [base], distance=0.0).any()
    assert not near_poses([base], np.empty((0, 4, 4))).any()


def test_folds_that_cannot_be():
    poses = sweep(5, 1, 1)
    with pytest.raises(InputError, match="expected 2 to 5, as many as groups, got 6"):
        folds(poses, 6)
    with pytest.raises(InputError, match="5 poses, but groups of 4 frames"):
        folds(poses, 2, np.arange(4))
    poses[3] = np.nan
    with pytest.raises(InputError, match="the first of them 3, have no rigid pose"):
        folds(poses, 2)
    with pytest.raises(InputError, match="exclusion: expected a distance"):
        near_poses(poses[:1], poses[1:2], distance=-1)

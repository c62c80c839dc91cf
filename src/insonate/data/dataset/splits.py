"""Which frames train and which are held out: whole groups, and none beside a held-out pose."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.errors import InputError, closest

__all__ = ["ANGLE", "DISTANCE", "Fold", "folds", "groups_by", "near_poses", "split_frames"]

#: A frame is too near to a held-out one if its pose differs by less than both [mm], [rad].
DISTANCE, ANGLE = 2.0, math.radians(2.0)
#: Orders of groups that are tried for the one which meets the shares best.
_ATTEMPTS = 32
_CLOSE_ENOUGH = 0.005  # of all frames
_CHUNK = 256  # poses compared at once


def groups_by(kind: str, columns: Mapping[str, ArrayLike]) -> NDArray[np.int64]:
    """The group of every frame, for `split_frames`.

    Args:
        kind: `frame`, `sequence` or `patient`.
        columns: of a dataset, `(frames,)` each, as `Dataset.column` has them.

    Raises:
        InputError: an unknown kind, or frames whose sequence or patient is not known.
    """
    known = ("frame", "sequence", "patient")
    if kind not in known:
        raise InputError(f"split by '{kind}': {closest(kind, known)}")
    if kind == "frame":
        return np.arange(len(np.asarray(columns["sequence"])))
    groups = np.asarray(columns[kind], np.int64)
    unknown = np.flatnonzero(groups < 0)
    if len(unknown):
        raise InputError(
            f"split by {kind}: {len(unknown)} frames, the first of them {unknown[0]}, have no "
            f"known {kind}; expected one for every frame"
        )
    return groups


def split_frames(groups: ArrayLike, shares: Sequence[float], seed: int = 0) -> NDArray[np.int32]:
    """Deal frames to splits, a group always as a whole.

    Shares are met as nearly as whole groups allow; every split with a share gets a group if
    there are enough. The order in which groups are dealt comes from a hash of seed and group,
    so it depends neither on the order of frames nor on the machine.

    Args:
        groups: of every frame `(frames,)`, numbers or names.
        shares: of every split, such as (0.8, 0.1, 0.1).
        seed: of the dealing.

    Returns:
        Number of the split of every frame `(frames,)`.

    Raises:
        InputError: no frames, or shares that are negative or do not sum to 1.
    """
    wanted = np.asarray(shares, np.float64)
    if wanted.ndim != 1 or not (wanted >= 0).all() or not math.isclose(wanted.sum(), 1.0):
        raise InputError(f"shares: expected numbers from 0 that sum to 1, got {list(shares)}")
    names, group, sizes = np.unique(
        np.asarray(groups), return_inverse=True, return_counts=True
    )  # sorted, so that the order of frames has no say
    if not len(names):
        raise InputError("split: there are no frames")
    best, least = np.zeros(len(names), np.int32), math.inf
    for attempt in range(_ATTEMPTS):
        dealt = _deal(_hashed_order(names, seed, attempt), sizes, wanted)
        got = np.bincount(dealt, weights=sizes, minlength=len(wanted))
        missed = float(np.abs(got - wanted * sizes.sum()).sum())
        if missed < least:
            best, least = dealt, missed
        if least <= max(2.0, _CLOSE_ENOUGH * sizes.sum()):
            break
    return best[group.reshape(-1)]


def _hashed_order(names: NDArray[Any], seed: int, attempt: int) -> NDArray[np.int64]:
    digests = [
        hashlib.blake2b(f"{seed}/{attempt}/{name}".encode(), digest_size=8).digest()
        for name in names.tolist()
    ]
    return np.argsort(np.array([int.from_bytes(d) for d in digests], np.uint64), kind="stable")


def _deal(
    order: NDArray[np.int64], sizes: NDArray[np.int64], shares: NDArray[np.float64]
) -> NDArray[np.int32]:
    """The split of every group: each goes where the largest part of the share is missing."""
    dealt = np.zeros(len(sizes), np.int32)
    open_splits = np.flatnonzero(shares > 0).tolist()
    targets = (shares * sizes.sum()).tolist()
    got = [0] * len(shares)
    for group in order.tolist():
        split = min(open_splits, key=lambda s: got[s] / targets[s])
        dealt[group] = split
        got[split] += int(sizes[group])
    return dealt


@dataclass(frozen=True)
class Fold:
    """Frames by number, for one round of a cross-validation.

    Attributes:
        training: to train on `(n,)`.
        held_out: a block of neighbours `(m,)`.
        excluded: neither of the two, for poses too near to a held-out one `(k,)`.
    """

    training: NDArray[np.int64]
    held_out: NDArray[np.int64]
    excluded: NDArray[np.int64]


def folds(
    poses: ArrayLike,
    count: int = 10,
    groups: ArrayLike | None = None,
    distance: float = DISTANCE,
    angle: float = ANGLE,
) -> list[Fold]:
    """Cross-validation by held-out blocks of neighbouring frames (Hu et al. 2017).

    Args:
        poses: of all frames `(frames, 4, 4)` [mm].
        count: of folds.
        groups: of every frame `(frames,)`; a block never cuts one. Without them a block ends
            anywhere, and only the exclusion keeps its neighbours away.
        distance: frames nearer than this to a held-out pose [mm] and
        angle: turned less than this from it [rad] are left out of training; 0 keeps all.

    Raises:
        InputError: fewer frames or groups than folds, or a pose that is not known.
    """
    poses = _checked(poses)
    block = _blocks(np.arange(len(poses)) if groups is None else np.asarray(groups), count)
    if len(block) != len(poses):
        raise InputError(f"folds: {len(poses)} poses, but groups of {len(block)} frames")
    return [_fold(poses, block == k, distance, angle) for k in range(count)]


def _fold(
    poses: NDArray[np.float64], out: NDArray[np.bool_], distance: float, angle: float
) -> Fold:
    others = np.flatnonzero(~out)
    near = near_poses(poses[others], poses[out], distance, angle)
    return Fold(others[~near], np.flatnonzero(out), others[near])


def _blocks(groups: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Block of every frame: groups in the order of their first frames, cut into equal parts."""
    _, first, group, sizes = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    if not 2 <= count <= len(sizes):
        raise InputError(f"folds: expected 2 to {len(sizes)}, as many as groups, got {count}")
    order = np.argsort(first)
    middle = np.cumsum(sizes[order]) - sizes[order] / 2.0
    cut = np.floor(middle * count / sizes.sum()).astype(np.int64)
    block = np.empty(len(sizes), np.int64)
    block[order] = _without_gaps(cut, count)
    return block[group.reshape(-1)]


def _without_gaps(cut: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Rising numbers with none of 0 to count - 1 left out, each as near to `cut` as can be."""
    last, result = -1, np.empty_like(cut)
    for k, wanted in enumerate(cut.tolist()):
        still = len(cut) - k  # groups for the blocks that are left
        last = min(max(wanted, last, count - still), last + 1)
        result[k] = last
    return result


def near_poses(
    poses: ArrayLike, held_out: ArrayLike, distance: float = DISTANCE, angle: float = ANGLE
) -> NDArray[np.bool_]:
    """Which poses are nearer than a distance and an angle, both, to any that is held out.

    Args:
        poses: of frames to train on `(n, 4, 4)` [mm].
        held_out: `(m, 4, 4)` [mm].
        distance: between origins [mm].
        angle: of the turn from one to the other [rad].

    Raises:
        InputError: a pose that is not known or not rigid, or a negative limit.
    """
    if not (math.isfinite(distance) and distance >= 0.0 and 0.0 <= angle <= math.pi):
        raise InputError(
            f"exclusion: expected a distance from 0 mm and an angle of 0 to 180 degrees, "
            f"got {distance:g} mm and {math.degrees(angle):g}"
        )
    poses, held_out = _checked(poses), _checked(held_out)
    near = np.zeros(len(poses), bool)
    if distance == 0.0 or angle == 0.0 or not len(held_out):
        return near
    for part, held, index in _candidates(poses, held_out, distance, angle):
        close = np.linalg.norm(part[:, :3, 3] - held[:, :3, 3], axis=1) < distance
        close &= _turn(part, held) < angle
        near[index[close]] = True
    return near


def _candidates(
    poses: NDArray[np.float64], held_out: NDArray[np.float64], distance: float, angle: float
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]]:
    """Pairs of poses that may be near, some at a time, and the numbers of the first ones.

    A pose is a point of twelve numbers, scaled so that both limits are 1: who keeps both is
    within the square root of 2.
    """
    from scipy.spatial import KDTree

    def points(p: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = p[:, :3, :3].reshape(-1, 9) / _chord(angle)
        return np.hstack([p[:, :3, 3] / distance, turned])

    tree = KDTree(points(held_out))
    for start in range(0, len(poses), _CHUNK):
        part = poses[start : start + _CHUNK]
        found = tree.query_ball_point(points(part), math.sqrt(2.0) * (1.0 + 1e-6))
        counts = [len(numbers) for numbers in found]
        if sum(counts):
            index = np.repeat(np.arange(len(part)), counts)
            held = held_out[np.concatenate([numbers for numbers in found if numbers]).astype(int)]
            yield part[index], held, start + index


def _chord(angle: float) -> float:
    """Frobenius distance of two rotations that differ by an angle [rad]."""
    return 2.0 * math.sqrt(2.0) * math.sin(angle / 2.0)


def _turn(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle [rad] between the rotations of poses `(n, 4, 4)`; exact also for small ones."""
    apart = np.linalg.norm((a - b)[:, :3, :3], axis=(1, 2)) / (2.0 * math.sqrt(2.0))
    return 2.0 * np.arcsin(np.minimum(apart, 1.0))


def _checked(poses: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(poses, np.float64)
    if array.ndim != 3 or array.shape[1:] != (4, 4):
        raise InputError(f"poses: expected (frames, 4, 4), got {array.shape}")
    rotations = array[:, :3, :3]
    off = np.abs(rotations.transpose(0, 2, 1) @ rotations - np.eye(3)).max(axis=(1, 2), initial=0)
    bad = np.flatnonzero(~((off < 1e-3) & np.isfinite(array).all(axis=(1, 2))))
    if len(bad):
        raise InputError(
            f"poses: {len(bad)} frames, the first of them {bad[0]}, have no rigid pose; expected "
            "one for every frame"
        )
    return array

"""Whether two methods differ by more than chance, and by how much.

Values are paired: one image, two methods.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from insonate.errors import InputError

__all__ = ["Interval", "Wilcoxon", "bootstrap_interval", "holm", "wilcoxon"]

#: Up to this number of pairs the null distribution is counted out, above it is normal.
EXACT = 50
#: Resamples drawn at a time, which bounds memory.
BLOCK = 100


@dataclasses.dataclass(frozen=True)
class Wilcoxon:
    """Outcome of a signed-rank test.

    Attributes:
        statistic: the smaller of the sums of positive and of negative ranks.
        p: two-sided probability of one so small, if neither method were better.
        effect: matched-pairs rank biserial correlation, -1 to 1: the share of ranks in favour of
            the first being larger minus the share against.
        pairs: that differ; the others are left out.
    """

    statistic: float
    p: float
    effect: float
    pairs: int


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean with what is sure of it.

    Attributes:
        mean: of the values.
        low: lower end.
        high: upper end.
        level: share of such intervals that hold the truth.
    """

    mean: float
    low: float
    high: float
    level: float


def wilcoxon(a: ArrayLike, b: ArrayLike) -> Wilcoxon:
    """Wilcoxon's signed-rank test of paired values, two-sided, pairs without difference left out.

    Ties share their mean rank. Up to 50 pairs the null distribution is exact, with ties too;
    above it is normal with the variance corrected for ties, without correction for continuity.

    Args:
        a: `(n,)` values of one method, in any unit.
        b: `(n,)` values of the other on the same images, in the same unit.

    Returns:
        The test; with no difference in any pair p is 1 and the effect 0.

    Raises:
        InputError: not paired, or values that are no numbers.
    """
    differences = _differences(a, b)
    differences = differences[differences != 0]
    if not len(differences):
        return Wilcoxon(0.0, 1.0, 0.0, 0)
    from scipy import stats  # slow to import, and training needs none of it

    ranks = stats.rankdata(np.abs(differences))
    positive, total = ranks[differences > 0].sum(), ranks.sum()
    smaller = min(positive, total - positive)
    chance = _exact_p(ranks, smaller) if len(ranks) <= EXACT else _normal_p(ranks, smaller)
    effect = (2.0 * positive - total) / total
    return Wilcoxon(float(smaller), chance, float(effect), len(ranks))


def holm(probabilities: Sequence[float]) -> list[float]:
    """Probabilities of several tests, corrected so that one false alarm among all is as rare.

    Step down (Holm 1979): the smallest is multiplied by the number of tests, the next by one
    less, none becomes smaller than one before it, or larger than 1.

    Args:
        probabilities: p of every test.

    Returns:
        Corrected p in the order given.

    Raises:
        InputError: not probabilities.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 1 or not bool(((p >= 0) & (p <= 1)).all()):
        raise InputError("probabilities: expected numbers from 0 to 1")
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    corrected = np.empty_like(p)
    corrected[order] = stepped
    return corrected.tolist()


def bootstrap_interval(
    values: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> Interval:
    """Percentile bootstrap of a mean, such as that of paired differences.

    Args:
        values: `(n,)`, in any unit.
        level: share of such intervals that hold the truth.
        resamples: how many are drawn.
        seed: of the draws.
        groups: `(n,)` labels, such as the image or the patient of each value: whole groups are
            drawn, since values of one image are not independent.

    Raises:
        InputError: no values, not finite, groups of another length, or a level beyond 0 to 1.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise InputError(f"values: expected finite numbers (n,), got shape {values.shape}")
    if not 0.0 < level < 1.0 or resamples < 1:
        raise InputError(f"level, resamples: got {level}, {resamples}; expected 0 to 1, 1 or more")
    sums, counts = _by_group(values, groups)
    rng = np.random.default_rng(seed)
    means: list[NDArray[np.float64]] = []
    for start in range(0, resamples, BLOCK):
        shape = (min(BLOCK, resamples - start), len(sums))
        drawn = rng.integers(len(sums), size=shape)
        means.append(sums[drawn].sum(1) / counts[drawn].sum(1))
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(np.concatenate(means), (tail, 100.0 - tail))
    return Interval(float(values.mean()), float(low), float(high), level)


def _differences(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise InputError(f"a, b: expected pairs (n,), got shapes {a.shape} and {b.shape}")
    # Two infinities of one sign do not differ: both images equal their target.
    same = a == b
    if np.isnan(a).any() or np.isnan(b).any():
        raise InputError("a, b: expected numbers, got NaN")
    return np.where(same, 0.0, np.subtract(a, b, where=~same, out=np.zeros_like(a)))


def _exact_p(ranks: NDArray[np.float64], smaller: float) -> float:
    """Share of all signs of the ranks whose sum of one side is no larger, times two."""
    # Mean ranks of ties are halves, so twice the ranks are whole.
    doubled = np.rint(2.0 * ranks).astype(int)
    ways = np.zeros(doubled.sum() + 1)
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] = 0.5 * ways[rank:] + 0.5 * ways[: len(ways) - rank]
        ways[:rank] *= 0.5
    return float(min(1.0, 2.0 * ways[: round(2.0 * smaller) + 1].sum()))


def _normal_p(ranks: NDArray[np.float64], smaller: float) -> float:
    mean, variance = ranks.sum() / 2.0, np.square(ranks).sum() / 4.0
    return float(min(1.0, 2.0 * special.ndtr((smaller - mean) / np.sqrt(variance))))


def _by_group(
    values: NDArray[np.float64], groups: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of the values of every group."""
    if groups is None:
        return values, np.ones_like(values)
    labels = np.asarray(groups)
    if labels.shape != values.shape:
        raise InputError(f"groups: expected shape {values.shape}, got {labels.shape}")
    _, index = np.unique(labels, return_inverse=True)
    sums, counts = np.bincount(index, values), np.bincount(index)
    return sums.astype(np.float64), counts.astype(np.float64)

"""Kernel distance of two sets of features: unbiased, so that few images will do."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.errors import InputError
from insonate.metrics.frechet import check_features

__all__ = ["KernelDistance", "kernel_distance", "squared_mmd", "subset_size"]

#: Of the estimate (Bińkowski et al. 2018, as torch-fidelity has it).
SUBSETS, LARGEST_SUBSET, SEED = 100, 1000, 2020
#: A subset of fewer features says nothing.
SMALLEST_SUBSET = 2


@dataclasses.dataclass(frozen=True, eq=False)
class KernelDistance:
    """Squared maximum mean discrepancies of random subsets.

    Attributes:
        values: of every subset, `(subsets,)`, no unit; single ones may be negative.
        subset: features of each set that a subset has.
    """

    values: NDArray[np.float64]
    subset: int

    @property
    def mean(self) -> float:
        """The distance."""
        return float(self.values.mean())

    @property
    def std(self) -> float:
        """Its spread over subsets, which is not its standard error: they share features."""
        return float(self.values.std())


def kernel_distance(
    features_a: ArrayLike,
    features_b: ArrayLike,
    subset: int | None = None,
    subsets: int = SUBSETS,
    seed: int = SEED,
) -> KernelDistance:
    """Kernel distance with the cubic kernel (x · y / d + 1)³ over random subsets.

    Args:
        features_a: `(n, d)`.
        features_b: `(m, d)`.
        subset: features of a subset; without, by `subset_size`.
        subsets: how many are drawn.
        seed: of the draws; the order of draws is torch-fidelity's.

    Raises:
        InputError: too few features for a subset, or not two sets of one dimension.
    """
    a, b = check_features(features_a, features_b)
    subset = subset_size(len(a), len(b)) if subset is None else subset
    if not SMALLEST_SUBSET <= subset <= min(len(a), len(b)):
        counts = f"{len(a)} and {len(b)}"
        raise InputError(
            f"subset: expected {SMALLEST_SUBSET} to all of the features ({counts}), got {subset}"
        )
    # The old generator, so that the subsets are those of torch-fidelity with this seed.
    rng = np.random.RandomState(seed)
    values = [
        squared_mmd(
            a[rng.choice(len(a), subset, replace=False)],
            b[rng.choice(len(b), subset, replace=False)],
        )
        for _ in range(subsets)
    ]
    return KernelDistance(np.array(values), subset)


def subset_size(real: int, translated: int) -> int:
    """Half of the smaller set, of at most 1000: test sets of the papers are smaller than 1000.

    Args:
        real: number of real images.
        translated: number of translated images.
    """
    return min(LARGEST_SUBSET, real, translated) // 2


def squared_mmd(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Unbiased squared maximum mean discrepancy with the cubic kernel.

    Args:
        a: features `(n, d)`.
        b: features `(m, d)`.
    """
    n, m = len(a), len(b)
    within_a, within_b = _cubic(a, a), _cubic(b, b)
    # A feature is not compared with itself, else the estimate is biased upwards.
    mean_a = (within_a.sum() - np.trace(within_a)) / (n * (n - 1))
    mean_b = (within_b.sum() - np.trace(within_b)) / (m * (m - 1))
    return float(mean_a + mean_b - 2.0 * _cubic(a, b).mean())


def _cubic(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return (a @ b.T / a.shape[1] + 1.0) ** 3

"""What is sure of a distance of two sets of images: the bootstrap, image by image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.errors import InputError
from insonate.metrics.frechet import check_features
from insonate.metrics.significance import Interval

__all__ = ["distance_interval"]

#: Of two sets, by how often each of their features counts.
_Distance = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def distance_interval(
    kind: Literal["frechet", "kernel"],
    estimate: float,
    features: tuple[ArrayLike, ArrayLike],
    images: tuple[ArrayLike, ArrayLike],
    resamples: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of a distance, by drawing images with replacement from both sets.

    All features of an image are drawn together, since windows of one image are not independent.
    Among drawn images fewer are different, which makes a Fréchet distance larger; so deviations
    from the mean of the resamples are laid around the estimate. A kernel distance compares no
    feature with itself, drawn twice or not. The draws are the same for every set of as many
    images.

    Args:
        kind: of the distance; kernel is the estimate of all pairs, not of subsets.
        estimate: the distance as it is reported.
        features: `(n, d)` and `(m, d)`.
        images: which image each feature is of, `(n,)` and `(m,)`.
        resamples: how many are drawn.
        level: share of such intervals that hold the truth.
        seed: of the draws.

    Raises:
        InputError: not features of one dimension, fewer than two images, or a level beyond 0 to 1.
    """
    a, b = check_features(*features)
    if not 0.0 < level < 1.0 or resamples < 2:
        raise InputError(f"level, resamples: got {level}, {resamples}; expected 0 to 1, 2 or more")
    groups = [_groups(of, len(set_)) for of, set_ in zip(images, (a, b), strict=True)]
    distance = _frechet(a, b) if kind == "frechet" else _kernel(a, b)
    drawn = []
    for k in range(resamples):
        weights = [_weights(group, (seed, k, side)) for side, group in enumerate(groups)]
        drawn.append(distance(weights[0], weights[1]))
    off = np.array(drawn) - np.mean(drawn)
    tail = 50.0 * (1.0 - level)
    low, high = estimate + np.percentile(off, (tail, 100.0 - tail))
    return Interval(estimate, float(low), float(high), level)


def _groups(images: ArrayLike, count: int) -> NDArray[np.int64]:
    labels = np.asarray(images)
    if labels.shape != (count,):
        raise InputError(f"images: expected one for each of {count} features, got {labels.shape}")
    names, group = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"images: expected at least 2 images to draw from, got {len(names)}")
    return group


def _weights(group: NDArray[np.int64], key: tuple[int, ...]) -> NDArray[np.float64]:
    """How often every feature comes when as many images are drawn as there are."""
    count = int(group.max()) + 1
    rng = np.random.default_rng(key)
    drawn = np.bincount(rng.integers(count, size=count), minlength=count)
    return drawn[group].astype(np.float64)


def _frechet(a: NDArray[np.float64], b: NDArray[np.float64]) -> _Distance:
    def of(wa: NDArray[np.float64], wb: NDArray[np.float64]) -> float:
        (mean_a, root_a), (mean_b, root_b) = _moments(a, wa), _moments(b, wb)
        spread = np.square(root_a).sum() + np.square(root_b).sum()
        shift = mean_a - mean_b
        return float(shift @ shift + spread - 2.0 * _trace_of_root(root_a, root_b))

    return of


def _moments(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean `(d,)`, and some R with Rᵀ R = Σ, of as few rows as there are."""
    kept = weights > 0
    total = weights.sum()
    mean = weights @ values / total
    root = np.sqrt(weights[kept, None] / (total - 1.0)) * (values[kept] - mean)
    if len(root) > root.shape[1]:
        root = np.asarray(np.linalg.qr(root, mode="r"))
    return mean, root


def _trace_of_root(root_a: NDArray[np.float64], root_b: NDArray[np.float64]) -> float:
    """Sum of the singular values of Ra Rbᵀ, by eigenvalues of its smaller square."""
    mixed = root_a @ root_b.T
    square = mixed @ mixed.T if len(mixed) <= mixed.shape[1] else mixed.T @ mixed
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(square), 0.0)).sum())


def _kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> _Distance:
    """Unbiased squared maximum mean discrepancy with the cubic kernel."""
    within_a, within_b, between = (_cubic(x, y) for x, y in ((a, a), (b, b), (a, b)))

    def of(wa: NDArray[np.float64], wb: NDArray[np.float64]) -> float:
        mixed = wa @ between @ wb / (wa.sum() * wb.sum())
        return float(_mean_of_pairs(within_a, wa) + _mean_of_pairs(within_b, wb) - 2.0 * mixed)

    return of


def _mean_of_pairs(kernel: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Over pairs of different features, however often they were drawn."""
    squares = weights * weights
    total = weights @ kernel @ weights - squares @ np.diag(kernel)
    return float(total / (weights.sum() ** 2 - squares.sum()))


def _cubic(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return (a @ b.T / a.shape[1] + 1.0) ** 3

"""Fréchet distance of two sets of features."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.errors import InputError

__all__ = ["check_features", "frechet_distance"]


def frechet_distance(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """‖μa - μb‖² + Tr(Σa + Σb - 2 (Σa Σb)^½) of the Gaussians of two sets (Heusel et al. 2017).

    Covariances have n - 1 below, as numpy.cov has. With fewer features than dimensions they are
    singular and the distance is biased upwards, so it hangs on the numbers of images.

    Args:
        features_a: `(n, d)`.
        features_b: `(m, d)`.

    Raises:
        InputError: not two sets of one dimension with at least two features each.
    """
    a, b = check_features(features_a, features_b)
    shift = a.mean(0) - b.mean(0)
    root_a, root_b = _covariance_root(a), _covariance_root(b)
    # Eigenvalues of Σa Σb are the squared singular values of this, which are real and not
    # negative by themselves, where a square root of the product has to be made so.
    mixed = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spread = np.square(root_a).sum() + np.square(root_b).sum() - 2.0 * mixed
    return float(shift @ shift + spread)


def check_features(
    features_a: ArrayLike, features_b: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two sets of features in double precision.

    Args:
        features_a: `(n, d)`.
        features_b: `(m, d)`.

    Raises:
        InputError: other shapes, two dimensions, fewer than two features, or no finite numbers.
    """
    sets = []
    for name, features in (("features_a", features_a), ("features_b", features_b)):
        values = np.asarray(features, dtype=np.float64)
        if values.ndim != 2 or len(values) < 2 or not values.shape[1]:
            shape = values.shape
            raise InputError(f"{name}: expected at least two features (n, d), got shape {shape}")
        if not np.isfinite(values).all():
            raise InputError(f"{name}: expected finite numbers, got NaN or infinity")
        sets.append(values)
    a, b = sets
    if a.shape[1] != b.shape[1]:
        dimensions = f"{a.shape[1]} and {b.shape[1]}"
        raise InputError(f"features_a, features_b: expected one dimension, got {dimensions}")
    return a, b


def _covariance_root(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Some R with Rᵀ R = Σ, `(k, d)` with k the smaller of n and d."""
    centred = (features - features.mean(0)) / np.sqrt(len(features) - 1)
    if len(centred) <= centred.shape[1]:
        return centred
    return np.asarray(np.linalg.qr(centred, mode="r"))

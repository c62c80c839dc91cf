"""Distances of sets of features: closed forms, naive sums, and what numbers of images do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insonate.errors import InputError
from insonate.metrics import frechet_distance, kernel_distance, subset_size
from insonate.metrics.kernel_distance import squared_mmd


def features(seed, n, d=4, scale=1.0, shift=0.0):
    return shift + scale * np.random.default_rng(seed).standard_normal((n, d))


def with_moments(n, d, seed=0):
    """Features whose mean is exactly 0 and whose covariance is exactly 1."""
    values = features(seed, n, d)
    values -= values.mean(0)
    return values @ np.linalg.inv(np.linalg.cholesky(np.cov(values, rowvar=False))).T


def by_eigenvalues(a, b):
    """The distance as it is written, by the eigenvalues of the product of covariances."""
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    mixed = np.sqrt(np.linalg.eigvals(first @ second).astype(complex)).real.sum()
    shift = a.mean(0) - b.mean(0)
    return shift @ shift + np.trace(first) + np.trace(second) - 2.0 * mixed


def test_frechet_of_gaussians_with_known_moments():
    """Commuting covariances: |μ|² + Σ (σa - σb)²."""
    a, b = with_moments(50, 3), with_moments(70, 3, seed=1)
    b = b * np.array([1.0, 2.0, 5.0]) + np.array([3.0, 0.0, -4.0])
    assert frechet_distance(a, b) == pytest.approx(25.0 + 0.0 + 1.0 + 16.0, rel=1e-9)


@pytest.mark.parametrize(("n", "m", "d"), [(60, 50, 6), (12, 10, 30), (40, 9, 20)])
def test_frechet_agrees_with_eigenvalues(n, m, d):
    """With fewer images than dimensions too, where covariances are singular."""
    mixing = features(9, d, d)
    a, b = features(0, n, d) @ mixing, features(1, m, d, shift=0.3)
    assert frechet_distance(a, b) == pytest.approx(by_eigenvalues(a, b), rel=1e-6)


def test_frechet_is_biased_by_few_images():
    """Two sets of one law: the distance is of the order of 1 / n."""
    few, many = (frechet_distance(features(0, n, 8), features(1, n, 8)) for n in (40, 4000))
    assert few > 20.0 * many > 0.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(2, 30), st.integers(1, 12))
def test_properties_of_frechet(seed, n, m, d):
    a, b = features(seed, n, d), features(seed + 1, m, d, 2.0, 1.0)
    distance = frechet_distance(a, b)
    assert distance >= -1e-9
    assert distance == pytest.approx(frechet_distance(b, a), rel=1e-9, abs=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-9)
    turn, _ = np.linalg.qr(features(2, d, d))
    assert distance == pytest.approx(frechet_distance(a @ turn + 7.0, b @ turn + 7.0), rel=1e-6)
    assert 9.0 * distance == pytest.approx(frechet_distance(3.0 * a, 3.0 * b), rel=1e-6)


def naive_mmd(a, b):
    """Sums over pairs, as the estimate is written."""

    def kernel(x, y):
        return (x @ y / len(x) + 1.0) ** 3

    n, m = len(a), len(b)
    first = sum(kernel(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    second = sum(kernel(b[i], b[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return first + second - 2.0 * np.mean([[kernel(x, y) for y in b] for x in a])


def test_mmd_agrees_with_sums_over_pairs():
    a, b = features(0, 7), features(1, 5, shift=0.5)
    assert squared_mmd(a, b) == pytest.approx(naive_mmd(a, b), rel=1e-12)


def test_mmd_is_unbiased():
    """Sets of six of one law: the mean over many pairs of sets is 0 within its error."""
    values = [squared_mmd(features(2 * k, 6), features(2 * k + 1, 6)) for k in range(3000)]
    assert abs(np.mean(values)) < 3.0 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0.0


def test_mmd_of_a_known_shift():
    """In one dimension with kernel (xy + 1)³ the distance is 3 Δm₁² + 3 Δm₂² + Δm₃².

    N(0, 1) and N(1, 1) have moments 0, 1, 0 and 1, 2, 4: 3 + 3 + 16.
    """
    a, b = features(0, 3000, 1), features(1, 3000, 1, shift=1.0)
    assert squared_mmd(a, b) == pytest.approx(22.0, rel=0.1)


def test_kernel_distance_draws_the_subsets_of_torch_fidelity():
    """RandomState(2020).choice without replacement, the first set before the second."""
    a, b = features(0, 30, 8), features(1, 24, 8, shift=0.2)
    found = kernel_distance(a, b, subsets=3)
    rng = np.random.RandomState(2020)
    expected = [
        naive_mmd(a[rng.choice(30, 12, replace=False)], b[rng.choice(24, 12, replace=False)])
        for _ in range(3)
    ]
    assert found.subset == 12
    np.testing.assert_allclose(found.values, expected, rtol=1e-9)
    assert found.mean == pytest.approx(np.mean(expected))
    assert found.std == pytest.approx(np.std(expected))
    assert len(kernel_distance(a, b).values) == 100


def test_subsets_are_half_of_the_smaller_set():
    """M6 of the papers' test sets: 443 real images and 667 translated ones."""
    assert subset_size(443, 667) == 221
    assert subset_size(5000, 5000) == 500


def test_kernel_distance_tells_sets_apart():
    a, same, other = features(0, 60), features(1, 60), features(2, 60, shift=0.5)
    near, far = kernel_distance(a, same), kernel_distance(a, other)
    assert abs(near.mean) < 2.0 * near.std
    assert far.mean > 5.0 * abs(near.mean)


def test_too_few_features_are_refused():
    a = features(0, 10)
    for distance in (frechet_distance, kernel_distance):
        with pytest.raises(InputError, match="at least two features"):
            distance(a, a[:1])
        with pytest.raises(InputError, match="one dimension"):
            distance(a, a[:, :2])
        with pytest.raises(InputError, match="finite"):
            distance(a, a * np.nan)
    with pytest.raises(InputError, match=r"subset: expected 2 to all of the features \(10 and 3\)"):
        kernel_distance(a, a[:3])
    with pytest.raises(InputError, match="got 1000"):
        kernel_distance(a, a, subset=1000)

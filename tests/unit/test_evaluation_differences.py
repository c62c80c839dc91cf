"""Whether candidates differ by more than chance: known cases, and SciPy."""

import numpy as np
import pytest
import scipy.stats

from insonate.evaluation.differences import differences, frame_means
from insonate.evaluation.measures import Measure


def test_differences_are_those_of_scipy():
    rng = np.random.default_rng(0)
    values = {"a": rng.normal(0.3, 1.0, 60), "b": rng.normal(0.0, 1.0, 60)}
    measure = Measure(name="psnr", title="PSNR", better="higher")
    (found,) = differences(measure, values, "patch")
    expected = scipy.stats.wilcoxon(values["a"], values["b"], correction=False, mode="approx")
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.difference == pytest.approx(values["a"].mean() - values["b"].mean())


@pytest.mark.parametrize(
    ("better", "first", "second"),
    [("higher", 2.0, 1.0), ("lower", 1.0, 2.0), ("one", 0.9, 1.3), ("one", 0.2, -1.0)],
)
def test_the_better_one_has_the_positive_effect(better, first, second):
    measure = Measure(name="x", title="x", better=better)
    steps = np.linspace(0.0, 0.05, 12)
    values = {"good": first + steps, "bad": second + steps, "same": first + steps}
    found = {(d.first, d.second): d for d in differences(measure, values, "frame")}
    assert found["good", "bad"].effect == 1.0
    assert found["bad", "same"].effect == -1.0
    assert found["good", "same"].effect == 0.0
    assert found["good", "same"].pairs == 0
    # Holm: the smaller two of three p, which are equal, times 3
    assert found["good", "bad"].holm == pytest.approx(3.0 * found["good", "bad"].p)


def test_frames_without_a_place_are_left_out():
    measure = Measure(name="x", title="x", better="lower")
    a, b = np.arange(8.0), np.arange(8.0) + 1.0
    a[2] = np.nan
    (found,) = differences(measure, {"a": a, "b": b}, "frame")
    assert (found.pairs, found.difference) == (7, -1.0)
    assert differences(measure, {"a": a * np.nan, "b": b}, "frame") == []


def test_means_of_frames():
    means = frame_means(np.array([1.0, 3.0, 10.0, 20.0]), np.array([7, 7, 2, 2]))
    np.testing.assert_allclose(means, [15.0, 2.0])

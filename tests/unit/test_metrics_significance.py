"""Signed-rank tests, their correction, and intervals, against tables and SciPy."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from insonate.errors import InputError
from insonate.metrics import bootstrap_interval, holm, wilcoxon

#: Heights of self- and cross-fertilised maize plants, differences in eighths of an inch: Darwin
#: 1876, the example of SciPy's documentation; statistic 24, exact p 0.04126.
DARWIN = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]


def pairs(seed, n, step=None):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0.3, 1.0, n), rng.normal(0.0, 1.0, n)
    return (a, b) if step is None else (np.round(a / step) * step, np.round(b / step) * step)


def test_darwins_plants():
    found = wilcoxon(DARWIN, [0] * 15)
    assert found.statistic == 24
    assert found.p == pytest.approx(0.041259765625, abs=1e-12)
    assert found.effect == pytest.approx((96 - 24) / 120)
    assert found.pairs == 15


@pytest.mark.parametrize("n", [3, 10, 25, 50])
def test_few_pairs_agree_with_scipy(n):
    a, b = pairs(n, n)
    other = stats.wilcoxon(a, b, method="exact")
    assert wilcoxon(a, b).p == pytest.approx(other.pvalue, rel=1e-9)
    assert wilcoxon(a, b).statistic == other.statistic


@pytest.mark.parametrize("step", [None, 0.5])
@pytest.mark.parametrize("n", [80, 400, 2676])
def test_many_pairs_agree_with_scipy(n, step):
    """Ties and pairs without difference too, as 360 ranks of six candidates have them."""
    a, b = pairs(n, n, step)
    other = stats.wilcoxon(a, b, method="asymptotic", zero_method="wilcox", correction=False)
    assert wilcoxon(a, b).p == pytest.approx(other.pvalue, rel=1e-9)
    assert wilcoxon(a, b).statistic == other.statistic


def test_few_pairs_with_ties_are_counted_out():
    """All 2^n signs by hand: SciPy's exact law knows no ties."""
    a, b = pairs(3, 10, 0.5)
    differences = (a - b)[a != b]
    ranks = stats.rankdata(np.abs(differences))
    seen = min(ranks[differences > 0].sum(), ranks[differences < 0].sum())
    sums = [sum(r for r, s in zip(ranks, signs, strict=True) if s)
            for signs in itertools.product((0, 1), repeat=len(ranks))]  # fmt: skip
    share = np.mean([min(s, ranks.sum() - s) <= seen for s in sums])
    assert len(set(ranks)) < len(ranks)
    assert wilcoxon(a, b).p == pytest.approx(min(1.0, share), abs=1e-12)


def test_better_everywhere_is_an_effect_of_one():
    values = np.arange(1.0, 21.0)
    found = wilcoxon(values + 1.0, values)
    assert found.effect == 1.0
    assert found.p == pytest.approx(2.0 * 0.5**20)
    assert wilcoxon(values, values + 1.0).effect == -1.0


def test_no_difference_is_no_evidence():
    found = wilcoxon([1.0, np.inf], [1.0, np.inf])
    assert (found.p, found.effect, found.pairs) == (1.0, 0.0, 0)
    assert wilcoxon([1.0, np.inf], [1.0, 2.0]).pairs == 1


def test_few_pairs_prove_nothing():
    """Five pairs cannot be significant, however large their differences: 2 / 2^5."""
    assert wilcoxon([9, 9, 9, 9, 9], [1, 2, 3, 4, 5]).p == 0.0625


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 120))
def test_properties_of_the_test(seed, n):
    a, b = pairs(seed, n, 0.25)
    one, other = wilcoxon(a, b), wilcoxon(b, a)
    assert 0.0 <= one.p <= 1.0
    assert one.p == pytest.approx(other.p, abs=1e-12)
    assert one.effect == pytest.approx(-other.effect)
    # Only the order of the differences counts.
    assert wilcoxon((a - b) ** 3, np.zeros(n)).p == pytest.approx(one.p, abs=1e-12)


def test_false_alarms_are_as_rare_as_said():
    """Of 2000 tests of nothing, 5 % are significant, below and above the switch to normal."""
    for n in (20, 60):
        alarms = sum(wilcoxon(*np.random.default_rng(k).normal(size=(2, n))).p < 0.05
                     for k in range(2000))  # fmt: skip
        assert 70 < alarms < 130


def test_holm_by_hand():
    # 0.01 * 4, 0.02 * 3, then 0.03 * 2 = 0.06 and 0.04 * 1, which may not fall below 0.06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_properties_of_holm(p):
    corrected = holm(p)
    for raw, own in zip(p, corrected, strict=True):
        assert raw <= own <= 1.0
    order = np.argsort(p, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)
    # The smallest is corrected as Bonferroni corrects all.
    assert min(corrected) == pytest.approx(min(1.0, min(p) * len(p)))


def test_bootstrap_agrees_with_the_normal_interval():
    values = np.random.default_rng(0).normal(2.0, 3.0, 400)
    found = bootstrap_interval(values, resamples=4000)
    error = values.std() / 20.0
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_bootstrap_is_the_same_again_and_another_with_another_seed():
    values = np.random.default_rng(1).random(30)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


def test_bootstrap_of_groups_is_wider():
    """Four equal patches of an image are one image: the interval is that of the images."""
    values = np.random.default_rng(2).random(50)
    patches, image = np.repeat(values, 4), np.repeat(np.arange(50), 4)
    naive, grouped, whole = (
        bootstrap_interval(patches),
        bootstrap_interval(patches, groups=image),
        bootstrap_interval(values),
    )
    assert grouped == whole
    assert (grouped.high - grouped.low) / (naive.high - naive.low) == pytest.approx(2.0, rel=0.1)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="expected pairs"):
        wilcoxon([1.0, 2.0], [1.0])
    with pytest.raises(InputError, match="NaN"):
        wilcoxon([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(InputError, match="0 to 1"):
        holm([0.5, 1.5])
    with pytest.raises(InputError, match="finite numbers"):
        bootstrap_interval([])
    with pytest.raises(InputError, match="level"):
        bootstrap_interval([1.0], level=1.0)
    with pytest.raises(InputError, match="groups"):
        bootstrap_interval([1.0, 2.0], groups=[1])

"""Deformation: splines against SciPy, heads that are moved and widened, and the guard."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import interpolate, ndimage
from speckle_field import speckle

from insonate.errors import InputError
from insonate.metrics import Registration, deformation, local_correlation, min_max_pooled
from insonate.metrics.bspline import Lattice
from insonate.metrics.deformation import _warped

SIDE = 96


def head(right=0.0, wider=1.0, seed=0):
    """A skull with two structures, under weak speckle."""
    row, column = np.mgrid[:SIDE, :SIDE] - SIDE / 2.0
    column = (column - right) / wider
    radius = np.hypot(column / 30.0, row / 36.0)
    brain = np.where(radius < 1.0, 90.0, 20.0) + 120.0 * np.exp(-(((radius - 1.0) / 0.08) ** 2))
    brain += 60.0 * np.exp(-((column - 9.0) ** 2 + (row + 6.0) ** 2) / 40.0)
    brain -= 50.0 * np.exp(-((column + 12.0) ** 2 + (row - 12.0) ** 2) / 60.0)
    texture = 0.7 + 0.3 * speckle(SIDE, 1.0, seed)
    return torch.tensor(ndimage.gaussian_filter(brain, 1.0) * texture).clamp(0, 255)


def noise(seed=0):
    return torch.tensor(np.random.default_rng(seed).uniform(0.0, 255.0, (SIDE, SIDE)))


@pytest.fixture(scope="module")
def found():
    """A head against itself, with other speckle, moved by 3 pixels, 10 % wider; and noise."""
    cases = [head(), head(seed=1), head(3.0, seed=2), head(wider=1.1, seed=3), noise()]
    target = head().expand(len(cases), -1, -1)
    return deformation(torch.stack(cases), target)


def test_the_same_image_is_not_bent(found):
    assert found.score[0] < 1e-3
    assert found.similarity[0] > 0.999
    assert found.folded[0] == 0.0


def test_a_change_of_shape_is_a_worse_score(found):
    """Other speckle and a shift, which changes no area, count little; 10 % of width as 0.1."""
    same, speckled, moved, wider, _ = found.score.tolist()
    assert same < min(speckled, moved)
    assert max(speckled, moved) < 0.06 < wider < 0.13
    assert not found.flagged[:4].any()


def test_noise_gets_a_good_score_and_a_flag(found):
    """The trap of the measure: what cannot be registered is not bent."""
    assert found.score[4] < found.score[1]
    assert abs(found.similarity[4]) < 0.1
    assert found.flagged.tolist() == [False, False, False, False, True]


def test_widening_is_found():
    """Ten per cent wider, without texture: det J of the map from target to image is 1.1 inside."""
    _, moving = head(), head(wider=1.1)
    texture = torch.tensor(0.7 + 0.3 * speckle(SIDE, 1.0, 0))
    inside = torch.zeros(SIDE, SIDE)
    inside[20:-20, 24:-24] = 1
    result = deformation((moving / texture)[None], (head() / texture)[None], inside)
    assert result.score[0] == pytest.approx(0.1, abs=0.035)


def test_pairs_are_registered_one_by_one():
    images, targets = torch.stack([head(3.0), noise()]), torch.stack([head(), head()])
    short = Registration(steps=15)
    both = deformation(images, targets, settings=short)
    alone = deformation(images[:1], targets[:1], settings=short)
    assert alone.score[0] == pytest.approx(float(both.score[0]), rel=1e-3)
    assert both.score[0] != both.score[1]


def test_gradients_are_where_they_are_needed():
    short = Registration(steps=3)
    with torch.inference_mode():
        image, target = head(3.0)[None], head()[None]
        inside = deformation(image, target, settings=short)
    assert inside.score[0] == deformation(head(3.0)[None], head()[None], settings=short).score[0]
    assert short.made.key == "deformation-grid16-bending0.02-rate0.3-steps3"


def test_gray_map_does_not_count():
    short = Registration(steps=15)
    one = deformation(head(3.0)[None], head()[None], settings=short)
    other = deformation(0.5 * head(3.0)[None] + 20.0, head()[None], settings=short)
    assert other.score[0] == pytest.approx(float(one.score[0]), rel=1e-3)


def test_only_the_mask_counts():
    """Differences outside the mask neither bend nor are scored."""
    mask = torch.zeros(SIDE, SIDE)
    mask[:, :48] = 1
    spoilt = head()
    spoilt[:, 52:] = 255.0 - spoilt[:, 52:]
    assert deformation(spoilt[None], head()[None], mask).score[0] < 1e-3
    assert deformation(spoilt[None], head()[None]).score[0] > 1e-2


def test_lattice_agrees_with_scipy():
    """Displacements and derivatives against SciPy's splines, at every pixel."""
    rows, columns, spacing = 41, 30, 8
    lattice = Lattice.over(rows, columns, spacing, torch.device("cpu"))
    control = torch.tensor(np.random.default_rng(0).standard_normal(lattice.at_rest(1).shape))
    points = control.shape[2:]

    def spline(size, count, order):
        knots = spacing * (np.arange(count + 4) - 3.0)
        made = interpolate.BSpline(knots, np.eye(count), 3).derivative(order) if order else (
            interpolate.BSpline(knots, np.eye(count), 3))  # fmt: skip
        return made(np.arange(size))

    def expected(part, r, c):
        return (
            spline(rows, points[0], r) @ control[0, part].numpy() @ spline(columns, points[1], c).T
        )

    moved = lattice.displacement(control.float())[0]
    np.testing.assert_allclose(moved[0], expected(0, 0, 0), atol=1e-5)
    np.testing.assert_allclose(moved[1], expected(1, 0, 0), atol=1e-5)
    straight = (1 + expected(0, 1, 0)) * (1 + expected(1, 0, 1))
    determinant = straight - expected(0, 0, 1) * expected(1, 1, 0)
    np.testing.assert_allclose(lattice.determinant(control.float())[0], determinant, atol=1e-5)
    energy = sum(
        weight * expected(part, r, c) ** 2
        for part in (0, 1)
        for r, c, weight in ((2, 0, 1.0), (1, 1, 2.0), (0, 2, 1.0))
    ).mean() * spacing**4  # fmt: skip
    assert lattice.bending_energy(control.float())[0] == pytest.approx(energy, rel=1e-4)


def test_affine_motion_of_the_lattice():
    """Control points that move linearly move every pixel so, without bending: det J = 1.1 * 0.9."""
    lattice = Lattice.over(50, 70, 16, torch.device("cpu"))
    control = lattice.at_rest(1)
    down = 16.0 * (torch.arange(control.shape[2]) - 1.0)
    across = 16.0 * (torch.arange(control.shape[3]) - 1.0)
    control[0, 0] = 0.1 * down[:, None]
    control[0, 1] = -0.1 * across[None, :]
    torch.testing.assert_close(lattice.determinant(control), torch.full((1, 50, 70), 0.99))
    assert lattice.bending_energy(control)[0] == pytest.approx(0.0, abs=1e-8)
    moved = lattice.displacement(control)[0]
    torch.testing.assert_close(moved[0], (0.1 * torch.arange(50.0))[:, None].expand(50, 70))


def test_pixels_are_read_where_they_are_sent():
    image = noise()[None].float()
    still = torch.zeros(1, 2, SIDE, SIDE)
    torch.testing.assert_close(_warped(image, still), image, atol=0.02, rtol=0.0)
    moved = still.clone()
    moved[:, 0], moved[:, 1] = 2.0, -3.0
    read = _warped(image, moved)
    torch.testing.assert_close(read[:, :-2, 3:], image[:, 2:, :-3], atol=0.02, rtol=0.0)
    # Beyond the edge the edge is read.
    assert torch.allclose(read[:, :-2, 0], image[:, 2:, 0], atol=0.02)


def test_folds_are_counted():
    """One control point thrown over its neighbour folds what lies between."""
    lattice = Lattice.over(64, 64, 16, torch.device("cpu"))
    control = lattice.at_rest(1)
    control[0, 0, 2, 3] = 40.0
    folded = (lattice.determinant(control) <= 0).double().mean()
    assert 0.005 < folded < 0.5


def test_local_correlation_by_hand():
    image = noise()[None]
    assert local_correlation(image, 3.0 * image + 7.0)[0] == pytest.approx(1.0)
    assert local_correlation(image, -image)[0] == pytest.approx(-1.0)
    assert abs(local_correlation(image, noise(1)[None])[0]) < 0.05
    assert local_correlation(image, torch.full_like(image, 9.0))[0] == 0.0
    # One window in the middle, against NumPy.
    mask = torch.zeros(SIDE, SIDE)
    mask[50, 40] = 1
    other = noise(2)[None]
    windows = [x[0, 46:55, 36:45].flatten().numpy() for x in (image, other)]
    expected = np.corrcoef(*windows)[0, 1]
    assert local_correlation(image, other, 9, mask)[0] == pytest.approx(expected, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 10.0))
def test_properties_of_local_correlation(seed, gain):
    a, b = noise(seed)[None, :24, :24], noise(seed + 1)[None, :24, :24]
    value = local_correlation(a, b)
    assert -1.0 <= value[0] <= 1.0
    torch.testing.assert_close(value, local_correlation(b, a))
    torch.testing.assert_close(value, local_correlation(gain * a + 5.0, b))


def test_pooled_scores_go_from_nothing_to_the_worst():
    pooled = min_max_pooled({"real": np.zeros(2), "a": np.array([0.1, 0.4]), "b": np.array([0.2])})
    assert pooled["real"].tolist() == [0.0, 0.0]
    assert pooled["a"].tolist() == pytest.approx([0.25, 1.0])
    assert pooled["b"].tolist() == [0.5]
    assert min_max_pooled({"real": np.zeros(1)})["real"].tolist() == [0.0]


def test_even_images_are_flagged():
    even = torch.full((1, SIDE, SIDE), 100.0)
    result = deformation(even, even, settings=Registration(steps=2))
    assert result.flagged[0]
    assert result.score[0] == pytest.approx(0.0, abs=1e-6)


def test_bad_input_is_refused():
    image = head()[None]
    with pytest.raises(InputError, match="expected one shape"):
        deformation(image, image[:, :90])
    with pytest.raises(InputError, match="at least 32 pixels"):
        deformation(image[:, :30], image[:, :30])
    with pytest.raises(InputError, match="empty"):
        deformation(image, image, torch.zeros(SIDE, SIDE))
    with pytest.raises(InputError, match="steps: expected a positive number"):
        deformation(image, image, settings=Registration(steps=0))
    with pytest.raises(InputError, match="window: expected an odd number"):
        deformation(image, image, settings=Registration(window=8))
    with pytest.raises(InputError, match="at least 0"):
        min_max_pooled({"a": np.array([-1.0])})
    with pytest.raises(InputError, match="at least one method"):
        min_max_pooled({})

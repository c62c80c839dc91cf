"""The contrastive loss: known answers of equations 2 and 3 of Tomar et al. 2021."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from insonate.methods.contrast import TEMPERATURE, contrastive_loss
from insonate.nets import Projection


class Bare(nn.Module):
    """Vectors brought to length 1, and nothing else."""

    def forward(self, kind, vectors):
        return functional.normalize(vectors.float(), dim=-1)


def loss(queries, keys, places=256, mask=None, reduction="mean", seed=0):
    chance = np.random.default_rng(seed)
    return contrastive_loss(Bare(), queries, keys, chance, mask, places, reduction)


def orthogonal(count=4):
    """As many places as channels, each with a direction of its own, `(1, count, count, 1)`."""
    return torch.eye(count)[None, :, :, None]


def test_places_that_are_told_apart_cost_what_the_equation_says():
    expected = math.log(1 + 3 * math.exp(-1 / TEMPERATURE))
    assert loss([orthogonal()], [orthogonal()]).item() == pytest.approx(expected, abs=1e-7)


def test_places_that_look_alike_cost_the_logarithm_of_their_number():
    same = torch.ones(2, 3, 4, 5)
    assert loss([same], [same]).item() == pytest.approx(math.log(20), rel=1e-6)


def test_places_that_are_confused_cost_more():
    turned = orthogonal().roll(1, dims=2)
    expected = 1 / TEMPERATURE + math.log(1 + 3 * math.exp(-1 / TEMPERATURE))
    assert loss([turned], [orthogonal()]).item() == pytest.approx(expected, rel=1e-5)


def test_negatives_are_of_the_same_image():
    one, other = orthogonal(), orthogonal()
    both = torch.cat([one, other])
    assert loss([both], [both]).item() == pytest.approx(loss([one], [one]).item(), abs=1e-7)


def test_a_mean_over_layers_or_the_sum_of_equation_3():
    easy, hard = orthogonal(), torch.ones(1, 4, 4, 1)
    parts = [loss([each], [each]).item() for each in (easy, hard)]
    assert loss([easy, hard], [easy, hard]).item() == pytest.approx(sum(parts) / 2, rel=1e-6)
    summed = loss([easy, hard], [easy, hard], reduction="sum").item()
    assert summed == pytest.approx(4 * sum(parts), rel=1e-6)


def test_no_gradient_flows_into_keys():
    query, key = (torch.rand(1, 3, 4, 4, requires_grad=True) for _ in range(2))
    loss([query], [key]).backward()
    assert query.grad is not None
    assert key.grad is None


def test_places_outside_of_the_mask_do_not_count():
    generator = torch.Generator().manual_seed(0)
    query, key = (torch.rand(1, 5, 4, 4, generator=generator) for _ in range(2))
    mask = torch.ones(1, 1, 8, 8)
    mask[..., :4] = 0
    changed = query.clone()
    changed[..., :2] = 9.0
    assert torch.equal(loss([query], [key], mask=mask), loss([changed], [key], mask=mask))
    assert not torch.equal(loss([query], [key]), loss([changed], [key]))


def test_without_a_place_inside_there_is_nothing_to_learn():
    some = torch.rand(1, 3, 4, 4)
    assert loss([some], [some], mask=torch.zeros(1, 1, 4, 4)).item() == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.integers(0, 99))
def test_never_below_0_and_the_same_for_the_same_chance(places, seed):
    generator = torch.Generator().manual_seed(seed)
    query, key = (torch.randn(2, 6, 5, 7, generator=generator) for _ in range(2))
    found = loss([query], [key], places, seed=seed)
    assert found >= 0
    assert torch.equal(found, loss([query], [key], places, seed=seed))


def test_projected_vectors_have_length_1_in_32_bits():
    projection = Projection([4, 8], 64)
    with torch.autocast("cpu", torch.bfloat16):
        vectors = projection(1, torch.randn(3, 5, 8))
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(3, 5))

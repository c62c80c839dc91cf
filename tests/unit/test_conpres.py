"""ConPres and CUT: what a step is made of, held against the equations of Tomar et al. 2021."""

import collections

import pytest
import torch
from torch.nn import functional

from insonate.data.batches import Batch, Chance
from insonate.errors import InputError
from insonate.methods import ConPresConfig, CUTConfig
from insonate.methods.conditions import gray_labels
from insonate.methods.conpres import draw_ways
from insonate.methods.domains import DOMAINS, WAYS, weights_of
from insonate.methods.gan import discriminator_loss, generator_loss, mean_within

REGIONS, SIDE = 5, 32
SMALL = {"width": 4, "blocks": 2, "discriminator_width": 4, "discriminator_layers": 2,
         "projection_width": 8, "places": 16}  # fmt: skip


def lesson(seed=0, step=0, count=2):
    rng = torch.Generator().manual_seed(seed)
    mask, real_mask = torch.ones(count, 1, SIDE, SIDE), torch.ones(count, 1, SIDE, SIDE)
    mask[..., :8], real_mask[..., 24:, :] = 0, 0
    arrays = {
        "bmode": torch.rand(mask.shape, generator=rng) * 2 - 1,
        "labels": torch.randint(0, REGIONS, (count, SIDE, SIDE), generator=rng),
        "mask": mask,
        "real_bmode": torch.rand(mask.shape, generator=rng) * 2 - 1,
        "real_mask": real_mask,
    }
    return Batch(arrays, Chance(seed, step))


def build(config, seed=0):
    torch.manual_seed(seed)
    return config.build(REGIONS)


def step_with(ways):
    """A step at which these two ways are drawn, in this order."""
    for step in range(2000):
        if [way for way, _ in draw_ways(lesson(step=step))] == list(ways):
            return step
    raise AssertionError(ways)


def test_labels_are_evenly_spaced_grays():
    found = gray_labels(torch.arange(REGIONS).view(1, 1, REGIONS), REGIONS)
    torch.testing.assert_close(found.flatten(), torch.tensor([-1, -0.5, 0, 0.5, 1]))


def test_two_pairs_of_the_six_are_drawn_evenly_and_apart():
    counts = collections.Counter()
    for step in range(3000):
        counts[tuple(way for way, _ in draw_ways(lesson(step=step)))] += 1
    assert len(counts) == 36
    assert max(counts.values()) < 2 * min(counts.values())


def test_focus_makes_the_first_pair_simulated_to_real():
    firsts = [draw_ways(lesson(step=step), 0.5)[0][0] == WAYS[0] for step in range(600)]
    assert 0.5 < sum(firsts) / 600 < 0.66  # 0.5 + 0.5 / 6
    assert all(draw_ways(lesson(step=step), 1.0)[0][0] == WAYS[0] for step in range(50))


def test_an_image_and_its_map_are_of_one_frame_and_all_else_is_not():
    for step in range(200):
        (one, first), (other, second) = draw_ways(lesson(step=step))
        paired = {one[0], other[0]} == {"simulated", "semantic"}
        assert (first == second) == paired


def test_consistency_is_asked_for_in_two_of_nine_steps():
    method = build(ConPresConfig(**SMALL, side=SIDE))
    pairs = [[Way(one), Way(other)] for one in WAYS for other in WAYS]
    assert sum(method._is_paired(each) for each in pairs) == 8  # of 36
    both = build(ConPresConfig(**SMALL, side=SIDE, consistent_when="both_real"))
    assert sum(both._is_paired(each) for each in pairs) == 2
    none = build(ConPresConfig(**SMALL, side=SIDE, consistency=0))
    assert not any(none._is_paired(each) for each in pairs)


class Way:
    """A pair that only knows its way."""

    def __init__(self, way):
        self.way = way


def test_the_terms_of_a_step_are_those_of_the_equations():
    """Computed anew from whole passes, without the features that the method keeps."""
    ways = [("simulated", "real"), ("semantic", "real")]
    config = ConPresConfig(**SMALL, side=SIDE, masks="none", nce=0.0)
    with pytest.warns(UserWarning, match="unstable"):
        method = build(config)
    batch = lesson(step=step_with(ways), count=4)
    first, second = batch.draw(0, 2), batch.draw(1, 2)
    x = [first["mask"] * (first["bmode"] + 1) - 1,
         first["mask"] * (gray_labels(first["labels"], REGIONS) + 1) - 1]  # fmt: skip
    y = second["real_mask"] * (second["real_bmode"] + 1) - 1

    def at(domain):
        return torch.full((2,), DOMAINS.index(domain))

    fakes = [first["mask"] * (method.generator(each, at("real")) + 1) - 1 for each in x]
    (_, told), (_, terms) = method.losses(batch)
    judged = [method.discriminator(each) for each in (y, *fakes)]
    expected = sum(
        0.5 * ((judged[0][0] - 1).square().mean() + judged[k][0].square().mean()) for k in (1, 2)
    )
    torch.testing.assert_close(told["gan"], expected)
    sources = [functional.cross_entropy(method.discriminator(images)[1], at(way[0]))
               for images, way in zip(x, ways, strict=True)]  # fmt: skip
    torch.testing.assert_close(told["class"], 0.1 * sum(sources))
    fooled = sum((judged[k][0] - 1).square().mean() for k in (1, 2))
    torch.testing.assert_close(terms["gan"], fooled)
    classes = sum(functional.cross_entropy(judged[k][1], at("real")) for k in (1, 2))
    torch.testing.assert_close(terms["class"], 0.1 * classes)
    cycles = [(images - method.generator(fake, at(way[0]))).abs().mean()
              for images, fake, way in zip(x, fakes, ways, strict=True)]  # fmt: skip
    torch.testing.assert_close(terms["cycle"], 10 * sum(cycles))
    torch.testing.assert_close(terms["consistency"], (fakes[0] - fakes[1]).abs().mean())


def test_whatever_was_drawn_consistency_is_of_real_images():
    ways = [("simulated", "semantic"), ("semantic", "simulated")]
    method = build(ConPresConfig(**SMALL, side=SIDE, masks="none"))
    batch = lesson(step=step_with(ways), count=4)
    first = batch.draw(0, 2)
    images = [first["bmode"], gray_labels(first["labels"], REGIONS)]
    real = torch.full((2,), DOMAINS.index("real"))
    mask = first["mask"]
    made = [mask * method.generator(mask * (each + 1) - 1, real) - (1 - mask) for each in images]
    _, (_, terms) = method.losses(batch)
    torch.testing.assert_close(terms["consistency"], (made[0] - made[1]).abs().mean())


def test_the_label_reaches_every_pixel_of_the_decoder():
    method = build(ConPresConfig(**SMALL, side=SIDE)).eval()
    code = method.generator.encode(torch.rand(1, 1, SIDE, SIDE))[0]
    images = [method.generator.decode(code, torch.tensor([k])) for k in range(3)]
    for one, other in [(0, 1), (1, 2)]:
        assert ((images[one] - images[other]).abs() > 0).float().mean() > 0.99


def test_cut_with_semantic_maps_adds_what_the_equations_add():
    names = {}
    for key, extra in {"cut": {}, "s": {"semantic": True},
                       "sc": {"semantic": True, "consistency": 2.0}}.items():  # fmt: skip
        method = build(CUTConfig(**SMALL, **extra))
        *_, (_, terms) = method.losses(lesson())
        names[key] = set(terms)
    assert names["cut"] == {"gan", "nce", "identity"}
    assert names["s"] - names["cut"] == {"semantic_gan", "semantic_nce"}
    assert names["sc"] - names["s"] == {"consistency"}


def test_one_region_is_no_semantic_map():
    with pytest.raises(InputError, match="one region only"):
        ConPresConfig(**SMALL, side=SIDE).build(1)
    with pytest.raises(InputError, match="consistency"):
        CUTConfig(consistency=1.0)


def test_a_discriminator_sees_the_same_shape_of_both():
    method = build(CUTConfig(**SMALL))
    batch = lesson()
    real, fake = method.images(batch, "real"), method.images(batch, "simulated")
    right, wrong, both = method.seen(real, fake)
    assert torch.equal(both, batch["mask"] * batch["real_mask"])
    assert (right[both == 0] == -1).all()
    assert (wrong[both == 0] == -1).all()
    method.masks = "none"
    assert method.seen(real, fake)[2] is None


def test_scores_of_patches_count_where_half_of_them_lies_within():
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :3] = 1
    weights = weights_of(torch.zeros(1, 4, 2, 2), mask)
    assert weights.flatten().tolist() == [1, 0, 1, 0]
    assert weights_of(torch.zeros(1, 1, 2, 2), None) is None


def test_means_within_are_of_what_counts():
    values, weights = torch.tensor([[1.0, 5.0], [3.0, 7.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert mean_within(values, weights) == 2
    assert mean_within(values, torch.zeros(2, 2)) == 0
    assert mean_within(values, None) == 4
    assert discriminator_loss("lsgan", values, values, weights) == 0.5 * (2 + 5)
    assert generator_loss("lsgan", values, weights) == 2

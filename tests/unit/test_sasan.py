"""SASAN: sizes of its networks, SPADE, attention that divides, regions, and its two phases."""

import copy

import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from insonate.config import from_plain
from insonate.data.batches import Batch, Chance
from insonate.errors import InputError
from insonate.methods import SasanConfig
from insonate.methods.attention_losses import (
    dissimilarity,
    orthonormality,
    region_loss,
    soft_dice,
)
from insonate.nets.attention_unet import AttentionUNet
from insonate.nets.judges import HalvingPatchGAN
from insonate.nets.spade import Spade, SpadeResNet

REGIONS, SIDE = 4, 32
SMALL = {"width": 4, "attention_width": 4, "discriminator_width": 4, "pretrain_steps": 1}


def images(*shape, seed=0):
    return 2 * torch.rand(shape, generator=torch.Generator().manual_seed(seed)) - 1


def batch(step, seed=0):
    values = images(2, 1, SIDE // 8, SIDE // 8, seed=seed)
    values = values.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    masks = torch.ones(2, 1, SIDE, SIDE)
    masks[..., :8] = 0
    arrays = {"bmode": values, "mask": masks, "labels": ((values * masks)[:, 0] > 0).long() * 2,
              "real_bmode": values.flip(0), "real_mask": masks.flip(-1)}  # fmt: skip
    return Batch(arrays, Chance(0, step))


def build(**fields):
    torch.manual_seed(0)
    return SasanConfig(**SMALL | fields).build(REGIONS)


@pytest.mark.parametrize(
    ("make", "channels", "millions", "gmacs"),
    [
        (AttentionUNet, (1,), 2.426, 5.98),
        (SpadeResNet, (1, 8), 1.577, 27.2),
        (HalvingPatchGAN, (1,), 2.763, 1.6),
        (lambda: HalvingPatchGAN(1, (64, 64, 64)), (1,), 0.133, 0.35),
    ],
    ids=["attention", "generator", "discriminator", "of segments"],
)
def test_sizes_and_costs_of_the_authors_networks(make, channels, millions, gmacs):
    """Tomar et al. 2021, code; images of 256 x 256."""
    with torch.device("meta"):
        network = make()
        given = [torch.empty(1, count, 256, 256) for count in channels]
        with FlopCounterMode(display=False) as counter:
            network(*given)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert round(count / 1e6, 3) == millions
    assert counter.get_total_flops() / 2e9 == pytest.approx(gmacs, rel=0.02)


@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (36, 100), (53, 47)])
def test_attention_divides_every_pixel_and_keeps_any_size(rows, columns):
    network = AttentionUNet(1, 4, maps=3, classes=REGIONS)
    maps, regions = network(images(2, 1, rows, columns))
    assert maps.shape == (2, 3, rows, columns)
    assert regions.shape == (2, REGIONS, rows, columns)
    assert maps.min() >= 0
    torch.testing.assert_close(maps.sum(dim=1), torch.ones(2, rows, columns))


def test_regions_are_told_by_the_maps_alone():
    network = AttentionUNet(1, 4, maps=3, classes=REGIONS)
    maps, regions = network(images(1, 1, 32, 32))
    torch.testing.assert_close(network.classes(maps), regions)


def test_spade_by_constant_maps_is_plain_modulation():
    """Away from the rim, where padding is seen: one scale and one shift a channel."""
    torch.manual_seed(0)
    spade = Spade(5, maps=3, hidden=6)
    features, maps = images(2, 5, 12, 12), torch.tensor([0.2, 0.5, 0.3]).view(1, 3, 1, 1)
    found = spade(features, maps.expand(2, 3, 48, 48))[..., 2:-2, 2:-2]
    hidden = functional.relu(torch.einsum("ocij,c->o", spade.hidden.weight, maps.flatten())
                             + spade.hidden.bias)  # fmt: skip
    scale, shift = (
        (torch.einsum("ocij,c->o", conv.weight, hidden) + conv.bias)[:, None, None]
        for conv in (spade.scale, spade.shift)
    )
    normed = functional.instance_norm(features)[..., 2:-2, 2:-2]
    torch.testing.assert_close(found, normed * (1 + scale) + shift)


def test_spade_changes_where_the_maps_do_and_not_beyond_its_reach():
    spade, features, maps = Spade(3, 2, 4), images(1, 3, 16, 16), torch.zeros(1, 2, 16, 16)
    moved = maps.clone()
    moved[..., 4, 4] = 1
    change = (spade(features, moved) - spade(features, maps)).abs().sum(dim=1)[0]
    at = change.nonzero()
    assert len(at)
    assert (at - 4).abs().max() <= 2


def test_maps_that_share_no_pixel_are_orthonormal():
    halves = torch.zeros(2, 2, 4, 4)
    halves[:, 0, :2], halves[:, 1, 2:] = 0.7, 0.2
    assert orthonormality(halves).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("count", [2, 5])
def test_maps_that_are_the_same_are_not(count):
    """All products are 1 where those off the diagonal should be 0: (n^2 - n) / n^2."""
    assert orthonormality(torch.full((1, count, 4, 4), 0.3)).item() == pytest.approx(1 - 1 / count)


def test_two_maps_that_overlap_by_half():
    """[1, 1, 0] and [0, 1, 1] have the product 1/2, twice among four."""
    maps = torch.tensor([[[[1.0, 1.0, 0.0]], [[0.0, 1.0, 1.0]]]])
    assert orthonormality(maps).item() == pytest.approx(2 * 0.5**2 / 4)


def test_the_same_images_are_not_dissimilar_and_grey_levels_count():
    """SSIM of constant images a and b is (2ab + C1) / (a^2 + b^2 + C1), C1 = (0.01 * 2)^2."""
    given = images(1, 1, 16, 16)
    assert dissimilarity(given, given).item() == pytest.approx(0.0, abs=1e-6)
    flat = torch.full((1, 1, 16, 16), 0.5)
    ssim = (2 * 0.5 * 0.2 + 4e-4) / (0.5**2 + 0.2**2 + 4e-4)
    found = dissimilarity(flat, torch.full_like(flat, 0.2)).item()
    assert found == pytest.approx(0.3 + 1 - ssim, abs=1e-4)


def test_ssim_is_that_of_scikit_image():
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    one, other = images(1, 1, 24, 20), images(1, 1, 24, 20, seed=1)
    other = 0.7 * one + 0.3 * other
    _, full = structural_similarity(
        one[0, 0].numpy(), other[0, 0].numpy(), win_size=7, data_range=2.0, full=True,
        use_sample_covariance=False,
    )  # fmt: skip
    expected = (one - other).abs().mean().item() + 1 - full[3:-3, 3:-3].mean()
    assert dissimilarity(one, other).item() == pytest.approx(expected, abs=1e-5)


def test_what_lies_beside_the_mask_is_no_dissimilarity():
    one, other, mask = images(1, 1, 20, 24), images(1, 1, 20, 24), torch.ones(1, 1, 20, 24)
    mask[..., 12:] = 0
    other[..., 15:] = 0.3  # three pixels beyond it, windows reach
    assert dissimilarity(one, other, mask).item() == pytest.approx(0.0, abs=1e-6)
    assert dissimilarity(one, other).item() > 0.3


def test_a_region_that_fills_the_image_weighs_nothing():
    labels = torch.zeros(1, 4, 4, dtype=torch.int64)
    assert region_loss(images(1, 2, 4, 4), labels, dice=0.0).item() == 0.0
    labels[:, 0] = 1  # a quarter: 3/4 of its pixels' loss, and 1/4 of the others'
    found = region_loss(torch.zeros(1, 2, 4, 4), labels, dice=0.0).item()
    assert found == pytest.approx((0.25 * 0.75 + 0.75 * 0.25) * torch.log(torch.tensor(2.0)).item())


def test_soft_dice_of_what_is_right_wrong_and_half():
    there = torch.zeros(1, 3, 2, 2)
    there[:, 0, 0], there[:, 1, 1] = 1, 1  # the third region is nowhere, and does not count
    assert soft_dice(there, there).item() == pytest.approx(1.0)
    assert soft_dice(there.flip(2), there).item() == 0.0
    half = torch.full_like(there, 0.5)
    assert soft_dice(half, there).item() == pytest.approx(2 * 1 / (2 + 2))


def test_attention_learns_alone_first_and_never_again():
    method = build()
    assert [name for name, _ in method.losses(batch(0))] == ["attention_simulated"]
    later = [name for name, _ in method.losses(batch(1))]
    assert later == ["discriminator", ("to_real", "to_simulated", "attention_real")]


def test_the_attention_learns_the_regions():
    method = build(attention_width=8)
    adam = torch.optim.Adam(method.attention_simulated.parameters(), 5e-3)
    found = []
    for _ in range(40):
        ((_, terms),) = method.losses(batch(0))
        adam.zero_grad()
        sum(terms.values()).backward()
        adam.step()
        found.append(terms["segmentation"].item())
    assert found[-1] < 0.4 * found[0]


def test_nothing_of_a_discriminators_loss_reaches_generators():
    method = build()
    _, terms = next(iter(method.losses(batch(1))))
    sum(terms.values()).backward()
    for name, network in method.named_children():
        learned = any(parameter.grad is not None for parameter in network.parameters())
        assert learned == (name == "discriminator"), name


def test_both_ways_have_their_generator_and_attention():
    method = build().eval()
    there = method.translate(batch(0))
    method.turn(to="simulated")
    back = method.translate(batch(0))
    for name in ("to_real", "attention_simulated"):
        changed = copy.deepcopy(method)
        for parameter in getattr(changed, name).parameters():
            parameter.data.mul_(1.5)
        assert torch.equal(changed.translate(batch(0)), back), name
        changed.turn(to="real")
        assert not torch.equal(changed.translate(batch(0)), there), name


def test_only_regions_that_labels_have_are_judged():
    assert build(judged=(3, 1, 9)).judged == [3, 1]
    assert len(build(judged=(3, 1, 9)).discriminator.segments) == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"width": 1}, "method.width: expected at least 2, got 1"),
        ({"maps": 1}, "method.maps: expected at least 2, got 1"),
        ({"maps": 1000}, "method.maps: expected at most 64"),
        ({"judged": [1, 1]}, "method.judged: expected numbers of regions, each once"),
        ({"judged": [-1]}, "method.judged"),
        ({"pretrain_steps": -1}, "method.pretrain_steps"),
        ({"cycle": -1.0}, "method.cycle"),
    ],
)
def test_a_config_that_cannot_be_is_refused(fields, said):
    with pytest.raises(InputError, match=said):
        from_plain(SasanConfig, {"name": "sasan"} | fields)


def test_labels_of_one_region_are_refused():
    with pytest.raises(InputError, match="one region only"):
        SasanConfig(**SMALL).build(1)


def test_images_too_small_for_attention_are_refused():
    with pytest.raises(InputError, match="attention U-Net: expected rows and columns"):
        build().translate(Batch({"bmode": torch.zeros(1, 1, 16, 64),
                                 "mask": torch.ones(1, 1, 16, 64)}, Chance(0, 0)))  # fmt: skip

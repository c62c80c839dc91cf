"""CycleGAN: its sizes, the official step written out by hand, its pool, and its masks."""

import pytest
import torch
from unpaired_batch import REGIONS, advance, part, unpaired_batch

from insonate.config import from_plain
from insonate.data.batches import Batch
from insonate.errors import InputError
from insonate.methods.cyclegan import CycleGANConfig

SMALL = {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 2, "pool": 3}


def build(seed=0, **fields):
    torch.manual_seed(seed)
    return CycleGANConfig(**SMALL | fields).build(REGIONS)


def test_the_defaults_are_the_official_ones():
    """Zhu et al. 2017, sections 4 and 7; sizes of the official networks with one channel."""
    config = CycleGANConfig()
    with torch.device("meta"):
        method = config.build(REGIONS)
    counts = {n: sum(p.numel() for p in m.parameters()) / 1e6 for n, m in method.named_children()}
    generators, judges = dict.fromkeys(method.generators, 11.366), ("judge_real", "judge_simulated")
    assert counts == pytest.approx(generators | dict.fromkeys(judges, 2.763), abs=5e-4)
    assert (config.cycle, config.identity, config.pool) == (10.0, 0.5, 50)
    assert (config.gan_loss, config.adam.lr, config.adam.betas) == ("lsgan", 2e-4, (0.5, 0.999))


def within(images, mask):
    return mask * (images + 1) - 1


def step_by_hand(method, optimisers, batch):
    """The official step without masks nor pool: generators first, on one sum of six losses."""
    g, f = method.to_real, method.to_simulated
    d_y, d_x = method.judge_real, method.judge_simulated
    m, n = batch["mask"], batch["real_mask"]
    x, y = within(batch["bmode"], m), within(batch["real_bmode"], n)
    fake_y, fake_x = within(g(x), m), within(f(y), n)
    weights = [p for network in (g, f) for p in network.parameters()]
    loss = (
        (d_y(fake_y) - 1).square().mean()
        + (d_x(fake_x) - 1).square().mean()
        + 10 * (within(f(fake_y), m) - x).abs().mean()
        + 10 * (within(g(fake_x), n) - y).abs().mean()
        + 5 * (within(g(y), n) - y).abs().mean()
        + 5 * (within(f(x), m) - x).abs().mean()
    )
    for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = slope
    optimisers["to_real"].step()
    optimisers["to_simulated"].step()
    for name, judge, real, fake in (
        ("judge_real", d_y, y, fake_y.detach()),
        ("judge_simulated", d_x, x, fake_x.detach()),
    ):
        optimisers[name].zero_grad()
        loss = 0.5 * ((judge(real) - 1).square().mean() + judge(fake).square().mean())
        loss.backward()
        optimisers[name].step()


def test_updates_are_those_by_hand():
    weights = []
    for step in (advance, step_by_hand):
        method = build(masks="none", pool=0)
        optimisers = {  # Adam would make much of what biases before norms get by rounding
            name: torch.optim.SGD(m.parameters(), 0.02) for name, m in method.named_children()
        }
        for number in range(3):
            step(method, optimisers, unpaired_batch(step=number))
        weights.append({n: p.detach() for n, p in method.named_parameters()})
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], atol=1e-5, rtol=1e-3, msg=name)


def test_order_and_names_of_losses():
    method = build()
    names = [names for names, _ in method.losses(unpaired_batch())]
    assert names == [("to_real", "to_simulated"), "judge_real", "judge_simulated"]
    terms = next(iter(method.losses(unpaired_batch())))[1]
    assert set(terms) == {
        "gan_real", "gan_simulated", "cycle_simulated", "cycle_real", "identity_simulated",
        "identity_real",
    }  # fmt: skip
    terms = next(iter(build(identity=0.0).losses(unpaired_batch())))[1]
    assert not [name for name in terms if name.startswith("identity")]


def test_identity_has_its_weight_times_that_of_the_cycle():
    heavy, light = (
        next(iter(build(cycle=cycle).losses(unpaired_batch())))[1] for cycle in (10.0, 1.0)
    )
    for name in ("cycle_real", "identity_real", "identity_simulated"):
        torch.testing.assert_close(heavy[name], 10 * light[name])
    other = next(iter(build(identity=1.0).losses(unpaired_batch())))[1]
    torch.testing.assert_close(other["identity_real"], 2 * heavy["identity_real"])


def test_a_discriminator_is_shown_images_of_its_pool():
    """With 3 places and 2 images a step, from the second step on some are of earlier steps."""
    method, shown, made = build(), [], []
    method.judge_real.register_forward_hook(
        lambda _, given, out: shown.append(given[0][-2:].detach()) if len(given[0]) == 4 else None
    )
    for step in range(12):
        batch = unpaired_batch(step=step, seed=step)
        made.append(method.translate(batch))
        list(method.losses(batch))
    both = unpaired_batch()["mask"] * unpaired_batch()["real_mask"]
    made = within(torch.cat(made), both[:1])
    ages = []
    for step, images in enumerate(shown):
        for image in images:
            (found,) = torch.nonzero((made - image).abs().amax(dim=(1, 2, 3)) < 1e-5).flatten()
            ages.append(step - int(found) // 2)
    assert ages[:3] == [0, 0, 0]
    assert min(ages) == 0
    assert max(ages) > 1


def test_pools_keep_images_with_their_masks():
    method = build()
    for step in range(4):
        list(method.losses(unpaired_batch(step=step)))
    for name, mask in (("pool_real", "mask"), ("pool_simulated", "real_mask")):
        pool = method.get_buffer(name)
        assert pool.shape == (3, 2, 32, 32)
        assert torch.equal(pool[:, 1:], unpaired_batch(count=3)[mask])
        assert (pool[:, 0][pool[:, 1] == 0] == -1).all()


def seen_by(method, batch):
    """What the discriminator of real images is shown."""
    shown = []
    method.judge_real.register_forward_hook(lambda _, given, out: shown.append(given[0].detach()))
    list(method.losses(batch))
    return torch.cat(shown)


def test_fans_cannot_be_told_apart_within_both_masks():
    batch = unpaired_batch()
    both = (batch["mask"] * batch["real_mask"])[:1]
    joint, plain = (seen_by(build(masks=masks), batch) for masks in ("joint", "none"))
    assert (joint[both.expand_as(joint) == 0] == -1).all()
    assert (plain[both.expand_as(plain) == 0] != -1).any()


def test_losses_count_within_the_fan_alone():
    """Beside the fan nothing can be wrong, so a smaller fan has no smaller mean."""
    batch = unpaired_batch()
    whole = dict(batch.arrays) | {"mask": torch.ones_like(batch["mask"])}
    less = dict(whole) | {"mask": torch.zeros_like(batch["mask"])}
    less["mask"][..., :8] = 1
    found = [
        next(iter(build().losses(Batch(arrays, batch.chance))))[1]["identity_simulated"].item()
        for arrays in (whole, less)
    ]
    assert found[1] > 0.8 * found[0]
    method, fake = build(), unpaired_batch()
    same = method.to_real(within(fake["real_bmode"], fake["real_mask"]))
    difference = (same - fake["real_bmode"]).abs()[fake["real_mask"] > 0].mean()
    terms = next(iter(method.losses(fake)))[1]
    torch.testing.assert_close(terms["identity_real"], 5 * difference)


def test_both_ways():
    method, batch = build().eval(), unpaired_batch()
    assert method.inputs == ("bmode", "mask")
    there = method.translate(batch)
    torch.testing.assert_close(
        there, within(method.to_real(within(batch["bmode"], batch["mask"])), batch["mask"])
    )
    method.turn("real", "simulated")
    back = method.translate(batch)
    torch.testing.assert_close(
        back, within(method.to_simulated(within(batch["bmode"], batch["mask"])), batch["mask"])
    )
    with pytest.raises(InputError, match="simulated to real, real to simulated"):
        method.turn("semantic", "real")


def test_ranks_share_a_batch():
    """Means of generators' losses over halves of a batch are those of the whole, of equal fans."""
    batch = unpaired_batch(count=4)
    whole = next(iter(build().losses(batch)))[1]
    halves = [next(iter(build().losses(part(batch, slice(k, k + 2), k))))[1] for k in (0, 2)]
    for name, value in whole.items():
        mean = torch.stack([half[name] for half in halves]).mean()
        torch.testing.assert_close(mean, value, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"width": 0}, "method.width: expected at least 1, got 0"),
        ({"blocks": 10**6}, "method.blocks: expected at most 100"),
        ({"pool": -1}, "method.pool: expected at least 0, got -1"),
        ({"pool": 10**9}, "method.pool: expected at most 10000"),
        ({"cycle": -1.0}, "method.cycle: expected at least 0"),
        ({"identity": -1.0}, "method.identity: expected at least 0"),
        ({"discriminator_layers": 7}, "method.discriminator_layers: expected at most 6, got 7"),
        ({"masks": "both"}, "masks: expected joint or none, got 'both'"),
        ({"pol": 3}, "pol: unknown.*pool"),
    ],
)
def test_a_config_that_cannot_be_is_refused(fields, said):
    with pytest.raises(InputError, match=said):
        from_plain(CycleGANConfig, {"name": "cyclegan"} | fields)

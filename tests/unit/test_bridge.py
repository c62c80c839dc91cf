"""The bridge: its marginals, its posterior, and the way back with a network that knows."""

import itertools

import pytest
import torch

from insonate.config import from_plain, to_plain
from insonate.data.batches import Batch, Chance
from insonate.errors import InputError
from insonate.methods import BridgeConfig
from insonate.methods.bridge import marginal, posterior
from insonate.methods.conditions import black_outside

SMALL = {"widths": (8, 8), "inputs": "M"}
SIGMA = 0.7


def normal(count, seed):
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def batch(step=0, count=2, side=16):
    source = torch.Generator().manual_seed(5)
    arrays = {
        name: 2 * torch.rand(count, 1, side, side, generator=source) - 1
        for name in ("bmode", "bmode_fast")
    }
    arrays["mask"] = (torch.rand(count, 1, side, side, generator=source) > 0.4).float()
    return Batch(arrays, Chance(0, step))


def test_a_bridge_begins_and_ends_where_it_should():
    start, end, noise = torch.tensor([0.3]), torch.tensor([-0.8]), torch.tensor([1.7])
    assert marginal(start, end, torch.zeros(1), noise) == start
    assert marginal(start, end, torch.ones(1), noise) == end


@pytest.mark.parametrize("time", [0.1, 0.5, 0.9])
def test_marginals_have_the_mean_and_variance_of_a_brownian_bridge(time):
    """Mean (1-t) x_0 + t x_1 and variance sigma^2 t (1-t) (I2SB, section 3; BBDM, equation 4)."""
    start, end = 0.4, -0.6
    noise = SIGMA * normal(200_000, 1)
    here = marginal(torch.full_like(noise, start), torch.full_like(noise, end),
                    torch.full_like(noise, time), noise)  # fmt: skip
    variance = SIGMA**2 * time * (1 - time)
    error = (variance / len(noise)) ** 0.5
    assert here.mean().item() == pytest.approx((1 - time) * start + time * end, abs=4 * error)
    assert here.var().item() == pytest.approx(variance, rel=4 * (2 / len(noise)) ** 0.5)


@pytest.mark.parametrize("times", [(1.0, 0.5, 0.25), (1.0, 0.9, 0.3, 0.2)])
def test_posterior_steps_from_the_end_arrive_in_the_marginal(times):
    """With x_0 known, any steps back from x_1 give the bridge of that time."""
    start, here = torch.full((200_000,), 0.4).double(), torch.full((200_000,), -0.6).double()
    for number, (time, earlier) in enumerate(itertools.pairwise(times)):
        noise = SIGMA * normal(len(start), 10 + number)
        here = posterior(start, here, time, earlier, noise)
    last = times[-1]
    variance = SIGMA**2 * last * (1 - last)
    error = (variance / len(start)) ** 0.5
    assert here.mean().item() == pytest.approx((1 - last) * 0.4 - last * 0.6, abs=4 * error)
    assert here.var().item() == pytest.approx(variance, rel=4 * (2 / len(start)) ** 0.5)


def test_the_last_step_arrives_exactly():
    start, here = normal(50, 1), normal(50, 2)
    assert torch.equal(posterior(start, here, 0.3, 0.0, normal(50, 3)), start)


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("noisy", [True, False])
def test_a_network_that_knows_is_followed_to_the_target(monkeypatch, steps, noisy):
    method, given = BridgeConfig(**SMALL, steps=steps, noisy=noisy).build(3), batch()
    target = black_outside(given["bmode"], given["mask"])
    monkeypatch.setattr(method, "start", lambda *_: target)
    assert torch.equal(method.translate(given), target)


def test_the_loss_of_a_network_that_knows_is_zero(monkeypatch):
    method, given = BridgeConfig(**SMALL).build(3), batch()
    target = black_outside(given["bmode"], given["mask"])
    monkeypatch.setattr(method, "start", lambda *_: target)
    ((name, terms),) = method.losses(given)
    assert (name, sum(terms.values()).item()) == ("generator", 0.0)


def test_the_loss_before_learning_is_that_of_the_bridge_itself(monkeypatch):
    """The network begins by saying x_t: E (x_0 - x_t)^2 = t^2 (x_0 - x_1)^2 + sigma^2 t (1-t)."""
    arrays = dict(batch(count=2, side=32).arrays)
    arrays["mask"] = torch.ones_like(arrays["mask"])
    method, found = BridgeConfig(**SMALL, sigma=SIGMA).build(3), []
    monkeypatch.setattr(method.generator, "forward", lambda images, times: 0 * images[:, :1])
    for step in range(200):
        ((_, terms),) = method.losses(Batch(arrays, Chance(0, step)))
        found.append(terms["start"].detach())
    difference = (arrays["bmode"] - arrays["bmode_fast"]).square().mean().item()
    expected = difference / 3 + SIGMA**2 / 6  # means of t^2 and of t (1-t)
    assert torch.stack(found).mean().item() == pytest.approx(expected, rel=0.07)


def test_a_bridge_of_no_width_goes_straight():
    """sigma 0 and a network that says x_t: nothing moves, the low-quality image comes back."""
    method, given = BridgeConfig(**SMALL, sigma=0.0, steps=4).build(3), batch()
    low = black_outside(given["bmode_fast"], given["mask"])
    torch.testing.assert_close(method.translate(given), low)


def learned(**fields):
    torch.manual_seed(0)
    method = BridgeConfig(**SMALL, **fields).build(3)
    torch.nn.init.normal_(method.generator.last.weight, 0.0, 0.05)
    return method.eval()


def test_noise_comes_from_seed_and_step():
    method = learned(steps=3)
    first, again, other = (method.translate(batch(step)) for step in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    mean = learned(steps=3, noisy=False)
    assert torch.equal(mean.translate(batch(0)), mean.translate(batch(1)))


def test_a_sample_is_translated_alike_alone_and_in_a_batch():
    method, given = learned(steps=3), batch()
    arrays = {name: array[1:] for name, array in given.arrays.items()}
    alone = method.translate(Batch(arrays, Chance(0, 0, first=1)))
    torch.testing.assert_close(alone, method.translate(batch())[1:])


def test_the_network_sees_neither_images_nor_noise_outside_the_fan():
    method, seen = learned(steps=2), []
    method.generator.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    given = batch()
    method.translate(given)
    next(method.losses(given))
    assert len(seen) == 3
    for images in seen:
        assert (images[(given["mask"] == 0).expand_as(images)] == -1).all()


def test_times_are_spread_over_the_bridge():
    method, seen = learned(), []
    method.generator.register_forward_pre_hook(lambda _, given: seen.append(given[1]))
    for step in range(100):
        next(method.losses(batch(step)))
    times = torch.cat(seen)
    assert times.mean().item() == pytest.approx(0.5, abs=4 / 12**0.5 / len(times) ** 0.5)
    assert times.min() < 0.05
    assert times.max() > 0.95


def test_the_default_is_the_size_of_the_specification():
    with torch.device("meta"):
        method = BridgeConfig().build(150)
    assert sum(p.numel() for p in method.parameters()) / 1e6 == pytest.approx(4.23, abs=0.01)
    assert method.stride == 8


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"widths": [8, 0]}, r"method.widths\[1\]: expected at least 2, got 0"),
        ({"widths": []}, "method.widths: expected 1 to 8 scales, got 0"),
        ({"widths": [8] * 9}, "method.widths: expected 1 to 8 scales, got 9"),
        ({"widths": [8, 10**9]}, r"method.widths\[1\]: expected at most 1024"),
        ({"blocks": 10**6}, "method.blocks: expected at most 100"),
        ({"steps": 0}, "method.steps"),
        ({"sigma": -1.0}, "method.sigma"),
    ],
)
def test_a_config_that_cannot_be_is_refused(fields, said):
    with pytest.raises(InputError, match=said):
        from_plain(BridgeConfig, {"name": "bridge"} | fields)


def test_a_config_is_read_as_it_was_written():
    config = BridgeConfig(widths=(16, 32), noisy=False)
    assert from_plain(BridgeConfig, to_plain(config)) == config

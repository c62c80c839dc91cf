"""UNSB: its chain, the entropy of pairs, and the networks that know the time."""

import itertools
import math

import pytest
import torch

from insonate.config import from_plain
from insonate.data.batches import Batch, Chance
from insonate.errors import InputError
from insonate.methods import UNSBConfig
from insonate.methods.conditions import black_outside
from insonate.methods.unsb import bridge_step, chain_times, pair_entropy
from insonate.nets.timed_patchgan import TimedPatchGAN
from insonate.nets.timed_resnet import TimedResNet

SIDE = 32
SMALL = {"width": 4, "blocks": 2, "discriminator_width": 4, "discriminator_layers": 2,
         "projection_width": 8, "places": 16}  # fmt: skip


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def batch(step=0, count=4, seed=0):
    values = normal(count, 1, SIDE, SIDE, seed=seed).float().clamp(-1, 1)
    masks = torch.ones(count, 1, SIDE, SIDE)
    masks[..., :8] = 0
    arrays = {"bmode": values, "mask": masks, "real_bmode": values.flip(0), "real_mask": masks}
    return Batch(arrays, Chance(0, step))


def build(**fields):
    torch.manual_seed(0)
    return UNSBConfig(**SMALL | fields).build(3)


def grown(network):
    """Weights that say something: CUT's begin so small that nothing is seen behind them."""
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.1)
    return network


def test_the_generator_has_the_size_of_the_specification():
    """CUT's 11.366 million and 2.961 in blocks: 9 (256 x 256 + 256, twice 256 x 512 + 512)."""
    with torch.device("meta"):
        network = TimedResNet()
    million = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    assert million == pytest.approx(14.67, abs=0.005)
    known = sum(p.numel() for n, p in network.named_parameters() if ".time." in n or "styles" in n)
    assert known == 9 * (256 * 256 + 256 + 2 * (256 * 512 + 512))


@pytest.mark.parametrize(
    ("count", "times"),
    [(1, [0]), (2, [0, 0.5]), (3, [0, 0.5, 5 / 6]), (5, [0, 0.5, 0.74, 0.86, 0.94])],
)
def test_times_are_the_authors(count, times):
    assert chain_times(count) == pytest.approx(times)


@pytest.mark.parametrize("times", [chain_times(5), (0.0, 0.1, 0.7, 0.8)])
def test_steps_towards_a_known_end_are_a_brownian_bridge(times):
    """At time t: mean (1-t) x_0 + t x_1, variance tau t (1-t) (Kim et al. 2024, equation 6)."""
    tau, here = 0.3, torch.full((200_000,), 0.4).double()
    end = torch.full_like(here, -0.6)
    for number, (time, later) in enumerate(itertools.pairwise(times)):
        noise = math.sqrt(tau) * normal(len(here), seed=number)
        here = bridge_step(here, end, time, later, noise)
    last = times[-1]
    variance = tau * last * (1 - last)
    mean = (1 - last) * 0.4 - last * 0.6
    assert here.mean().item() == pytest.approx(mean, abs=4 * (variance / len(here)) ** 0.5)
    assert here.var().item() == pytest.approx(variance, rel=4 * (2 / len(here)) ** 0.5)


def test_a_step_to_the_end_is_there():
    here, end = normal(50, seed=1), normal(50, seed=2)
    assert torch.equal(bridge_step(here, end, 0.3, 1.0, normal(50, seed=3)), end)


def test_a_step_of_no_time_stays():
    here, end = normal(50, seed=1), normal(50, seed=2)
    assert torch.equal(bridge_step(here, end, 0.3, 0.3, normal(50, seed=3)), here)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("noisy", [True, False])
def test_a_generator_that_knows_the_end_is_followed_to_it(monkeypatch, steps, noisy):
    method, given = build(tau=0.0, steps=steps, noisy=noisy).eval(), batch()
    end = given["bmode"].flip(-1)
    seen = []

    def know(here, times, noise):
        seen.append((here, times[0].item()))
        return end

    monkeypatch.setattr(method.generator, "forward", know)
    assert torch.equal(method.translate(given), black_outside(end, given["mask"]))
    assert [time for _, time in seen] == pytest.approx(chain_times(5)[:steps])
    start = black_outside(given["bmode"], given["mask"])
    for here, time in seen:  # without noise, the straight way
        straight = (1 - time) * start + time * black_outside(end, given["mask"])
        torch.testing.assert_close(here, straight)


def test_entropy_of_scores_that_are_known():
    same, other = torch.tensor([3.0, 1.0, 8.0]), torch.tensor([0.0, math.log(3.0), 9.0])
    weights = torch.tensor([1.0, 1.0, 0.0])
    entropy, logarithm = pair_entropy(*(x.view(1, 1, 1, 3) for x in (same, other, weights)))
    assert logarithm.item() == pytest.approx(math.log((1 + 3) / 2))
    assert entropy.item() == pytest.approx(2 - math.log(2))


def test_constant_scores_have_no_entropy_nor_do_samples_beside_the_fan():
    scores = torch.full((2, 1, 3, 3), 5.0, requires_grad=True)
    assert pair_entropy(scores, scores, None)[0].item() == pytest.approx(0.0, abs=1e-6)
    weights = torch.ones(2, 1, 3, 3)
    weights[1] = 0
    entropy, logarithm = pair_entropy(scores, scores, weights)
    assert logarithm.tolist() == pytest.approx([5.0, 0.0])
    entropy.backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()


def test_the_best_energy_finds_the_information_of_correlated_numbers():
    """Donsker and Varadhan: the log ratio of densities; normal pairs have -log(1 - r^2) / 2."""
    r, count = 0.8, 400_000
    x, e, y = (normal(count, seed=k) for k in range(3))

    def score(a, b):
        return -0.5 * math.log(1 - r**2) + (r * a * b - 0.5 * r**2 * (a**2 + b**2)) / (1 - r**2)

    pair = r * x + math.sqrt(1 - r**2) * e
    shape = (1, 1, 1, count)
    entropy, _ = pair_entropy(score(x, pair).view(shape), score(x, y).view(shape), None)
    assert entropy.item() == pytest.approx(-0.5 * math.log(1 - r**2), abs=0.01)


def test_networks_are_in_their_order_and_learn_at_one_time_of_the_chain():
    method, seen = build(), []
    method.discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[1]))
    order = [name for name, _ in method.losses(batch())]
    assert order == ["discriminator", "energy", ("generator", "projection")]
    assert len({time for times in seen for time in times.tolist()}) == 1
    found = set()
    for step in range(25):
        seen.clear()
        next(method.losses(batch(step)))
        found.add(round(seen[0][0].item(), 6))
    assert found == {round(time, 6) for time in chain_times(5)}


def test_nothing_of_the_judges_losses_reaches_the_generator():
    method = build()
    losses = method.losses(batch(3))
    for expected in ("discriminator", "energy"):
        name, terms = next(losses)
        sum(terms.values()).backward()
        assert name == expected
    assert all(parameter.grad is None for parameter in method.generator.parameters())


def test_the_weights_are_those_of_the_loss():
    """With nothing but one weight, only its term is left; the entropy is weighted by 1 - t."""
    method = build(gan=0.0, nce=0.0, transport=0.0, tau=0.5)
    grown(method.energy)
    *_, (_, terms) = method.losses(batch(1))
    time = method.times[int(Chance(0, 1).shared().integers(5))]
    assert {name for name, term in terms.items() if term.item() != 0} == {"entropy"}
    *_, (_, twice) = build(gan=0.0, nce=0.0, transport=2.0, tau=0.0, bridge=3.0).losses(batch(1))
    assert {name for name, term in twice.items() if term.item() != 0} == {"transport"}
    assert 0 <= time < 1


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_networks_know_the_time(network):
    torch.manual_seed(0)
    given = normal(2, 1, SIDE, SIDE).float()
    early, late = torch.full((2,), 0.1), torch.full((2,), 0.9)
    if network == "generator":
        made = grown(TimedResNet(1, 4, 2))
        noise = [normal(2, made.noise, seed=k).float() for k in range(2)]
        assert not torch.allclose(made(given, early, noise[0]), made(given, late, noise[0]))
        assert not torch.allclose(made(given, early, noise[0]), made(given, early, noise[1]))
        features = made.features(given, early, noise[0])
        assert [feature.shape[1] for feature in features] == list(made.channels)
    else:
        made = grown(TimedPatchGAN(1, 4, 2))
        assert not torch.allclose(made(given, early), made(given, late))


def test_without_noise_translations_need_no_chance_and_are_alike():
    method = build(noisy=False).eval()
    grown(method.generator)
    arrays = batch().arrays
    found = [method.translate(Batch(arrays, Chance(seed, 0))) for seed in range(2)]
    assert torch.equal(*found)
    noisy = build().eval()
    noisy.load_state_dict(method.state_dict())
    drawn = [noisy.translate(Batch(arrays, Chance(seed, 0))) for seed in range(2)]
    assert not torch.equal(*drawn)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"steps": 6}, "method.steps: expected at most 5, got 6"),
        ({"steps": 0}, "method.steps: expected at least 1"),
        ({"times": 0}, "method.times: expected at least 1"),
        ({"tau": -0.1}, "method.tau"),
        ({"places": 1}, "method.places: expected at least 2"),
        ({"width": 10**6}, "method.width: expected at most 1024"),
    ],
)
def test_a_config_that_cannot_be_is_refused(fields, said):
    with pytest.raises(InputError, match=said):
        from_plain(UNSBConfig, {"name": "unsb"} | fields)


def test_semantic_maps_are_not_translated():
    with pytest.raises(InputError, match="expected one of simulated to real"):
        build().turn("semantic", "real")

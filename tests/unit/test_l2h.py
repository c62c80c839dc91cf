"""L2H: losses in closed form, what is masked, and the paper's step written out by hand."""

import math

import pytest
import torch
from torch.nn import functional

from insonate.config import from_plain, to_plain
from insonate.data.batches import Batch, Chance
from insonate.errors import InputError
from insonate.methods import Adam, L2HConfig
from insonate.methods.conditions import Conditions, black_outside
from insonate.methods.gan import discriminator_loss, generator_loss

REGIONS = 5
SMALL = {"width": 4, "downs": 4, "discriminator_width": 4, "discriminator_layers": 2}


def batch(count=2, side=32):
    source = torch.Generator().manual_seed(3)
    shape = (count, 1, side, side)
    arrays = {
        name: torch.rand(shape, generator=source) for name in ("attenuation", "shadow", "mask")
    }
    arrays["mask"] = (arrays["mask"] > 0.4).float()
    for name in ("bmode", "bmode_fast"):
        arrays[name] = 2 * torch.rand(shape, generator=source) - 1
    arrays["labels"] = torch.randint(0, REGIONS, (count, side, side), generator=source)
    return Batch(arrays, Chance(0, 0))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_bce_is_the_equation_of_the_paper():
    """Equation 3 on two logits each, written with the probabilities D."""
    real, fake = [0.3, -1.2], [2.0, -0.5]
    given = [torch.tensor(x) for x in (real, fake)]
    of_d = -0.5 * (
        sum(math.log(sigmoid(x)) for x in real) / 2
        + sum(math.log(1 - sigmoid(x)) for x in fake) / 2
    )
    assert discriminator_loss("bce", *given).item() == pytest.approx(of_d, rel=1e-6)
    of_g = -sum(math.log(sigmoid(x)) for x in fake) / 2  # not saturating
    assert generator_loss("bce", given[1]).item() == pytest.approx(of_g, rel=1e-6)


def test_lsgan_is_least_squares():
    real, fake = torch.tensor([0.5, 2.0]), torch.tensor([-1.0, 3.0])
    assert discriminator_loss("lsgan", real, fake).item() == pytest.approx(0.5 * (1.25 / 2 + 5))
    assert generator_loss("lsgan", fake).item() == pytest.approx(4.0)


@pytest.mark.parametrize("kind", ["bce", "lsgan"])
def test_gan_losses_are_in_32_bits_and_finite_where_exp_is_not(kind):
    scores = torch.tensor([-1e4, 1e4], dtype=torch.bfloat16)
    for loss in (discriminator_loss(kind, scores, scores), generator_loss(kind, scores)):
        assert loss.dtype == torch.float32
        assert loss.isfinite()


def test_discriminator_at_chance_has_loss_log_2():
    zero = torch.zeros(3)
    assert discriminator_loss("bce", zero, zero).item() == pytest.approx(math.log(2))
    assert generator_loss("bce", zero).item() == pytest.approx(math.log(2))


def test_outside_is_black_and_not_gray():
    mask = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    image = torch.tensor([0.25, 0.25]).reshape(1, 1, 1, 2)
    assert black_outside(image, mask).flatten().tolist() == [0.25, -1.0]


@pytest.mark.parametrize(
    ("inputs", "labels", "channels", "arrays"),
    [
        ("M", "gray", 2, ("bmode_fast", "mask")),
        ("MS", "gray", 3, ("bmode_fast", "mask", "labels")),
        ("MSA", "gray", 4, ("bmode_fast", "mask", "labels", "attenuation")),
        ("MS", "onehot", 2 + REGIONS, ("bmode_fast", "mask", "labels")),
        ("M", "onehot", 2, ("bmode_fast", "mask")),
    ],
)
def test_conditions_of_the_paper(inputs, labels, channels, arrays):
    conditions = Conditions(inputs, REGIONS, labels)
    given, out = batch(), conditions(batch())
    assert out.shape == (2, channels, 32, 32)
    assert out.shape[1] == conditions.channels
    assert conditions.arrays == arrays
    outside = (given["mask"] == 0).expand_as(out)
    assert (out[outside] == -1).all()
    assert (out.min(), out.max()) == (-1, 1)
    inside = given["mask"][:, 0] > 0
    assert torch.equal(out[:, 0][inside], given["bmode_fast"][:, 0][inside])
    assert (out[:, 1][inside] == 1).all()


def test_labels_become_grey_values_or_channels():
    given = batch()
    inside, labels = given["mask"][:, 0] > 0, given["labels"]
    gray = Conditions("MS", REGIONS)(given)[:, 2]
    torch.testing.assert_close(gray[inside], (labels / 2 - 1)[inside])  # -1, -0.5, 0, 0.5, 1
    onehot = Conditions("MS", REGIONS, "onehot")(given)[:, 2:]
    assert torch.equal(onehot.argmax(dim=1)[inside], labels[inside])
    assert (onehot.sum(dim=1)[inside] == 2 - REGIONS).all()


def test_a_single_region_divides_nothing_by_zero():
    arrays = dict(batch().arrays)
    arrays["labels"] = torch.zeros_like(arrays["labels"])
    assert (Conditions("MS", 1)(Batch(arrays, Chance(0, 0)))[:, 2] == -1).all()


def test_attenuation_is_intensity_or_level_or_shadow():
    given = batch(count=1, side=32)
    intensity = torch.tensor([1.0, 1 / 255, 0.0, 255**-0.5])
    arrays = dict(given.arrays)
    arrays["mask"] = torch.ones(1, 1, 1, 4)
    arrays["bmode_fast"] = arrays["shadow"] = torch.full((1, 1, 1, 4), 0.75)
    arrays["labels"] = torch.zeros(1, 1, 4, dtype=torch.int64)
    arrays["attenuation"] = intensity.reshape(1, 1, 1, 4)
    last = {
        how: Conditions("MSA", REGIONS, attenuation=how)(Batch(arrays, Chance(0, 0)))[0, -1, 0]
        for how in ("linear", "level", "shadow")
    }
    torch.testing.assert_close(last["linear"], 2 * intensity - 1)
    torch.testing.assert_close(last["level"], torch.tensor([1.0, -1.0, -1.0, 0.0]))
    torch.testing.assert_close(last["shadow"], torch.full((4,), 0.5))


def step_by_hand(method, optimisers, given):
    """pix2pix's step: discriminator on detached images, then generator, each by its Adam."""
    g, d = method.generator, method.discriminator
    mask, x = given["mask"], Conditions("MSA", REGIONS)(given)
    y = mask * (given["bmode"] + 1) - 1
    fake = mask * (g(x) + 1) - 1
    optimisers["discriminator"].zero_grad()
    real, false = d(torch.cat([x, y], 1)), d(torch.cat([x, fake.detach()], 1))
    (0.5 * (functional.softplus(-real).mean() + functional.softplus(false).mean())).backward()
    optimisers["discriminator"].step()
    for parameter in d.parameters():
        parameter.requires_grad_(False)
    optimisers["generator"].zero_grad()
    score = functional.softplus(-d(torch.cat([x, fake], 1))).mean()
    (100 * (y - fake).abs().mean() + score).backward()
    optimisers["generator"].step()
    for parameter in d.parameters():
        parameter.requires_grad_(True)


def step(method, optimisers, given):
    for name, terms in method.losses(given):
        optimisers[name].zero_grad()
        parameters = list(getattr(method, name).parameters())
        sum(terms.values()).backward(inputs=parameters)
        optimisers[name].step()


def test_updates_are_those_of_a_gan_by_hand_bit_for_bit():
    weights = []
    for advance in (step, step_by_hand):
        torch.manual_seed(0)
        method = L2HConfig(**SMALL).build(REGIONS)
        optimisers = {
            name: torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999))
            for name, network in method.named_children()
        }
        for _ in range(3):
            advance(method, optimisers, batch())
        weights.append(method.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_generator_is_run_once_a_step():
    method, calls = L2HConfig(**SMALL).build(REGIONS), []
    method.generator.register_forward_hook(lambda *_: calls.append(1))
    assert [name for name, _ in method.losses(batch())] == ["discriminator", "generator"]
    assert len(calls) == 1


def test_the_loss_of_the_discriminator_ends_at_the_translated_images():
    method = L2HConfig(**SMALL).build(REGIONS)
    name, terms = next(method.losses(batch()))
    weights = list(method.generator.parameters())
    reached = torch.autograd.grad(terms["gan"], weights, allow_unused=True)
    assert name == "discriminator"
    assert reached == (None,) * len(weights)


def test_without_a_gan_there_is_fidelity_alone():
    method = L2HConfig(**SMALL, gan=False, fidelity=2.0).build(REGIONS)
    assert [name for name, _ in method.named_children()] == ["generator"]
    ((name, terms),) = method.losses(batch())
    given = batch()
    y, fake = black_outside(given["bmode"], given["mask"]), method.translate(given)
    assert (name, set(terms)) == ("generator", {"fidelity"})
    torch.testing.assert_close(terms["fidelity"], 2 * (y - fake).abs().mean())


def fans(given):
    """Fidelity over the fan, of a batch or a part of it."""
    torch.manual_seed(0)
    method = L2HConfig(**SMALL, gan=False, mean="fan").build(REGIONS)
    ((_, terms),) = method.losses(given)
    return method, terms["fidelity"]


def test_mean_over_the_fan_is_of_its_pixels():
    given = batch(1)
    method, found = fans(given)
    difference = (method.translate(given) - given["bmode"]).abs()
    torch.testing.assert_close(found, 100 * difference[given["mask"] > 0].mean())


def test_mean_over_the_fan_is_the_same_however_ranks_share_a_batch():
    """Means over equal parts of a batch have the mean of the whole, though fans differ."""
    arrays = dict(batch(4).arrays)
    arrays["mask"][0, :, 8:] = 0
    whole, parts = Batch(arrays, Chance(0, 0)), []
    for part in (slice(0, 2), slice(2, 4)):
        parts.append(Batch({name: array[part] for name, array in arrays.items()}, Chance(0, 0)))
    expected = torch.stack([fans(part)[1] for part in parts]).mean()
    torch.testing.assert_close(fans(whole)[1], expected)


def test_a_window_beside_the_fan_teaches_nothing_and_breaks_nothing():
    given = batch()
    arrays = dict(given.arrays) | {"mask": torch.zeros_like(given["mask"])}
    method = L2HConfig(**SMALL, mean="fan").build(REGIONS)
    for _, terms in method.losses(Batch(arrays, Chance(0, 0))):
        assert sum(terms.values()).isfinite()
    assert (method.translate(Batch(arrays, Chance(0, 0))) == -1).all()


def test_what_lies_outside_the_fan_changes_nothing():
    torch.manual_seed(0)
    method, given = L2HConfig(**SMALL).build(REGIONS), batch()
    outside = given["mask"] == 0
    arrays = dict(given.arrays)
    for name in ("bmode", "bmode_fast", "attenuation"):
        arrays[name] = torch.where(outside, 0.7, arrays[name])
    arrays["labels"] = torch.where(outside[:, 0], 3, arrays["labels"])
    other = Batch(arrays, Chance(0, 0))
    assert torch.equal(method.translate(given), method.translate(other))
    for (_, ours), (_, theirs) in zip(method.losses(given), method.losses(other), strict=True):
        assert all(torch.equal(ours[term], theirs[term]) for term in ours)


def test_the_defaults_are_the_paper():
    config = L2HConfig()
    with torch.device("meta"):
        method = config.build(150)
    counts = {n: sum(p.numel() for p in m.parameters()) / 1e6 for n, m in method.named_children()}
    assert counts == pytest.approx({"generator": 54.407, "discriminator": 2.767}, abs=5e-4)
    assert (config.fidelity, config.gan_loss, config.adam.lr, config.adam.betas) == (
        100.0, "bce", 2e-4, (0.5, 0.999))  # fmt: skip
    assert method.stride == 256


def test_a_resnet_can_take_the_place_of_the_unet():
    method = L2HConfig(**SMALL, generator="resnet", blocks=2, residual=True).build(REGIONS)
    assert method.stride == 4
    assert method.translate(batch(side=24)).shape == (2, 1, 24, 24)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"width": 0}, "method.width: expected at least 1, got 0"),
        ({"downs": 1}, "method.downs: expected at least 2, got 1"),
        ({"downs": 40}, "method.downs: expected at most 10, got 40"),
        ({"width": 10**9}, "method.width: expected at most 1024"),
        ({"blocks": 10**6}, "method.blocks: expected at most 100"),
        ({"discriminator_width": 10**9}, "method.discriminator_width: expected at most 1024"),
        ({"discriminator_layers": 0}, "method.discriminator_layers"),
        ({"discriminator_layers": 7}, "method.discriminator_layers: expected at most 6, got 7"),
        ({"fidelity": -1.0}, "method.fidelity"),
        ({"adam": {"lr": -1.0}}, "method.adam.lr"),
        ({"adam": {"betas": [0.5, 1.0]}}, "method.adam.betas"),
        ({"inputs": "MA"}, "inputs: expected M or MS or MSA, got 'MA'"),
        ({"wdith": 4}, "wdith: unknown.*width"),
    ],
)
def test_a_config_that_cannot_be_is_refused(fields, said):
    with pytest.raises(InputError, match=said):
        from_plain(L2HConfig, {"name": "l2h"} | fields)


@pytest.mark.parametrize(
    "config",
    [L2HConfig(inputs="MS", gan=False), L2HConfig(discriminator_adam=Adam(lr=1e-5))],
)
def test_a_config_is_read_as_it_was_written(config):
    assert from_plain(L2HConfig, to_plain(config)) == config


def test_the_discriminator_may_have_an_optimiser_of_its_own():
    given = from_plain(L2HConfig, {**SMALL, "discriminator_adam": {"lr": 1e-5}})
    rates = {name: adam.lr for name, adam in given.build(REGIONS).adam.items()}
    assert rates == {"generator": 2e-4, "discriminator": 1e-5}
    assert set(L2HConfig(**SMALL, gan=False).build(REGIONS).adam) == {"generator"}

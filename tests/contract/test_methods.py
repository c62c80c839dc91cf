"""What every method has to obey; a new one is tested by a line in SMALL."""

import dataclasses
import itertools
import typing
from pathlib import Path

import pytest
import torch
import yaml

from insonate.config import from_plain, to_plain
from insonate.data.batches import Batch, Chance
from insonate.errors import InputError
from insonate.methods import (
    METHODS,
    BridgeConfig,
    ConPresConfig,
    CUTConfig,
    CycleGANConfig,
    L2HConfig,
    MethodConfig,
    SasanConfig,
    StarGANConfig,
    UNSBConfig,
)
from insonate.recipe import load_recipe

REGIONS, SIDE = 7, 32
TINY = {"width": 8, "downs": 4, "discriminator_width": 8, "discriminator_layers": 2}
#: Of the methods that learn from images that are not paired.
NETWORKS = {"width": 4, "discriminator_width": 4, "discriminator_layers": 2}
CONTRAST = {**NETWORKS, "blocks": 2, "projection_width": 8, "places": 32}
CONPRES = {**CONTRAST, "side": SIDE}
SASAN = {"width": 4, "attention_width": 4, "discriminator_width": 4, "pretrain_steps": 1}

SMALL = {
    "l2h": L2HConfig(**TINY),
    "l2h-m": L2HConfig(**TINY, inputs="M"),
    "l2h-onehot": L2HConfig(**TINY, inputs="MS", labels="onehot"),
    "l2h-shadow": L2HConfig(**TINY, attenuation="shadow", residual=True, mean="fan"),
    "l2h-lsgan": L2HConfig(**TINY, gan_loss="lsgan"),
    "l2h-no-gan": L2HConfig(**TINY, gan=False),
    "l2h-resnet": L2HConfig(**TINY, generator="resnet", blocks=2),
    "bridge": BridgeConfig(widths=(8, 16), steps=3),
    "bridge-m": BridgeConfig(widths=(8, 16), steps=2, inputs="M", noisy=False),
    "cut": CUTConfig(**CONTRAST),
    "cut-s": CUTConfig(**CONTRAST, semantic=True, masks="none", identity=False),
    "cut-sc": CUTConfig(**CONTRAST, semantic=True, consistency=1.0, source="bmode_fast"),
    "conpres": ConPresConfig(**CONPRES),
    "conpres-switched": ConPresConfig(
        **CONPRES, masks="none", up_order="upsample_conv", reinject=True, class_head="gap",
        nce_first="stem", nce_sum=True, nce_reduction="sum", consistent_when="both_real",
        consistent_as="drawn", padding="zeros", gan_loss="bce", labels="onehot",
    ),
    "cyclegan": CycleGANConfig(**NETWORKS, blocks=2, pool=3),
    "cyclegan-none": CycleGANConfig(**NETWORKS, blocks=1, pool=0, masks="none", identity=0.0),
    "stargan": StarGANConfig(**NETWORKS, blocks=2, side=SIDE, n_critic=1),
    "stargan-gap": StarGANConfig(
        **NETWORKS, blocks=1, class_head="gap", side=SIDE, n_critic=1, masks="none"
    ),
    "sasan": SasanConfig(**SASAN, judged=(1, 6)),
    "sasan-none": SasanConfig(**SASAN, judged=(), maps=3, masks="none", source="bmode_fast"),
    "unsb": UNSBConfig(**CONTRAST),
    "unsb-none": UNSBConfig(**CONTRAST, times=3, steps=1, masks="none", identity=False),
}  # fmt: skip
with torch.device("meta"):
    PAIRED = [name for name, config in SMALL.items() if config.build(REGIONS).target]
UNPAIRED = [name for name in SMALL if name not in PAIRED]
RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
METHOD = pytest.mark.parametrize("name", SMALL)


def once(names):
    """The first of every method; its variants cost minutes, and are slow."""
    slow = {name: () if name in METHODS else pytest.mark.slow for name in names}
    return pytest.mark.parametrize("name", [pytest.param(n, marks=m) for n, m in slow.items()])


def batch(count=2, seed=0, rows=SIDE, columns=SIDE):
    """Blurred images, whose target is their negative: something that can be learned."""
    source = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 1, rows // 8, columns // 8, generator=source) - 0.5
    low = torch.nn.functional.interpolate(low, (rows, columns), mode="bilinear")
    mask = torch.ones(count, 1, rows, columns)
    mask[..., : columns // 4] = 0
    arrays = {
        "bmode": mask * (1 - low) - 1,
        "bmode_fast": mask * (low + 1) - 1,
        "mask": mask,
        "labels": (low[:, 0] > 0).long() * (REGIONS - 1),
        "attenuation": torch.rand(mask.shape, generator=source),
        "shadow": torch.rand(mask.shape, generator=source),
    }
    real = {"real_bmode": arrays["bmode"].flip(0), "real_mask": mask}
    return Batch(arrays | real, Chance(seed, 0))


def lesson(method, count=2, step=1):
    """A batch with as many draws as the method learns from, of the second step."""
    return Batch(batch(count * method.draws).arrays, Chance(0, step))


def names_of(shared):
    return (shared,) if isinstance(shared, str) else shared


def only(given, names):
    return Batch({name: given[name] for name in names}, given.chance)


def build(name, seed=0):
    torch.manual_seed(seed)
    return SMALL[name].build(REGIONS)


def train(method, steps, count=2):
    """The loop in a few lines: a rate at which small networks learn soon."""
    optimisers = {
        name: torch.optim.Adam(network.parameters(), 2e-3, method.adam[name].betas)
        for name, network in method.named_children()
    }
    for step in range(steps):
        for shared, terms in method.losses(lesson(method, count, step)):
            networks = [getattr(method, name) for name in names_of(shared)]
            for name in names_of(shared):
                optimisers[name].zero_grad()
            parameters = [p for network in networks for p in network.parameters()]
            sum(terms.values()).backward(inputs=parameters)
            for name in names_of(shared):
                optimisers[name].step()


def error(method):
    given = batch()
    return (method.eval().translate(given) - given["bmode"]).abs().mean().item()


def test_every_method_is_here():
    assert {config.name for config in SMALL.values()} == set(METHODS)
    assert set(METHODS.values()) == set(typing.get_args(MethodConfig))


@once(PAIRED)
def test_learns_one_batch(name):
    method = build(name)
    before = error(method)
    train(method, 60 if method.config.name == "bridge" else 30)
    assert error(method) < 0.5 * before


@METHOD
def test_keeps_shape_range_and_the_black_outside(name):
    method, given = build(name).eval(), batch(count=3, rows=2 * SIDE, columns=SIDE)
    out = method.translate(given)
    assert out.shape == given["bmode"].shape
    assert out.dtype == torch.float32
    assert out.isfinite().all()
    assert out.min() >= -1
    assert out.max() <= 1
    assert (out[given["mask"] == 0] == -1).all()
    assert not out.requires_grad
    assert SIDE % method.stride == 0


@METHOD
def test_losses_are_named_finite_scalars_of_its_networks_in_32_bits(name):
    method = build(name)
    for shared, terms in method.losses(lesson(method)):
        assert set(names_of(shared)) <= set(dict(method.named_children()))
        assert terms
        for loss in terms.values():
            assert loss.shape == ()
            assert loss.dtype == torch.float32
            assert loss.isfinite()
            assert loss.requires_grad


@METHOD
def test_every_parameter_is_reached_by_its_loss_and_no_other(name):
    method, reached = build(name), []
    train(method, 1)  # what begins at 0 hides what comes before it
    steps = (method.losses(lesson(method, step=step)) for step in range(2))
    for shared, terms in itertools.chain(*steps):
        parameters = [p for name in names_of(shared) for p in getattr(method, name).parameters()]
        sum(terms.values()).backward(inputs=parameters)
        assert all(p.grad is not None and p.grad.isfinite().all() for p in parameters)
        reached += names_of(shared)
    assert sorted(set(reached)) == sorted(network for network, _ in method.named_children())
    assert set(method.adam) == set(reached)
    assert set(method.generators) <= set(reached)


@METHOD
def test_inputs_and_needs_are_enough(name):
    method = build(name).eval()
    assert method.target not in method.inputs
    assert set(method.inputs) <= set(method.needs)
    assert method.target is None or method.target in method.needs
    method.translate(only(batch(), method.inputs))
    real = [f"real_{array}" for array in method.real]
    list(method.losses(only(lesson(method), [*method.needs, *real])))


@pytest.mark.parametrize("name", PAIRED)
def test_what_learns_from_pairs_turns_nowhere(name):
    with pytest.raises(InputError, match="pairs"):
        build(name).turn(to="real")


@pytest.mark.parametrize("name", UNPAIRED)
def test_turns_to_every_way_it_knows_and_says_which(name):
    method = build(name).eval()
    for source, to in method.ways:
        method.turn(source, to)
        assert method.way == (source, to)
        assert method.translate(only(batch(), method.inputs)).shape == batch()["bmode"].shape
    method.turn()
    assert method.way == method.ways[0]
    with pytest.raises(InputError, match="expected one of simulated to real"):
        method.turn("real", "real")


@pytest.mark.parametrize("name", UNPAIRED)
def test_what_lies_outside_of_the_masks_teaches_nothing(name):
    method = build(name)
    if method.masks == "none":
        pytest.skip("it learns from all there is")
    given = lesson(method)
    arrays = dict(given.arrays)
    for array, mask in {"bmode": "mask", "bmode_fast": "mask", "real_bmode": "real_mask"}.items():
        noise = torch.rand(given[array].shape, generator=torch.Generator().manual_seed(3))
        arrays[array] = torch.where(given[mask] > 0, given[array], noise)
    for (_, one), (_, other) in zip(
        method.losses(given), method.losses(Batch(arrays, Chance(0, 1))), strict=True
    ):
        for term, loss in one.items():
            torch.testing.assert_close(loss, other[term], msg=term)


@once(SMALL)
def test_weights_go_round(name):
    method, other = build(name), build(name, seed=1)
    assert not torch.equal(method.eval().translate(batch()), other.eval().translate(batch())) or (
        isinstance(SMALL[name], BridgeConfig)  # which begins at 0
    )
    train(method, 2)
    for network, module in method.named_children():
        getattr(other, network).load_state_dict(module.state_dict())
    assert torch.equal(method.eval().translate(batch()), other.eval().translate(batch()))


@once(SMALL)
def test_same_seed_same_picture(name):
    pictures = []
    for _ in range(2):
        method = build(name)
        train(method, 3)
        pictures.append(method.eval().translate(batch()))
    assert torch.equal(*pictures)


@METHOD
def test_chance_comes_from_the_batch_alone(name):
    method = build(name)
    before = torch.random.get_rng_state()
    list(method.losses(lesson(method)))
    method.translate(batch())
    assert torch.equal(torch.random.get_rng_state(), before)


@once(SMALL)
def test_one_sample_is_a_batch(name):
    method = build(name)
    train(method, 2, count=1)
    given = batch()
    alone = only(given, given.arrays)
    arrays = {key: array[:1] for key, array in given.arrays.items()}
    first = method.eval().translate(Batch(arrays, Chance(0, 0)))
    torch.testing.assert_close(first, method.translate(alone)[:1], atol=1e-5, rtol=0)


@once(SMALL)
def test_bf16_learns_as_32_bits_do(name):
    losses = []
    for precise in (True, False):
        method, found = build(name), []
        with torch.autocast("cpu", torch.bfloat16, enabled=not precise):
            for _, terms in method.losses(lesson(method)):
                assert all(loss.dtype == torch.float32 for loss in terms.values())
                found.append(sum(terms.values()).item())
            out = method.eval().translate(batch())
            assert out.dtype == torch.float32
        losses.append(found)
    assert losses[1] == pytest.approx(losses[0], rel=0.03, abs=1e-4)


@once(SMALL)
def test_channels_last_says_the_same(name):
    method = build(name).eval()
    train(method, 1)
    plain = method.translate(batch())
    method.to(memory_format=torch.channels_last)
    given = batch()
    arrays = {
        k: v.to(memory_format=torch.channels_last) if v.ndim == 4 else v
        for k, v in given.arrays.items()
    }
    turned = method.translate(Batch(arrays, given.chance))
    torch.testing.assert_close(turned, plain, atol=1e-4, rtol=0)


@METHOD
def test_config_goes_through_yaml(name):
    plain = yaml.safe_load(yaml.safe_dump(to_plain(SMALL[name])))
    assert from_plain(type(SMALL[name]), plain) == SMALL[name]
    fields = [field.name for field in dataclasses.fields(SMALL[name])]
    assert fields[0] == "name"


@pytest.mark.parametrize("name", METHODS)
def test_a_method_without_settings_is_the_papers_and_can_be_built(name):
    config = METHODS[name]()
    assert config.name == name
    with torch.device("meta"):
        assert config.build(REGIONS).inputs


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_can_be_built_and_its_windows_fit(path):
    recipe = load_recipe(path)
    with torch.device("meta"):
        method = recipe.method.build(REGIONS)
    assert recipe.about
    assert recipe.batches.crop is not None
    assert recipe.batches.crop % method.stride == 0
    tiny = path.stem.endswith("-tiny")
    assert (sum(p.numel() for p in method.parameters()) < 3e6) == tiny
    assert tiny or (RECIPES[0].parent / f"{path.stem}-tiny.yaml").exists()


def test_every_method_has_a_recipe():
    assert {load_recipe(path).method.name for path in RECIPES} == set(METHODS)

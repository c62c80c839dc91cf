"""StarGAN: its sizes, its penalty in closed form, its domains, and when its generator learns."""

import pytest
import torch
from unpaired_batch import REGIONS, advance, optimisers_of, part, unpaired_batch

from insonate.config import from_plain
from insonate.data.batches import Batch
from insonate.errors import InputError
from insonate.methods.conditions import gray_labels
from insonate.methods.domains import DOMAINS
from insonate.methods.stargan import StarGANConfig, _within, gradient_penalty
from insonate.nets import ClassResNet

SMALL = {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 3, "side": 32}


def build(seed=0, **fields):
    torch.manual_seed(seed)
    return StarGANConfig(**SMALL | fields).build(REGIONS)


def test_the_defaults_are_the_official_ones():
    """Choi et al. 2018, section 5.1 and tables 4 and 5, with one channel and three domains."""
    config = StarGANConfig()
    with torch.device("meta"):
        method = config.build(REGIONS)
        scores, logits = method.discriminator(torch.empty(2, 1, 256, 256))
    counts = {n: sum(p.numel() for p in m.parameters()) / 1e6 for n, m in method.named_children()}
    assert counts == pytest.approx({"generator": 8.412, "discriminator": 44.817}, abs=5e-4)
    assert (scores.shape, logits.shape) == ((2, 1, 4, 4), (2, 3))
    assert (config.classification, config.reconstruction, config.penalty) == (1.0, 10.0, 10.0)
    assert (config.n_critic, config.adam.lr, config.adam.betas) == (5, 1e-4, (0.5, 0.999))


@pytest.mark.parametrize("length", [0.0, 0.25, 1.0, 3.0])
def test_penalty_of_a_linear_critic(length):
    """D(x) = w.x has the slope w everywhere, so its penalty is (|w| - 1)^2."""
    weight = torch.randn(1, 2, 5, 7, generator=torch.Generator().manual_seed(0))
    weight = length * weight / weight.norm()
    images = torch.randn(3, 2, 5, 7, generator=torch.Generator().manual_seed(1))
    found = gradient_penalty(lambda x: (weight * x).sum(dim=(1, 2, 3)), images)
    assert found.item() == pytest.approx((length - 1) ** 2, abs=1e-6)


def test_penalty_of_a_map_of_scores_is_of_their_sum_and_learned_from():
    """D(x) = k x on n pixels has the slope s = k sqrt n; (s - 1)^2 changes by 2 (s - 1) sqrt n."""
    k, images = torch.tensor(0.5, requires_grad=True), torch.ones(2, 1, 3, 3)
    found = gradient_penalty(lambda x: k * x, images)
    assert found.item() == pytest.approx((0.5 * 3 - 1) ** 2)
    found.backward()
    assert k.grad is not None
    assert k.grad.item() == pytest.approx(2 * (0.5 * 3 - 1) * 3)


def test_penalty_at_a_slope_of_0_has_a_finite_gradient():
    k = torch.tensor(0.0, requires_grad=True)
    gradient_penalty(lambda x: k * x, torch.ones(1, 1, 2, 2)).backward()
    assert k.grad is not None
    assert k.grad.isfinite()


def test_penalty_is_in_32_bits():
    network = torch.nn.Conv2d(1, 1, 3)
    with torch.autocast("cpu", torch.bfloat16):
        rough = gradient_penalty(network, torch.ones(1, 1, 8, 8))
    assert torch.equal(rough, gradient_penalty(network, torch.ones(1, 1, 8, 8)))


@pytest.mark.parametrize("n_critic", [1, 5])
def test_the_generator_learns_every_n_critic_steps(n_critic):
    method = build(n_critic=n_critic)
    for step in range(2 * n_critic):
        names = [name for name, _ in method.losses(unpaired_batch(step=step))]
        last = (step + 1) % n_critic == 0
        assert names == ["discriminator", "generator"][: 1 + last]


def test_without_its_turn_the_generator_builds_no_graph():
    method, made = build(), []
    method.generator.register_forward_hook(lambda _, given, out: made.append(out.requires_grad))
    ((_, terms),) = method.losses(unpaired_batch())
    weights = list(method.generator.parameters())
    reached = torch.autograd.grad(sum(terms.values()), weights, allow_unused=True)
    assert reached == (None,) * len(weights)
    assert made == [False]


def test_the_generator_is_run_twice_in_a_step_in_which_it_learns():
    method, calls = build(n_critic=1), []
    method.generator.register_forward_hook(lambda *_: calls.append(1))
    list(method.losses(unpaired_batch()))
    assert len(calls) == 2


def losses_by_hand(method, batch, domain, target, share):
    """Equations 2 to 6 and 8, without masks, as sums over the networks' outputs."""
    images = [
        batch["mask"] * (batch["bmode"] + 1) - 1,
        batch["real_mask"] * (batch["real_bmode"] + 1) - 1,
        batch["mask"] * (gray_labels(batch["labels"], REGIONS) + 1) - 1,
    ]
    masks = [batch["mask"], batch["real_mask"], batch["mask"]]
    x = torch.stack([images[d][k] for k, d in enumerate(domain)])
    m = torch.stack([masks[d][k] for k, d in enumerate(domain)])
    fake = m * (method.generator(x, target) + 1) - 1
    scores, logits = method.discriminator(x)
    hat = (share * x + (1 - share) * fake).detach().requires_grad_()
    slopes = torch.autograd.grad(method.discriminator(hat)[0].sum(), hat)[0]
    norms = slopes.square().sum(dim=(1, 2, 3)).sqrt()
    critic = {
        "real": -scores.mean(),
        "fake": method.discriminator(fake)[0].mean(),
        "class": -logits.log_softmax(1)[range(len(x)), domain].mean(),
        "penalty": 10 * (norms - 1).square().mean(),
    }
    scores, logits = method.discriminator(fake)
    back = m * (method.generator(fake, domain) + 1) - 1
    return critic, {
        "gan": -scores.mean(),
        "class": -logits.log_softmax(1)[range(len(x)), target].mean(),
        "reconstruction": 10 * (x - back).abs().mean(),
    }


def test_losses_are_those_of_the_equations():
    method, batch = build(masks="none", n_critic=1), unpaired_batch(count=6)
    with torch.no_grad():  # so that slopes are not all near 0
        method.discriminator.score.weight *= 20
    found = dict(method.losses(batch))
    again = unpaired_batch(count=6)
    drawn = torch.from_numpy(again.chance.shared().integers(3, size=(6, 2)))
    share = again.chance.uniform(torch.empty(6, 1, 1, 1))
    critic, generator = losses_by_hand(method, batch, drawn[:, 0], drawn[:, 1], share)
    assert len(set(drawn[:, 0].tolist())) == 3
    for ours, theirs in ((found["discriminator"], critic), (found["generator"], generator)):
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            torch.testing.assert_close(value, theirs[name], atol=1e-5, rtol=1e-4, msg=name)


def test_all_pairs_of_domains_come_equally_often():
    """Nine ordered pairs, those of a domain to itself among them, as in the official code."""
    method, counts = build(), torch.zeros(3, 3)
    for step in range(60):
        for pair in zip(*method._domains(unpaired_batch(count=30, side=8, step=step)), strict=True):
            counts[pair] += 1
    expected, spread = 1800 / 9, (1800 * 1 / 9 * 8 / 9) ** 0.5
    assert ((counts - expected).abs() < 4 * spread).all()


def test_a_sample_has_its_domains_however_ranks_share_a_batch():
    method, batch = build(), unpaired_batch(count=6)
    whole = torch.stack(method._domains(batch))
    parts = [
        torch.stack(method._domains(part(unpaired_batch(count=6), slice(k, k + 2), k)))
        for k in (0, 2, 4)
    ]
    assert torch.equal(torch.cat(parts, dim=1), whole)


@pytest.mark.parametrize("masks", ["joint", "none"])
def test_the_discriminator_sees_all_through_two_fans(masks):
    method, shown, batch = build(masks=masks, n_critic=1), [], unpaired_batch(count=6)
    method.discriminator.register_forward_hook(lambda _, given, out: shown.append(given[0]))
    list(method.losses(batch))
    both = (batch["mask"] * batch["real_mask"])[:1]
    outside = torch.cat(shown).detach()
    outside = outside[both.expand_as(outside) == 0]
    assert (outside == -1).all() == (masks == "joint")


def test_every_way():
    method, batch = build().eval(), unpaired_batch()
    assert method.way == ("simulated", "real")
    assert len(method.ways) == 6
    for source in DOMAINS:
        for to in (domain for domain in DOMAINS if domain != source):
            method.turn(source, to)
            assert method.inputs == ("labels" if source == "semantic" else "bmode", "mask")
            given = method.given(batch)
            target = torch.full((2,), DOMAINS.index(to))
            by_hand = given.mask * (method.generator(given.values, target) + 1) - 1
            torch.testing.assert_close(method.translate(batch), by_hand)


def test_the_class_makes_a_difference_everywhere():
    """Instance norm erases what is the same everywhere; zeros beyond the border keep it."""
    torch.manual_seed(0)
    network = ClassResNet(1, 3, 4, 1)
    images = torch.rand(1, 1, 32, 32)
    one, other = (network(images, torch.tensor([k])) for k in (0, 1))
    assert (one - other).abs().mean() > 1e-4


def test_images_do_not_change_once_training_is_over():
    """Norms with running statistics would; the official code translates as it trained."""
    method, batch = build(), unpaired_batch()
    optimisers = optimisers_of(method)
    for step in range(5):
        advance(method, optimisers, unpaired_batch(step=step))
    assert torch.equal(method.train().translate(batch), method.eval().translate(batch))


def test_the_generator_has_no_bias_but_those_of_norms():
    for layer in ClassResNet().modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            assert layer.bias is None
            assert layer.padding_mode == "zeros"


def test_the_network_refuses_other_channels_and_sides():
    with pytest.raises(InputError, match=r"generator: expected images \(batch, 1, rows, columns\)"):
        ClassResNet()(torch.zeros(1, 2, 32, 32), torch.tensor([0]))
    with pytest.raises(InputError, match=r"generator: expected rows and columns .* multiples of 4"):
        ClassResNet()(torch.zeros(1, 1, 30, 32), torch.tensor([0]))


def test_it_learns_which_domain_an_image_is_of():
    """Real images are brighter here; all else of them is alike."""
    method = build(penalty=1.0)
    optimisers = {n: torch.optim.Adam(m.parameters(), 2e-3) for n, m in method.named_children()}

    def brighter(step):
        batch = unpaired_batch(count=6, step=step)
        real = {"real_bmode": 0.5 + 0.5 * batch["real_bmode"].abs()}
        return Batch({**batch.arrays, **real}, batch.chance)

    for step in range(40):
        advance(method, optimisers, brighter(step))
    domain, _ = method._domains(brighter(99))
    images = _within(method._of(brighter(99), domain).values, method._judged(brighter(99)))
    found = method.discriminator(images)[1].argmax(dim=1)
    assert torch.equal(found == 1, domain == 1)
    assert 0 < (domain == 1).sum() < 6


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"n_critic": 0}, "method.n_critic: expected at least 1, got 0"),
        ({"width": 10**9}, "method.width: expected at most 1024"),
        ({"penalty": -1.0}, "method.penalty: expected at least 0"),
        ({"side": 100}, "method.side: expected a multiple of 64 pixels, .* got 100"),
        ({"class_head": "mean"}, "class_head: expected kernel or gap, got 'mean'"),
        ({"ncritic": 3}, "ncritic: unknown.*n_critic"),
    ],
)
def test_a_config_that_cannot_be_is_refused(fields, said):
    with pytest.raises(InputError, match=said):
        from_plain(StarGANConfig, {"name": "stargan"} | fields)


def test_semantic_maps_of_one_region_are_refused():
    with pytest.raises(InputError, match="labels: one region only"):
        StarGANConfig(**SMALL).build(1)

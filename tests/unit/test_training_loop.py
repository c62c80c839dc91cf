"""The loop's step against sums done by hand, and what it says when it cannot go on."""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("lightning_fabric")
pytest.importorskip("zarr")

from training_pairs import COLUMNS, ROWS, Toy, make_pairs, tensors, tiny_recipe, toy_batches

from insonate.config import from_plain
from insonate.errors import InputError
from insonate.recipe import train
from insonate.training import Schedule, TrainingSettings
from insonate.training.averages import Averages
from insonate.training.faults import telling_memory
from insonate.training.journal import Journal
from insonate.training.log import Clock, Progress
from insonate.training.loop import Loop
from insonate.training.optimisers import Optimisers
from insonate.training.ranks import Ranks
from insonate.training.validation import Validation, spread


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("data") / "pairs.zarr")


def toy_loop(data, **settings):
    return Loop(Toy(), toy_batches(data), TrainingSettings(**settings), Ranks())


def test_first_step_of_adam_by_hand(data):
    """The first step of Adam is the learning rate against the sign of the gradient.

    Kingma & Ba (2015): with m = (1 - b1) g and v = (1 - b2) g^2, both divided by what the
    decay has not reached yet, the step is lr g / |g|.
    """
    loop = toy_loop(data)
    said = loop.advance(loop.batches[0])
    assert {name: value.item() for name, value in said.items()} == pytest.approx(
        {"critic.real": -3.0, "critic.fake": 6.0, "generator.gan": -2.9 * 2.0}
    )
    # d(cg - c)/dc = 1, so the critic falls; d(-cg)/dg = -2.9, so the generator rises
    assert loop.method.critic.weight.item() == pytest.approx(2.9)
    assert loop.method.generator.weight.item() == pytest.approx(2.1)


def test_the_generator_meets_the_updated_critic(data):
    loop = toy_loop(data)
    loop.advance(loop.batches[0])
    assert loop.method.seen == pytest.approx([2.9])


def test_gradients_flow_to_one_network_alone(data):
    """The generator's loss depends on the critic, too; its momentum must not learn of it."""
    loop = toy_loop(data)
    loop.advance(loop.batches[0])
    first_moment = loop.optimisers.tensors()["critic/weight/exp_avg"].item()
    assert first_moment == pytest.approx(0.5 * 1.0)  # beta_1 0.5, gradient 1
    assert loop.method.critic.weight.grad is None


def test_gradients_are_clipped(data):
    loop = toy_loop(data, clip=0.25)
    said = loop.advance(loop.batches[0])
    assert said["critic.gradient"].item() == pytest.approx(1.0)
    assert said["generator.gradient"].item() == pytest.approx(2.9)
    moments = loop.optimisers.tensors()
    assert moments["generator/weight/exp_avg"].item() == pytest.approx(-0.5 * 0.25, rel=1e-4)


def test_a_loss_that_misses_a_weight_leaves_it(data):
    method = Toy()
    method.critic.register_parameter("spare", torch.nn.Parameter(torch.ones(3)))
    loop = Loop(method, toy_batches(data), TrainingSettings(), Ranks())
    loop.advance(loop.batches[0])
    assert torch.equal(method.critic.spare, torch.ones(3))


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (Schedule(), [1.0, 1.0, 1.0]),
        # 1 - max(0, e - n) / (m + 1) in epochs e = 1, 2, ...: n = 2 held, m = 3 of decay
        (Schedule("linear", 2, 3), [1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]),
        (Schedule("halve", 2), [1.0, 1.0, 0.5, 0.5, 0.25]),
    ],
)
def test_schedules(schedule, factors):
    for epoch, factor in enumerate(factors):
        for within in (0.0, 0.3, 0.999):
            assert schedule.factor(epoch + within) == pytest.approx(factor)


def test_learning_rates_follow_the_schedule(data):
    """Eight frames and two samples a step: four steps an epoch."""
    loop = toy_loop(data, schedule=Schedule("halve", 1))
    rates = []
    for step in range(9):
        loop.advance(loop.batches[step])
        rates.append(loop.optimisers.rates()["critic"])
    assert rates == pytest.approx([0.1] * 4 + [0.05] * 4 + [0.025])


def test_averages_by_hand():
    method = Toy()
    averages = Averages(method, decay=0.3)
    method.generator.weight.data.fill_(5.0)
    averages.update(1)  # min(0.3, 2 / 11) of what was, 2
    assert averages.tensors()["generator"]["weight"].item() == pytest.approx(5 - 3 * 2 / 11)
    method.generator.weight.data.fill_(1.0)
    before = averages.tensors()["generator"]["weight"].item()
    averages.update(1000)
    after = averages.tensors()["generator"]["weight"].item()
    assert after == pytest.approx(0.3 * before + 0.7)
    assert "critic" not in averages.tensors()
    with averages.in_place():
        assert method.generator.weight.item() == after
    assert method.generator.weight.item() == 1.0
    assert not Averages(method, 0.0)


def test_steps_are_seeded_whatever_happened_between(data):
    drawn = []

    class Drawing(Toy):
        def losses(self, batch):
            drawn.append(torch.rand(1).item())
            return super().losses(batch)

    for disturbed in (False, True):
        loop = Loop(Drawing(), toy_batches(data), TrainingSettings(), Ranks())
        for step in range(3):
            if disturbed:
                torch.rand(step + 1)
            loop.advance(loop.batches[step])
    assert drawn[:3] == drawn[3:]
    assert len(set(drawn)) == 3


@pytest.mark.parametrize("bad", [math.nan, math.inf, -2e6])
def test_divergence_is_told_with_step_and_loss(bad):
    journal = Journal(Ranks(), 1e6, lambda: "the last good checkpoint is run/000003")
    journal.add(7, {"generator.gan": torch.tensor(1.0), "generator.l1": torch.tensor(2.0)})
    journal.add(8, {"generator.gan": torch.tensor(1.0), "generator.l1": torch.tensor(bad)})
    with pytest.raises(
        InputError, match=r"diverged at step 8: loss generator\.l1 is (nan|inf|-2e)"
    ):
        journal.settle()


def test_losses_are_averaged_since_the_last_line():
    journal = Journal(Ranks(), 1e6, str)
    for step, value in enumerate((1.0, 2.0, 6.0)):
        journal.add(step, {"g.a": torch.tensor(value)} | ({"g.b": torch.ones(())} if step else {}))
    journal.settle()
    other = Journal(Ranks(), 1e6, str)
    other.load(json.loads(json.dumps(journal.state())))
    assert journal.means() == other.means() == {"g.a": 3.0, "g.b": 1.0}
    assert journal.means() == {}


class Diverging(Toy):
    """Its loss is fine, but its gradient is not."""

    def losses(self, batch):
        weight = self.generator.weight.sum()
        yield "generator", {"root": (weight - weight.detach()).abs().sqrt()}


def test_weights_that_are_not_finite_are_never_kept(data, tmp_path):
    recipe = tiny_recipe(training={"steps": 1})
    object.__setattr__(recipe.method, "build", lambda classes: Diverging())
    with pytest.raises(InputError, match=r"diverged at step 1: generator: weight is not finite; "
                                         r"there is no checkpoint yet"):  # fmt: skip
        train(recipe, data, tmp_path, silent=True)
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_a_run_that_diverges_names_its_last_checkpoint(data, tmp_path):
    recipe = tiny_recipe(training={"diverged": 1e-3})
    with pytest.raises(InputError, match=r"diverged at step 1: loss \w+\.\w+ is .*no checkpoint"):
        train(recipe, data, tmp_path / "a", silent=True)
    train(tiny_recipe(training={"steps": 3}), data, tmp_path / "b", silent=True)
    with pytest.raises(InputError, match=r"step 4: .*the last good checkpoint is .*b/.*000003"):
        train(recipe, data, tmp_path / "b", silent=True)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate "
                     "memory: you tried to allocate 4000000000000 bytes."),
        MemoryError(),
    ],
)  # fmt: skip
def test_out_of_memory(error):
    with (
        pytest.raises(InputError, match=r"^out of memory on cpu; .*lower batches\.size or"),
        telling_memory(torch.device("cpu")),
    ):
        raise error


class Greedy(Toy):
    def losses(self, batch):
        yield "critic", {"a": self.critic.weight.sum() * torch.ones(10**15).sum()}


def test_out_of_memory_for_real(data, tmp_path):
    recipe = tiny_recipe()
    object.__setattr__(recipe.method, "build", lambda classes: Greedy())
    with pytest.raises(InputError, match=r"out of memory on cpu; .*lower batches\.size"):
        train(recipe, data, tmp_path, silent=True)


def test_other_errors_are_not_hidden():
    with (
        pytest.raises(RuntimeError, match="shapes"),
        telling_memory(torch.device("cpu")),
    ):
        raise RuntimeError("shapes do not match")


def test_validation_measures_by_hand(data):
    """Images of 0.5 and 0.1: gray levels 191 and 140, 51 apart, PSNR 20 log10(255 / 51)."""
    method = Toy()

    def translate(batch):
        return torch.full_like(batch["bmode_fast"], 0.5)

    method.translate = translate
    validation = Validation(toy_batches(data).dataset, 3, 0, Ranks())
    validation.dataset.transform = lambda s: s | {"bmode": np.full_like(s["bmode"], 0.1)}
    found = validation.measures(method)
    assert found == pytest.approx({"psnr": 20 * math.log10(255 / 51), "l1": 51 / 255})


def test_validation_pictures_input_translation_target(data):
    method, validation = Toy(), Validation(toy_batches(data).dataset, 2, 0, Ranks())
    with torch.no_grad():
        method.generator.weight.fill_(-1.0)
    picture = validation.picture(method)
    assert picture is not None
    assert picture.shape == (2 * ROWS + 4, 3 * COLUMNS + 8)
    first = validation.dataset.raw("bmode_fast", validation.indices[0])
    mask = validation.dataset.raw("mask", validation.indices[0])
    np.testing.assert_array_equal(picture[:ROWS, :COLUMNS], first * mask)
    inside = picture[:ROWS, COLUMNS + 4 : 2 * COLUMNS + 4][mask == 1].astype(int)
    assert np.abs(inside - (255 - first[mask == 1])).max() <= 1
    target = validation.dataset.raw("bmode", validation.indices[0])
    np.testing.assert_array_equal(picture[:ROWS, 2 * COLUMNS + 8 :], target * mask)


def test_validation_frames_are_spread():
    assert spread(10, 2) == [2, 7]
    assert spread(3, 5) == [0, 1, 2]
    assert spread(0, 5) == []


def test_the_run_folder_holds_what_it_should(data, tmp_path):
    train(tiny_recipe(training={"steps": 3}), data, tmp_path, silent=True)
    names = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    names = {name for name in names if not name.startswith("tensorboard/")}
    kept = ("discriminator", "generator", "generator_average", "optimisers")
    assert names == {
        "recipe.yaml", "versions.json", "data.json", "log.jsonl", "pictures/000003.png",
        "checkpoints/000003/state.json", *(f"checkpoints/000003/{k}.safetensors" for k in kept),
    }  # fmt: skip
    about = json.loads((tmp_path / "data.json").read_text())
    assert (about["rows"], about["columns"], about["regions"]) == (40, 48, ["outside", "disc"])
    made = json.loads((tmp_path / "versions.json").read_text())
    assert made["torch"] == str(torch.__version__)
    with Image.open(tmp_path / "pictures/000003.png") as picture:
        assert picture.mode == "L"
    line = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert set(line["losses"]) == {"discriminator.gan", "generator.gan", "generator.fidelity"}
    assert 0.0 <= line["waiting"] <= 1.0


def test_bf16_keeps_weights_and_losses_in_32_bits(data, tmp_path):
    train(tiny_recipe(training={"steps": 2, "precision": "bf16"}), data, tmp_path, silent=True)
    found = tensors(tmp_path, 2)
    assert {value.dtype for value in found.values()} == {torch.float32}


def test_channels_last_computes_the_same(data, tmp_path):
    for name, last in (("a", False), ("b", True)):
        training = {"steps": 3, "channels_last": last}
        train(tiny_recipe(training=training), data, tmp_path / name, silent=True)
    a, b = (json.loads((tmp_path / n / "log.jsonl").read_text().splitlines()[0]) for n in "ab")
    assert a["losses"] == pytest.approx(b["losses"], rel=1e-2)


def test_progress_says_a_line_without_a_terminal(capsys):
    progress = Progress(10, 4)
    progress.step()
    progress.losses({"g.a": 1.0})
    progress.say(5, "psnr 20")
    progress.close()
    said = capsys.readouterr()
    assert said.out.startswith("step 5 of 10: psnr 20; ")
    assert said.err == ""


def test_clock(monkeypatch):
    now = iter([0.0, 1.0, 3.0, 4.0, 8.0, 10.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    clock = Clock()  # 0
    with clock.waiting():  # 1 to 3
        pass
    with clock.paused():  # 4 to 8, which does not count
        pass
    assert clock.read(3) == {"steps_per_second": 0.5, "waiting": pytest.approx(2 / 6)}  # 10


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"steps": 0}, "training.steps: expected at least 1, got 0"),
        ({"ema": 1.0}, "training.ema: expected 0 or more and less than 1, got 1"),
        ({"clip": 0.0}, "training.clip: expected more than 0, or null, got 0"),
        ({"diverged": -1.0}, "training.diverged: expected more than 0"),
        ({"schedule": {"kind": "halve"}}, "training.schedule.hold: expected at least 1, got 0"),
        ({"schedule": {"kind": "linear"}}, "training.schedule.decay: expected at least 1, got 0"),
        ({"keep": 0}, "training.keep: expected at least 1"),
    ],
)
def test_settings_that_no_loop_can_use(plain, said):
    with pytest.raises(InputError, match=said):
        from_plain(TrainingSettings, plain)


@pytest.mark.parametrize(
    ("device", "devices", "said"),
    [
        ("gpu", None, "device: expected cpu, cuda or one such as cuda:1, got 'gpu'"),
        ("cpu:1", None, "device: expected cpu, cuda"),
        ("cpu", 0, "devices: expected at least 1, got 0"),
        ("cuda:99", None, "device: cuda:99: 100 expected, this machine has"),
    ],
)
def test_devices_that_are_not_there(device, devices, said):
    with pytest.raises(InputError, match=said):
        Ranks(device, devices)


def test_optimisers_refuse_what_is_not_theirs():
    method, ranks = Toy(), Ranks()
    ours = Optimisers(method, ranks, Schedule())
    with pytest.raises(InputError, match=r"x: critic/weight/: expected step, exp_avg and exp_avg_"):
        ours.load({"critic/weight/step": torch.ones(())}, "x")
    state = {"step": torch.ones(()), "exp_avg": torch.ones(2, 2), "exp_avg_sq": torch.ones(1, 1)}
    with pytest.raises(InputError, match=r"critic/weight/exp_avg: expected the shape \(1, 1\)"):
        ours.load({f"critic/weight/{name}": value for name, value in state.items()}, "x")

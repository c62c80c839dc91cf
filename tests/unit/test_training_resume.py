"""Runs that stop and go on: the same to the bit, and never from what is not sound."""

import json
import shutil

import pytest
import torch

pytest.importorskip("lightning_fabric")
pytest.importorskip("zarr")

from training_pairs import TINY, UNPAIRED, assert_same, make_pairs, make_real, tensors, tiny_recipe

from insonate.errors import InputError
from insonate.methods import METHODS
from insonate.recipe import load_run, train
from insonate.training.log import RunLog


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("data") / "pairs.zarr")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return make_real(tmp_path_factory.mktemp("data") / "real.zarr")


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """Six steps of L2H at once; to be copied, not changed."""
    return train(tiny_recipe(), data, tmp_path_factory.mktemp("run") / "run", silent=True)


def lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def losses(folder):
    """The log without what depends on the clock."""
    return [(line["step"], line.get("losses"), line.get("validation")) for line in lines(folder)]


def test_every_method_is_tried():
    assert TINY.keys() == METHODS.keys()


#: They keep nothing from step to step that the others do not keep as well.
LIKE_OTHERS = ("bridge", "cut", "unsb")


@pytest.mark.parametrize(
    ("method", "training", "batches"),
    [*(pytest.param(method, {}, {}, marks=pytest.mark.slow if method in LIKE_OTHERS else ())
       for method in TINY),
     ("l2h", {"precision": "bf16"}, {"flip": True, "workers": 2})],
)  # fmt: skip
def test_six_steps_are_three_and_three(method, training, batches, data, real, tmp_path):
    extra = {"clip": 1.0, "schedule": {"kind": "linear", "hold": 1, "decay": 1}} | training
    whole, part = tmp_path / "whole", tmp_path / "part"
    seen = real if method in UNPAIRED else None
    for out, steps in ((whole, 6), (part, 3), (part, 6)):
        recipe = tiny_recipe(method, extra | {"steps": steps}, batches)
        train(recipe, data, out, seen, silent=True)
    assert_same(tensors(whole, 6), tensors(part, 6))


def test_other_seeds_are_other_runs(data, run, tmp_path):
    other = train(tiny_recipe(training={"seed": 1}), data, tmp_path / "r", silent=True)
    ours, theirs = tensors(run, 6), tensors(other, 6)
    assert any(not torch.equal(ours[name], theirs[name]) for name in ours)


def test_going_on_forgets_what_came_after_the_checkpoint(data, run, tmp_path):
    """As if it had been killed after step 6 was logged and before it was kept."""
    part = tmp_path / "part"
    shutil.copytree(run, part)
    shutil.rmtree(part / "checkpoints/000006")
    (part / "checkpoints/.part-000006").mkdir()
    with (part / "log.jsonl").open("a") as file:
        file.write('{"step": 6, "los')
    train(tiny_recipe(), data, part, silent=True)
    assert_same(tensors(run, 6), tensors(part, 6))
    assert losses(part) == losses(run)
    assert sorted(p.name for p in (part / "pictures").iterdir()) == ["000003.png", "000006.png"]
    assert not list((part / "checkpoints").glob(".*"))


def test_tensorboard_has_every_step_once(data, run, tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    part = tmp_path / "part"
    shutil.copytree(run, part)
    shutil.rmtree(part / "checkpoints/000006")
    train(tiny_recipe(), data, part, silent=True)
    found = events.EventAccumulator(str(part / "tensorboard")).Reload()
    assert [e.step for e in found.Scalars("losses/generator.gan")] == [2, 4, 6]
    assert [e.step for e in found.Scalars("validation/psnr")] == [3, 6]
    assert [e.step for e in found.Images("validation")] == [3, 6]


def test_more_steps_may_be_asked_for(data, run, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    train(tiny_recipe(training={"steps": 8, "keep": 1}), data, part, silent=True)
    assert [p.name for p in (part / "checkpoints").iterdir()] == ["000008"]
    assert load_run(part).recipe.training.steps == 8


def test_a_finished_run_is_left_alone(data, run, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    train(tiny_recipe(), data, part, silent=True)
    assert losses(part) == losses(run)


def test_another_recipe_is_refused(data, run):
    for changed in (
        tiny_recipe("bridge"), tiny_recipe(batches={"size": 4}), tiny_recipe(training={"ema": 0.5})
    ):  # fmt: skip
        with pytest.raises(InputError, match=r"run: belongs to another recipe, see .*recipe\.yaml"):
            train(changed, data, run, silent=True)


def test_other_data_is_refused(run, tmp_path):
    other = make_pairs(tmp_path / "other.zarr", frames=11)
    with pytest.raises(InputError, match=r"was begun with other data than .*other\.zarr is"):
        train(tiny_recipe(), other, run, silent=True)


def test_moved_data_are_the_same(run, tmp_path):
    moved, part = make_pairs(tmp_path / "moved.zarr"), tmp_path / "part"
    shutil.copytree(run, part)
    train(tiny_recipe(), moved, part, silent=True)
    assert json.loads((part / "data.json").read_text())["data"] == moved


def test_a_folder_of_something_else_is_refused(data, tmp_path):
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(InputError, match=r"holds something else \(letter.txt\)"):
        train(tiny_recipe(), data, tmp_path, silent=True)
    assert [item.name for item in tmp_path.iterdir()] == ["letter.txt"]


def test_a_run_killed_before_its_recipe_was_written_is_begun(data, tmp_path):
    (tmp_path / "versions.json").write_text("{")
    train(tiny_recipe(training={"steps": 1}), data, tmp_path, silent=True)
    assert load_run(tmp_path).step == 1


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("generator.safetensors", lambda raw: raw[:-8]),
        ("optimisers.safetensors", lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])),
        ("generator_average.safetensors", lambda raw: b""),
        ("state.json", lambda raw: raw[:40]),
        ("state.json", lambda raw: raw.replace(b'"format": 1', b'"format": 9')),
        ("state.json", lambda raw: raw.replace(b"inputs: MSA", b"inputs: MS")),
        ("state.json", lambda raw: raw.replace(b'"recipe"', b'"receipt"')),
    ],
)
def test_a_checkpoint_that_is_not_sound_is_passed_over(file, change, data, run, tmp_path, capsys):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    path = part / "checkpoints/000006" / file
    path.write_bytes(change(path.read_bytes()))
    expected = 3 if "average" in file or "state" in file else 6  # others are not translated with
    assert load_run(part).step == expected
    train(tiny_recipe(), data, part)
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "000006" in said.err
    assert said.err.endswith("going on from " + str(part / "checkpoints/000003") + "\n")
    assert f"{part}: going on from step 3" in said.out
    assert_same(tensors(run, 6), tensors(part, 6))


def test_no_sound_checkpoint(data, run, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    for path in part.glob("checkpoints/*/generator.safetensors"):
        path.unlink()
    with pytest.raises(InputError, match=r"generator.safetensors: .*; no sound checkpoint is left"):
        train(tiny_recipe(), data, part, silent=True)


def test_weights_of_another_network_are_told(run, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    recipe = part / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("width: 4", "width: 8"))
    with pytest.raises(InputError, match="foreign checkpoint, of another recipe"):
        load_run(part)


def test_keys_that_came_later_make_no_difference(data, run, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    for path in (part / "recipe.yaml", part / "checkpoints/000006/state.json"):
        text = path.read_text()
        assert "labels: gray" in text
        path.write_text(text.replace("  labels: gray\\n", "").replace("  labels: gray\n", ""))
    train(tiny_recipe(), data, part, silent=True)
    assert load_run(part).step == 6


def test_load_run_gives_averages_or_the_last_weights(run):
    stored = tensors(run, 6)
    for weights, file in (("best", "generator_average"), ("average", "generator_average"),
                          ("raw", "generator")):  # fmt: skip
        found = load_run(run, weights)
        assert (found.step, found.regions, found.folder) == (6, ("outside", "disc"), run)
        assert not found.method.training
        for name, value in found.method.get_submodule("generator").state_dict().items():
            assert torch.equal(value, stored[f"{file}/{name}"])
    assert load_run(run, step=3).step == 3


def test_load_run_without_averages(data, tmp_path):
    train(tiny_recipe(training={"ema": 0.0, "steps": 1}), data, tmp_path, silent=True)
    assert load_run(tmp_path).step == 1
    with pytest.raises(InputError, match="no averages are kept"):
        load_run(tmp_path, "average")


def test_load_run_of_nothing(tmp_path, run):
    with pytest.raises(InputError, match=r"not a run; expected a folder with a recipe\.yaml"):
        load_run(tmp_path)
    with pytest.raises(InputError, match=r"000005: no checkpoint"):
        load_run(run, step=5)


def test_two_processes_do_not_write_to_one_run(data, run, monkeypatch):
    from insonate.data.dataset.store import locked

    with locked(run), pytest.raises(InputError, match="another process is writing to it"):
        train(tiny_recipe(), data, run, silent=True)


def test_a_run_that_failed_is_not_a_half_checkpoint(data, tmp_path, monkeypatch):
    """Whatever is raised in the middle, the checkpoints are whole."""

    def line(self, step, values):
        if step == 4:
            raise InputError("stop")

    monkeypatch.setattr(RunLog, "line", line)
    with pytest.raises(InputError, match="stop"):
        train(tiny_recipe(), data, tmp_path, silent=True)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["000003"]


def fails_at_step_two(self, step, values):
    raise InputError("stop")


@pytest.mark.parametrize("foreign", [False, True])
def test_a_run_without_checkpoints_is_begun_anew(foreign, data, tmp_path, monkeypatch):
    """What errors advise, such as a smaller batch, can be done with the same command."""
    with monkeypatch.context() as patch:
        patch.setattr(RunLog, "line", fails_at_step_two)
        with pytest.raises(InputError, match="stop"):
            train(tiny_recipe(), data, tmp_path, silent=True)
    (tmp_path / "log.jsonl").write_text('{"step": 0}\n')
    (tmp_path / "pictures").mkdir(exist_ok=True)
    (tmp_path / "pictures/000000.png").write_bytes(b"")
    smaller = tiny_recipe(training={"steps": 2}, batches={"size": 1})
    if foreign:  # whose files these are cannot be told
        (tmp_path / "data.json").write_text("[]")
        with pytest.raises(InputError, match="belongs to another recipe"):
            train(smaller, data, tmp_path, silent=True)
        return
    train(smaller, data, tmp_path, silent=True)
    assert load_run(tmp_path).recipe.batches.size == 1
    assert [line["step"] for line in lines(tmp_path)] == [2, 2]
    assert not (tmp_path / "pictures/000000.png").exists()


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state | {"journal": {}},
        lambda state: state | {"journal": [1]},
        lambda state: state | {"journal": {"sums": {"a": 1.0}, "counts": {}, "latest": {}}},
        lambda state: state | {"step": 7},
        lambda state: state | {"recipe": DEEP},
        lambda state: None,
    ],
)
def test_damaged_states_are_passed_over_with_a_remark(damage, data, run, tmp_path, capsys):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    path = part / "checkpoints/000006/state.json"
    state = damage(json.loads(path.read_text()))
    path.write_text(DEEP if state is None else json.dumps(state))
    found = load_run(part)
    assert found.step == 3
    (remark,) = found.remarks
    assert "000006" in remark
    assert remark.endswith(f"passed over for {part / 'checkpoints/000003'}")
    train(tiny_recipe(), data, part)
    assert "000006" in capsys.readouterr().err
    assert load_run(part).remarks == ()


@pytest.mark.parametrize("text", ['{"regions": "abc"}', '{"regions": [1]}', "[]", DEEP])
def test_damaged_descriptions_of_data(text, data, run, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    (part / "data.json").write_text(text)
    with pytest.raises(InputError, match=r"data\.json: "):
        load_run(part)
    with pytest.raises(InputError, match=r"data\.json: "):
        train(tiny_recipe(), data, part, silent=True)


def test_a_nested_recipe_is_another(data, run, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    (part / "recipe.yaml").write_text(DEEP)
    with pytest.raises(InputError, match="belongs to another recipe"):
        train(tiny_recipe(), data, part, silent=True)


def test_windows_fit_the_stride(data, tmp_path):
    with pytest.raises(InputError, match=r"batches\.crop: 33 pixels; expected a multiple .* 32"):
        train(tiny_recipe(batches={"crop": 33}), data, tmp_path / "run", silent=True)
    assert not (tmp_path / "run/recipe.yaml").exists()


@pytest.mark.parametrize(("decay", "said"), [(1, True), (3, False)])
def test_steps_that_learn_nothing_are_told(decay, said, data, tmp_path, capsys):
    """Eight frames, four a step: eight steps are four epochs."""
    schedule = {"kind": "linear", "hold": 1, "decay": decay}
    recipe = tiny_recipe("bridge", {"steps": 8, "schedule": schedule}, {"size": 4})
    train(recipe, data, tmp_path, silent=True)
    error = capsys.readouterr().err
    assert error.count("\n") == said
    assert ("hold 1 + decay 1 epochs, but 8 steps are 4 epochs" in error) == said
    assert ("in the last 50%" in error) == said


def test_translate_says_what_was_passed_over(data, run, tmp_path, capsys):
    from insonate.cli import main

    part = tmp_path / "part"
    shutil.copytree(run, part)
    (part / "checkpoints/000006/state.json").write_text("{")
    words = ["translate", str(part), "--data", data, "--split", "test"]
    assert main([*words, "--out", str(tmp_path / "out.zarr")]) == 0
    assert "000006/state.json: not JSON" in capsys.readouterr().err

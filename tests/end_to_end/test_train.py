"""`insonate train` as it is typed; runs that are killed, full disks, several ranks."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

pytest.importorskip("lightning_fabric")
pytest.importorskip("zarr")

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from training_pairs import assert_same, fitted, make_pairs, tensors, tiny_recipe

from insonate.cli import main
from insonate.recipe import train
from insonate.training.ranks import Ranks


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("data") / "pairs.zarr")


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(tiny_recipe().yaml())
    return str(path)


def error(capsys):
    said = capsys.readouterr().err
    assert said.startswith("insonate: ")
    assert said.count("\n") == 1
    return said


#: The command line in a process of its own, with the largest size of a file [bytes].
COMMAND = """
import os, resource, sys
from insonate.cli import main
limit = int(os.environ.get("LARGEST_FILE", 0))
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main())
"""


def start(folder, *words, limit=0):
    script = Path(folder) / "command.py"
    script.write_text(COMMAND)
    env = os.environ | {"OMP_NUM_THREADS": "1", "LARGEST_FILE": str(limit)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, str(script), *words], env=env, text=True, stdout=pipe, stderr=pipe
    )


def test_train_and_go_on(data, recipe, tmp_path, capsys):
    words = ["train", recipe, "--data", data, "--out", str(tmp_path / "run")]
    assert main([*words, "--training.steps", "3", "--batches.size=4"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("step 3 of 3: psnr ")
    assert said.out.endswith(f"{tmp_path / 'run'}\n")
    assert main([*words, "--training.steps", "4", "--batches.size=4"]) == 0
    assert "going on from step 3" in capsys.readouterr().out
    assert main([*words, "--training.steps", "4", "--batches.size=2"]) == 2
    assert "belongs to another recipe" in error(capsys)


def test_show(recipe, capsys):
    assert main(["train", recipe, "--show", "--method.inputs", "MS", "--training.ema", "2e-1",
                 "--training.steps=5e3", "--training.compile", "true",
                 "--training.schedule.kind", "halve",
                 "--training.schedule.hold", "3"]) == 0  # fmt: skip
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["method"]["inputs"] == "MS"
    assert shown["training"]["ema"] == 0.2
    assert shown["training"]["steps"] == 5000
    assert shown["training"]["compile"] is True
    assert shown["training"]["schedule"] == {"kind": "halve", "hold": 3, "decay": 0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--training.stepz", "5"], "training.stepz: unknown; did you mean 'steps'?"),
        (["--trainin.steps", "5"], "trainin: unknown; did you mean 'training'?"),
        (["--training.steps", "many"], "training.steps: expected a whole number, got 'many'"),
        (["--training.steps"], "--training.steps: expected a value behind it"),
        (["--training.steps", "--show"], "--training.steps: expected a value behind it"),
        (["--method.name", "l2hh"], "method.name: 'l2hh'; did you mean 'l2h'?"),
        (["--about.it", "x"], "--about.it: about holds no names"),
        (["--batches.crop", "41"], "batches.crop: 41 pixels, larger than the frames of"),
        (["--batches.unit", "sweep"], "batches.unit: expected stored or frame or sequence"),
        (["--batches.unit", "sequence"], "have no known sequence; expected one for every frame"),
        (["--batches.split", "trains"], "no split 'trains'; did you mean 'train'?"),
        (["--devise", "cpu"], "--devise"),
        (["--device", "tpu"], "device: expected cpu, cuda or one such as cuda:1, got 'tpu'"),
        (["--data", "nowhere.zarr"], "nowhere.zarr: no dataset"),
    ],
)
def test_bad_words(data, recipe, words, said, tmp_path, capsys):
    given = ["train", recipe, "--data", data, "--out", str(tmp_path / "run")]
    assert main([*given, *words]) == 2
    assert said in error(capsys)
    assert not (tmp_path / "run").exists()


def test_no_data_no_recipe(recipe, capsys):
    assert main(["train", recipe]) == 2
    assert "--data: missing" in error(capsys)
    assert main(["train", "nothing.yaml", "--data", "x"]) == 2
    assert "nothing.yaml: no such recipe" in error(capsys)


def test_arrays_that_the_data_has_not(recipe, tmp_path, capsys):
    poor = make_pairs(tmp_path / "poor.zarr", ("bmode", "bmode_fast", "mask"))
    assert main(["train", recipe, "--data", poor, "--out", str(tmp_path / "run")]) == 2
    assert (
        "poor.zarr: no labels, attenuation; expected bmode_fast, mask, labels, attenuation, bmode, "
        "there are bmode, bmode_fast, mask"
    ) in error(capsys)


def test_a_broken_frame_is_told_by_its_worker(recipe, tmp_path, capsys):
    data = make_pairs(tmp_path / "pairs.zarr")
    for shard in (tmp_path / "pairs.zarr/bmode/c").rglob("*"):
        if shard.is_file():
            shard.write_bytes(shard.read_bytes()[:50])
    words = ["train", recipe, "--data", data, "--out", str(tmp_path / "run")]
    assert main([*words, "--batches.workers", "1"]) == 2
    assert "bmode of frame" in error(capsys)


def wait_for_lines(process, log, count):
    """Until a log has so many lines more than it had, or the process has ended."""
    before = len(log.read_text().splitlines()) if log.exists() else 0
    deadline = time.monotonic() + 120.0
    while process.poll() is None and time.monotonic() < deadline:
        if log.exists() and len(log.read_text().splitlines()) >= before + count:
            return
        time.sleep(0.005)


@pytest.mark.slow
def test_killed_at_any_moment(data, recipe, tmp_path):
    """Killed twice in the middle of steps; in the end as if it had never been."""
    out, steps = tmp_path / "run", 60
    changes = {"steps": steps, "checkpoint_every": 2, "validate_every": 7, "log_every": 1}
    words = ["train", recipe, "--data", data, "--out", str(out)]
    for name, value in changes.items():
        words += [f"--training.{name}", str(value)]
    for _ in range(2):
        process = start(tmp_path, *words)
        wait_for_lines(process, out / "log.jsonl", 5)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    reached = max(int(path.name) for path in (out / "checkpoints").glob("0*"))
    assert 2 <= reached < steps
    torch.set_num_threads(1)  # as in the other processes
    for folder in (out, tmp_path / "whole"):
        train(tiny_recipe(training=changes), data, folder, silent=True)
    assert_same(tensors(out, steps), tensors(tmp_path / "whole", steps))
    assert losses(out) == losses(tmp_path / "whole")


def losses(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [(line["step"], line.get("losses"), line.get("validation")) for line in lines]


def test_a_full_disk_leaves_the_checkpoint_before(data, recipe, tmp_path):
    """No file may grow beyond 60 kB, less than what the optimisers need."""
    out = tmp_path / "run"
    train(tiny_recipe(training={"steps": 3}), data, out, silent=True)
    before = tensors(out, 3)
    assert (out / "checkpoints/000003/optimisers.safetensors").stat().st_size > 60_000
    process = start(tmp_path, "train", recipe, "--data", data, "--out", str(out), limit=60_000)
    _, said = process.communicate()
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert "000006: cannot be written (File too large); the last good checkpoint is" in said
    assert said.endswith("000003\n")
    assert [p.name for p in (out / "checkpoints").iterdir()] == ["000003"]
    assert_same(before, tensors(out, 3))
    train(tiny_recipe(), data, out, silent=True)
    assert (out / "checkpoints/000006").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("gan", ["false", "true"])
def test_two_ranks_are_as_one(gan, data, recipe, tmp_path):
    """The same total batch, on one process and on two; losses differ by rounding."""
    changes = ["--training.steps", "3", "--batches.size", "4", "--method.gan", gan]
    words = ["train", recipe, "--data", data, *changes, "--out"]
    assert main([*words, str(tmp_path / "one")]) == 0
    process = start(tmp_path, *words, str(tmp_path / "two"), "--devices", "2")
    out, said = process.communicate()
    assert process.returncode == 0, said
    assert out.splitlines()[-1] == str(tmp_path / "two")
    assert len(out.splitlines()) == 2
    for one, two in zip(losses(tmp_path / "one"), losses(tmp_path / "two"), strict=True):
        assert one[0] == two[0]
        for ours, theirs in zip(one[1:], two[1:], strict=True):  # losses, validation
            assert ours == (theirs and pytest.approx(theirs, rel=1e-3))
    assert json.loads((tmp_path / "two/versions.json").read_text())["ranks"] == 2


#: Every rank prints its weights.
RANKS = """
import sys
sys.path.insert(0, sys.argv[2])
from training_pairs import fitted
from insonate.training.ranks import Ranks

ranks = Ranks("cpu", 2)
sys.stdout.write(" ".join(map(repr, fitted(sys.argv[1], ranks))) + "\\n")
"""


def test_ranks_hold_the_same_weights(data, tmp_path):
    script = tmp_path / "ranks.py"
    script.write_text(RANKS)
    words = [sys.executable, str(script), data, str(Path(__file__).parents[1] / "unit")]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = ([float(word) for word in line.split()] for line in done.stdout.splitlines())
    assert first == second
    assert first == pytest.approx(fitted(data, Ranks()), rel=1e-6)


@pytest.mark.slow
def test_a_batch_that_ranks_cannot_share(data, recipe, tmp_path):
    words = ["train", recipe, "--data", data, "--out", str(tmp_path / "run"), "--devices", "2"]
    process = start(tmp_path, *words, "--batches.size", "3")
    _, said = process.communicate()
    assert process.returncode == 2, said
    assert "batches.size: 3 samples, expected a multiple of the 2 ranks that share them" in said
    assert said.count("\n") == 1


@pytest.mark.slow
def test_torchrun(data, recipe, tmp_path):
    words = ["train", recipe, "--data", data, "--out", str(tmp_path / "run")]
    script = tmp_path / "command.py"
    script.write_text(COMMAND)
    run = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    done = subprocess.run([*run, str(script), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run/versions.json").read_text())["ranks"] == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_compiled(data, recipe, tmp_path):
    out = {}
    for name in ("true", "false"):
        words = ["train", recipe, "--data", data, "--out", str(tmp_path / name)]
        assert main([*words, "--training.compile", name, "--training.steps", "2"]) == 0
        out[name] = (tmp_path / name / "log.jsonl").read_text().splitlines()
    compiled, plain = (json.loads(out[name][0])["losses"] for name in out)
    assert compiled == pytest.approx(plain, rel=1e-2)

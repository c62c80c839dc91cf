"""`insonate evaluate` and `insonate compare`, as they are typed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from insonate.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from evaluated import IMAGES, make_pairs, make_run
from realism_data import make_real, make_simulated, train_unpaired

SMALL = ["--crop", "32"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Data and two runs."""
    folder = tmp_path_factory.mktemp("made")
    data = make_pairs(folder / "pairs.zarr")
    return data, str(make_run(data, folder / "m")), str(make_run(data, folder / "msa", "MSA"))


def test_evaluate(made, tmp_path, capsys):
    data, *runs = made
    out = tmp_path / "new" / "evaluation"
    words = [*SMALL, "--names", "L2H M", "L2H MSA", "--pictures", "1", "--out", str(out)]
    assert main(["evaluate", *runs, "--data", data, *words]) == 0
    said = capsys.readouterr().out
    assert "| low quality |" in said
    assert "| L2H MSA |" in said
    assert said.rstrip().endswith(str(out / "report.html"))
    names = sorted(path.name for path in out.iterdir())
    assert names == ["frames.csv", "patches.csv", "places.csv", "report.html", "results.json",
                     "significance.csv", "table.csv", "table.md"]  # fmt: skip
    assert json.loads((out / "results.json").read_text())["settings"]["crop"] == 32
    tables, significance = (out / "table.md").read_text().split("\n\n**Significance", 1)
    assert tables in said
    assert "| low quality - L2H MSA |" in significance


def test_evaluate_whole_frames(made, tmp_path, capsys):
    data, run, _ = made
    words = ["--whole", "--pictures", "0", "--frames", "2", "--out", str(tmp_path)]
    assert main(["evaluate", run, "--data", data, *words]) == 0
    assert "n = 2: whole frames, within the fan" in capsys.readouterr().out


def test_compare(made, tmp_path, capsys):
    data, *runs = made
    out = tmp_path / "c.png"
    words = ["--frames", "3", "9", "--zoom", "16", "--curves", "--out", str(out)]
    assert main(["compare", *runs, "--data", data, *words]) == 0
    assert capsys.readouterr().out.split() == [str(out), str(out.with_suffix(".html"))]
    assert out.read_bytes().startswith(b"\x89PNG")
    assert "validation psnr" in out.with_suffix(".html").read_text()


@pytest.mark.parametrize("command", ["evaluate", "compare"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data, run: [run], "--data: missing; expected folder or URL of a dataset"),
        (lambda data, run: ["--data", data], "runs: none given"),
        (lambda data, run: ["nowhere", "--data", data], "nowhere: not a run"),
        (lambda data, run: [run, run, "--data", data], "comes twice"),
        (lambda data, run: [run, "--data", "nowhere.zarr"], "nowhere.zarr: no dataset"),
        (lambda data, run: [run, "--data", data, "--split", "tst"], "did you mean 'test'"),
        (lambda data, run: [run, "--data", data, "--names", "a", "b"], "--names: 2 for 1 runs"),
        (lambda data, run: [run, "--data", data, "--device", "tpu"], "--device tpu"),
    ],
)
def test_bad_input_is_one_line(made, command, change, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([command, *change(*made[:2])]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--crop", "65"], "crop: 65 pixels, larger than the frames, 64 x 80; expected at most 64"),
        (["--crop", "16"], "crop: expected at least 32, got 16"),
        (["--tile", "33"], "expected at most 32"),
        (["--features", "inception:no.pth"], "no.pth"),
        (["--split", "train"], "trained on 6 of the 6 frames"),
        (["--pictures", "99"], "--pictures: expected 0 to 16"),
        (["--border", "mirror"], "border"),
    ],
)
def test_bad_protocols_are_one_line(made, more, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, run, _ = made
    assert main(["evaluate", run, "--data", data, *more]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_run_without_a_checkpoint(made, tmp_path, capsys):
    data, run, _ = made
    bare = tmp_path / "bare"
    shutil.copytree(run, bare)
    shutil.rmtree(bare / "checkpoints")
    assert main(["evaluate", str(bare), "--data", data, "--out", str(tmp_path / "out")]) == 2
    assert f"{bare}: no checkpoint yet" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_data_without_arrays(made, tmp_path, capsys):
    names = tuple(name for name in IMAGES if name not in ("bmode_fast", "labels"))
    data = make_pairs(tmp_path / "bare.zarr", images=names)
    assert main(["evaluate", made[2], "--data", data, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "bare.zarr: no array bmode_fast, labels, which the evaluation needs; there are" in said


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['insonate', 'evaluate', '--help']\n"
        "from insonate.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'zarr', 'matplotlib', 'PIL', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """Simulated and real frames, and a run that learned from both."""
    folder = tmp_path_factory.mktemp("beside")
    data, real = make_simulated(folder / "s.zarr"), make_real(folder / "r.zarr")
    return data, real, str(train_unpaired(data, real, folder / "cut"))


def test_evaluate_beside_real_images(beside, tmp_path, capsys):
    data, real, run = beside
    kept = ["--segmenter", str(tmp_path / "s"), "--out", str(tmp_path)]
    words = ["--data", data, "--real", real, "--crop", "24", "--resamples", "5", "--pictures", "1",
             "--segmenter-steps", "2", *kept]  # fmt: skip
    assert main(["evaluate", run, *words]) == 0
    said = capsys.readouterr().out
    for row in ("| simulated | 100.00", "| cut |", "| real (other half) | n/a |"):
        assert row in said
    assert "FID, random" in said
    assert said.rstrip().endswith(str(tmp_path / "report.html"))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["content.csv", "frames.csv", "report.html", "results.json", "s",
                     "significance.csv", "table.csv", "table.md"]  # fmt: skip


def test_compare_beside_real_images(beside, tmp_path, capsys):
    data, real, run = beside
    out = tmp_path / "c.png"
    words = ["--data", data, "--real", real, "--count", "2", "--zoom", "16", "--out", str(out)]
    assert main(["compare", run, *words]) == 0
    assert capsys.readouterr().out.split() == [str(out), str(out.with_suffix(".html"))]
    assert "semantic map" in out.with_suffix(".html").read_text()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--whole"], "--whole: has no use with --real"),
        (["--real-split", "train"], "was trained on 15 of the 15 real frames"),
        (["--frames", "2"], "2 simulated frames of split 'test'; distances of sets of images need"),
        (["--features", "inception768:nowhere.pth"], "nowhere.pth: cannot be read"),
        (["--segmenter-steps", "-1"], "--segmenter-steps: expected 0 or more"),
        (["--sweep", "nowhere.zarr"], "nowhere.zarr: no dataset"),
        (["--source", "bmode_fest"], "bmode_fest"),
    ],
)
def test_bad_input_beside_real_images_is_one_line(
    beside, more, words, tmp_path, capsys, monkeypatch
):
    data, real, run = beside
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["evaluate", run, "--data", data, "--real", real, *more])
    except SystemExit as stopped:  # what the parser refuses
        code = stopped.code
    assert code == 2
    assert words in "".join(capsys.readouterr())
    assert list(tmp_path.iterdir()) == []

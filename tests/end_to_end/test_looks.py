"""`insonate pack` and `insonate render --look`, as they are typed."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("lightning_fabric")
pytest.importorskip("zarr")
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from packing import CARD, SAID
from training_pairs import make_pairs, tiny_recipe
from translated import random_run

from insonate.cli import main
from insonate.recipe import train
from insonate.recipe.packed import pack
from insonate.translation import Translator

SMALL = ["--depth", "40"] + [
    word
    for setting in ("probe.scanlines=32", "probe.samples=1024", "display.rows=64")
    for word in ("--set", setting)
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("looks") / "mine"
    pack(random_run("M"), folder, SAID)
    return str(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A step on small images."""
    data = make_pairs(tmp_path_factory.mktemp("data") / "pairs.zarr")
    method = {"name": "l2h", "inputs": "M", "width": 4, "downs": 4, "gan": False}
    recipe = tiny_recipe(method, {"steps": 1, "checkpoint_every": 1, "validate_every": 1})
    return str(train(recipe, data, tmp_path_factory.mktemp("runs") / "m", silent=True))


def render(out, *words):
    return main(["render", "layers", "--out", str(out), *SMALL, *words])


def read(path):
    with Image.open(path) as image:
        return np.array(image), image.info


def error(capsys):
    said = capsys.readouterr().err
    assert said.startswith("insonate: ")
    assert said.count("\n") == 1
    return said


def test_the_look_stands_beside_the_simulated_image(weights, tmp_path, capsys):
    plain, looked = tmp_path / "plain", tmp_path / "looked"
    assert render(plain, "--format", "png", "figure", "mha") == 0
    more = ("--look", "enhanced", "--weights", weights)
    assert render(looked, "--format", "png", "figure", "mha", *more) == 0
    assert "bmode_enhanced.png" in capsys.readouterr().out
    for name in ("bmode.png", "labels.png", "mask.png", "bmode.igs.mha"):
        assert (plain / name).read_bytes() == (looked / name).read_bytes(), name
    before, after = (read(looked / f"{name}.png") for name in ("bmode", "bmode_enhanced"))
    assert (before[0] != after[0]).mean() > 0.2
    assert not after[0][~read(looked / "mask.png")[0]].any()
    assert "not simulated physics; not for diagnosis" in after[1]["Comment"]
    assert "Comment" not in before[1]
    header = (looked / "bmode_enhanced.igs.mha").read_bytes()[:600].decode("latin1")
    assert "Comment = Translated by a network" in header
    size = {name: read(folder / "figure.png")[0].shape[1]
            for name, folder in (("plain", plain), ("looked", looked))}  # fmt: skip
    assert size["looked"] > 1.5 * size["plain"]
    said = json.loads((looked / "frames.json").read_text())["looks"]["enhanced"]
    assert said.endswith(f"not for diagnosis: {Translator.load(weights).about.words()}")
    assert "looks" not in json.loads((plain / "frames.json").read_text())


def test_a_sweep_of_looks(weights, tmp_path):
    poses = [[[1, 0, 0, x], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]] for x in (0.0, 2.0)]
    (tmp_path / "poses.json").write_text(json.dumps(poses))
    more = ("--look", "enhanced", "--weights", weights, "--pose", str(tmp_path / "poses.json"))
    assert render(tmp_path / "out", "--format", "png", *more) == 0
    names = sorted(path.name for path in (tmp_path / "out/bmode_enhanced").iterdir())
    assert names == ["0000.png", "0001.png"]


def test_dicom_says_that_it_is_translated(weights, tmp_path):
    pydicom = pytest.importorskip("pydicom")
    more = ("--look", "enhanced", "--weights", weights, "--format", "dicom")
    assert render(tmp_path, *more) == 0
    plain, looked = (pydicom.dcmread(tmp_path / f"bmode{end}.dcm") for end in ("", "_enhanced"))
    assert looked.DerivationDescription.startswith("Translated by a network, not simulated")
    assert plain.DerivationDescription.startswith("Simulated by ray tracing")
    assert plain.SOPInstanceUID != looked.SOPInstanceUID
    assert plain.PixelData != looked.PixelData


def test_a_run_is_a_look_and_its_size_is_told(run, tmp_path, capsys):
    assert render(tmp_path, "--format", "png", "--look", "enhanced", "--weights", run) == 0
    said = capsys.readouterr().err
    assert said == (
        f"insonate: {run}: learned from images of 40 rows, these have 64; "
        "--set display.rows=40 renders such\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--weights", "WEIGHTS"], "--weights: has no use without --look"),
        (["--look", "realistic", "--weights", "WEIGHTS"],
         "--look realistic: mine is none; l2h is for --look enhanced; expected what has learned"),
        (["--look", "enhanced", "--weights", "nowhere"], "nowhere: not a run; expected a folder"),
    ],
)  # fmt: skip
def test_looks_that_there_are_not(weights, tmp_path, capsys, words, said):
    out = tmp_path / "out"
    assert render(out, *(weights if word == "WEIGHTS" else word for word in words)) == 2
    assert said in error(capsys)
    assert not out.exists()


def test_no_weights_ship(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("insonate.looks.shipped", lambda look: None)
    assert render(tmp_path, "--look", "realistic") == 2
    words = "--look realistic: no weights ship for it; expected --weights RUN, a run of insonate"
    assert words in error(capsys)


def test_weights_that_ship_are_taken(weights, tmp_path, monkeypatch):
    monkeypatch.setattr("insonate.looks.shipped", lambda look: Path(weights))
    assert render(tmp_path, "--look", "enhanced", "--format", "png") == 0
    assert (tmp_path / "bmode_enhanced.png").exists()


def test_a_run_is_packed_and_used(run, tmp_path, capsys):
    (tmp_path / "card.yaml").write_text(CARD)
    out, picture = str(tmp_path / "small"), str(tmp_path / "bmode.png")
    assert main(["pack", run, "--card", str(tmp_path / "card.yaml"), "--out", out]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: enhanced, 0.0")
    assert render(tmp_path, "--format", "png") == 0
    words = ["--image", picture, "--mask", str(tmp_path / "mask.png")]
    for trained, name in ((run, "a.png"), (out, "b.png")):
        assert main(["translate", trained, *words, "--out", str(tmp_path / name)]) == 0
    exact, packed = (read(tmp_path / name)[0].astype(int) for name in ("a.png", "b.png"))
    assert np.abs(exact - packed).max() <= 3
    assert "by small (l2h, step 1, weights " in capsys.readouterr().out


def test_bad_cards_and_directions(run, tmp_path, capsys):
    card, out = tmp_path / "card.yaml", tmp_path / "small"
    words = ["pack", run, "--card", str(card), "--out", str(out)]
    assert main(words) == 2
    assert "card.yaml: no such card" in error(capsys)
    card.write_text(CARD.replace("limits: [random weights]", "limits: []"))
    assert main(words) == 2
    assert "card.yaml: limits: empty" in error(capsys)
    card.write_text(CARD)
    assert main([*words, "--from", "semantic", "--to", "real"]) == 2
    assert f"{run}: L2H: learns from pairs of images" in error(capsys)
    assert not out.exists()
    picture = ["--image", "a.png", "--out", str(tmp_path / "b.png")]
    assert main(["translate", run, *picture, "--to", "real"]) == 2
    assert "learns from pairs of images; expected no other domain" in error(capsys)
    assert main(["translate", "m.onnx", *picture, "--from", "real"]) == 2
    assert "--from: fixed in an ONNX file" in error(capsys)

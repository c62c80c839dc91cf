"""`insonate translate` and `insonate export-onnx`, as they are typed."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("lightning_fabric")
pytest.importorskip("zarr")
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from training_pairs import make_pairs, tiny_recipe

from insonate.cli import main
from insonate.data.dataset import Dataset
from insonate.recipe import train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("data") / "pairs.zarr")


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """Two steps, with averages."""
    recipe = tiny_recipe(training={"steps": 2, "checkpoint_every": 2, "validate_every": 2})
    return str(train(recipe, data, tmp_path_factory.mktemp("runs") / "msa", silent=True))


@pytest.fixture(scope="module")
def plain(data, tmp_path_factory):
    """A run that needs the image and its mask alone."""
    method = {"name": "l2h", "inputs": "M", "width": 4, "downs": 4, "gan": False}
    recipe = tiny_recipe(method, {"steps": 1, "checkpoint_every": 1, "validate_every": 1})
    return str(train(recipe, data, tmp_path_factory.mktemp("runs") / "m", silent=True))


def error(capsys):
    said = capsys.readouterr().err
    assert said.startswith("insonate: ")
    assert said.count("\n") == 1
    return said


def test_a_dataset(data, run, tmp_path, capsys):
    out = str(tmp_path / "new.zarr")
    assert main(["translate", run, "--data", data, "--split", "test", "--out", out]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{out}: 2 translated, ")
    assert "by msa (l2h, step 2, weights " in said
    assert main(["data", "check", out]) == 0
    before, after = Dataset(data, split="test"), Dataset(out)
    np.testing.assert_array_equal(before.raw("labels", 1), after.raw("labels", 1))
    assert (before.raw("bmode", 1) != after.raw("bmode", 1)).mean() > 0.5


def test_averages_and_raw_weights_differ(data, run, tmp_path):
    found = []
    for weights in ("average", "raw", "best"):
        out = str(tmp_path / f"{weights}.zarr")
        words = ["--data", data, "--split", "test", "--out", out, "--weights", weights]
        assert main(["translate", run, *words]) == 0
        found.append(Dataset(out).attributes.provenance)
    assert found[0] == found[2] != found[1]


def test_folders_of_png(data, run, tmp_path):
    words = ["--data", data, "--split", "test", "--format", "png", "--out", str(tmp_path / "new")]
    assert main(["translate", run, *words]) == 0
    assert sorted(os.listdir(tmp_path / "new/images")) == ["0000000.png", "0000001.png"]


def test_pictures_that_data_export_wrote(data, run, tmp_path, capsys):
    """Through PNG and back, the translation is that of the dataset."""
    folder, out = tmp_path / "png", tmp_path / "out"
    assert main(["data", "export", data, "--format", "png", "--out", str(folder)]) == 0
    beside = {"labels": "masks", "attenuation": "attenuation", "mask": "fans"}
    words = [word for name, at in beside.items() for word in (f"--{name}", str(folder / at))]
    words += ["--regions", str(folder / "dataset.json"), "--out", str(out)]
    assert main(["translate", run, "--image", str(folder / "bmode_fast"), *words]) == 0
    assert main(["translate", run, "--data", data, "--out", str(tmp_path / "new.zarr")]) == 0
    for k in range(12):
        shown = np.asarray(Image.open(out / f"{k:07d}.png")).astype(int)
        assert np.abs(shown - Dataset(tmp_path / "new.zarr").raw("bmode", k)).max() <= 1
    assert "labels are taken" not in capsys.readouterr().out
    words = [word for word in words if word not in ("--regions", str(folder / "dataset.json"))]
    assert main(["translate", run, "--image", str(folder / "bmode_fast"), *words]) == 0
    assert "labels are taken for those of the run; --regions" in capsys.readouterr().out
    assert main(["translate", run, "--image", str(folder / "bmode_fast"), "--out", "x"]) == 2
    assert "needs labels, attenuation beside the image; add --labels PATH" in error(capsys)


def test_a_film(plain, tmp_path, capsys):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "in.gif"), "w") as container:
        stream = container.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 40, "gray"
        for k in range(3):
            image = np.random.default_rng(k).integers(0, 255, (40, 48), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="gray")))
        container.mux(stream.encode())
    words = ["--video", str(tmp_path / "in.gif"), "--out", str(tmp_path / "out.mkv")]
    assert main(["translate", plain, *words]) == 0
    said = capsys.readouterr().out
    assert "3 translated" in said
    assert "no fan was found" in said


@pytest.mark.slow
def test_onnx(data, run, tmp_path, capsys):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    model, words = str(tmp_path / "model.onnx"), ["--data", data, "--split", "test"]
    assert main(["export-onnx", run, "--out", model]) == 0
    caught = capsys.readouterr()
    assert caught.err == ""
    assert caught.out.startswith(f"{model}: bmode_fast, mask, labels, attenuation to translated")
    assert caught.out.count("\n") == 1
    for name, trained in (("torch", run), ("onnx", model)):
        out = str(tmp_path / f"{name}.zarr")
        assert main(["translate", trained, *words, "--out", out]) == 0
    images = [
        Dataset(tmp_path / f"{n}.zarr").raw("bmode", 0).astype(int) for n in ("torch", "onnx")
    ]
    assert np.abs(images[0] - images[1]).max() <= 1
    capsys.readouterr()
    words += ["--out", str(tmp_path / "x.zarr"), "--precision", "bf16"]
    assert main(["translate", model, *words]) == 2
    assert "--precision: fixed in an ONNX file" in error(capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "x"], "expected one of --data, --image and --video, got 0"),
        (["--out", "x", "--data", "a", "--image", "b"], "--video, got 2"),
        (["--out", "x", "--data", "nowhere.zarr"], "nowhere.zarr: no dataset"),
        (["--out", "x", "--data", "a", "--labels", "b"], "--labels: has no use with --data"),
        (["--out", "x", "--video", "a", "--split", "b"], "--split: has no use with --video"),
        (["--out", "x", "--data", "a", "--rename", "b"], "--rename b: expected OURS=RUNS"),
        (["--out", "x", "--data", "a", "--device", "tpu"], "--device tpu: "),
        (["--out", "x", "--data", "a", "--precision", "8"], "precision"),
        (["--data", "a"], "--out"),
    ],
)
def test_bad_words(run, words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["translate", run, *words]) == 2
    assert said in error(capsys)
    assert not list(tmp_path.iterdir())


def test_runs_that_are_none(data, run, tmp_path, capsys):
    """No run, a run without a checkpoint, and one with weights of another network."""
    words = ["--data", data, "--out", str(tmp_path / "x.zarr")]
    empty, foreign = tmp_path / "empty", tmp_path / "foreign"
    for folder in (empty, foreign):
        folder.mkdir()
        for name in ("recipe.yaml", "data.json"):
            (folder / name).write_text((Path(run) / name).read_text())
    recipe = (foreign / "recipe.yaml").read_text()
    (foreign / "recipe.yaml").write_text(recipe.replace("width: 4", "width: 8"))
    (foreign / "checkpoints").symlink_to(Path(run) / "checkpoints")
    for folder, said in (
        (tmp_path / "none", "not a run"),
        (empty, "no checkpoint yet"),
        (foreign, "foreign checkpoint"),
    ):
        assert main(["translate", str(folder), *words]) == 2
        assert said in error(capsys)
        assert main(["export-onnx", str(folder), "--out", str(tmp_path / "x.onnx")]) == 2
        assert said in error(capsys)
    assert not list(tmp_path.glob("x*"))


def test_weights_that_are_damaged(data, run, tmp_path, capsys):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    for weights in broken.rglob("generator*.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-40])
    words = ["--data", data, "--out", str(tmp_path / "x.zarr")]
    assert main(["translate", str(broken), *words]) == 2
    assert "generator" in error(capsys)
    assert not (tmp_path / "x.zarr").exists()


def test_help_imports_nothing_heavy():
    import subprocess

    code = (
        "import sys; sys.argv = ['insonate', 'translate', '--help']\n"
        "from insonate.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'zarr', 'av', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

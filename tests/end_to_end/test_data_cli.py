"""`insonate data`, as it is typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from insonate.cli import main
from insonate.data.dataset import Dataset

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from looked_at import make_dataset

zarr = pytest.importorskip("zarr")


@pytest.fixture
def data(tmp_path):
    return str(make_dataset(tmp_path / "data.zarr"))


def test_info(data, capsys):
    assert main(["data", "info", data]) == 0
    assert "12; 24 x 20 pixels" in capsys.readouterr().out
    assert main(["data", "info", data, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["complete"] == 12


def test_check(data, capsys):
    assert main(["data", "check", data]) == 0
    assert capsys.readouterr().out == f"{data}: sound\n"
    (Path(data) / "bmode/c/0/0/0").unlink()
    with pytest.raises(SystemExit) as caught:
        main(["data", "check", data])
    assert caught.value.code == 1
    out = capsys.readouterr().out
    assert "fault: bmode cannot be read: 4 frames (0, 1, 2, 3)" in out
    assert out.endswith("1 fault\n")


@pytest.mark.parametrize("kind", ["sheet", "histogram", "poses"])
def test_pictures(data, kind, tmp_path, capsys):
    path = tmp_path / "new" / f"{kind}.png"
    assert main(["data", kind, data, "--out", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert str(path) in capsys.readouterr().out


def test_folds(data, tmp_path, capsys):
    where = tmp_path / "new" / "folds.json"
    words = ["--count", "3", "--distance", "2.5", "--angle", "5", "--out", str(where)]
    assert main(["data", "folds", data, *words]) == 0
    lines = capsys.readouterr().out.splitlines()  # frames lie 2 mm apart, so one each side is left
    assert lines[1] == "fold 1: 6 training, 4 held out, 2 excluded"
    assert len(lines) == 4
    said = json.loads(where.read_text())
    assert said["folds"][0] == {
        "training": [5, 6, 7, 8, 9, 10, 11], "held_out": [0, 1, 2, 3], "excluded": [4]
    }  # fmt: skip
    assert len(Dataset(data, frames=said["folds"][0]["training"])) == 7
    assert main(["data", "folds", data, "--count", "4", "--by", "patient"]) == 2
    assert "expected 2 to 3, as many as groups" in capsys.readouterr().err


def test_folds_count_frames_as_the_dataset_does(tmp_path, capsys):
    where = make_dataset(tmp_path / "data.zarr")
    zarr.open_group(where, mode="r+")["complete"][0] = 0
    out = tmp_path / "f.json"
    assert (
        main(["data", "folds", str(where), "--count", "2", "--distance", "0", "--out", str(out)])
        == 0
    )
    held_out = [fold["held_out"] for fold in json.loads(out.read_text())["folds"]]
    assert [number for numbers in held_out for number in numbers] == list(range(1, 12))
    assert len(Dataset(where, frames=held_out[0])) == len(held_out[0])


@pytest.mark.parametrize("layout", ["png", "nifti", "coco", "nnunet"])
def test_export(data, layout, tmp_path, capsys):
    if layout == "nifti":
        pytest.importorskip("SimpleITK")
    out = tmp_path / layout
    assert main(["data", "export", data, "--format", layout, "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: ")
    assert main(["data", "export", data, "--format", layout, "--out", str(out)]) == 2
    assert "holds something" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["info"], ["check"], ["sheet"], ["export", "--format", "png", "--out", "out"]]
)
def test_no_dataset(tmp_path, words, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["data", words[0], "nowhere.zarr", *words[1:]]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "nowhere.zarr: no dataset" in said
    assert not list(tmp_path.iterdir())


def test_help_imports_nothing_heavy():
    """Names of modules that `insonate data --help` must not need."""
    code = (
        "import sys; sys.argv = ['insonate', 'data', '--help']\n"
        "from insonate.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('zarr', 'matplotlib', 'PIL', 'SimpleITK') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

"""`insonate data`, as it is typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from insonate.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from looked_at import make_dataset

pytest.importorskip("zarr")


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

"""The `insonate` lines of the README run as they stand, at a small size."""

import re
import shlex
from pathlib import Path

import pytest

from insonate.cli import main

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SMALL = ["--set", "display.rows=128", "--set", "probe.scanlines=64", "--set", "rays=2"]

SIMPLE = ["--detail", "60000", "--no-preview"]


def _simple(scene: str, folder: Path) -> str:
    """A patient file that stands for a patient of many triangles."""
    path = folder / scene if scene.endswith(".json") else folder / "patient.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"gestational_age": 22, "seed": 7, "detail": 60000}')
    return str(path)


def commands() -> list[str]:
    """Lines of shell blocks that call `insonate`, without their comments."""
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("insonate ")]


def test_the_readme_shows_how_to_render():
    assert any(line.startswith("insonate render") for line in commands())


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_readme_runs(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    words = ["wires" if word == "SCENE" else word for word in words]  # stands for the user's own
    if words[0] == "patient":
        words += SIMPLE
    if words[0] == "render":
        words[1:2] = [_simple(words[1], tmp_path)] if "patient" in words[1] else words[1:2]
        words += SMALL
    assert main(words) == 0, capsys.readouterr().err
    if words[0] == "render":
        folder = tmp_path / words[words.index("--out") + 1]
        assert (folder / "bmode.png").stat().st_size > 1000

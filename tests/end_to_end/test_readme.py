"""What the README shows and says can be done, can be done."""

import re
from pathlib import Path

import pytest

from insonate.probe import PRESETS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
LINES = README.splitlines()


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(LINES, start=1) if text in line)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_a_picture_and_the_demo_come_first():
    assert LINES[0] == "# Insonate"
    assert line_of("![") <= 5
    assert line_of("make demo") <= 20


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 5
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert missing == []


def test_every_named_file_exists():
    names = re.findall(r"(?:python |`)((?:examples|benchmarks|docs)/[\w/.]*)", README)
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"\bmake (\w+)", README))
    assert targets
    assert [t for t in targets if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []


def test_the_python_lines_make_a_frame():
    code, _ = blocks("python")
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    frame = names["frame"]
    for name in re.findall(r"frame\.(\w+)", code):
        if name != "frame":
            assert getattr(frame, name).shape == frame.bmode.shape, name
    assert 0.2 < frame.bmode[frame.mask].mean() < 0.8


def test_the_python_lines_about_looks_name_what_there_is():
    _, code = blocks("python")
    names: dict = {}
    imports = [line for line in code.splitlines() if line.startswith("from ")]
    exec("\n".join(imports), names)
    assert callable(names["Translator"].load)
    assert callable(names["Translator"].__call__)
    compile(code, "README.md", "exec")


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_the_probes_it_lists_exist(name):
    assert f"`{name}`" in README

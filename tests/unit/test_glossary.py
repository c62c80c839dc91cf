"""Every term of the glossary names a file that implements it, and the file exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.rst").read_text("utf-8")
FILE = re.compile(r"``((?:src|docs|tests|benchmarks|recipes|examples)/[^`]*)``")
NAMING_LIST = {
    *("ray", "segment", "echo", "scanline", "iq", "envelope", "bmode", "psf", "tgc"),
    *("impedance", "echogenicity", "scan_convert", "simulated", "real", "translate"),
}


def entries(text: str) -> dict[str, str]:
    """Definitions by term; several terms may share one."""
    found: dict[str, str] = {}
    open_terms: list[str] = []
    for line in text[text.index(".. glossary::") :].splitlines()[1:]:
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent == 3 and not line.strip().startswith(":"):
            if open_terms and found[open_terms[-1]]:
                open_terms = []
            open_terms.append(line.strip())
            found[open_terms[-1]] = ""
        elif indent > 3:
            for term in open_terms:
                found[term] += line.strip() + " "
    return found


def absent(definition: str) -> list[str]:
    return [name for name in FILE.findall(definition) if not (ROOT / name).exists()]


def test_the_naming_list_is_defined():
    assert entries(GLOSSARY).keys() >= NAMING_LIST


def test_every_term_names_files_that_exist():
    for term, definition in entries(GLOSSARY).items():
        planned = "not written yet" in definition
        assert FILE.findall(definition) or planned, f"{term}: no file"
        assert absent(definition) == [], term


def test_an_absent_file_is_noticed():
    assert absent("see ``src/insonate/nowhere.py``") == ["src/insonate/nowhere.py"]

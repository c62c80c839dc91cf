"""Every equation that the code cites stands in the documentation, once."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LABEL = re.compile(r"^ *:label: *(\S+) *$", re.MULTILINE)
CITED = re.compile(r":eq:`([^`]+)`")


def documentation() -> str:
    """The primer, and the pages that have equations of their own."""
    return "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.rst")))


def cited_in(folder: Path, suffix: str) -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), label)
        for path in sorted(folder.rglob(f"*{suffix}"))
        for label in CITED.findall(path.read_text("utf-8"))
    ]


def missing(citations: list[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    labels = set(LABEL.findall(text))
    return [citation for citation in citations if citation[1] not in labels]


@pytest.mark.parametrize(("folder", "suffix"), [("src", ".py"), ("docs", ".rst")])
def test_every_cited_equation_is_in_the_documentation(folder, suffix):
    citations = cited_in(ROOT / folder, suffix)
    assert len(citations) > 10
    assert missing(citations, documentation()) == []


def test_a_missing_equation_is_noticed():
    text = documentation().replace(":label: snell", ":label: snail")
    assert {label for _, label in missing(cited_in(ROOT / "src", ".py"), text)} == {"snell"}


def test_labels_are_unique():
    labels = LABEL.findall(documentation())
    assert len(labels) == len(set(labels))


def test_every_section_that_the_code_cites_is_in_the_primer():
    text = documentation()
    sections = {
        section
        for path in (ROOT / "src").rglob("*.py")
        for section in re.findall(r'section "([^"]+)"', path.read_text("utf-8"))
    }
    assert all(re.search(rf"^{re.escape(s)}\n-+$", text, re.MULTILINE) for s in sections)

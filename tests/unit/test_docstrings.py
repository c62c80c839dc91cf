"""Every public name is documented, and quantities and arrays with their units and shapes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "insonate"
FILES = sorted(SOURCE.rglob("*.py"))
Definition = ast.FunctionDef | ast.ClassDef

ARRAY = re.compile(r"\b(NDArray|ArrayLike)\b")
#: Names that are physical quantities wherever they are floats.
QUANTITY = re.compile(
    r"(^|_)(depth|frequency|wavelength|focus|spacing|pitch|radius|thickness|width|speed|angle|length)$"
)
UNIT = re.compile(
    r"\[[^\]]+\]|\b(mm|us|MHz|dB|rad|radians|degrees|neper|pixels?|voxels?|any unit|same unit)\b"
)
SHAPE = re.compile(r"`+\(.*?\)`+|\([^)]*,[^)]*\)")
#: Words for arrays whose values have no unit.
UNITLESS = re.compile(
    r"cosine|exponent|share|factor|index|indices|labels?|uniform|deviates?|weights?|unit|normals?"
    r"|mask|matrix|image|\bbits?\b|levels?|probabilit|coefficient|number",
    re.IGNORECASE,
)
SECTION = re.compile(r"^ *(Args|Attributes|Returns|Raises|Yields|Example|Examples):$", re.MULTILINE)


def is_public(name: str) -> bool:
    return not name.startswith("_")


def is_device_code(node: Definition) -> bool:
    """Warp functions and structs have their types beside their names, and a comment for units."""
    return any("wp." in ast.unparse(d) for d in node.decorator_list)


def is_overriding(node: Definition) -> bool:
    return any(ast.unparse(d).endswith(("overload", "override")) for d in node.decorator_list)


def definitions(tree: ast.Module) -> Iterator[Definition]:
    """Public classes, their public methods, and public functions."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and is_public(node.name):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    m for m in node.body if isinstance(m, ast.FunctionDef) and is_public(m.name)
                )


def section(text: str, name: str) -> str:
    """The body of a docstring's section `name`, or nothing."""
    found = re.search(rf"^ *{name}:$", text, re.MULTILINE)
    if not found:
        return ""
    after = SECTION.search(text, found.end())
    return text[found.end() : after.start() if after else None]


def described(text: str) -> dict[str, str]:
    """What a section says of each name; continuation lines are indented further."""
    found: dict[str, str] = {}
    indents = [len(line) - len(line.lstrip()) for line in text.splitlines() if line.strip()]
    name = ""
    for line in text.splitlines():
        entry = re.match(r" *([\w, ]+?): (.*)", line)
        if entry and len(line) - len(line.lstrip()) == min(indents):
            name = entry[1]
            found.update({part.strip(): entry[2] for part in name.split(",")})
        elif name and line.strip():
            found.update({part.strip(): found[part.strip()] + " " + line.strip()
                          for part in name.split(",")})  # fmt: skip
    return found


def fields(node: Definition) -> list[tuple[str, str]]:
    """Name and annotation of what has to be described: arguments, or a dataclass's fields."""
    if isinstance(node, ast.ClassDef):
        return [
            (item.target.id, ast.unparse(item.annotation))
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        ]
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [(a.arg, ast.unparse(a.annotation)) for a in arguments if a.annotation]


def says_enough(name: str, annotation: str, own: str, around: str) -> bool:
    """Whether a quantity has a unit and an array a unit, a shape, or a word for no unit.

    Args:
        name: of the argument.
        annotation: its type.
        own: what its entry in Args says.
        around: the rest of the docstring, which may speak for all arguments.
    """
    text = own or around
    if ARRAY.search(annotation):
        patterns = (UNIT, SHAPE, UNITLESS)
        return any(p.search(text) or (own and p.search(around)) for p in patterns)
    if re.match(r"float\b", annotation) and QUANTITY.search(name):
        return bool(UNIT.search(text) or UNIT.search(around))
    return True


def complaints(source: str) -> list[str]:
    """What a module's docstrings lack."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) or not tree.body else ["module: no docstring"]
    for node in definitions(tree):
        if is_device_code(node) or is_overriding(node):
            continue
        text = ast.get_docstring(node)
        if not text:
            found.append(f"{node.name}: no docstring")
            continue
        entries = described(section(text, "Args") or section(text, "Attributes"))
        summary = SECTION.split(text)[0]
        for name, annotation in fields(node):
            own = entries.get(name, comment_on(source, node, name))
            if is_public(name) and not says_enough(name, annotation, own, summary):
                found.append(f"{node.name}: {name} has no unit or shape")
    return found


def comment_on(source: str, node: Definition, name: str) -> str:
    """The `#:` comment behind a field, which documents it like an entry."""
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    return next(
        (s.split("#:")[1] for s in lines if s.strip().startswith(f"{name}:") and "#:" in s), ""
    )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_public_names_are_documented_with_units(path):
    assert complaints(path.read_text("utf-8")) == []


def test_kernels_are_documented():
    for path in FILES:
        for node in definitions(ast.parse(path.read_text("utf-8"))):
            if any("wp.kernel" in ast.unparse(d) for d in node.decorator_list):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"


BARE = '''"""A module."""


def sample({argument}):
    """Sample the line.

    Args:
        {entry}
    """
'''


@pytest.mark.parametrize(
    ("argument", "entry", "good"),
    [
        ("depth: float", "depth: of the line.", False),
        ("depth: float", "depth: of the line [mm].", True),
        ("values: NDArray[np.float64]", "values: to be sampled.", False),
        ("values: NDArray[np.float64]", "values: `(lines, samples)`.", True),
        ("values: ArrayLike", "values: cosine of the angle.", True),
        ("count: int", "count: of lines.", True),
    ],
)
def test_a_missing_unit_is_noticed(argument, entry, good):
    assert (complaints(BARE.format(argument=argument, entry=entry)) == []) == good


def test_a_missing_docstring_is_noticed():
    assert complaints('"""A module."""\n\ndef bare():\n    return 1\n') == ["bare: no docstring"]
    assert complaints("import os\n") == ["module: no docstring"]

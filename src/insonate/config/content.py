"""What a YAML or JSON file says: plain values, never code, never a file of any size."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from insonate.errors import InputError

__all__ = ["read_content"]

#: Larger files are none of ours [bytes].
LARGEST = 4_000_000


def read_content(path: Path, kind: str) -> Any:
    """The value in a file: JSON if its name ends so, otherwise YAML.

    Args:
        path: of the file.
        kind: what it should be, for the error: "scene file".

    Raises:
        InputError: missing, unreadable, too large, neither JSON nor YAML, or a key twice in one
            mapping, of which the first would be lost.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such {kind}") from error
    except OSError as error:
        raise InputError(f"{path}: unreadable {kind} ({error.strerror})") from error
    if len(raw) > LARGEST:
        raise InputError(f"{path}: larger than {LARGEST // 1_000_000} MB, not a {kind}")
    form = "JSON" if path.suffix.lower() == ".json" else "YAML"
    try:
        text = raw.decode("utf-8")
        if form == "JSON":
            return json.loads(text, object_pairs_hook=_of_pairs)
        return yaml.load(text, Loader=_Loader)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: not {form} ({' '.join(str(error).split())[:160]})") from error


class _Loader(yaml.SafeLoader):
    """Plain values alone, and no key twice; merged keys (<<) may be set anew."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        assert node is not None
        _refuse_twice(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        return node


def _of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _refuse_twice(key for key, _ in pairs)
    return dict(pairs)


def _refuse_twice(keys: Iterable[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise InputError(f"{' '.join(key.split())[:80]}: twice")
        seen.add(key)

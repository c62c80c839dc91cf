"""What a YAML or JSON file says: plain values, never code, never a file of any size."""

from __future__ import annotations

import json
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
        InputError: missing, unreadable, too large, or neither JSON nor YAML.
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
        return json.loads(text) if form == "JSON" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: not {form} ({' '.join(str(error).split())[:160]})") from error

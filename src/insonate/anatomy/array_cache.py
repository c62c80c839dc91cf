"""Named arrays with a JSON text, kept in the user's cache folder; the longest unused go first."""

from __future__ import annotations

import json
import os
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cache_folder", "load_arrays", "store_arrays"]

#: What the folder may hold before the longest unused files are removed [bytes].
LARGEST = 4_000_000_000
#: Names that the keys of this package give; nothing else is removed.
_OWN = re.compile(r"([a-z]+-)?[0-9a-f]{32}\.npz")


def cache_folder() -> Path:
    """Where built anatomy is kept: INSONATE_CACHE, or the user's cache folder."""
    if os.environ.get("INSONATE_CACHE"):
        return Path(os.environ["INSONATE_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "insonate" / "scenes"


def load_arrays(key: str, names: Sequence[str]) -> tuple[dict[str, Any], Any] | None:
    """What is kept under a key, or None if it is not there whole.

    Args:
        key: hash of what it was made from.
        names: of the arrays.

    Returns:
        Arrays of any shape by name, and the value that was kept with them.
    """
    path = cache_folder() / f"{key}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in names}
            about = json.loads(str(stored["about"]))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    with suppress(OSError):  # a folder that is only read
        os.utime(path)  # used now
    return arrays, about


def store_arrays(key: str, arrays: Mapping[str, NDArray[Any]], about: Any) -> None:
    """Keep arrays and a value; a folder that cannot be written is no error.

    Args:
        key: hash of what they were made from.
        arrays: `(n, ...)` of any kind, by name.
        about: anything that JSON or NumPy can hold.
    """
    text, folder = json.dumps(about, default=_plain), cache_folder()
    stored: dict[str, Any] = {"about": np.array(text), **arrays}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=folder, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **stored)
        os.replace(beside, folder / f"{key}.npz")
        _remove_unused(folder, keep=f"{key}.npz")
    except BaseException as error:
        Path(beside).unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise


def _remove_unused(folder: Path, keep: str) -> None:
    """Remove the files that were unused for longest until the rest is not too large."""
    own = [path for path in folder.iterdir() if _OWN.fullmatch(path.name)]
    files = [(path.stat().st_mtime, path.stat().st_size, path) for path in own]
    excess = sum(size for _, size, _ in files) - LARGEST
    for _, size, path in sorted(files):
        if excess <= 0:
            break
        if path.name != keep:
            path.unlink(missing_ok=True)
            excess -= size


def _plain(value: object) -> object:
    """NumPy's arrays and numbers as JSON has them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)

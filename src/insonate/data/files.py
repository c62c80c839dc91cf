"""Writing a file so that it is either whole or not there."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from insonate.errors import InputError

__all__ = ["make_folder", "medical", "replacing"]


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Make `folder` and its parents, and see that files can be made in it.

    Raises:
        InputError: the folder cannot be made or written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder}: not a folder that can be written ({_why(error)})") from error
    return folder


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes its place if the block ends well.

    The name keeps its endings, for writers that choose the format by it. Whatever goes
    wrong, nothing half-written stays behind and a file that was there before stays as it was.

    Raises:
        InputError: the file cannot be written.
    """
    path = Path(path)
    make_folder(path.parent)
    beside = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        yield beside
        os.replace(beside, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({_why(error)})") from error
    finally:
        beside.unlink(missing_ok=True)


def medical(module: str) -> ModuleType:
    """Import a library that only medical files need.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f'{module} is not installed; this format needs: pip install "insonate[medical]"'
        ) from error


def _why(error: OSError) -> str:
    return error.strerror or str(error)

"""Where a dataset lies: a folder or a URL, opened as a Zarr group, one writer at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any

from insonate.data.dataset.layout import SCHEMA
from insonate.errors import InputError

if TYPE_CHECKING:
    import zarr

__all__ = [
    "is_remote",
    "local_path",
    "locked",
    "new_group",
    "open_group",
    "refuse_what_exists",
    "sweep",
    "telling",
    "zarr_module",
    "zarr_store",
]

_KIND = "insonate dataset"
_UNFINISHED = "insonate dataset, not finished being made"
_LOCK = ".writer"


def zarr_module() -> ModuleType:
    """Zarr, which only datasets need.

    Raises:
        InputError: it is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise InputError(
            'zarr is not installed; datasets need: pip install "insonate[datasets]"'
        ) from error
    return zarr


def is_remote(where: str | os.PathLike[str]) -> bool:
    """True for a URL such as s3://bucket/data.zarr; file:// is a folder."""
    return "://" in str(where) and not str(where).startswith("file://")


def zarr_store(where: str | os.PathLike[str], read_only: bool) -> Any:
    """A store of Zarr for a folder or a URL of any file system that fsspec knows.

    Raises:
        InputError: no such file system, or what it needs is not installed.
    """
    zarr = zarr_module()
    if not is_remote(where):
        return zarr.storage.LocalStore(local_path(where), read_only=read_only)
    try:
        return zarr.storage.FsspecStore.from_url(str(where), read_only=read_only)
    except Exception as error:  # whatever a file system makes of an address
        raise InputError(f"{where}: cannot be opened ({first_line(error)})") from error


def local_path(where: str | os.PathLike[str]) -> Path:
    """The folder of a local dataset."""
    return Path(str(where).removeprefix("file://"))


def open_group(where: str | os.PathLike[str], writable: bool = False) -> zarr.Group:
    """The group of a dataset.

    Raises:
        InputError: there is none, it is something else, or of a newer schema.
    """
    zarr = zarr_module()
    if not is_remote(where) and not (local_path(where) / "zarr.json").is_file():
        raise InputError(f"{where}: no dataset; expected a folder with a zarr.json")
    with telling(f"{where}: not a dataset that can be read"):
        group = zarr.open_group(
            zarr_store(where, not writable), mode="r+" if writable else "r", zarr_format=3
        )
        stored = dict(group.attrs)
    if stored.get("kind") != _KIND:
        raise InputError(f"{where}: a Zarr group, but not a dataset of insonate")
    schema = stored.get("schema")
    if not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        raise InputError(
            f"{where}: has schema {schema!r}, this version reads up to {SCHEMA}; a newer insonate "
            "is needed"
        )
    return group


def exists(where: str | os.PathLike[str]) -> bool:
    """True if a dataset, or another Zarr group, lies there; one half-made does not count.

    Raises:
        InputError: the place cannot be read.
    """
    if _is_unfinished(where):
        return False
    if not is_remote(where):
        return (local_path(where) / "zarr.json").is_file()
    with telling(f"{where}: cannot be read"):
        try:
            zarr_module().open_group(zarr_store(where, read_only=True), mode="r", zarr_format=3)
        except FileNotFoundError:
            return False
    return True


def kind_and_schema() -> dict[str, Any]:
    """What `open_group` asks of the attributes."""
    return {"kind": _KIND, "schema": SCHEMA}


def new_group(where: str | os.PathLike[str]) -> zarr.Group:
    """A group that is being made, with a mark that says so until `kind_and_schema` is set.

    Raises:
        InputError: something lies there, or it cannot be written.
    """
    refuse_what_exists(where)
    with telling(f"{where}: cannot be written"):
        begun = _is_unfinished(where)
        if begun and not is_remote(where):  # but for the lock, which must stay
            for item in local_path(where).iterdir():
                if item.name != _LOCK:
                    shutil.rmtree(item) if item.is_dir() else item.unlink()
        return zarr_module().create_group(
            zarr_store(where, read_only=False),
            attributes={"kind": _UNFINISHED},
            zarr_format=3,
            overwrite=begun and is_remote(where),
        )


def refuse_what_exists(where: str | os.PathLike[str]) -> None:
    """See that nothing lies where a dataset is to be made; one half-made does not count.

    Raises:
        InputError: something lies there.
    """
    if _is_unfinished(where):
        return
    if is_remote(where):
        try:
            open_group(where)
        except InputError:  # what else lies there, Zarr sees when it makes the group
            return
        raise InputError(f"{where}: exists already; expected a new place")
    folder = local_path(where)
    with telling(f"{where}: not a folder that can be written"):
        taken = folder.exists() and any(item.name != _LOCK for item in folder.iterdir())
    if taken:
        raise InputError(f"{where}: exists already; expected a new folder")


def _is_unfinished(where: str | os.PathLike[str]) -> bool:
    """True for a group whose making was interrupted."""
    try:
        group = zarr_module().open_group(zarr_store(where, True), mode="r", zarr_format=3)
        return group.attrs.get("kind") == _UNFINISHED
    except InputError:
        raise
    except Exception:  # there is none, or it is something else
        return False


def sweep(where: str | os.PathLike[str]) -> None:
    """Remove what a killed writer left half-written; only for who holds the lock."""
    if not is_remote(where):
        for left in local_path(where).rglob("*.partial"):
            left.unlink(missing_ok=True)


@contextmanager
def locked(where: str | os.PathLike[str]) -> Iterator[None]:
    """Be the only one who writes; the system frees the lock when the process ends, however.

    A lock of this machine: who writes to object storage from several sees to that himself.

    Raises:
        InputError: another process writes to the dataset.
    """
    if is_remote(where):
        yield
        return
    folder = local_path(where)
    with telling(f"{where}: cannot be written"):
        folder.mkdir(parents=True, exist_ok=True)
    file = _lock(folder / _LOCK, where)
    with file:
        try:
            yield
        finally:  # while it is still ours
            (folder / _LOCK).unlink(missing_ok=True)


def _lock(path: Path, where: str | os.PathLike[str]) -> IO[str]:
    """The locked file; one that was removed by who held it before does not count."""
    import fcntl

    while True:
        with telling(f"{where}: cannot be written"):
            file = path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise InputError(f"{where}: another process is writing to it") from error
        if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
            return file
        file.close()


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Turn whatever a file system, a network or a broken file raises into one line.

    Args:
        what: where it is, and what cannot be done there.

    Raises:
        InputError: with the reason in brackets.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{what} ({first_line(error)})") from error


def first_line(error: BaseException) -> str:
    """What an error says, in a line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [""])[0][:160] or type(error).__name__

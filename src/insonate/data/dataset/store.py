"""Where a dataset lies: a folder or a URL, opened as a Zarr group, one writer at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from insonate.data.dataset.layout import SCHEMA
from insonate.errors import InputError

if TYPE_CHECKING:
    import zarr

__all__ = ["is_remote", "locked", "open_group", "zarr_module", "zarr_store"]

_KIND = "insonate dataset"


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
    except (ValueError, ImportError, OSError) as error:
        raise InputError(f"{where}: cannot be opened ({_first_line(error)})") from error


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
    try:
        group = zarr.open_group(
            zarr_store(where, not writable), mode="r+" if writable else "r", zarr_format=3
        )
        stored = dict(group.attrs)
    except InputError:
        raise
    except Exception as error:  # whatever a broken file or a network makes of it
        raise InputError(
            f"{where}: not a dataset that can be read ({_first_line(error)})"
        ) from error
    if stored.get("kind") != _KIND:
        raise InputError(f"{where}: a Zarr group, but not a dataset of insonate")
    schema = stored.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise InputError(
            f"{where}: has schema {schema!r}, this version reads up to {SCHEMA}; a newer insonate "
            "is needed"
        )
    return group


def kind_and_schema() -> dict[str, Any]:
    """What `open_group` asks of the attributes."""
    return {"kind": _KIND, "schema": SCHEMA}


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
    import fcntl

    folder = local_path(where)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".writer").open("a")
    except OSError as error:
        raise InputError(f"{where}: cannot be written ({_first_line(error)})") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{where}: another process is writing to it") from error
        yield


def _first_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0][:160]

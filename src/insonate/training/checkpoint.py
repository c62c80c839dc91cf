"""Checkpoints: folders of safetensors that are whole, or not there."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from insonate.config import read_content
from insonate.errors import InputError

__all__ = [
    "Checkpoint",
    "checkpoint_name",
    "checkpoints",
    "first_sound",
    "last_in_words",
    "write_checkpoint",
]

STATE = "state.json"
FORMAT = 1
_HIDDEN = ".part-"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was written.

    Attributes:
        folder: of its files.
        state: what `state.json` says: step, recipe, checksums and more.
    """

    folder: Path
    state: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Checkpoint:
        """Read what a checkpoint says of itself.

        Raises:
            InputError: there is none, or it is none of ours.
        """
        path = folder / STATE
        if not path.is_file():
            raise InputError(f"{folder}: no checkpoint; expected a {STATE} in it")
        state = read_content(path, "state of a checkpoint")
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise InputError(f"{path}: expected a checkpoint of format {FORMAT}")
        kinds = {"step": int, "recipe": str, "sha256": dict}
        for name, kind in kinds.items():
            if not isinstance(state.get(name), kind):
                raise InputError(f"{path}: damaged; expected a {name}")
        if checkpoint_name(state["step"]) != folder.name:
            raise InputError(f"{path}: damaged; step: expected {folder.name}, got {state['step']}")
        if "journal" in state and not _is_journal(state["journal"]):
            raise InputError(f"{path}: damaged; journal: expected sums, counts and latest losses")
        return cls(folder, state)

    @property
    def recipe(self) -> str:
        """The recipe that it belongs to, in YAML."""
        return self.state["recipe"]

    @property
    def step(self) -> int:
        """How many steps had been done."""
        return self.state["step"]

    @property
    def commit(self) -> str:
        """Of the code that wrote it; empty if it is not known."""
        versions = self.state.get("versions")
        commit = versions.get("commit") if isinstance(versions, dict) else None
        return commit if isinstance(commit, str) else ""

    def check_recipe(self, is_same: Callable[[str], bool]) -> None:
        """See that it is of a recipe.

        Args:
            is_same: whether steps of another recipe, in YAML, are those of the recipe.

        Raises:
            InputError: it is of another one.
        """
        if not is_same(self.recipe):
            raise InputError(f"{self.folder}: foreign checkpoint, of another recipe")

    def has(self, name: str) -> bool:
        """True if it keeps tensors under a name."""
        return f"{name}.safetensors" in self.state["sha256"]

    def load(self, name: str) -> dict[str, Tensor]:
        """Tensors by name from NAME.safetensors, on the CPU.

        Raises:
            InputError: the file is missing, or is not what was written.
        """
        path = self.folder / f"{name}.safetensors"
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: damaged checkpoint ({error.strerror})") from error
        if hashlib.sha256(raw).hexdigest() != self.state["sha256"].get(path.name):
            raise InputError(f"{path}: damaged checkpoint; it is not what was written")
        try:
            return load(raw)
        except SafetensorError as error:
            raise InputError(f"{path}: not a file of tensors ({error})") from error


def _is_journal(said: object) -> bool:
    """Whether losses since the last line of the log can be read: numbers by name."""
    if not isinstance(said, dict):
        return False
    for part in (said.get(name) for name in ("sums", "counts", "latest")):
        if not isinstance(part, dict):
            return False
        if not all(type(value) in (int, float) for value in part.values()):
            return False
    return said["sums"].keys() == said["counts"].keys() and all(said["counts"].values())


def checkpoint_name(step: int) -> str:
    """The name of a checkpoint's folder."""
    return f"{step:06d}"


def checkpoints(folder: Path) -> list[Path]:
    """Folders of checkpoints in a folder, the latest first; whether they are sound is open."""
    if not folder.is_dir():
        return []
    found = [item for item in folder.iterdir() if item.name.isdigit() and item.is_dir()]
    return sorted(found, key=lambda item: int(item.name), reverse=True)


def first_sound(
    folders: Sequence[Path],
    load: Callable[[Checkpoint], None],
    passed: Callable[[InputError, Path], None],
) -> Checkpoint:
    """The first of some checkpoints that can be loaded.

    Args:
        folders: of the checkpoints, at least one, the best first.
        load: uses a checkpoint, or raises InputError.
        passed: is told why one was passed over, and for which.

    Raises:
        InputError: none is sound; what is wrong with the last one.
    """
    for folder, following in itertools.zip_longest(folders, folders[1:]):
        try:
            checkpoint = Checkpoint.open(folder)
            load(checkpoint)
            return checkpoint
        except InputError as error:
            if following is None:
                raise
            passed(error, following)
    raise InputError("no checkpoint yet")


def write_checkpoint(
    folder: Path,
    step: int,
    files: Mapping[str, Mapping[str, Tensor]],
    state: Mapping[str, Any],
    keep: int,
) -> Path:
    """Write a checkpoint beside the others, then drop all but the last ones.

    It is written under a hidden name, brought to the disk, and renamed: whoever is killed, and
    whatever disk is full, leaves those that were there as they were.

    Args:
        folder: of the checkpoints.
        step: how many steps have been done.
        files: tensors by file and name.
        state: what is to be said of it.
        keep: how many stay.

    Raises:
        InputError: it cannot be written.
    """
    path = folder / checkpoint_name(step)
    beside = folder / f"{_HIDDEN}{path.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        beside.mkdir()
        sums = {f"{n}.safetensors": _write_tensors(beside, n, t) for n, t in files.items()}
        said = {"format": FORMAT, "step": step, **state, "sha256": sums}
        _write(beside / STATE, json.dumps(said, indent=1).encode())
        _sync(beside)
        if path.exists():  # one that was damaged
            path.rename(folder / f"{_HIDDEN}old-{path.name}")
        beside.rename(path)
        _sync(folder)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        why = error.strerror or error
        raise InputError(f"{path}: cannot be written ({why}); {last_in_words(folder)}") from error
    for old in checkpoints(folder)[keep:]:
        old.rename(folder / f"{_HIDDEN}old-{old.name}")
    sweep(folder)
    return path


def sweep(folder: Path) -> None:
    """Remove what a killed writer left."""
    for item in folder.glob(f"{_HIDDEN}*"):
        shutil.rmtree(item, ignore_errors=True)


def last_in_words(folder: Path) -> str:
    """The latest checkpoint of a folder of checkpoints, for an error's line."""
    found = checkpoints(folder)
    return f"the last good checkpoint is {found[0]}" if found else "there is no checkpoint yet"


def _write_tensors(folder: Path, name: str, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors; returns the checksum of the file."""
    whole = {
        key: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for key, value in tensors.items()
    }
    raw = save(whole)
    _write(folder / f"{name}.safetensors", raw)
    return hashlib.sha256(raw).hexdigest()


def _write(path: Path, raw: bytes) -> None:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

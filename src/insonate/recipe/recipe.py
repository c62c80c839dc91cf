"""One experiment as data: a method, its batches, its training; from YAML, with changes by name."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from insonate.config import from_plain, read_content, to_plain
from insonate.data.batches import BatchSettings
from insonate.errors import InputError
from insonate.methods import MethodConfig
from insonate.training import TrainingSettings

__all__ = ["Recipe", "load_recipe", "of_plain"]

T = TypeVar("T")

#: What may change when a run goes on: how long, how it is watched, what it costs.
FREE = (
    "about", "batches.workers", "batches.validation", "training.steps", "training.log_every",
    "training.validate_every", "training.checkpoint_every", "training.validation_frames",
    "training.keep", "training.diverged", "training.compile", "training.channels_last",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """An experiment; what is not said has the value of the method's paper.

    Attributes:
        method: which, by its `name`, and its own settings.
        batches: what it sees in a step.
        training: how long and how.
        about: what the recipe is for.
    """

    method: MethodConfig
    batches: BatchSettings = field(default_factory=BatchSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    about: str = ""

    @property
    def identity(self) -> str:
        """A hash of everything that decides what a step does; two runs that differ are two."""
        plain = to_plain(self)
        for name in FREE:
            section, _, key = name.rpartition(".")
            (plain[section] if section else plain).pop(key)
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]

    def is_same(self, text: str) -> bool:
        """Whether another recipe, in YAML, is the same experiment.

        Keys that came with their defaults after it was written make no difference.
        """
        try:
            return from_plain(Recipe, yaml.safe_load(text)).identity == self.identity
        except (InputError, yaml.YAMLError, RecursionError):
            return False

    def yaml(self) -> str:
        """Every key with its value, as `load_recipe` reads it."""
        return yaml.safe_dump(to_plain(self), sort_keys=False)


def load_recipe(path: Path, changes: Iterable[tuple[str, str]] = ()) -> Recipe:
    """A recipe from a file.

    Args:
        path: of the file (.yaml, .json).
        changes: names, such as `training.steps`, with values as one would write them in YAML.

    Raises:
        InputError: not a recipe, an unknown key, or a value that does not fit; names the key.
    """
    plain = read_content(path, "recipe")
    if not isinstance(plain, dict):
        raise InputError(f"{path}: expected a recipe, names and values")
    for name, text in changes:
        _set(plain, name, text)
    training = plain.get("training")
    if isinstance(training, dict) and training.get("precision") == 32:
        training["precision"] = "32"  # which YAML takes for a number
    return of_plain(Recipe, plain, path)


def of_plain(of: type[T], plain: object, path: Path) -> T:
    """A dataclass from what a file holds.

    Args:
        of: the dataclass.
        plain: what the file holds.
        path: of the file, for errors.

    Raises:
        InputError: an unknown key, or a value that does not fit; names file and key.
    """
    try:
        return from_plain(of, plain, f"{path}: ")
    except InputError as error:  # numbers that do not go together name no file
        prefix = "" if str(error).startswith(f"{path}: ") else f"{path}: "
        raise InputError(f"{prefix}{error}") from error


def _set(plain: dict[str, Any], name: str, text: str) -> None:
    *sections, key = name.split(".")
    for section in sections:
        if plain.get(section) is None:
            plain[section] = {}
        plain = plain[section]
        if not isinstance(plain, dict):
            raise InputError(f"--{name}: {section} holds no names")
    plain[key] = _read(name, text)


def _read(name: str, text: str) -> object:
    """A value as in YAML, and numbers such as 2e-4 and 5e4, which YAML takes for words."""
    with contextlib.suppress(ValueError):
        number = float(text)
        whole = number.is_integer() and "." not in text
        return int(number) if whole else number
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--{name}: {text!r} cannot be read") from error

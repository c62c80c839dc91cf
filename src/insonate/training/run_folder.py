"""The folder of a run: what it is of, what it has written, where it goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insonate.config import read_content
from insonate.data.dataset.store import locked
from insonate.data.files import replacing
from insonate.errors import InputError
from insonate.training.checkpoint import (
    Checkpoint,
    checkpoint_name,
    checkpoints,
    first_sound,
    last_in_words,
    write_checkpoint,
)

__all__ = ["RunFolder", "manifest_of"]

RECIPE, VERSIONS, DATA = "recipe.yaml", "versions.json", "data.json"
_BEFORE_RECIPE = (VERSIONS, DATA, ".writer")  # written first: without a recipe there is no run


def manifest_of(data: Mapping[str, Any]) -> str:
    """The hash of what `data.json` tells of, and of the real data beside it, if there are some.

    Raises:
        KeyError: it does not tell.
    """
    real = data.get("real")
    return data["manifest"] if real is None else f"{data['manifest']}-{real['manifest']}"


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps what it writes.

    Attributes:
        path: of the folder.
        recipe: every setting of the run, in YAML.
        is_same: whether steps of another recipe, in YAML, are those of this one.
        manifest: hash of the data's.
        versions: of what runs.
    """

    path: Path
    recipe: str
    is_same: Callable[[str], bool]
    manifest: str
    versions: Mapping[str, Any]

    @property
    def log(self) -> Path:
        """A line of JSON for whatever was measured."""
        return self.path / "log.jsonl"

    @property
    def tensorboard(self) -> Path:
        """The same for TensorBoard."""
        return self.path / "tensorboard"

    @property
    def pictures(self) -> Path:
        """What the method makes of the same frames, over time."""
        return self.path / "pictures"

    @property
    def checkpoints(self) -> Path:
        """A folder each."""
        return self.path / "checkpoints"

    def claim(self) -> AbstractContextManager[None]:
        """Be the only process that writes to it, for a block.

        Raises:
            InputError: another one does, or it cannot be written.
        """
        return locked(self.path)

    def open(self, data: Mapping[str, Any]) -> None:
        """Make the folder, or see that it belongs to this run.

        A run that stopped before its first checkpoint has nothing to lose, and is begun anew
        with whatever recipe and data there are now.

        Args:
            data: what `data.json` says, with the hash of the manifest.

        Raises:
            InputError: something else lies there, or a run of another recipe or other data.
        """
        if self._is_without_checkpoints():
            self._clear()
        elif (self.path / RECIPE).exists():
            self._check_recipe()
            self._check_data(data)
        else:
            self._refuse_what_is_no_run()
        for name, content in ((VERSIONS, self.versions), (DATA, data)):
            with replacing(self.path / name) as path:
                path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        with replacing(self.path / RECIPE) as path:  # as it is now; how long, for one, may change
            path.write_text(self.recipe, encoding="utf-8")

    def save(
        self, step: int, files: Mapping[str, Any], state: Mapping[str, Any], keep: int
    ) -> Path:
        """Write a checkpoint.

        Args:
            step: how many steps have been done.
            files: tensors by file and name.
            state: what is to be said of it besides whose it is.
            keep: how many stay.

        Raises:
            InputError: it cannot be written.
        """
        whose = {"recipe": self.recipe, "manifest": self.manifest, "versions": self.versions}
        return write_checkpoint(self.checkpoints, step, files, {**whose, **state}, keep)

    def resume(
        self, load: Callable[[Checkpoint], None], tell: Callable[[str], None]
    ) -> Checkpoint | None:
        """Load the latest sound checkpoint.

        Args:
            load: gives a run what a checkpoint holds.
            tell: of those that are not sound.

        Returns:
            The checkpoint, or None if none was written yet.

        Raises:
            InputError: there are checkpoints, but none is sound.
        """
        found = checkpoints(self.checkpoints)
        if not found:
            return None

        def load_own(checkpoint: Checkpoint) -> None:
            self._check_owner(checkpoint)
            load(checkpoint)

        try:
            return first_sound(
                found, load_own, lambda error, other: tell(f"{error}; going on from {other}")
            )
        except InputError as error:
            raise InputError(f"{error}; no sound checkpoint is left") from error

    def cut_back(self, step: int) -> None:
        """Forget what was logged after a step, which will be logged anew.

        Raises:
            InputError: the log cannot be written.
        """
        if self.log.exists():
            lines = self.log.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if _step_of(line) <= step]
            with replacing(self.log) as path:
                path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        for picture in self.pictures.glob("*.png"):
            if not picture.stem.isdigit() or int(picture.stem) > step:
                picture.unlink(missing_ok=True)

    def picture(self, step: int) -> Path:
        """The pictures of a step."""
        return self.pictures / f"{checkpoint_name(step)}.png"

    def last(self) -> str:
        """The latest checkpoint, in words."""
        return last_in_words(self.checkpoints)

    def _is_without_checkpoints(self) -> bool:
        """Whether it is a run of ours that has kept nothing yet."""
        if checkpoints(self.checkpoints) or not all(
            (self.path / name).is_file() for name in (RECIPE, DATA, VERSIONS)
        ):
            return False
        try:
            self._data_before()
        except InputError:
            return False
        return True

    def _clear(self) -> None:
        """Forget what was logged and drawn."""
        try:
            self.log.unlink(missing_ok=True)
            for folder in (self.tensorboard, self.pictures):
                if folder.is_dir():
                    shutil.rmtree(folder)
        except OSError as error:
            why = error.strerror or error
            raise InputError(f"{self.path}: cannot be cleared ({why})") from error

    def _check_owner(self, checkpoint: Checkpoint) -> None:
        checkpoint.check_recipe(self.is_same)
        if checkpoint.state.get("manifest") != self.manifest:
            raise InputError(f"{checkpoint.folder}: foreign checkpoint, of other data")

    def _check_recipe(self) -> None:
        path = self.path / RECIPE
        try:
            before = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: damaged; expected the recipe of the run") from error
        if not self.is_same(before):
            raise InputError(
                f"{self.path}: belongs to another recipe, see {path}; expected a new folder or the "
                "recipe that it was begun with"
            )

    def _check_data(self, data: Mapping[str, Any]) -> None:
        manifest, where = self._data_before()
        if manifest != self.manifest:
            raise InputError(
                f"{self.path}: was begun with other data than {data['data']} is now (it was "
                f"{where}, manifest {manifest}); expected a new folder"
            )

    def _data_before(self) -> tuple[str, str]:
        """Hash and place of the data that the run was begun with."""
        path = self.path / DATA
        before = read_content(path, "description of a run's data")
        try:
            return manifest_of(before), before["data"]
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: damaged; expected what data the run has") from error

    def _refuse_what_is_no_run(self) -> None:
        known = [*_BEFORE_RECIPE]
        others = [item.name for item in self.path.iterdir() if item.name not in known]
        others = [name for name in others if not name.startswith(".part-")]
        if others:
            raise InputError(
                f"{self.path}: holds something else ({min(others)}); expected a new folder or one "
                "of a run"
            )


def _step_of(line: str) -> float:
    """The step of a line; a line that was broken off comes after all others."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return float("inf")

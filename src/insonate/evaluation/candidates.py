"""What is measured: the untranslated input, the target itself, and runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from insonate.config import read_content
from insonate.errors import InputError
from insonate.evaluation.plan import Arrays
from insonate.methods import Method
from insonate.methods.domains import UnpairedMethod
from insonate.recipe import Recipe, Run, Weights, load_run, recipe_of
from insonate.translation.torch_network import Precision
from insonate.translation.translator import Translator

__all__ = ["LOW_QUALITY", "Candidate", "RunCandidate", "Stored", "Translate", "name_runs"]

#: Images `(n, 1, rows, columns)` in [-1, 1] of arrays of as many samples, the first of which has
#: this number.
Translate = Callable[[Arrays, int], NDArray[np.float32]]

LOW_QUALITY = "low quality"


class Candidate(Protocol):
    """Whatever makes images that are compared with the target."""

    @property
    def name(self) -> str:
        """In tables."""
        ...

    def open(self) -> Translate:
        """Make it ready; what it holds in memory goes with what is returned."""
        ...


@dataclass(frozen=True)
class Stored:
    """An image that the dataset holds: the input of the runs, or their target.

    Attributes:
        name: in tables.
        array: of the dataset.
    """

    name: str = LOW_QUALITY
    array: str = "bmode_fast"

    def open(self) -> Translate:
        """The image as it is."""
        return lambda arrays, first: arrays[self.array]


@dataclass(frozen=True)
class RunCandidate:
    """A run by its folder; its networks are in memory only while they are used.

    Attributes:
        name: in tables.
        folder: of the run.
        where: the data that it is given, for errors.
        regions: of that data by label.
        device: "cpu", "cuda" or "cuda:1".
        weights: "average", "raw", or "best": the average if one was kept.
        precision: of the networks, "32" or "bf16".
        seed: of the noise, where the method draws some.
        source: domain that it translates from, of a method that knows several; its own when None.
        to: domain that it translates to, likewise.
    """

    name: str
    folder: Path
    where: str
    regions: Sequence[str] = ()
    device: str = "cpu"
    weights: Weights = "best"
    precision: Precision = "32"
    seed: int = 0
    source: str | None = None
    to: str | None = None

    def open(self) -> Translate:
        """Load it.

        Raises:
            InputError: no run, or the data has regions that it does not know.
        """
        _, translator = self._load()
        table = self._table(translator)

        def translate(arrays: Arrays, first: int) -> NDArray[np.float32]:
            given = dict(arrays)
            if table is not None:
                given["labels"] = table[arrays["labels"]].astype(np.int64)
            return translator.frames(given, first)

        return translate

    @cached_property
    def about(self) -> Mapping[str, Any]:
        """What is said of it in a report: method, step, weights, recipe, remarks on loading it.

        Raises:
            InputError: as `open`.
        """
        run, translator = self._load()
        said = translator.about
        return {
            "folder": str(self.folder), "method": said.method, "step": said.step,
            "inputs": list(said.inputs), "weights": said.weights, "recipe": said.recipe,
            "versions": read_json(self.folder / "versions.json"),
            "data": dict(run.data),
            "remarks": list(run.remarks), "ways": [list(way) for way in ways_of(run.method)],
        }  # fmt: skip

    @cached_property
    def recipe(self) -> Recipe:
        """Of the run, without its weights.

        Raises:
            InputError: no run.
        """
        return recipe_of(self.folder)

    def _load(self) -> tuple[Run, Translator]:
        run = load_run(self.folder, self.weights, source=self.source, to=self.to)
        translator = Translator.load(run, self.device, self.precision, seed=self.seed)
        self._table(translator)
        return run, translator

    def _table(self, translator: Translator) -> NDArray[np.int64] | None:
        """Labels of the data as the run counts them, if it sees any."""
        if "labels" not in translator.about.inputs:
            return None
        return translator.table(self.regions, self.where)


def ways_of(method: Method) -> tuple[tuple[str, str], ...]:
    """Domains that a method translates from and to; none of one that learns from pairs."""
    return method.ways if isinstance(method, UnpairedMethod) else ()


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON file of a run says; nothing if it is not there or cannot be read."""
    try:
        found = read_content(path, "file of a run")
    except InputError:
        return {}
    return found if isinstance(found, dict) else {}


def name_runs(folders: Sequence[Path], names: Sequence[str] = ()) -> list[str]:
    """Names of runs in tables: those given, or of their folders, with parents if two are alike.

    Raises:
        InputError: no runs, one that comes twice, or another number of names.
    """
    if not folders:
        raise InputError("runs: none given; expected at least one folder of a run")
    places = [folder.resolve() for folder in folders]
    for place, folder in zip(places, folders, strict=True):
        if places.count(place) > 1:
            raise InputError(f"{folder}: comes twice among the runs")
    if names and len(names) != len(folders):
        raise InputError(f"--names: {len(names)} for {len(folders)} runs; expected as many")
    found = list(names) or [place.name for place in places]
    if not names and len(set(found)) < len(found):
        found = [f"{place.parent.name}/{place.name}" for place in places]
    if len({*found, LOW_QUALITY, "target"}) < len(found) + 2:
        raise InputError("--names: two runs have one name; expected different ones")
    return found

"""What an evaluation found, as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.config import to_plain
from insonate.data.dataset import Window
from insonate.data.files import replacing
from insonate.evaluation.differences import Difference
from insonate.evaluation.measures import Measure, PatchMeasure
from insonate.evaluation.places import PlaceMeasure
from insonate.evaluation.settings import EvaluationSettings
from insonate.metrics import Score

__all__ = ["Evaluation", "Patch", "Row", "best_of", "finite", "in_csv", "shown", "write_results"]


@dataclass(frozen=True)
class Patch:
    """A part of a frame that was measured.

    Attributes:
        frame: its number in the dataset.
        window: where it lies.
    """

    frame: int
    window: Window


@dataclass(frozen=True)
class Row:
    """A candidate and what was found of it.

    Attributes:
        name: in tables.
        values: by measure, `(patches,)` or `(frames,)`; NaN where a frame has no such place.
        distances: by column.
        about: what is known of it: method, step, weights, recipe.
    """

    name: str
    values: Mapping[str, NDArray[np.float64]]
    distances: Mapping[str, Score]
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """Everything that was found.

    Attributes:
        settings: of the protocol.
        data: where it lies, its hash, the numbers of the frames, the sizes of crops and tiles.
        patches: that were measured.
        measures: columns of patches.
        places: columns of whole frames.
        distances: columns of sets of images.
        rows: of the candidates, the untranslated input first.
        differences: of every two candidates in every measure.
        made_with: versions, machine, how long it took.
        notes: that a reader should see.
    """

    settings: EvaluationSettings
    data: Mapping[str, Any]
    patches: Sequence[Patch]
    measures: Sequence[PatchMeasure]
    places: Sequence[PlaceMeasure]
    distances: Sequence[Measure]
    rows: Sequence[Row]
    differences: Sequence[Difference]
    made_with: Mapping[str, Any]
    notes: Sequence[str] = ()

    def score(self, row: Row, measure: Measure) -> Score | None:
        """The score of a candidate in a column; None if no frame has such a place."""
        if measure.name in row.distances:
            return row.distances[measure.name]
        values = row.values[measure.name]
        finite = values[np.isfinite(values)]
        if not len(finite):
            return None
        made = next(m.made for m in (*self.measures, *self.places) if m.name == measure.name)
        return Score(finite, made.also(n=len(finite)))

    @property
    def columns(self) -> tuple[Measure, ...]:
        """All of them."""
        return (*self.measures, *self.distances, *self.places)

    def best(self, measure: Measure) -> set[str]:
        """Names of the candidates with the best mean in a column."""
        return best_of(measure, {row.name: self.score(row, measure) for row in self.rows})

    def plain(self) -> dict[str, Any]:
        """As JSON has it; single values are in the CSV files."""
        return {
            "insonate": "evaluation",
            "settings": to_plain(self.settings),
            "data": dict(self.data),
            "made_with": dict(self.made_with),
            "candidates": [{"name": row.name, **row.about} for row in self.rows],
            "scores": list(self._scores()),
            "differences": [difference.plain() for difference in self.differences],
            "notes": list(self.notes),
        }

    def _scores(self) -> Iterable[dict[str, Any]]:
        for measure in self.columns:
            for row in self.rows:
                score = self.score(row, measure)
                if score is None:
                    continue
                said = score.summary()
                yield {
                    "candidate": row.name, "column": measure.name, "title": measure.title,
                    "better": measure.better, "mean": said.mean, "std": said.std,
                    "percentile_5": said.low, "percentile_95": said.high, "n": said.count,
                    **score.made.plain(),
                }  # fmt: skip


def best_of(measure: Measure, scores: Mapping[str, Score | None]) -> set[str]:
    """Names of the candidates with the best mean in a column.

    Args:
        measure: of the column.
        scores: by candidate; None where it has none.
    """
    means = {
        name: float(measure.goodness(np.array([score.values.mean()]))[0])
        for name, score in scores.items()
        if score is not None
    }
    most = max(means.values(), default=math.nan)
    return {name for name, mean in means.items() if mean == most}


def write_results(found: Evaluation, folder: Path) -> list[Path]:
    """Write results.json, and tables of all values: patches.csv and frames.csv.

    Args:
        found: to be written.
        folder: that exists.

    Raises:
        InputError: a file cannot be written.
    """
    files = {
        "results.json": json.dumps(finite(found.plain()), indent=1, allow_nan=False) + "\n",
        "patches.csv": in_csv(_patch_lines(found)),
    }
    if found.places:
        files["frames.csv"] = in_csv(_frame_lines(found))
    for name, text in files.items():
        with replacing(folder / name) as path:
            path.write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def _patch_lines(found: Evaluation) -> Iterable[Sequence[Any]]:
    names = [measure.name for measure in found.measures]
    yield ["candidate", "frame", "row", "column", "rows", "columns", *names]
    for row in found.rows:
        for k, patch in enumerate(found.patches):
            w = patch.window
            values = [shown(row.values[name][k]) for name in names]
            yield [row.name, patch.frame, w.row, w.column, w.rows, w.columns, *values]


def _frame_lines(found: Evaluation) -> Iterable[Sequence[Any]]:
    names = [measure.name for measure in found.places]
    yield ["candidate", "frame", *names]
    for row in found.rows:
        for k, number in enumerate(found.data["frames"]):
            yield [row.name, number, *(shown(row.values[name][k]) for name in names)]


def shown(value: float) -> str:
    """A number as CSV files have it, in its own unit; empty if it is none."""
    return f"{value:.6g}" if math.isfinite(value) else ""


def in_csv(lines: Iterable[Sequence[Any]]) -> str:
    """Lines of values as the text of a CSV file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def finite(value: Any) -> Any:
    """The same plain value with None, JSON's null, for what is no finite number."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

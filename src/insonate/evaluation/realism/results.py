"""What was found of realism, as JSON and CSV."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.config import to_plain
from insonate.data.files import replacing
from insonate.evaluation.differences import Difference
from insonate.evaluation.measures import Measure
from insonate.evaluation.realism.distances import Distance
from insonate.evaluation.realism.measures import Column
from insonate.evaluation.realism.settings import RealismSettings
from insonate.evaluation.results import best_of, finite, in_csv, shown
from insonate.metrics import Score

__all__ = ["OTHER_HALF", "SIMULATED", "Realism", "RealismRow", "write_realism"]

#: Rows that are no runs: the untranslated simulation, and real images beside other real images.
SIMULATED, OTHER_HALF = "simulated", "real (other half)"


@dataclass(frozen=True)
class RealismRow:
    """A candidate and what was found of it.

    Attributes:
        name: in tables.
        values: by column, `(frames,)`, or `(pairs,)` of sweeps; NaN where there is no such thing.
        distances: by column.
        about: what is known of a run: method, step, weights, recipe.
    """

    name: str
    values: Mapping[str, NDArray[np.float64]]
    distances: Mapping[str, Distance]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_run(self) -> bool:
        """It is no row that others are read beside."""
        return bool(self.about)


@dataclass(frozen=True)
class Realism:
    """Everything that was found.

    Attributes:
        settings: of the protocol.
        data: simulated and real: where they lie, their hashes, numbers of frames and windows.
        columns: of frames.
        sweeps: columns of pairs of consecutive frames; none without sweeps.
        distances: columns of sets of images.
        rows: of the candidates, the untranslated simulation first, real images last.
        differences: of every two candidates in every column of frames.
        made_with: versions, machine, how long it took.
        notes: that a reader should see.
    """

    settings: RealismSettings
    data: Mapping[str, Any]
    columns: Sequence[Column]
    sweeps: Sequence[Column]
    distances: Sequence[Measure]
    rows: Sequence[RealismRow]
    differences: Sequence[Difference]
    made_with: Mapping[str, Any]
    notes: Sequence[str] = ()

    def score(self, row: RealismRow, measure: Measure) -> Score | None:
        """The score of a candidate in a column; None if it has none."""
        if measure.name in row.distances:
            return row.distances[measure.name].score
        values = row.values.get(measure.name, np.zeros(0))
        values = values[np.isfinite(values)]
        if not len(values) or not isinstance(measure, Column):
            return None
        return Score(values, measure.made.also(n=len(values)))

    @property
    def measured(self) -> tuple[Measure, ...]:
        """All columns."""
        return (*self.columns, *self.distances, *self.sweeps)

    def best(self, measure: Measure) -> set[str]:
        """Names of the runs with the best mean in a column."""
        runs = (row for row in self.rows if row.is_run)
        return best_of(measure, {row.name: self.score(row, measure) for row in runs})

    def plain(self) -> dict[str, Any]:
        """As JSON has it; single values are in the CSV file."""
        return {
            "insonate": "evaluation of realism",
            "settings": to_plain(self.settings),
            "data": dict(self.data),
            "made_with": dict(self.made_with),
            "candidates": [{"name": row.name, **row.about} for row in self.rows],
            "scores": list(self._scores()),
            "differences": [difference.plain() for difference in self.differences],
            "notes": list(self.notes),
        }

    def _scores(self) -> Iterable[dict[str, Any]]:
        for measure in self.measured:
            for row in self.rows:
                score = self.score(row, measure)
                if score is None:
                    continue
                said = score.summary()
                interval = _interval(row, measure)
                yield {
                    "candidate": row.name, "column": measure.name, "title": measure.title,
                    "better": measure.better, "mean": said.mean, "std": said.std,
                    "n": said.count, **interval, **score.made.plain(),
                }  # fmt: skip


def _interval(row: RealismRow, measure: Measure) -> dict[str, float]:
    if measure.name not in row.distances:
        return {}
    found = row.distances[measure.name].interval
    return {"low": found.low, "high": found.high, "level": found.level}


def write_realism(found: Realism, folder: Path) -> list[Path]:
    """Write results.json, and frames.csv with all values.

    Args:
        found: to be written.
        folder: that exists.

    Raises:
        InputError: a file cannot be written.
    """
    files = {
        "results.json": json.dumps(finite(found.plain()), indent=1, allow_nan=False) + "\n",
        "frames.csv": in_csv(_lines(found)),
    }
    for name, text in files.items():
        with replacing(folder / name) as path:
            path.write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def _lines(found: Realism) -> Iterable[Sequence[Any]]:
    names = [column.name for column in found.columns]
    yield ["candidate", "frame", *names]
    for row in (row for row in found.rows if row.name != OTHER_HALF):
        for k, number in enumerate(found.data["simulated"]["frames"]):
            yield [row.name, number, *(shown(float(row.values[name][k])) for name in names)]

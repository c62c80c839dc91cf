"""The tables of an evaluation, for Markdown, CSV and HTML alike."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from insonate.evaluation.measures import Measure
from insonate.evaluation.results import Evaluation, Row

__all__ = ["Cell", "Table", "place_table", "quality_table"]


@dataclass(frozen=True)
class Cell:
    """What stands in a table.

    Attributes:
        text: as it is shown.
        best: of its column.
    """

    text: str
    best: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under heads of two lines.

    Attributes:
        title: of the whole.
        heads: titles, each with those of the columns under it.
        rows: a name and its cells.
        about: what a reader should know.
    """

    title: str
    heads: Sequence[tuple[str, Sequence[str]]]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    about: Sequence[str] = ()

    def markdown(self) -> str:
        """As Markdown, the best of each column bold."""
        names = [f"{head} {sub}".strip() for head, subs in self.heads for sub in subs]
        lines = [f"| | {' | '.join(map(_escaped, names))} |", "|---" * (len(names) + 1) + "|"]
        for name, cells in self.rows:
            shown = [f"**{cell.text}**" if cell.best else cell.text for cell in cells]
            lines.append(f"| {_escaped(name)} | {' | '.join(shown)} |")
        return "\n".join([f"**{self.title}**", "", *lines, "", *self.about])

    def csv(self) -> str:
        """As CSV, with one line of heads."""
        out = io.StringIO()
        names = [f"{head} {sub}".strip() for head, subs in self.heads for sub in subs]
        rows = [[name, *(cell.text for cell in cells)] for name, cells in self.rows]
        csv.writer(out, lineterminator="\n").writerows([["candidate", *names], *rows])
        return out.getvalue()


def quality_table(found: Evaluation, full: bool = False) -> Table:
    """Table 2 of Zhang et al. 2020: mean, spread and bad tail of patches; distances of sets.

    Args:
        found: to be shown.
        full: with the columns that the short table leaves out, and the spread of distances.
    """
    measures = [measure for measure in found.measures if measure.short or full]
    heads: list[tuple[str, Sequence[str]]] = []
    for measure in measures:
        heads.append((measure.title, ("mean", "std", f"{measure.tail} %")))
    heads += [(measure.title, ("",)) for measure in found.distances]
    rows = [
        (row.name, _spread(found, row, measures) + _distances(found, row, full))
        for row in found.rows
    ]
    what = "whole frames, within the fan" if found.settings.whole else _crops(found)
    tiles = f"distances of {4 * len(found.data['frames'])} tiles of {found.data['tile']} pixels"
    about = [f"n = {len(found.patches)}: {what}, of split {found.settings.split}; {tiles}."]
    return Table("Quality", heads, rows, about)


def place_table(found: Evaluation) -> Table:
    """How good images are where: in shadow, at borders; means over whole frames."""
    heads = [(measure.title, ("",)) for measure in found.places]
    rows = [(row.name, _means(found, row, found.places)) for row in found.rows]
    frames = f"Means over {len(found.data['frames'])} whole frames, within the fan."
    return Table("Shadows and anatomy", heads, rows, [frames])


def _crops(found: Evaluation) -> str:
    s = found.settings
    whole = "cut from translated frames" if s.translate == "frames" else "translated themselves"
    return f"{s.crops} crops of {found.data['crop']} pixels a frame, {whole}"


def _means(found: Evaluation, row: Row, columns: Sequence[Measure]) -> list[Cell]:
    return [cell for measure in columns for cell in _spread(found, row, [measure])[:1]]


def _spread(found: Evaluation, row: Row, columns: Sequence[Measure]) -> list[Cell]:
    """Mean, standard deviation and bad tail of every column."""
    cells: list[Cell] = []
    for measure in columns:
        score = found.score(row, measure)
        if score is None:
            cells += [Cell("n/a")] * 3
            continue
        said, best = score.summary(), row.name in found.best(measure)
        tail = said.high if measure.tail == 95 else said.low
        cells.append(Cell(measure.text(said.mean), best))
        cells += [Cell(measure.text(said.std)), Cell(measure.text(tail))]
    return cells


def _distances(found: Evaluation, row: Row, full: bool) -> list[Cell]:
    """Distances of sets; those of many subsets with their spread in the full table."""
    cells = []
    for measure in found.distances:
        said = row.distances[measure.name].summary()
        spread = f" \u00b1 {measure.text(said.std)}" if full and said.count > 1 else ""
        cells.append(Cell(measure.text(said.mean) + spread, row.name in found.best(measure)))
    return cells


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

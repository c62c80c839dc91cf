"""The tables of an evaluation, for Markdown, CSV and HTML alike."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from insonate.data.files import replacing
from insonate.evaluation.measures import Measure
from insonate.evaluation.results import Evaluation, Row

__all__ = ["Cell", "Table", "place_table", "quality_table", "write_tables"]


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


def quality_table(found: Evaluation) -> Table:
    """Table 2 of Zhang et al. 2020: mean, spread and bad tail of patches; distances of sets."""
    heads: list[tuple[str, Sequence[str]]] = []
    for measure in found.measures:
        heads.append((measure.title, ("mean", "std", f"{measure.tail} %")))
    heads += [(measure.title, ("",)) for measure in found.distances]
    columns = (*found.measures, *found.distances)
    rows = [(row.name, _cells(found, row, columns, spread=True)) for row in found.rows]
    what = "whole frames, within the fan" if found.settings.whole else _crops(found)
    tiles = f"distances of {4 * len(found.data['frames'])} tiles of {found.data['tile']} pixels"
    about = [f"n = {len(found.patches)}: {what}, of split {found.settings.split}; {tiles}."]
    return Table("Quality", heads, rows, about)


def place_table(found: Evaluation) -> Table:
    """How good images are where: in shadow, at borders; means over whole frames."""
    heads = [(measure.title, ("",)) for measure in found.places]
    rows = [(row.name, _cells(found, row, found.places, spread=False)) for row in found.rows]
    frames = f"Means over {len(found.data['frames'])} whole frames, within the fan."
    return Table("Shadows and anatomy", heads, rows, [frames])


def write_tables(found: Evaluation, folder: Path) -> list[Path]:
    """Write table.md with all tables, and each as a CSV file.

    Args:
        found: to be shown.
        folder: that exists.

    Raises:
        InputError: a file cannot be written.
    """
    tables = {"table.csv": quality_table(found)}
    if found.places:
        tables["places.csv"] = place_table(found)
    files = {name: table.csv() for name, table in tables.items()}
    files["table.md"] = "\n\n".join(table.markdown() for table in tables.values()) + "\n"
    for name, text in files.items():
        with replacing(folder / name) as path:
            path.write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def _crops(found: Evaluation) -> str:
    s = found.settings
    whole = "cut from translated frames" if s.translate == "frames" else "translated themselves"
    return f"{s.crops} crops of {found.data['crop']} pixels a frame, {whole}"


def _cells(found: Evaluation, row: Row, columns: Sequence[Measure], spread: bool) -> list[Cell]:
    cells: list[Cell] = []
    for measure in columns:
        score = found.score(row, measure)
        single = measure.name in row.distances or not spread
        if score is None:
            cells += [Cell("n/a")] * (1 if single else 3)
            continue
        said, best = score.summary(), row.name in found.best(measure)
        cells.append(Cell(measure.text(said.mean), best))
        if not single:
            tail = said.high if measure.tail == 95 else said.low
            cells += [Cell(measure.text(said.std)), Cell(measure.text(tail))]
    return cells


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

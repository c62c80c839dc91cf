"""The tables of realism, for Markdown, CSV and HTML alike, as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from insonate.data.files import replacing
from insonate.evaluation.measures import Measure
from insonate.evaluation.realism.results import Realism, RealismRow
from insonate.evaluation.significance import significance_csv, significance_tables
from insonate.evaluation.tables import Cell, Table

__all__ = ["content_table", "realism_table", "reals_in_words", "write_realism_tables"]

_FIRST = "content_ssim"


def realism_table(found: Realism) -> Table:
    """Table 2 of Tomar et al. 2021: content kept, and distances to real images.

    Args:
        found: to be shown.
    """
    first = [column for column in found.columns if column.name == _FIRST]
    columns = [*first, *found.distances]
    rows = [(row.name, [_cell(found, row, column) for column in columns]) for row in found.rows]
    heads = [(column.title, ("",)) for column in columns]
    return Table("Realism", heads, rows, [_numbers(found), reals_in_words(found)])


def content_table(found: Realism) -> Table:
    """What is kept of the simulation besides: anatomy, shadows, steadiness; and what is new.

    Args:
        found: to be shown.
    """
    columns = [c for c in (*found.columns, *found.sweeps) if c.name != _FIRST]
    rows = [(row.name, [_cell(found, row, column) for column in columns])
            for row in found.rows if row.values]  # fmt: skip
    heads = [(column.title, ("",)) for column in columns]
    pairs = found.data["sweeps"].get("pairs", 0)
    swept = f"; flicker of {pairs} pairs of frames of sweeps" if pairs else ""
    count = len(found.data["simulated"]["frames"])
    about = f"Means and standard deviations over {count} whole frames, within the fan{swept}."
    return Table("What is kept, and what is new", heads, rows, [about])


def reals_in_words(found: Realism) -> str:
    """What the real images are, in a line."""
    real = found.data["real"]
    licence = f", {real['licence']}" if real["licence"] else ""
    said = real["provenance"] or str(real["data"])
    return f"Real images: {len(real['frames'])} of {said}{licence}, split {real['split']}."


def _numbers(found: Realism) -> str:
    simulated, real, s = found.data["simulated"], found.data["real"], found.settings
    counts = f"{len(simulated['frames'])} simulated and {len(real['frames'])} real held-out frames"
    if s.on == "frames":
        return f"n = {counts}, whole, black outside the fan."
    side = found.data["window"]
    return (
        f"n = {counts}; distances of windows of {side} x {side} pixels within the fan, up to "
        f"{s.windows} of each ({real['windows']} real ones); in brackets 95 % by {s.resamples} "
        "resamples of frames."
    )


def _cell(found: Realism, row: RealismRow, measure: Measure) -> Cell:
    score = found.score(row, measure)
    if score is None:
        return Cell("n/a")
    said, best = score.summary(), row.is_run and row.name in found.best(measure)
    if measure.name in row.distances:
        interval = row.distances[measure.name].interval
        around = f"[{measure.text(interval.low)}, {measure.text(interval.high)}]"
        return Cell(f"{measure.text(said.mean)} {around}", best)
    return Cell(f"{measure.text(said.mean)} \u00b1 {measure.text(said.std)}", best)


def write_realism_tables(found: Realism, folder: Path) -> list[Path]:
    """Write table.md with all tables, and table.csv, content.csv and significance.csv.

    Args:
        found: to be shown.
        folder: that exists.

    Raises:
        InputError: a file cannot be written.
    """
    tables: dict[str, Table] = {
        "table.csv": realism_table(found), "content.csv": content_table(found)
    }  # fmt: skip
    files = {name: table.csv() for name, table in tables.items()}
    files["significance.csv"] = significance_csv(found)
    shown: Sequence[Table] = [*tables.values(), *significance_tables(found)]
    files["table.md"] = "\n\n".join(table.markdown() for table in shown) + "\n"
    for name, text in files.items():
        with replacing(folder / name) as path:
            path.write_text(text, encoding="utf-8")
    return [folder / name for name in files]

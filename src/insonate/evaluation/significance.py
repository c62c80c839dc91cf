"""What differs by more than chance, for Markdown and CSV."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from typing import Literal, Protocol

from insonate.evaluation.differences import Difference
from insonate.evaluation.measures import Measure
from insonate.evaluation.tables import Cell, Table

__all__ = ["Tested", "p_text", "significance_csv", "significance_tables"]

_ABOUT = (
    "Difference of means, first minus second, in the column's unit; in brackets the effect, 1 if "
    "the first is better in every pair, and p by Wilcoxon's signed ranks, corrected by Holm."
)


class Tested(Protocol):
    """Whatever was found of candidates that were compared."""

    @property
    def columns(self) -> Sequence[Measure]:
        """That were measured."""
        ...

    @property
    def differences(self) -> Sequence[Difference]:
        """Of every two candidates."""
        ...


def p_text(value: float) -> str:
    """A probability as tables have it."""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}" if value > 1e-99 else "< 1e-99"


def significance_tables(found: Tested) -> list[Table]:
    """Every pair of candidates in every measure: by patch, if there are patches, and by frame.

    Args:
        found: whose differences are shown.
    """
    tables = (_table(found, "patch"), _table(found, "frame"))
    return [table for table in tables if table.rows]


def significance_csv(found: Tested) -> str:
    """All tests, one a line, in the measures' own units.

    Args:
        found: whose differences are written.
    """
    out = io.StringIO()
    names = [field.name for field in dataclasses.fields(Difference)]
    lines = csv.DictWriter(out, names, lineterminator="\n")
    lines.writeheader()
    lines.writerows(difference.plain() for difference in found.differences)
    return out.getvalue()


def _table(found: Tested, by: Literal["patch", "frame"]) -> Table:
    tests = {(d.first, d.second, d.measure): d for d in found.differences if d.by == by}
    pairs = dict.fromkeys((first, second) for first, second, _ in tests)
    columns = [m for m in found.columns if any(m.name == name for _, _, name in tests)]
    rows = [
        (f"{a} - {b}", [_cell(measure, tests.get((a, b, measure.name))) for measure in columns])
        for a, b in pairs
    ]
    heads = [(measure.title, ("",)) for measure in columns]
    return Table(f"Significance, by {by}", heads, rows, [_ABOUT])


def _cell(measure: Measure, test: Difference | None) -> Cell:
    if test is None:
        return Cell("n/a")
    sign = "+" if test.difference >= 0 else ""
    return Cell(
        f"{sign}{measure.text(test.difference)} ({test.effect:+.2f}, p {p_text(test.holm)})"
    )

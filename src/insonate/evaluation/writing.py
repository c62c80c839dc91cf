"""The tables of an evaluation as files."""

from __future__ import annotations

from pathlib import Path

from insonate.data.files import replacing
from insonate.evaluation.results import Evaluation
from insonate.evaluation.significance import significance_csv, significance_tables
from insonate.evaluation.tables import place_table, quality_table

__all__ = ["write_tables"]


def write_tables(found: Evaluation, folder: Path) -> list[Path]:
    """Write table.md with all tables, and table.csv, places.csv and significance.csv.

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
    files["significance.csv"] = significance_csv(found)
    shown = [*tables.values(), *significance_tables(found)]
    files["table.md"] = "\n\n".join(table.markdown() for table in shown) + "\n"
    for name, text in files.items():
        with replacing(folder / name) as path:
            path.write_text(text, encoding="utf-8")
    return [folder / name for name in files]

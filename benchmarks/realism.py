"""How real translated simulations look: runs measured beside real images, medians over seeds.

    python benchmarks/realism.py --data simulated.zarr --real real.zarr --runs out/conpres-*
    python benchmarks/realism.py ... --sweep sweep.zarr --out out/realism    the report as well
    python benchmarks/realism.py ... --readme    the table in README.md is rewritten

Runs whose recipes differ in nothing but the seed are one row, with the median of each column
and, if there are several, the least and the most.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from insonate.data.files import make_folder
from insonate.errors import InputError
from insonate.evaluation import Machine
from insonate.evaluation.measures import Measure
from insonate.evaluation.realism import (
    Beside,
    Realism,
    RealismSettings,
    compare_realism,
    prepare_realism,
    write_realism,
    write_realism_tables,
)
from insonate.evaluation.realism.report import chosen_by_content, write_realism_report
from insonate.evaluation.realism.results import OTHER_HALF, SIMULATED, RealismRow
from report import commit, machine, where, write_table

#: Columns of the table in README.md.
COLUMNS = (
    "content_ssim", "fid", "kid", "dice", "hallucination", "shadow_contrast", "flicker_ratio"
)  # fmt: skip
#: What is to fall by a factor.
DISTANCES = ("fid", "kid")


def measure(given: argparse.Namespace) -> tuple[Realism, dict[str, Any]]:
    """What was found, and the JSON object that `--json` prints."""
    on, loaded = machine(given.device), Machine(given.device)
    settings = RealismSettings(
        frames=given.frames, real_frames=given.real_frames, features=given.features
    )
    beside = Beside(given.real, given.sweep, given.segmenter, given.segmenter_steps)
    task = prepare_realism(given.runs, given.data, beside, settings, loaded, given.names)
    found = task.measure()
    if given.out is not None:
        _write(found, given, loaded)
    return found, {"commit": commit(), "machine": on, **found.plain()}


def _write(found: Realism, given: argparse.Namespace, on: Machine) -> None:
    make_folder(given.out)
    write_realism(found, given.out)
    write_realism_tables(found, given.out)
    strips = compare_realism(given.runs, given.data, given.real, chosen_by_content(found),
                             found.settings, on, given.names)  # fmt: skip
    write_realism_report(found, given.out / "report.html", strips)


def table(found: Realism, result: dict[str, Any]) -> str:
    """The result as Markdown: settings, medians over seeds, and by what factor distances fell."""
    columns = [column for column in found.measured if column.name in COLUMNS]
    heads = " | ".join(column.title for column in columns)
    lines = [_about(found, result), "", f"| | {heads} |", "|---" * (len(columns) + 1) + "|"]
    for name, rows in groups(found.rows).items():
        cells = " | ".join(_cell(found, rows, column) for column in columns)
        seeds = f" ({len(rows)} seeds)" if len(rows) > 1 else ""
        lines.append(f"| {name}{seeds} | {cells} |")
    return "\n".join([*lines, "", *_factors(found)])


def groups(rows: Sequence[RealismRow]) -> dict[str, list[RealismRow]]:
    """Rows of one recipe together, by what their names have in common."""
    found: dict[str, list[RealismRow]] = {}
    for row in rows:
        found.setdefault(_recipe(row), []).append(row)
    return {_common([row.name for row in mine]): mine for mine in found.values()}


def _recipe(row: RealismRow) -> str:
    """The recipe without its seed; the name of a row that is no run."""
    if not row.is_run:
        return row.name
    plain = yaml.safe_load(row.about["recipe"])
    plain.get("training", {}).pop("seed", None)
    return json.dumps(plain, sort_keys=True)


def _common(names: Sequence[str]) -> str:
    """What names begin with, without a seed that is broken off."""
    if len(names) == 1:
        return names[0]
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    shared = "".join(letters[0] for letters in alike)
    return shared.rstrip("-_ 0123456789") or names[0]


def _means(found: Realism, rows: Sequence[RealismRow], column: Measure) -> list[float]:
    scores = (found.score(row, column) for row in rows)
    return [score.summary().mean for score in scores if score is not None]


def _cell(found: Realism, rows: Sequence[RealismRow], column: Measure) -> str:
    means = _means(found, rows, column)
    if not means:
        return "n/a"
    median = column.text(statistics.median(means))
    if len(means) > 1:
        return f"{median} ({column.text(min(means))} to {column.text(max(means))})"
    if column.name in rows[0].distances:
        interval = rows[0].distances[column.name].interval
        return f"{median} [{column.text(interval.low)}, {column.text(interval.high)}]"
    return median


def _factors(found: Realism) -> list[str]:
    """One line: by what factor each recipe comes nearer to real images than the simulation."""
    by_name = groups(found.rows)
    said = []
    for name, rows in by_name.items():
        if name in (SIMULATED, OTHER_HALF):
            continue
        parts = []
        for column in (c for c in found.distances if c.name in DISTANCES):
            before = _means(found, by_name[SIMULATED], column)[0]
            after = statistics.median(_means(found, rows, column))
            factor = f"{before / after:.1f} times" if after > 0 else "to nothing"
            parts.append(f"{column.title} {factor}")
        said.append(f"{name}: {', '.join(parts)}")
    return [f"Nearer to real images than the simulation: {'; '.join(said)}."] if said else []


def _about(found: Realism, result: dict[str, Any]) -> str:
    data, on, s = found.data, result["machine"], found.settings
    steps = sorted({row.about["step"] for row in found.rows if row.is_run})
    span = f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"
    simulated, real = data["simulated"], data["real"]
    windows = f"windows of {data['window']} pixels" if s.on == "windows" else "whole frames"
    return (
        f"{len(simulated['frames'])} held-out simulated frames of {simulated['rows']} x "
        f"{simulated['columns']} pixels beside {len(real['frames'])} held-out real ones "
        f"({real['provenance']}), runs of {span} steps; distances of {windows}, with 95 % of "
        f"{s.resamples} resamples; {OTHER_HALF} is what the estimators say of no difference. "
        f"{where(on)}, {found.made_with['seconds']:.0f} s, commit {result['commit']}."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="folder or URL of simulated frames")
    parser.add_argument("--real", required=True, help="folder or URL of real images")
    parser.add_argument("--runs", nargs="+", type=Path, required=True)
    parser.add_argument("--names", nargs="+", default=[], help="of the runs in the table")
    parser.add_argument("--sweep", default=None, help="folder or URL of simulated sweeps")
    parser.add_argument("--segmenter", type=Path, default=None, help="folder of the network")
    parser.add_argument("--segmenter-steps", type=int, default=Beside.steps)
    parser.add_argument("--features", default="random")
    parser.add_argument("--frames", type=int, default=None, help="at most so many")
    parser.add_argument("--real-frames", type=int, default=None, help="at most so many")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=None, help="folder for the whole report")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--readme", action="store_true", help="rewrite the table in README.md")
    given = parser.parse_args()
    try:
        found, result = measure(given)
    except InputError as error:
        raise SystemExit(f"realism: {error}") from error
    print(json.dumps(result) if given.json else table(found, result))
    if given.readme:
        write_table("realism", table(found, result))


if __name__ == "__main__":
    main()

"""How good translated images are: runs measured on held-out frames, as `insonate evaluate` does.

    python benchmarks/quality.py --data pairs.zarr [--runs out/l2h-m-tiny out/l2h-ms-tiny ...]
    python benchmarks/quality.py --data pairs.zarr --out out/quality    the whole report as well
    python benchmarks/quality.py --data pairs.zarr --readme    the table in README.md is rewritten

Runs are those of the recipes of the same names, each trained on the split train of the data.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from insonate.data.files import make_folder
from insonate.errors import InputError
from insonate.evaluation import (
    Evaluation,
    EvaluationSettings,
    Machine,
    compare,
    prepare,
    write_results,
    write_tables,
)
from insonate.evaluation.report import chosen_frames, write_report
from report import commit, machine, where, write_table

#: Runs, and their names in the table.
RUNS = {
    "l2h-m-tiny": "L2H, M",
    "l2h-ms-tiny": "L2H, MS",
    "l2h-msa-tiny": "L2H, MSA",
    "l2h-no-gan-tiny": "MSA without GAN",
    "bridge-tiny": "bridge, MSA",
}
#: Rows that are set beside each other: what came before, and what came after.
PAIRS = (
    ("low quality", "L2H, M"),
    ("L2H, M", "L2H, MS"),
    ("L2H, MS", "L2H, MSA"),
    ("low quality", "L2H, MSA"),
    ("L2H, MSA", "MSA without GAN"),
    ("L2H, MSA", "bridge, MSA"),
)
LEVEL = 0.05  # corrected p below which a difference counts
#: Columns of the table in README.md.
COLUMNS = ("psnr", "ssim", "pkl", "fid", "kid", "shadow_error", "border_error", "border_edges")
#: Where shadows and anatomy show, and the rows of which the last has them both given.
PLACES = ("shadow_error", "shadow_level", "border_error", "region_levels")
INFORMED, BEFORE = "L2H, MSA", ("L2H, M", "L2H, MS")


def measure(given: argparse.Namespace) -> tuple[Evaluation, dict[str, Any]]:
    """What was found, and the JSON object that `--json` prints."""
    names: list[str] = given.names or [RUNS.get(run.name, str(run.name)) for run in given.runs]
    on, settings = machine(given.device), EvaluationSettings(frames=given.frames)
    loaded = Machine(given.device)
    found = prepare(given.runs, given.data, settings, loaded, names).measure()
    if given.out is not None:
        _write(found, given, loaded, names)
    return found, {"commit": commit(), "machine": on, **found.plain()}


def _write(found: Evaluation, given: argparse.Namespace, on: Machine, names: Sequence[str]) -> None:
    make_folder(given.out)
    write_results(found, given.out)
    write_tables(found, given.out)
    chosen = chosen_frames(found)
    numbers = [number for _, number in chosen]
    strips = compare(given.runs, given.data, numbers, machine=on, names=names)
    named = [(what, strip) for (what, _), strip in zip(chosen, strips, strict=True)]
    write_report(found, given.out / "report.html", named)


def table(found: Evaluation, result: dict[str, Any]) -> str:
    """The result as Markdown: settings, means, and what differs by more than chance."""
    columns = [column for column in found.columns if column.name in COLUMNS]
    heads = " | ".join(column.title for column in columns)
    lines = [_about(found, result), "", f"| | {heads} |", "|---" * (len(columns) + 1) + "|"]
    for row in found.rows:
        cells = []
        for column in columns:
            score = found.score(row, column)
            text = "n/a" if score is None else column.text(score.summary().mean)
            cells.append(f"**{text}**" if row.name in found.best(column) else text)
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_tests(found)])


def _about(found: Evaluation, result: dict[str, Any]) -> str:
    data, on = found.data, result["machine"]
    steps = sorted({f"{row.about['step']:,}" for row in found.rows if row.about})
    return (
        f"{len(found.patches)} random crops of {data['crop']} pixels from {len(data['frames'])} "
        f"held-out frames of {data['rows']} x {data['columns']} pixels ({data['split']}), runs of "
        f"{' and '.join(steps)} steps; distances of {4 * len(data['frames'])} tiles of "
        f"{data['tile']} pixels; errors in gray levels of whole frames. {where(on)}, "
        f"{found.made_with['seconds']:.0f} s, commit {result['commit']}."
    )


def _tests(found: Evaluation) -> list[str]:
    """Pairs of rows, by frames, in words."""
    names = [row.name for row in found.rows]
    pairs = [pair for pair in PAIRS if set(pair) <= set(names)]
    about = "Differences of means; p by Wilcoxon's signed ranks of frames, corrected by Holm:"
    lines = [_test(found, *pair) for pair in pairs or itertools.pairwise(names)]
    return [about, "", *lines, *_anatomy(found)]


def _anatomy(found: Evaluation) -> list[str]:
    """One line: whether shadows and anatomy are better with the maps that show them."""
    names = [row.name for row in found.rows]
    if INFORMED not in names or not found.places:
        return []
    said = [
        f"beside {before}: {_differences(found, before, INFORMED, PLACES)}"
        for before in BEFORE
        if before in names
    ]
    return ["", f"Shadows and anatomy of {INFORMED}, {'; '.join(said)}."] if said else []


def _test(found: Evaluation, before: str, after: str) -> str:
    """What the second has more than the first, in every column of the table that is tested."""
    return f"- {after} beside {before}: {_differences(found, before, after, COLUMNS)}."


def _differences(found: Evaluation, before: str, after: str, names: Sequence[str]) -> str:
    """What the second has more than the first, by frames, in columns of these names."""
    said = []
    for column in found.columns:
        tests = (d for d in found.differences if d.measure == column.name and d.by == "frame")
        test = next((d for d in tests if {d.first, d.second} == {before, after}), None)
        if column.name in names and test is not None:
            more = test.difference if test.first == after else -test.difference
            sure = f"p {test.holm:.0e}" if test.holm < LEVEL else "not significant"
            said.append(f"{column.title} {'+' if more >= 0 else ''}{column.text(more)} ({sure})")
    return ", ".join(said)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="folder or URL of a dataset of pairs")
    parser.add_argument("--runs", nargs="+", type=Path, default=[Path("out") / n for n in RUNS])
    parser.add_argument("--names", nargs="+", default=[], help="of the runs in the table")
    parser.add_argument("--frames", type=int, default=None, help="at most so many")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=None, help="folder for the whole report")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--readme", action="store_true", help="rewrite the table in README.md")
    given = parser.parse_args()
    try:
        found, result = measure(given)
    except InputError as error:
        raise SystemExit(f"quality: {error}") from error
    print(json.dumps(result) if given.json else table(found, result))
    if given.readme:
        write_table("quality", table(found, result))


if __name__ == "__main__":
    main()

"""How fast datasets are rendered, how much room a frame takes, and what a whole one costs.

    python benchmarks/rendering.py [--recipes papers papers-small tiny] [--workers 1 2] [--json]
    python benchmarks/rendering.py --device cuda       on a machine with GPUs
    python benchmarks/rendering.py --readme            the table in README.md is rewritten

Subjects are built beforehand, each timed; then some and more frames of each are rendered, and
the rate is that of what came on top, so that starting processes does not count.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from insonate.data.rendering import DatasetRecipe, load_recipe
from insonate.data.rendering.pool import ProcessPool
from insonate.data.rendering.run import render_dataset
from insonate.data.rendering.subjects import make_subject
from report import commit, machine, where, write_table

#: Shards of each worker's subject in the short and in the long run.
SHORT, LONG = 1, 3


def shortened(recipe: DatasetRecipe, shards: int, workers: int) -> DatasetRecipe:
    """The recipe with so many shards of as many subjects as there are workers."""
    subjects = dataclasses.replace(recipe.subjects, frames=shards * recipe.shard)
    return recipe.replace(subjects=subjects, frames=workers * subjects.frames)


def timed(recipe: DatasetRecipe, workers: int, device: str) -> tuple[float, int]:
    """Seconds, and bytes of the dataset."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.zarr"
        begin = time.perf_counter()
        render_dataset(recipe, data, ProcessPool(workers, device))
        took = time.perf_counter() - begin
        return took, sum(file.stat().st_size for file in data.rglob("*") if file.is_file())


def row(name: str, workers: int, device: str) -> dict[str, Any]:
    """Rate, bytes and cost of a recipe with so many workers."""
    recipe = load_recipe(name)
    short, long = (shortened(recipe, shards, workers) for shards in (SHORT, LONG))
    (first, few), (second, many) = (timed(each, workers, device) for each in (short, long))
    frames = long.frames - short.frames
    return {
        "recipe": name, "workers": workers, "rate": frames / (second - first),
        "bytes": (many - few) / frames, "frames": recipe.frames, "subjects": recipe.subject_count,
    }  # fmt: skip


def built(name: str, count: int) -> float:
    """Mean seconds to build a subject; they are kept in the cache, which was empty."""
    recipe = load_recipe(name)
    make_subject(recipe.replace(seed=recipe.seed + 1), 0)  # kernels are compiled once for all
    begin = time.perf_counter()
    for number in range(count):
        make_subject(recipe, number)
    return (time.perf_counter() - begin) / count


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Everything, as the JSON object that `--json` prints."""
    rows: list[dict[str, Any]] = []
    on = machine(given.device)
    for name in given.recipes:
        with tempfile.TemporaryDirectory() as cache:
            os.environ["INSONATE_CACHE"] = cache
            seconds = built(name, max(given.workers))
            rows += [row(name, n, given.device) | {"build": seconds} for n in given.workers]
    return {"commit": commit(), "machine": on, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    on = result["machine"]
    lines = [
        f"{where(on)}, load {on['load']}, commit {result['commit']}; hours are those of the whole "
        "recipe: frames at the rate, subjects at the seconds that building one took here (0 from "
        "the cache), shared by the workers.",
        "",
        "| recipe | workers | frames a second | kB a frame | frames | subjects | hours |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in result["rows"]:
        hours = (r["frames"] / r["rate"] + r["subjects"] * r["build"] / r["workers"]) / 3600.0
        lines.append(
            f"| {r['recipe']} | {r['workers']} | {r['rate']:.2f} | {r['bytes'] / 1000:.0f} "
            f"| {r['frames']} | {r['subjects']} x {r['build']:.0f} s | {hours:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipes", nargs="+", default=["papers", "papers-small", "tiny"])
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--readme", action="store_true", help="rewrite the table in README.md")
    given = parser.parse_args()
    result = measure(given)
    print(json.dumps(result) if given.json else table(result))
    if given.readme:
        write_table("rendering", table(result))


if __name__ == "__main__":
    main()

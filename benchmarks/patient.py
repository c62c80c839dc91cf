"""How long a patient takes to build and to load, and how many triangles she has.

    python benchmarks/patient.py [--weeks 14 22 40] [--detail 840000] [--json]
    python benchmarks/patient.py --readme        the table in README.md is rewritten

Every patient is built in a process of its own with an empty cache, then loaded from it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from report import commit, machine, where, write_table

STEPS = """
import json, sys, time
from insonate.anatomy.patient import Patient
from insonate.data.ground_truth import count_triangles
begin = time.perf_counter()
weeks, seed, detail = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
patient = Patient(gestational_age=weeks, seed=seed, detail=detail)
scene = patient.scene()
took = time.perf_counter() - begin
print(json.dumps({"s": took, "views": len(patient.views), "planes": len(patient.planes),
                  **count_triangles(scene)}))
"""


def run(weeks: float, seed: int, detail: int, cache: str) -> dict[str, Any]:
    """One patient in a process of its own: seconds, triangles, planes and views."""
    words = [sys.executable, "-c", STEPS, str(weeks), str(seed), str(detail)]
    environment = os.environ | {"INSONATE_CACHE": cache}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Everything, as the JSON object that `--json` prints."""
    with tempfile.TemporaryDirectory() as cache:
        run(22.0, 0, 60_000, cache)  # compiles the kernels once for all
    result = {"commit": commit(), "machine": machine(), "seed": given.seed, "rows": []}
    for weeks in given.weeks:
        with tempfile.TemporaryDirectory() as cache:
            built, loaded = (run(weeks, given.seed, given.detail, cache) for _ in range(2))
        result["rows"].append({"weeks": weeks, "build": built["s"], "load": loaded["s"], **built})
    return result


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    on, rows = result["machine"], result["rows"]
    lines = [
        f"Built in a process of its own with an empty cache, then loaded from the cache; "
        f"{where(on)}, load {on['load']}; seed {result['seed']}, commit {result['commit']}.",
        "",
        "| weeks | build [s] | load [s] | fetus [triangles] | mother [triangles] "
        "| planes that a probe can see |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join(lines + [
        f"| {row['weeks']:g} | {row['build']:.1f} | {row['load']:.2f} | {row['fetus']:,} | "
        f"{row['mother']:,} | {row['views']} of {row['planes']} |"
        for row in rows
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weeks", type=float, nargs="+", default=[14.0, 22.0, 30.0, 40.0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--detail", type=int, default=840_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--readme", action="store_true", help="rewrite the table in README.md")
    given = parser.parse_args()
    result = measure(given)
    if given.readme:
        write_table("patient", table(result))
    print(json.dumps(result) if given.json else table(result))


if __name__ == "__main__":
    main()

"""How long a patient takes to build and to load, and how many triangles she has.

    python benchmarks/patient.py [--weeks 14 22 40] [--detail 840000] [--json FILE]

Every patient is built in a process of its own with an empty cache, then loaded from it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

STEPS = """
import json, sys, time
from insonate.anatomy.patient import Patient
begin = time.perf_counter()
weeks, seed, detail = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
patient = Patient(gestational_age=weeks, seed=seed, detail=detail)
scene = patient.scene()
took = time.perf_counter() - begin
names = [region.name for region in scene.regions]
fetal = [name.startswith(("fetal_", "cord_")) for name in names]
pairs = scene.pairs
of_fetus = sum(int(fetal[a] or fetal[b]) for a, b in pairs.tolist())
print(json.dumps({"s": took, "fetus": of_fetus, "mother": len(pairs) - of_fetus,
                  "views": len(patient.views), "planes": len(patient.planes)}))
"""


def run(weeks: float, seed: int, detail: int, cache: str) -> dict:
    """One patient in a process of its own: seconds, triangles, planes and views."""
    words = [sys.executable, "-c", STEPS, str(weeks), str(seed), str(detail)]
    environment = os.environ | {"INSONATE_CACHE": cache}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=float, nargs="+", default=[14.0, 22.0, 30.0, 40.0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--detail", type=int, default=840_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(22.0, 0, 60_000, tempfile.mkdtemp())  # compiles the kernels once for all
    print(f"detail {given.detail:,}, seed {given.seed}; {os.cpu_count()} cores, "
          f"{platform.machine()}, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(
        "| weeks | build [s] | load [s] | fetus | mother | planes seen |\n|---|---|---|---|---|---|"
    )
    rows = []
    for weeks in given.weeks:
        with tempfile.TemporaryDirectory() as cache:
            built, loaded = (run(weeks, given.seed, given.detail, cache) for _ in range(2))
        rows.append({"weeks": weeks, "build": built["s"], "load": loaded["s"], **built})
        print(f"| {weeks:g} | {built['s']:.1f} | {loaded['s']:.2f} | {built['fetus']:,} | "
              f"{built['mother']:,} | {built['views']} of {built['planes']} |",
              flush=True)  # fmt: skip
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

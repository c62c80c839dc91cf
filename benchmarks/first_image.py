"""How long it takes from nothing to the first realistic image, as a newcomer would get it.

    python benchmarks/first_image.py                     with the weights that ship
    python benchmarks/first_image.py --weights RUN       with those of a run
    python benchmarks/first_image.py --no-package-cache  packages are downloaded, too

A fresh clone of this repository at its last commit, an environment of its own, the package with
what its networks need, and a patient who is built, rendered and translated; caches of patients
and kernels begin empty. Prints one line of Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from report import REPOSITORY, commit, machine, where

#: Rows of the image, which are those that networks of the tiny recipes have learned from.
ROWS = 256


def steps(folder: Path, given: argparse.Namespace) -> dict[str, list[str]]:
    """Commands by what they do, in order."""
    clone, environment = folder / "insonate", folder / "venv"
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    cache = ["--no-cache-dir"] if given.no_package_cache else []
    weights = ["--weights", str(given.weights.resolve())] if given.weights else []
    return {
        "clone": ["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(clone)],
        "environment": [given.python, "-m", "venv", str(environment)],
        "install": [
            str(binaries / "python"), "-m", "pip", "install", "--quiet",
            "--disable-pip-version-check", *cache, "-c", str(clone / "constraints.txt"),
            "-e", f"{clone}[learning]",
        ],
        "image": [
            str(binaries / "insonate"), "render", "patient", "--view", "transthalamic",
            "--even-tgc", "--set", f"display.rows={ROWS}", "--look", "realistic", *weights,
            "--out", str(folder / "image"),
        ],
    }  # fmt: skip


def seconds(words: Sequence[str], environment: dict[str, str]) -> float:
    """How long a command takes [s].

    Raises:
        SystemExit: it failed; with what it said last.
    """
    begin = time.perf_counter()
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["without a word"]
        raise SystemExit(f"first_image: {' '.join(words)}: {said[-1]}")
    return time.perf_counter() - begin


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Everything, as the JSON object that `--json` prints."""
    on = machine()
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        caches = {"INSONATE_CACHE": str(folder / "cache"), "NUMBA_CACHE_DIR": str(folder / "numba")}
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | caches
        took = {name: seconds(words, environment) for name, words in steps(folder, given).items()}
        image = folder / "image" / "bmode_realistic.png"
        if not image.is_file():
            raise SystemExit(f"first_image: {image.name}: was not written")
    return {
        "commit": commit(), "machine": on, "seconds": took,
        "weights": given.weights.name if given.weights else "that ship",
        "packages": "downloaded" if given.no_package_cache else "from the cache where there",
    }  # fmt: skip


def line(result: dict[str, Any]) -> str:
    """The result as one line of Markdown."""
    took, on = result["seconds"], result["machine"]
    parts = ", ".join(f"{name} {each:.1f}" for name, each in took.items())
    return (
        f"From a fresh clone to the first realistic image: **{sum(took.values()):.0f} s** "
        f"({parts} s; weights {result['weights']}, packages {result['packages']}); "
        f"{where(on)}, load {on['load']}, commit {result['commit']}."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, help="folder of a run; those that ship otherwise")
    parser.add_argument("--python", default=sys.executable, help="that makes the environment")
    parser.add_argument("--no-package-cache", action="store_true", help="download all packages")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    result = measure(given)
    print(json.dumps(result) if given.json else line(result))


if __name__ == "__main__":
    main()

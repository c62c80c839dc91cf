"""Do the physics tests bite? Put known faults into a copy of the source, one at a time.

python tests/physics/break_the_code.py [-k WORDS]

Every fault is a piece of text replaced in a copy of `src`; all physics tests (those that `-k`
selects) are then run against the copy. Ends with status 1 if a fault passes unseen by a test
that must see it, if tests fail without a fault, or if the text to replace is gone. The tree
stays as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ACOUSTICS, KERNELS = "acoustics", "sim/kernels"


@dataclass(frozen=True)
class Fault:
    """One way to be wrong: what is replaced in a file, and the tests that must see it."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    seen_by: tuple[str, ...]


FAULTS = [
    Fault(
        "cosines swapped in `pressure_reflection`",
        f"{ACOUSTICS}/interface.py",
        (
            ("np.multiply(z2, cos_incident,", "np.multiply(z2, cos_refracted,"),
            ("np.multiply(z1, cos_refracted,", "np.multiply(z1, cos_incident,"),
        ),
        ("k2", "k5", "k6"),
    ),
    Fault(
        "the same in the kernel",
        f"{KERNELS}/interface.py",
        (
            (
                "(z2 * cos1 - z1 * cos2) / (z2 * cos1 + z1 * cos2)",
                "(z2 * cos2 - z1 * cos1) / (z2 * cos2 + z1 * cos1)",
            ),
        ),
        ("k5",),
    ),
    Fault(
        "one-way instead of two-way attenuation in `two_way_decay`",
        f"{ACOUSTICS}/attenuation.py",
        (
            (
                "return 2.0 * np.asarray(alpha, dtype=np.float64) / (10.0 * DB_PER_NEPER)",
                "return 1.0 * np.asarray(alpha, dtype=np.float64) / (10.0 * DB_PER_NEPER)",
            ),
        ),
        ("k11", "k12", "k14", "k15"),
    ),
    Fault(
        "real instead of complex scatterers in `scatterer_table`",
        f"{ACOUSTICS}/scattering.py",
        (("(kappa + magnitude * turn) * phase", "kappa + rng.normal(size=filled)"),),
        ("k16", "k17", "k18", "k30", "k31"),
    ),
    Fault(
        "Snell with c1/c2 in `snell_cosine`",
        f"{ACOUSTICS}/interface.py",
        (
            (
                "np.asarray(c2, dtype=np.float64) / np.asarray(c1, dtype=np.float64)",
                "np.asarray(c1, dtype=np.float64) / np.asarray(c2, dtype=np.float64)",
            ),
        ),
        ("k1", "k2", "k5", "k39"),
    ),
    Fault(
        "Snell by impedance in the kernel",
        f"{KERNELS}/trace.py",
        (
            (
                "snell_cosine(before.speed, behind.speed, cos)",
                "snell_cosine(before.impedance, behind.impedance, cos)",
            ),
            (
                "facet, behind.speed / before.speed, cos, cos2)",
                "facet, behind.impedance / before.impedance, cos, cos2)",
            ),
        ),
        ("k1", "k2", "k5", "k39"),
    ),
    Fault(
        "each frame scaled to its own maximum",
        "sim/simulator.py",
        (
            (
                "            self._compress(seed)\n",
                "            b.iq.assign(host(b.iq) / np.abs(host(b.iq)).max())\n"
                "            self._compress(seed)\n",
            ),
        ),
        ("k38",),
    ),
]


def main() -> int:
    """Print a row for each fault; 1 if one passes unseen."""
    words = sys.argv[1:]
    print("| fault | failed | among them |\n|---|---|---|")
    missed = []
    for fault in [None, *FAULTS]:
        failed = _failures(fault, words)
        seen = {key for test in failed for key in re.findall(r"_(k\d+)(?=_|b_)", test)}
        name, wanted = (fault.name, set(fault.seen_by)) if fault else ("none", set[str]())
        numbers = sorted(seen, key=lambda key: int(key[1:]))
        print(f"| {name} | {len(failed)} | {', '.join(numbers).upper()} |", flush=True)
        if not fault and failed:
            missed.append("tests fail without a fault: " + ", ".join(failed))
        if not wanted <= seen and not words:
            missed.append(f"{name}: not seen by {', '.join(sorted(wanted - seen)).upper()}")
    for line in missed:
        print(line, file=sys.stderr)
    return 1 if missed else 0


def _failures(fault: Fault | None, words: list[str]) -> list[str]:
    """Names of the physics tests that fail with a fault in a copy of the source."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        if fault:
            _break(source / "insonate" / fault.file, fault)
        env = os.environ | {
            "PYTHONPATH": str(source),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": folder,
        }
        _check_copy_is_used(source, env)
        tests = str(ROOT / "tests" / "physics")
        options = ["-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", tests, *words]
        done = _python(["-m", "pytest", *options], env)
    failed = re.findall(r"^FAILED \S+::(\S+)", done.stdout, re.MULTILINE)
    if done.returncode not in (0, 1) or "\nERROR " in done.stdout:
        sys.exit(f"{fault and fault.name}: pytest itself failed\n{done.stdout}{done.stderr}")
    if bool(failed) != bool(done.returncode):
        sys.exit(f"{fault and fault.name}: cannot read what pytest says\n{done.stdout}")
    return failed


def _break(path: Path, fault: Fault) -> None:
    text = path.read_text("utf-8")
    for old, new in fault.changes:
        if text.count(old) != 1:
            sys.exit(f"{fault.name}: {text.count(old)} times in {fault.file}, not once: {old!r}")
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


def _check_copy_is_used(source: Path, env: dict[str, str]) -> None:
    found = _python(["-c", "import insonate; print(insonate.__file__)"], env).stdout.strip()
    if not Path(found).is_relative_to(source):
        sys.exit(f"the tests would run another copy of the source: {found}")


def _python(words: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], env=env, cwd=ROOT, capture_output=True, text=True
    )


if __name__ == "__main__":
    sys.exit(main())

"""What every benchmark says: on which machine, at which commit; and its table in README.md."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

__all__ = ["commit", "machine", "where", "write_table"]

REPOSITORY = Path(__file__).resolve().parents[1]


def machine(device: str = "cpu") -> dict[str, str | float]:
    """What it was measured on, and how busy that was beforehand."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        named = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        model = named[0] if named else model
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else -1.0
    return {"cpu": model, "cores": cores or 1, "load": load, "device": device}


def commit() -> str:
    """Short hash of the checkout, with a mark if files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=9", "--exclude=*"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def where(on: dict[str, str | float]) -> str:
    """A machine in words, for a table's first line."""
    return str(on["device"]) if on["device"] != "cpu" else f"{on['cores']} cores of {on['cpu']}"


def write_table(name: str, text: str) -> None:
    """Put `text` between the marks `<!-- NAME:begin -->` and `<!-- NAME:end -->` of README.md."""
    path = REPOSITORY / "README.md"
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    whole = path.read_text(encoding="utf-8")
    if begin not in whole or end not in whole:
        raise SystemExit(f"{path.name}: the marks {begin} and {end} are missing")
    before, rest = whole.split(begin, 1)
    after = rest.split(end, 1)[1]
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")

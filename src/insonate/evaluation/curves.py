"""How runs were trained: losses and validations over steps, from their logs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from insonate.errors import InputError
from insonate.evaluation.report.figures import draw_curves

__all__ = ["read_curves", "training_curves"]

Curve = tuple[list[float], list[float]]


def training_curves(folders: Sequence[Path], names: Sequence[str]) -> list[tuple[str, bytes]]:
    """Drawings of all losses and validations that the logs of runs tell of, as SVG.

    Args:
        folders: of the runs.
        names: of the runs.

    Raises:
        InputError: a run without a log, or one that is broken.
    """
    curves = {name: read_curves(folder) for name, folder in zip(names, folders, strict=True)}
    kinds = dict.fromkeys(kind for mine in curves.values() for kind in mine)
    drawings = []
    for kind in kinds:
        drawn = {run: mine[kind] for run, mine in curves.items() if kind in mine}
        drawings.append((kind, draw_curves(kind, drawn)))
    return drawings


def read_curves(folder: Path) -> dict[str, Curve]:
    """Steps and values by name: `losses generator.gan`, `validation psnr`.

    Args:
        folder: of the run.

    Raises:
        InputError: no log, or one that is broken.
    """
    found: dict[str, Curve] = {}
    for line in _lines(folder / "log.jsonl"):
        for group in ("losses", "validation"):
            values = line.get(group)
            for name, value in values.items() if isinstance(values, Mapping) else ():
                steps, mine = found.setdefault(f"{group} {name}", ([], []))
                steps.append(float(line["step"]))
                mine.append(float(value))
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: no log to draw curves of ({error.strerror})") from error
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)
            said["step"] = int(said["step"])
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                return  # a run that is going on may be writing it
            raise InputError(f"{path}: line {number}: expected JSON with a step") from error
        yield said

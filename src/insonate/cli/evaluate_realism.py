"""What `insonate evaluate` and `insonate compare` do when real images are given beside."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insonate.errors import InputError

if TYPE_CHECKING:
    from insonate.cli.evaluate import Compare, Evaluate
    from insonate.evaluation import Machine

__all__ = ["compare_beside", "evaluate_beside"]

#: Options that speak of a target, which real images are not.
_OF_PAIRS = ("tile", "whole", "translate", "rule")
Progress = Callable[[Iterable[Any], str], Iterable[Any]]


def evaluate_beside(given: Evaluate, data: str, machine: Machine, progress: Progress) -> None:
    """Measure runs beside real images, write, and print the tables.

    Args:
        given: the command.
        data: folder or URL of the simulated frames.
        machine: that runs are loaded to.
        progress: shows how far it is.

    Raises:
        InputError: whatever cannot be measured.
    """
    from insonate.data.files import make_folder
    from insonate.evaluation.realism import (
        prepare_realism,
        write_realism,
        write_realism_tables,
    )
    from insonate.evaluation.realism.report import write_realism_report
    from insonate.evaluation.realism.tables import content_table, realism_table

    _refuse_options_of_pairs(given)
    task = prepare_realism(given.runs, data, _beside(given), _settings(given), machine, given.names)
    make_folder(given.out)  # before hours of work
    found = task.measure(progress)
    write_realism(found, given.out)
    write_realism_tables(found, given.out)
    strips = _pictures(given, found, data, machine, progress)
    write_realism_report(found, given.out / "report.html", strips)
    print(realism_table(found).markdown())
    print("\n" + content_table(found).markdown())
    for note in found.notes:
        print(f"\n{note}")
    print(f"\n{given.out / 'report.html'}")


def compare_beside(given: Compare, data: str, machine: Machine, progress: Progress) -> list[Any]:
    """Strips of simulated frames, of every run's translations, and of real frames.

    Args:
        given: the command.
        data: folder or URL of the simulated frames.
        machine: that runs are loaded to.
        progress: shows how far it is.

    Raises:
        InputError: whatever cannot be shown.
    """
    from insonate.evaluation.realism import RealismSettings, compare_realism

    settings = RealismSettings(
        split=given.split, unit=given.unit, real_split=given.real_split,
        real_unit=given.real_unit, source=given.source, frames=given.count,
    )  # fmt: skip
    return compare_realism(
        given.runs, data, str(given.real), given.frames, settings, machine, given.names,
        given.zoom, progress,
    )  # fmt: skip


def _refuse_options_of_pairs(given: Evaluate) -> None:
    for name in _OF_PAIRS:
        default = next(f.default for f in dataclasses.fields(given) if f.name == name)
        if getattr(given, name) != default:
            raise InputError(f"--{name}: has no use with --real, which has no target to be near to")


def _settings(given: Evaluate) -> Any:
    from insonate.evaluation.realism import RealismSettings

    names = {field.name for field in dataclasses.fields(RealismSettings)}
    same = {k: v for k, v in vars(given).items() if k in names}
    changed = {"window": given.crop, "windows": given.crops, "border": given.border or "valid"}
    # so many crops are a batch, or a quarter as many whole frames
    return RealismSettings(**{**same, **changed, "batch": max(given.batch // 4, 1)})


def _beside(given: Evaluate) -> Any:
    from insonate.evaluation.realism import Beside

    if given.segmenter_steps < 0:
        raise InputError(f"--segmenter-steps: expected 0 or more, got {given.segmenter_steps}")
    folder = Path(given.segmenter) if given.segmenter else None
    return Beside(str(given.real), given.sweep, folder, given.segmenter_steps)


def _pictures(
    given: Evaluate, found: Any, data: str, machine: Machine, progress: Progress
) -> list[Any]:
    from insonate.evaluation.realism import RealismSettings, compare_realism
    from insonate.evaluation.realism.report import chosen_by_content

    numbers = chosen_by_content(found, given.pictures)
    if not numbers:
        return []
    settings: RealismSettings = found.settings
    return compare_realism(
        given.runs, data, str(given.real), numbers, settings, machine, given.names, 0, progress
    )

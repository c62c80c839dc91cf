"""What is translated stays: nothing is written where something is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from insonate.data.dataset.store import is_remote, local_path
from insonate.errors import InputError

__all__ = ["refuse_inside", "refuse_overwriting"]


def refuse_overwriting(targets: Iterable[Path], sources: Iterable[Path]) -> None:
    """See that no file that will be written is one that is read, links followed.

    Args:
        targets: that will be written.
        sources: that are read.

    Raises:
        InputError: one is.
    """
    read = {_true(source) for source in sources}
    for target in targets:
        if _true(target) in read:
            raise InputError(f"--out {target}: is read as well; expected another place")


def refuse_inside(out: str | Path, where: str) -> None:
    """See that a new dataset or folder does not lie in the dataset that is read, nor is it.

    Args:
        out: folder or URL that will be written.
        where: folder or URL of the dataset.

    Raises:
        InputError: it does.
    """
    if is_remote(str(out)) or is_remote(where):
        inside = str(out).rstrip("/") == where.rstrip("/")
    else:
        inside = _true(local_path(str(out))).is_relative_to(_true(local_path(where)))
    if inside:
        raise InputError(f"--out {out}: lies in {where}, which is read; expected another place")


def _true(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # a link to itself
        raise InputError(f"{path}: a link that leads nowhere") from error

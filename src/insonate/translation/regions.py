"""Labels of one list of regions as those of another, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError, closest

__all__ = ["label_table"]

_NAMED = 4  # regions, at most, in an error's line


def label_table(
    given: Sequence[str], known: Sequence[str], renamed: Mapping[str, str], where: str
) -> NDArray[np.int64]:
    """For every label of the data the label that a run was trained with, `(256,)`; -1 for none.

    Args:
        given: names of the data's regions by label; none if they are the run's.
        known: names of the run's regions by label.
        renamed: what regions of the data are called in the run.
        where: the data, for the error.

    Raises:
        InputError: regions that the run does not know, or a new name that it does not know.
    """
    for name in renamed.values():
        if name not in known:
            raise InputError(f"--rename: the run has no region '{name}'; {closest(name, known)}")
    table = np.full(256, -1)
    if not given:
        table[: len(known)] = np.arange(len(known))
        return table
    names = [renamed.get(name, name) for name in given]
    unknown = [name for name in names if name not in known]
    if unknown:
        more = ", ..." if len(unknown) > _NAMED else ""
        raise InputError(
            f"{where}: regions that the run was not trained with: "
            f"{', '.join(unknown[:_NAMED])}{more}; expected those of the run, or --rename"
        )
    table[: len(names)] = [known.index(name) for name in names]
    return table

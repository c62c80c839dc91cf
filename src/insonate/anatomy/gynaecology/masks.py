"""Masks of whole structures from the labels of a frame, which name their smallest parts."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from insonate.errors import InputError, closest

__all__ = ["STRUCTURES", "structure_mask"]

_UTERUS = ("myometrium", "junctional_zone", "endometrium*", "cervix", "cervical_*", "fibroid")
#: Regions of every structure, as patterns.
STRUCTURES: dict[str, tuple[str, ...]] = {
    "uterus": _UTERUS,
    "endometrium": ("endometrium*",),
    "ovary_left": ("ovary_left*", "follicle_left_*", "corpus_luteum_left*", "ovarian_cyst*"),
    "ovary_right": ("ovary_right*", "follicle_right_*", "corpus_luteum_right*"),
    "follicles_left": ("follicle_left_*",),
    "follicles_right": ("follicle_right_*",),
    "follicles": ("follicle_*",),
}


def structure_mask(
    labels: NDArray[np.uint8], region_names: Sequence[str], structure: str
) -> NDArray[np.bool_]:
    """Where a structure is, with all that it contains.

    Args:
        labels: of a frame, any shape, such as `(rows, columns)`.
        region_names: by label, of the same frame.
        structure: one of `STRUCTURES`, or the name of a region such as follicle_left_1.

    Returns:
        True inside, of the shape of `labels`.

    Raises:
        InputError: no such structure, nor a region of that name.
    """
    patterns = STRUCTURES.get(structure, (structure,))
    member = np.array(
        [any(fnmatchcase(name, pattern) for pattern in patterns) for name in region_names]
    )
    if structure not in STRUCTURES and not member.any():
        raise InputError(
            f"unknown structure '{structure}'; {closest(structure, [*STRUCTURES, *region_names])}"
        )
    return member[labels]

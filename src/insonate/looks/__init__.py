"""Weights that ship: a folder for each look, as `insonate pack` writes it, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

__all__ = ["Look", "shipped"]

#: What a network makes of a simulated image: better, as slower rendering would (learned from
#: pairs), or like real images (learned from those).
Look = Literal["enhanced", "realistic"]


def shipped(look: Look) -> Path | None:
    """The folder of the weights that ship for a look; None if none do.

    Args:
        look: which.
    """
    folder = Path(__file__).parent / look
    return folder if folder.is_dir() else None

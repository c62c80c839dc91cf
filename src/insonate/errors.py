"""What the package raises when its input cannot be used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["InputError", "closest"]


class InputError(ValueError):
    """Bad input: one line that names the file, the field and what was expected."""


def closest(name: str, known: Iterable[str]) -> str:
    """The end of an error line about an unknown name: the nearest match, or all the names."""
    known = list(known)
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean '{match[0]}'?" if match else "known: " + ", ".join(sorted(known))

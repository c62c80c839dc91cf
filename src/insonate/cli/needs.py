"""What has to be installed for a command, said before a deep import does."""

from __future__ import annotations

from importlib.util import find_spec

from insonate.errors import InputError

__all__ = ["need"]


def need(*modules: str, extra: str = "learning") -> None:
    """Say which package is missing.

    Args:
        modules: that are imported later.
        extra: of the package that brings them.

    Raises:
        InputError: one is not installed.
    """
    for module in modules:
        if find_spec(module) is None:
            raise InputError(f'{module} is not installed: pip install "insonate[{extra}]"')

"""The command line: a thin layer over the Python interface, and the only place for degrees."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import sys
from collections.abc import Sequence

from insonate import __version__
from insonate.errors import InputError

__all__ = ["main"]

FAILED = 2


def main(args: Sequence[str] | None = None) -> int:
    """Run a command; what goes wrong ends in one line on standard error.

    Args:
        args: words of the command line; those of the process when None.

    Returns:
        The exit status: 0, or 2 if the command could not be done.
    """
    args = list(sys.argv[1:] if args is None else args)
    if args == ["--version"]:
        print(f"insonate {__version__}")
        return 0
    try:
        _parse(args).run()
        sys.stdout.flush()
    except InputError as error:
        return _fail(str(error))
    except MemoryError as error:
        return _fail(f"out of memory: {str(error) or 'fewer rays, layers or triangles are needed'}")
    except KeyboardInterrupt:
        return _fail("interrupted")
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return _fail(f"{error.filename or 'system'}: {error.strerror or error}")
    return 0


def _fail(message: str) -> int:
    print(f"insonate: {' '.join(message.split())}", file=sys.stderr)
    return FAILED


def _parse(args: list[str]):
    """The command that the words ask for; a word that does not fit raises InputError."""
    import tyro

    from insonate.cli.commands import Command
    from insonate.cli.train import Train, split_changes

    changes = ()
    if args[:1] == ["train"]:
        args, changes = split_changes(args)
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            flat = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
            about = f"Ultrasound by ray tracing, version {__version__}."
            command = tyro.cli(Command, prog="insonate", description=about, args=args, config=flat)
    except SystemExit as stop:
        if not stop.code:
            raise
        raise InputError(_one_line(errors.getvalue())) from None
    return dataclasses.replace(command, changes=changes) if isinstance(command, Train) else command


def _one_line(box: str) -> str:
    """The words of a message that tyro frames in a box."""
    lines = [line.strip(" │") for line in box.splitlines() if not re.match(r"\s*[╭╰]", line)]
    return " ".join(line for line in lines if line.strip("─ "))

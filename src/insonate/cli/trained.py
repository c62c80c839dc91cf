"""Options that say what has been learned, and the run that they mean."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

if TYPE_CHECKING:
    from insonate.recipe import Run

__all__ = ["From", "To", "Trained", "Weights", "load"]

Domain = Literal["simulated", "real", "semantic"]
Trained = Positional[Annotated[Path, arg(metavar="RUN")]]
From = Annotated[Domain | None, arg(name="from", help_behavior_hint="")]
To = Annotated[Domain | None, arg(help_behavior_hint="")]
Weights = Literal["best", "average", "raw"]


def load(
    trained: Path,
    weights: Weights = "best",
    source: Domain | None = None,
    to: Domain | None = None,
) -> Run:
    """A run, with what it has to remark on the screen.

    Args:
        trained: folder of the run, or of packed weights.
        weights: averages, those of the last step, or the best there are.
        source: domain to translate from; its own when None.
        to: domain to translate to; its own when None.

    Raises:
        InputError: as `load_run` says.
    """
    from insonate.recipe import load_run

    run = load_run(trained, weights, source=source, to=to)
    for remark in run.remarks:
        print(f"insonate: {remark}", file=sys.stderr)
    return run

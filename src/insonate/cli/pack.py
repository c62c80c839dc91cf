"""`insonate pack`: weights to give away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from insonate.cli.needs import need
from insonate.cli.trained import From, To, Trained, Weights, load

__all__ = ["Pack"]


@dataclass(frozen=True)
class Pack:
    """Write the networks that a run translates with as one small file, with a card.

    The folder holds weights.safetensors in bf16, card.json and card.md; it is used wherever a
    run is. What only you know (data, licences, limits, figures) comes from --card.
    """

    trained: Trained
    """folder of a run."""
    card: Annotated[Path, arg(metavar="YAML")]
    """about, licence, data (name, licence, about), limits, figures; docs/translating.rst."""
    out: Annotated[Path, arg(metavar="FOLDER")]
    """that does not exist, or is empty."""
    start: From = None
    """domain to translate from, of a method that knows several."""
    to: To = None
    """domain to translate to; real for unpaired methods."""
    weights: Weights = "best"
    """averages, those of the last step, or the best there are: averages if they are kept."""

    def run(self) -> None:
        """Write, and say how much."""
        need("torch", "zarr")
        from insonate.recipe.card import read_statement
        from insonate.recipe.packed import pack

        statement = read_statement(self.card)
        card = pack(load(self.trained, self.weights, self.start, self.to), self.out, statement)
        what = card.look or (f"{card.source} to {card.to}" if card.to else "no look")
        print(f"{self.out}: {what}, {card.bytes / 1e6:.2f} MB, SHA-256 {card.sha256[:16]}...")

"""What weights without their run say of themselves: from what data, under which licence, how good.

Modelled on the model cards of Mitchell et al. 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from insonate.config import read_content
from insonate.errors import InputError
from insonate.looks import Look
from insonate.methods.domains import Domain
from insonate.recipe.recipe import Recipe, of_plain

__all__ = [
    "CARD",
    "NOT_FOR_DIAGNOSIS",
    "Card",
    "Material",
    "Statement",
    "read_card",
    "read_statement",
]

CARD = "card.json"
NOT_FOR_DIAGNOSIS = "Images are translated by a network, not simulated physics; not for diagnosis."


@dataclass(frozen=True)
class Material:
    """Data that weights were learned from.

    Attributes:
        name: of the data.
        licence: under which they may be used so.
        about: where they are from, how many there are, which of them were learned from.
    """

    name: str
    licence: str
    about: str = ""


@dataclass(frozen=True)
class Statement:
    """What whoever gives weights away has to say, as a file of `insonate pack --card`.

    Attributes:
        about: what the weights are for.
        licence: of the weights.
        data: that they were learned from.
        limits: what they should not be used for, and what they do wrong.
        figures: what was measured by name, with the number of images and how.
    """

    about: str
    licence: str
    data: tuple[Material, ...]
    limits: tuple[str, ...]
    figures: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what says nothing.

        Raises:
            InputError: names the field.
        """
        for name in ("about", "licence", "data", "limits"):
            if not getattr(self, name):
                raise InputError(f"{name}: empty; expected what there is to say")
        for material in self.data:
            if not (material.name and material.licence):
                raise InputError("data: expected a name and a licence of each")


@dataclass(frozen=True)
class Card:
    """All that is known of packed weights.

    Attributes:
        format: of this file.
        look: what they make of a simulated image; None if they do something else.
        source: domain that they translate from; None if they were learned from pairs.
        to: domain that they translate to.
        step: of their training.
        commit: of the code that trained them, if it is known.
        trained_on: names, manifests and sizes of the datasets that they were learned from.
        sha256: of the file of weights.
        bytes: that it has.
        statement: of whoever gives them away.
        regions: that labels count.
        recipe: by which they were trained.
    """

    format: Literal[1]
    look: Look | None
    source: Domain | None
    to: Domain | None
    step: int
    commit: str
    trained_on: Mapping[str, Any]
    sha256: str
    bytes: int
    statement: Statement
    regions: tuple[str, ...]
    recipe: Recipe

    def markdown(self, name: str) -> str:
        """The same for people.

        Args:
            name: of the weights.
        """
        said, way = self.statement, f"{self.source} to {self.to}" if self.to else "of pairs"
        facts = {
            "look": self.look or "none", "method": self.recipe.method.name, "direction": way,
            "steps": self.step, "rows of the images": self.trained_on.get("rows", "unknown"),
            "commit": self.commit or "unknown", "licence": said.licence,
            "size": f"{self.bytes / 1e6:.2f} MB", "SHA-256": f"`{self.sha256}`",
        }  # fmt: skip
        data = [f"{each.name} ({each.licence}). {each.about}".strip() for each in said.data]
        sections = {
            "Facts": [f"{key}: {value}" for key, value in facts.items()],
            "Data": data,
            "Figures": [f"{key}: {value}" for key, value in said.figures.items()],
            "Limits": [NOT_FOR_DIAGNOSIS, *said.limits],
        }
        parts = [f"# {name}", said.about.strip()]
        for title, lines in sections.items():
            parts.append(f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines or ["none"]))
        regions = ", ".join(self.regions) or "none"
        parts.append(f"## Regions\n\n{regions}")
        parts.append(f"## Recipe\n\n```yaml\n{self.recipe.yaml()}```")
        return "\n\n".join(parts) + "\n"


def read_card(folder: Path) -> Card:
    """The card of packed weights.

    Args:
        folder: of the weights.

    Raises:
        InputError: there is none, or it is not one; names the key.
    """
    path = folder / CARD
    if not path.is_file():
        raise InputError(f"{folder}: no {CARD}; weights without their card are not used")
    return of_plain(Card, read_content(path, "card of weights"), path)


def read_statement(path: Path) -> Statement:
    """What whoever gives weights away has to say.

    Args:
        path: of the file (.yaml, .json).

    Raises:
        InputError: not such a file; names the key.
    """
    return of_plain(Statement, read_content(path, "card"), path)

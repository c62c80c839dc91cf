"""What ships: scenes, probes, tissues."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

if TYPE_CHECKING:
    from insonate.acoustics import Tissue
    from insonate.probe import Probe

__all__ = ["ListProbes", "ListScenes", "ListTissues", "ShowProbe", "ShowTissue"]


@dataclass(frozen=True)
class ListScenes:
    """List the scenes that ship."""

    def run(self) -> None:
        """Print a line for each."""
        from insonate.anatomy.phantoms import PHANTOMS
        from insonate.anatomy.scene_file import GYNAECOLOGY, PATIENT

        rows = [
            [
                PATIENT,
                "A pregnant patient at 22 weeks; `insonate patient --list-views` lists her views.",
            ]
        ]
        rows += [
            [name, f"Uterus and ovaries, not pregnant; {examination} examination."]
            for name, examination in GYNAECOLOGY.items()
        ]
        rows += [[name, (make.__doc__ or "").split("\n")[0]] for name, make in PHANTOMS.items()]
        print(table(["scene", "what it is"], rows))


@dataclass(frozen=True)
class ListProbes:
    """List the probes that ship."""

    def run(self) -> None:
        """Print a line for each."""
        from insonate.probe import PRESETS

        heads = ["probe", "kind", "frequency [MHz]", "depth [mm]", "face [mm]", "sector [degrees]"]
        rows = [
            [
                p.name,
                p.kind,
                *_numbers(p.frequency, p.depth, p.width, math.degrees(p.field_of_view)),
            ]
            for p in PRESETS.values()
        ]
        print(table(heads, rows))


@dataclass(frozen=True)
class ListTissues:
    """List the tissues that ship."""

    def run(self) -> None:
        """Print a line for each."""
        from insonate.acoustics import load_tissues

        heads = ["tissue", "speed of sound [m/s]", "density [kg/m3]"]
        heads += ["attenuation [dB/(cm MHz^n)]", "n", "echogenicity [dB]"]
        rows = [
            [
                t.name,
                *_numbers(t.speed_of_sound, t.density),
                *_numbers(t.attenuation, t.attenuation_power, t.echogenicity),
            ]
            for t in load_tissues().values()
        ]
        print(table(heads, rows))


@dataclass(frozen=True)
class ShowProbe:
    """Show all that is known of a probe."""

    name: Positional[Annotated[str, arg(metavar="NAME")]]
    """of the probe."""

    def run(self) -> None:
        """Print a line for each property."""
        from insonate.probe import load_probe

        print(_properties(load_probe(self.name)))


@dataclass(frozen=True)
class ShowTissue:
    """Show all that is known of a tissue, with its source."""

    name: Positional[Annotated[str, arg(metavar="NAME")]]
    """of the tissue."""

    def run(self) -> None:
        """Print a line for each property."""
        from insonate.acoustics import load_tissues

        print(_properties(load_tissues()[self.name]))


def _properties(thing: Probe | Tissue) -> str:
    """Fields of a probe or a tissue, in the units of its docstring but degrees for angles."""
    units = _units(type(thing).__doc__ or "")
    rows = []
    for field in dataclasses.fields(thing):
        value, unit = getattr(thing, field.name), units.get(field.name, "")
        if unit == "rad":
            value, unit = math.degrees(value), "degrees"
        text = f"{value:g}" if isinstance(value, float) else str(value)
        rows.append([field.name, text, unit])
    return table(["property", "value", "unit"], rows)


def _units(docstring: str) -> dict[str, str]:
    """Units in brackets, by the attribute that a Google-style docstring gives them to."""
    entries = re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", docstring, re.MULTILINE)
    found = {name: re.search(r"\[(.+?)\]", text) for name, text in entries}
    return {name: match[1] for name, match in found.items() if match}


def _numbers(*values: float) -> list[str]:
    return [f"{value:g}" for value in (round(value, 4) for value in values)]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under their heads, in columns as wide as they need."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join(padded)

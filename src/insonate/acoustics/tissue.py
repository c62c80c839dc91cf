"""Tissues: what the simulator knows of a material, and the table that ships.

Tables keep the field's units (m/s, kg/m3, dB/(cm MHz^n)); the properties below convert
them, in this one place, to the engine's mm, us and MHz.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from insonate.acoustics.attenuation import attenuation_db
from insonate.config import check_fields
from insonate.errors import InputError, closest

__all__ = ["Tissue", "TissueTable", "load_tissues"]


@dataclass(frozen=True)
class Tissue:
    """One material.

    Attributes:
        name: as scene files and label maps spell it.
        speed_of_sound: [m/s].
        density: [kg/m3].
        attenuation: one way, at 1 MHz [dB/(cm MHz^n)].
        attenuation_power: the n of the power law.
        echogenicity: mean backscatter relative to adult liver [dB].
        occupancy: share of scatterer voxels that are filled, 0 to 1.
        kappa: mean over standard deviation of the scatterers' strength.
        roughness: exponent of the power cosine of its surface's facets; large is smooth.
        thickness: standard deviation of its fuzzy boundary [mm].
        modulation: amplitude of slow brightness variation [dB].
        modulation_scale: length of that variation [mm].
        source: where the numbers come from; letters as in `tables/sources.csv`.
    """

    name: str
    speed_of_sound: float
    density: float
    attenuation: float
    attenuation_power: float = 1.0
    echogenicity: float = 0.0
    occupancy: float = 1.0
    kappa: float = 0.0
    roughness: float = 300.0
    thickness: float = 0.1
    modulation: float = 0.0
    modulation_scale: float = 2.0
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse values that no material has."""
        check_fields(self, f"tissue '{self.name}': ")
        for name in ("speed_of_sound", "density", "modulation_scale"):
            if getattr(self, name) <= 0:
                raise InputError(f"tissue '{self.name}': {name} must be above 0")
        for name in ("attenuation", "kappa", "roughness", "thickness"):
            if getattr(self, name) < 0:
                raise InputError(f"tissue '{self.name}': {name} must not be negative")
        if not 0 <= self.occupancy <= 1:
            raise InputError(f"tissue '{self.name}': occupancy must lie between 0 and 1")

    @property
    def speed(self) -> float:
        """Speed of sound [mm/us]."""
        return self.speed_of_sound * 1e-3

    @property
    def impedance(self) -> float:
        """Characteristic acoustic impedance [MRayl] (:eq:`impedance`)."""
        return self.speed_of_sound * self.density * 1e-6

    def attenuation_at(self, f: float) -> float:
        """One-way attenuation [dB/cm] at `f` [MHz] (:eq:`attenuation`)."""
        return float(attenuation_db(self.attenuation, self.attenuation_power, f))


class TissueTable(Mapping[str, Tissue]):
    """Tissues by name; a look-up of an unknown name suggests the nearest one."""

    def __init__(self, tissues: Mapping[str, Tissue]):
        self._tissues = dict(tissues)

    def __getitem__(self, name: str) -> Tissue:
        """The tissue called `name`.

        Raises:
            InputError: no tissue has that name.
        """
        if name not in self._tissues:
            raise InputError(f"unknown tissue '{name}'; {closest(name, self._tissues)}")
        return self._tissues[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tissues

    def __iter__(self) -> Iterator[str]:
        return iter(self._tissues)

    def __len__(self) -> int:
        return len(self._tissues)

    def extended(self, changes: Mapping[str, Mapping[str, Any]]) -> TissueTable:
        """A table with tissues added or overridden.

        Args:
            changes: by tissue name, the fields to set. A known name keeps its other fields;
                a new one starts from the tissue that its field `like` names, if any (of the table,
                or named earlier in `changes`).

        Raises:
            InputError: an unknown field or parent, or a value that no material has.
        """
        tissues = dict(self._tissues)
        for name, fields in changes.items():
            tissues[name] = TissueTable(tissues)._changed(name, dict(fields))
        return TissueTable(tissues)

    def _changed(self, name: str, fields: dict[str, Any]) -> Tissue:
        parent = fields.pop("like", name if name in self else None)
        known = {f.name: f.type for f in dataclasses.fields(Tissue)} | {"like": "str"}
        for field, value in fields.items():
            if field not in known:
                raise InputError(
                    f"tissue '{name}': unknown field '{field}'; {closest(field, known)}"
                )
            if known[field] == "float" and (isinstance(value, bool) or not _is_number(value)):
                raise InputError(f"tissue '{name}': {field} must be a number, got {value!r}")
        if parent is not None:
            return dataclasses.replace(self[parent], **{"name": name, **fields})
        missing = {"speed_of_sound", "density", "attenuation"} - fields.keys()
        if missing:
            raise InputError(f"tissue '{name}': new, and lacks {', '.join(sorted(missing))}")
        return Tissue(**{"name": name, **fields})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


@cache
def load_tissues() -> TissueTable:
    """The table of tissues that ships with the package, with the source of every row."""
    tissues = {}
    table = resources.files("insonate.acoustics").joinpath("tables/tissues.csv")
    for row in csv.DictReader(table.read_text("utf-8").splitlines()):
        name, source = row.pop("name"), row.pop("source")
        numbers = {field: float(value) for field, value in row.items()}
        tissues[name] = Tissue(name=name, source=source, **numbers)
    return TissueTable(tissues)

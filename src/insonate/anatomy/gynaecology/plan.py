"""One woman who is not pregnant, before she has a surface: what is asked for, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from insonate.anatomy.findings import check_findings
from insonate.anatomy.gynaecology import cycle
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.patient.draw import Draw, Variation
from insonate.errors import InputError

__all__ = ["FOLLICLES", "SIDES", "GynaecologyPlan"]

SIDES = ("left", "right")
#: Most follicles in an ovary, and their diameters [mm].
FOLLICLES, FOLLICLE_DIAMETERS = 30, (2.0, 40.0)
#: What can be built: unit, lowest, highest.
_RANGES = {
    "age": ("years", 15.0, 60.0),
    "cycle_day": ("", 1.0, 28.0),
    "bladder_volume": ("ml", 20.0, 500.0),
    "fat": ("mm", 4.0, 60.0),
    "endometrium": ("mm", 1.0, 20.0),
    "detail": ("triangles", 60_000, 3_000_000),
}
_CHOICES = {
    "uterus_version": ("anteverted", "retroverted"),
    "examination": ("endovaginal", "transabdominal"),
}
#: What can be found in someone who is not pregnant.
_FINDINGS = ("fibroid", "ovarian_cyst")
#: Urine [ml] with which one is examined (M).
_BLADDER = {"endovaginal": 25.0, "transabdominal": 250.0}


@dataclass(frozen=True)
class GynaecologyPlan:
    """A woman, as asked for; None leaves it to age, day of the cycle and seed.

    Attributes:
        seed: what is not asked for follows from it.
        age: [years], 15 to 60.
        cycle_day: 1 to 28, ovulation at the end of day 14.
        uterus_version: anteverted or retroverted.
        follicles_left: diameters [mm], each 2 to 40, at most 30.
        follicles_right: the same of the right ovary.
        examination: endovaginal (the vagina lies around the probe) or transabdominal.
        bladder_volume: urine [ml], 20 to 500; 25 or 250 by examination.
        fat: subcutaneous, 4 to 60 mm.
        endometrium: both layers [mm], 1 to 20.
        findings: degree of fibroid [mm] and of ovarian_cyst [mm], by name.
        detail: triangles, about; 60 000 to 3 million.
    """

    seed: int = 0
    age: float = 30.0
    cycle_day: int = 12
    uterus_version: Literal["anteverted", "retroverted"] = "anteverted"
    follicles_left: tuple[float, ...] | None = None
    follicles_right: tuple[float, ...] | None = None
    examination: Literal["endovaginal", "transabdominal"] = "endovaginal"
    bladder_volume: float | None = None
    fat: float | None = None
    endometrium: float | None = None
    findings: Mapping[str, float] = field(default_factory=dict)
    detail: int = 700_000

    def __post_init__(self) -> None:
        """Refuse what cannot be built, with what can."""
        for name, (unit, low, high) in _RANGES.items():
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name), low, high, unit)
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                got = getattr(self, name)
                raise InputError(f"{name}: expected {' or '.join(choices)}, got {got!r}")
        for side in SIDES:
            name = f"follicles_{side}"
            object.__setattr__(self, name, _checked_follicles(name, getattr(self, name)))
        for name in ("seed", "cycle_day", "detail"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InputError(f"{name}: expected a whole number, got {value!r}")
        for name in self.findings:
            if name not in _FINDINGS:
                raise InputError(f"findings: expected {' or '.join(_FINDINGS)}, got '{name}'")
        check_findings(self.findings)

    def finding(self, name: str) -> float:
        """Degree of a finding, 0 if it is absent."""
        return float(self.findings.get(name, 0.0))

    @cached_property
    def draws(self) -> Mapping[str, float]:
        """Numbers in [-1, 1] by any name that are this woman's own."""
        return Variation(Draw(self.seed))

    @property
    def phase(self) -> str:
        """`menstrual`, `proliferative`, `secretory` or `menopausal`."""
        return cycle.phase(self.age, self.cycle_day)

    @cached_property
    def endometrial_thickness(self) -> float:
        """Both layers of the endometrium [mm]."""
        if self.endometrium is not None:
            return float(self.endometrium)
        return cycle.endometrium(self.age, self.cycle_day, self.draws["endometrium"])

    @property
    def dominant_side(self) -> str:
        """The ovary that ovulates this cycle: not one with a cyst."""
        return SIDES[int(self.draws["side"] > 0.0 or "ovarian_cyst" in self.findings)]

    def follicles(self, side: str) -> tuple[float, ...]:
        """Diameters of the follicles of the ovary on `side` [mm]."""
        asked = self.follicles_left if side == "left" else self.follicles_right
        if asked is not None:
            return asked
        small = cycle.antral_follicles(self.age, self.draws, side)
        dominant = cycle.dominant_follicle(self.age, self.cycle_day)
        return (dominant, *small) if dominant and side == self.dominant_side else small

    def corpus_luteum(self, side: str) -> float:
        """Diameter of the corpus luteum on `side` [mm], 0 if there is none."""
        return cycle.corpus_luteum(self.age, self.cycle_day) if side == self.dominant_side else 0.0

    @cached_property
    def mother(self) -> MotherPlan:
        """The body around."""
        volume = self.bladder_volume
        volume = _BLADDER[self.examination] if volume is None else volume
        fat = Draw(self.seed).around("fat", 15.0, 0.35) if self.fat is None else self.fat
        fat = min(max(fat, _RANGES["fat"][1]), _RANGES["fat"][2])
        return MotherPlan(weeks=None, fat=fat, bladder_volume=volume, variation=self.draws)


def _check_number(name: str, value: object, low: float, high: float, unit: str) -> None:
    fits = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not (fits and math.isfinite(value) and low <= value <= high):  # type: ignore[arg-type]
        raise InputError(f"{name}: expected {low:g} to {high:g} {unit}".rstrip() + f", got {value}")


def _checked_follicles(name: str, diameters: object) -> tuple[float, ...] | None:
    if diameters is None:
        return None
    if isinstance(diameters, str) or not hasattr(diameters, "__iter__"):
        raise InputError(f"{name}: expected diameters in mm, got {diameters!r}")
    values = tuple(diameters)  # type: ignore[arg-type]
    if len(values) > FOLLICLES:
        raise InputError(f"{name}: expected at most {FOLLICLES} follicles, got {len(values)}")
    for value in values:
        _check_number(name, value, *FOLLICLE_DIAMETERS, "mm")
    return tuple(float(value) for value in values)

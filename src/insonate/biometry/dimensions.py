"""Mean dimensions of the fetal body by gestational age: what the growth laws do not cover.

`dimensions.csv` holds one row for each, at seven ages, with its provenance: S read in the source
named, S* computed from such, M from memory of the literature, E an estimate. A row is evaluated
by its method: `formula` by `FORMULAS` below, `quadratic` by the parabola through a table that its
source rounds to 1 mm, `monotone` by cubics that do not overshoot.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import numpy as np

from insonate.biometry.brain import STRUCTURES
from insonate.biometry.growth import INTERGROWTH
from insonate.biometry.limits import check_weeks
from insonate.errors import InputError, closest

__all__ = ["FORMULAS", "Dimension", "dimension", "load_dimensions", "monotone_cubic"]

Formula = Callable[[float], float]


def _heart(g: float) -> float:
    return -53.11 + 6.56 * g - 0.035 * g**2


def _spine(g: float) -> float:
    return -47.2 + 7.16 * g


def _aorta(g: float) -> float:
    return -2.4838 + 0.2702 * g


def _kidney(g: float) -> float:
    # the regression starts at 20 weeks; before, 2 mm a week by estimate
    return 1.3 + 0.978 * g if g >= 20.0 else 1.3 + 0.978 * 20.0 + 2.0 * (g - 20.0)


def _outer_interorbital(g: float) -> float:
    return load_dimensions()["interorbital_outer"].at(g)


def _inner_interorbital(g: float) -> float:
    return load_dimensions()["interorbital_inner"].at(g)


def _orbit(g: float) -> float:
    return (_outer_interorbital(g) - _inner_interorbital(g)) / 2.0


def _centre(name: str) -> Formula:
    """Mean of a growth law's measure, INTERGROWTH-21st."""
    return INTERGROWTH[name].mean


#: Rows that are a function of the weeks; what each is, and where from, says its row.
FORMULAS: dict[str, Formula] = {
    "cephalic_index": lambda g: _centre("BPD")(g) / _centre("OFD")(g),
    "skull_thickness": lambda g: 0.05 * g - 0.1,
    "corpus_callosum_length": lambda g: -11.17 + 1.62 * g,
    "corpus_callosum_thickness": lambda g: -0.174 + 0.085 * g,
    "corpus_callosum_width": lambda g: -0.052 + 0.225 * g,
    "transcerebellar_diameter": STRUCTURES["TCD"].mean,
    "cisterna_magna": lambda g: STRUCTURES["cisterna_magna"].value(g, 0.0),
    "sylvian_fissure_depth": STRUCTURES["sylvian_fissure"].mean,
    "parieto_occipital_fissure_depth": STRUCTURES["parieto_occipital_fissure"].mean,
    "orbit_diameter": _orbit,
    "lens_diameter": lambda g: 0.35 * _orbit(g),
    "philtrum": lambda g: math.exp(2.778577 - 23.476723 / g),
    "chin": lambda g: math.exp(3.7922 - 28.043 / g),
    "spine_length": _spine,
    "vertebral_pitch_cervical": lambda g: 0.0286 * _spine(g),
    "vertebral_pitch_thoracic": lambda g: 0.035 * _spine(g),
    "vertebral_pitch_lumbar": lambda g: 0.048 * _spine(g),
    "vertebral_pitch_sacral": lambda g: 0.028 * _spine(g),
    "canal_width": lambda g: 1.5 + 0.22 * g,
    "canal_depth": lambda g: 0.75 * (1.5 + 0.22 * g),
    "spinal_cord_diameter": lambda g: 0.5 * (1.5 + 0.22 * g),
    "thoracic_circumference": lambda g: 9.0777 * g - 53.78,
    "rib_spacing": lambda g: 0.035 * _spine(g),
    "cardiac_circumference": _heart,
    "heart_diameter": lambda g: _heart(g) / math.pi,
    "ventricle_inner_width": lambda g: 0.30 * _heart(g) / math.pi,
    "septum_thickness": lambda g: 0.09 * _heart(g) / math.pi,
    "aortic_valve": _aorta,
    "pulmonary_valve": lambda g: -2.5924 + 0.2935 * g,
    "superior_vena_cava": lambda g: 0.70 * _aorta(g),
    "ductus": lambda g: 0.60 * _aorta(g),
    "descending_aorta": lambda g: 0.75 * _aorta(g),
    "liver_length": lambda g: 1.61 * g - 6.75,
    "umbilical_vein_abdominal": lambda g: 0.75 * load_dimensions()["umbilical_vein"].at(g),
    "cord_diameter": lambda g: -10.0563 + 1.4265 * g - 0.0194 * g**2,
    "gallbladder_length": lambda g: 10.0 * (-0.4106 + 0.0907 * g),
    "stomach_diameter": lambda g: 0.204 * _centre("AC")(g) / math.pi,
    "stomach_length": lambda g: 1.6 * 0.204 * _centre("AC")(g) / math.pi,
    "kidney_length": _kidney,
    "kidney_width": lambda g: 0.50 * _kidney(g),
    "kidney_depth": lambda g: 0.46 * _kidney(g),
    "humerus": lambda g: 11.459 * g - 2.2362 * g * math.log(g) - 63.704,
    "shaft_diameter": lambda g: 0.075 * _centre("FL")(g) + 0.3,
}


def monotone_cubic(x: tuple[float, ...], y: tuple[float, ...], at: float) -> float:
    """A smooth curve through points that never leaves the range of two neighbours.

    Fritsch and Butland's cubics (SIAM J Sci Stat Comput 1984;5:300); straight beyond the ends.

    Args:
        x: increasing, at least two [any unit].
        y: one for each `x` [any unit].
        at: where to evaluate [unit of `x`].
    """
    slopes = _slopes(x, y)
    if at <= x[0] or at >= x[-1]:
        end = 0 if at <= x[0] else -1
        return y[end] + slopes[end] * (at - x[end])
    i = next(k for k in range(len(x) - 1) if at < x[k + 1])
    h = x[i + 1] - x[i]
    t = (at - x[i]) / h
    left = (1.0 + 2.0 * t) * y[i] + t * h * slopes[i]
    right = (3.0 - 2.0 * t) * y[i + 1] + (t - 1.0) * h * slopes[i + 1]
    return (1.0 - t) ** 2 * left + t**2 * right


def _slopes(x: tuple[float, ...], y: tuple[float, ...]) -> list[float]:
    """Slope of the monotone cubics at every point."""
    steps = list(zip(x, x[1:], y, y[1:], strict=False))
    chords = [(y1 - y0) / (x1 - x0) for x0, x1, y0, y1 in steps]
    inner = [
        _mean_slope(x1 - x0, x2 - x1, a, b)
        for x0, x1, x2, a, b in zip(x, x[1:], x[2:], chords, chords[1:], strict=False)
    ]
    # the ends take the slope of their last chord: the least surprising to extrapolate
    return [chords[0], *inner, chords[-1]]


def _mean_slope(before: float, after: float, a: float, b: float) -> float:
    """Weighted harmonic mean of two chords; 0 at a peak."""
    if a * b <= 0.0:
        return 0.0
    w1, w2 = 2.0 * after + before, after + 2.0 * before
    return (w1 + w2) / (w1 / a + w2 / b)


@dataclass(frozen=True)
class Dimension:
    """A mean of the body by gestational age.

    Attributes:
        name: such as "skull_thickness".
        unit: mm, unless it is a ratio (1), coils (1/cm), volume (mL) or a level of the spine.
        method: "formula", "quadratic" or "monotone".
        first: week that it appears at; 0 before.
        ages: of the table, exact weeks.
        values: at `ages`, in `unit`.
        provenance: S, S*, M or E.
        source: where the numbers come from.
    """

    name: str
    unit: str
    method: str
    first: float
    ages: tuple[float, ...]
    values: tuple[float, ...]
    provenance: str
    source: str

    def at(self, weeks: float) -> float:
        """The dimension at `weeks` [exact weeks], in its unit; 0 before it appears."""
        if weeks < self.first:
            return 0.0
        if self.method == "formula":
            return FORMULAS[self.name](weeks)
        if self.method == "quadratic":
            a, b, c = self._parabola
            return max(a * weeks**2 + b * weeks + c, 0.0)
        return max(monotone_cubic(self.ages, self.values, weeks), 0.0)

    @cached_property
    def _parabola(self) -> tuple[float, float, float]:
        a, b, c = np.polyfit(self.ages, self.values, 2)
        return float(a), float(b), float(c)


@cache
def load_dimensions() -> Mapping[str, Dimension]:
    """The table of dimensions that ships with the package, by name."""
    table = resources.files("insonate.biometry").joinpath("dimensions.csv")
    rows = csv.DictReader(table.read_text("utf-8").splitlines())
    return {row["name"]: _dimension(row) for row in rows}


def _dimension(row: Mapping[str, str]) -> Dimension:
    filled = {float(k[1:]): float(v) for k, v in row.items() if k[1:].isdigit() and v}
    return Dimension(
        name=row["name"],
        unit=row["unit"],
        method=row["method"],
        first=float(row["first"]),
        ages=tuple(filled),
        values=tuple(filled.values()),
        provenance=row["provenance"],
        source=row["source"],
    )


def dimension(name: str, weeks: float) -> float:
    """Mean of a dimension of the body [mm], or in the unit that its row names.

    Args:
        name: such as "skull_thickness"; all are in `load_dimensions`.
        weeks: gestational age, 14 to 40 exact weeks.

    Raises:
        InputError: no dimension has that name, or the age is outside of the table.
    """
    table = load_dimensions()
    if name not in table:
        raise InputError(f"unknown dimension: '{name}'; {closest(str(name), table)}")
    return table[name].at(check_weeks(weeks, f"{name}: gestational age [weeks]"))

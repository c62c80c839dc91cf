"""Estimated fetal weight, from sizes and by age."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from insonate.biometry.growth import centile_of_z
from insonate.biometry.limits import check_finite, check_positive, check_weeks
from insonate.errors import InputError, closest

__all__ = [
    "FORMULAS",
    "REFERENCES",
    "Reference",
    "estimate_weight",
    "reference_weight",
    "weight_centile",
    "weight_z",
]

Formula = Callable[[float], float]


def _hadlock_4(bpd: float, hc: float, ac: float, fl: float) -> float:
    return 10.0 ** (
        1.3596 - 0.00386 * ac * fl + 0.0064 * hc + 0.00061 * bpd * ac + 0.0424 * ac + 0.174 * fl
    )


def _hadlock_3(hc: float, ac: float, fl: float) -> float:
    return 10.0 ** (1.326 - 0.00326 * ac * fl + 0.0107 * hc + 0.0438 * ac + 0.158 * fl)


def _hadlock_2(ac: float, fl: float) -> float:
    return 10.0 ** (1.304 - 0.004 * ac * fl + 0.05281 * ac + 0.1938 * fl)


def _intergrowth(hc: float, ac: float) -> float:
    a = ac / 100.0
    return math.exp(5.084820 - 54.06633 * a**3 - 95.80076 * a**3 * math.log(a) + 0.03136370 * hc)


#: Weight [g] from sizes in cm, in the order of the names (:eq:`hadlock-weight`,
#: :eq:`intergrowth-weight`).
FORMULAS: dict[str, tuple[tuple[str, ...], Callable[..., float]]] = {
    "hadlock4": (("BPD", "HC", "AC", "FL"), _hadlock_4),
    "hadlock3": (("HC", "AC", "FL"), _hadlock_3),
    "hadlock2": (("AC", "FL"), _hadlock_2),
    "intergrowth": (("HC", "AC"), _intergrowth),
}
#: No fetus measures more [mm]; formulas are polynomials, and would answer anyhow.
LARGEST = {"BPD": 130.0, "HC": 450.0, "AC": 500.0, "FL": 100.0}


def estimate_weight(sizes: Mapping[str, float], formula: str = "hadlock4") -> float:
    """Estimated weight [g] from sizes (:eq:`hadlock-weight`, :eq:`intergrowth-weight`).

    Hadlock et al., Am J Obstet Gynecol 1985;151:333; for INTERGROWTH-21st Stirnemann et al.,
    Ultrasound Obstet Gynecol 2017;49:478, from 22 weeks.

    Args:
        sizes: by measure [mm]; more than the formula needs is allowed.
        formula: "hadlock4" (BPD, HC, AC, FL), "hadlock3" (HC, AC, FL), "hadlock2" (AC, FL) or
            "intergrowth" (HC, AC).

    Raises:
        InputError: unknown formula, or a size that is missing or impossible.
    """
    if formula not in FORMULAS:
        raise InputError(f"unknown weight formula: '{formula}'; {closest(str(formula), FORMULAS)}")
    needed, weight = FORMULAS[formula]
    missing = [name for name in needed if name not in sizes]
    if missing:
        raise InputError(f"{formula}: needs {', '.join(needed)}; {', '.join(missing)} missing")
    cm = []
    for name in needed:
        mm = check_positive(sizes[name], f"{name} [mm]")
        if mm > LARGEST[name]:
            raise InputError(f"{name} [mm]: expected at most {LARGEST[name]:g}, got {mm:g}")
        cm.append(mm / 10.0)
    return weight(*cm)


@dataclass(frozen=True)
class Reference:
    """Weight by gestational age: location, scale and skewness of its logarithm (:eq:`weight-lms`).

    Attributes:
        location: median of ln(weight / g), by weeks.
        scale: its coefficient of variation, by weeks.
        skewness: its Box-Cox power, by weeks.
        first: week that the reference begins at.
        source: the publication.
    """

    location: Formula
    scale: Formula
    skewness: Formula
    first: float
    source: str

    def value(self, weeks: float, z: float) -> float:
        """Weight [g] at `z` standard deviations; not a number where the law has none."""
        step, power = z * self.scale(weeks), self.skewness(weeks)
        if step * power <= -1.0:
            return math.nan
        # the power passes through 0, where the Box-Cox law becomes the exponential one
        ratio = math.log1p(step * power) / power if power else step
        return math.exp(self.location(weeks) * math.exp(ratio))

    def z(self, weeks: float, grams: float) -> float:
        """Standard deviations of a weight [g]."""
        ratio, power = math.log(math.log(grams) / self.location(weeks)), self.skewness(weeks)
        step = math.expm1(ratio * power) / power if power else ratio
        return step / self.scale(weeks)


@dataclass(frozen=True)
class _Proportional(Reference):
    """A normal weight whose standard deviation is a share of the mean (:eq:`hadlock-reference`)."""

    def value(self, weeks: float, z: float) -> float:
        return math.exp(self.location(weeks)) * (1.0 + z * self.scale(weeks))

    def z(self, weeks: float, grams: float) -> float:
        return (grams / math.exp(self.location(weeks)) - 1.0) / self.scale(weeks)


def _q(powers: tuple[float, float, float], g: float) -> float:
    """A fractional polynomial of tens of weeks: constant, inverse square, that by logarithm."""
    q = g / 10.0
    return powers[0] + powers[1] / q**2 + powers[2] * math.log(q) / q**2


REFERENCES: dict[str, Reference] = {
    "hadlock": _Proportional(
        lambda g: 0.578 + 0.332 * g - 0.00354 * g**2,
        lambda _: 0.133,  # the paper's centiles; its regression leaves 0.127
        lambda _: 1.0,
        14.0,
        "Hadlock et al., Radiology 1991;181:129",
    ),
    "intergrowth": Reference(
        lambda g: 4.956737 + 0.0005019687 * g**3 - 0.0001227065 * g**3 * math.log(g),
        lambda g: 1e-4 * (-6.997171 + 0.057559 * g**3 - 0.01493946 * g**3 * math.log(g)),
        lambda g: -4.257629 - 2162.234 / g**2 + 0.0002301829 * g**3,
        22.0,
        "INTERGROWTH-21st: Stirnemann et al., Ultrasound Obstet Gynecol 2017;49:478",
    ),
    "intergrowth_2020": Reference(
        lambda g: -2.42272 + 1.86478 * math.sqrt(g) - 1.93299e-5 * g**3,
        lambda g: _q((0.0193557, 0.0310716, -0.0657587), g),
        lambda g: _q((9.43643, 9.41579, -83.5422), g),
        14.0,
        "INTERGROWTH-21st standards for Hadlock's estimation of fetal weight, 2020",
    ),
}


def reference_weight(weeks: float, z: float = 0.0, reference: str = "hadlock") -> float:
    """Weight [g] at an age (:eq:`hadlock-reference`, :eq:`weight-lms`).

    Args:
        weeks: gestational age, 14 (INTERGROWTH-21st of 2017: 22) to 40 exact weeks.
        z: standard deviations from the median.
        reference: "hadlock", "intergrowth" (2017) or "intergrowth_2020" (fitted from 18 weeks).

    Raises:
        InputError: unknown reference, age outside of it, or no weight at that `z`.
    """
    chosen, age = _reference(reference, weeks)
    weight = chosen.value(age, check_finite(z, "weight: z"))
    if not 0.0 < weight < math.inf:
        raise InputError(f"weight: z = {z:g} at {age:g} weeks leaves no weight")
    return weight


def weight_z(weeks: float, grams: float, reference: str = "hadlock") -> float:
    """Standard deviations between the median and a weight (:eq:`weight-lms`).

    Args:
        weeks: gestational age, exact weeks.
        grams: the weight [g].
        reference: as of `reference_weight`.
    """
    chosen, age = _reference(reference, weeks)
    weight = check_positive(grams, "weight [g]")
    if weight <= 1.0:
        raise InputError(f"weight [g]: expected more than 1, got {grams!r}")
    return chosen.z(age, weight)


def weight_centile(weeks: float, grams: float, reference: str = "hadlock") -> float:
    """Share of fetuses that weigh less, in percent (:eq:`centile`).

    Args:
        weeks: gestational age, exact weeks.
        grams: the weight [g].
        reference: as of `reference_weight`.
    """
    return centile_of_z(weight_z(weeks, grams, reference))


def _reference(name: str, weeks: float) -> tuple[Reference, float]:
    if name not in REFERENCES:
        raise InputError(f"unknown weight reference: '{name}'; {closest(str(name), REFERENCES)}")
    chosen = REFERENCES[name]
    return chosen, check_weeks(weeks, f"weight ({name}): gestational age [weeks]", chosen.first)

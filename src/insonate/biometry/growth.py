"""How large a fetus is at an age, and how much fetuses differ.

A growth law is a mean and a standard deviation for every measure as functions of the
gestational age; `LAWS` holds two. INTERGROWTH-21st takes BPD from the outer to the outer edge of
the skull, Hadlock from the outer to the inner edge of the far bone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

from insonate.biometry.limits import check_finite, check_positive, check_weeks
from insonate.errors import InputError, closest

__all__ = [
    "CEPHALIC_INDEX",
    "LAWS",
    "MEASURES",
    "Curve",
    "Law",
    "centile_of_z",
    "load_law",
    "z_of_centile",
]

Formula = Callable[[float], float]

#: What both laws know: circumferences of head and abdomen, two diameters of the head, femur.
MEASURES = ("HC", "BPD", "OFD", "AC", "FL")
#: Mean BPD over OFD in Hadlock's population.
CEPHALIC_INDEX = 0.783
NORMAL = NormalDist()


def z_of_centile(centile: float) -> float:
    """Standard deviations from the mean of a normal population (:eq:`centile`).

    Args:
        centile: above 0, below 100.

    Raises:
        InputError: outside of that.
    """
    share = check_finite(centile, "centile") / 100.0
    if not 0.0 < share < 1.0:
        raise InputError(f"centile: expected a number above 0 and below 100, got {centile!r}")
    return NORMAL.inv_cdf(share)


def centile_of_z(z: float) -> float:
    """Share of a normal population below `z` standard deviations, in percent (:eq:`centile`)."""
    return 100.0 * NORMAL.cdf(check_finite(z, "z"))


@dataclass(frozen=True)
class Curve:
    """One measure's distribution with gestational age (:eq:`growth`, :eq:`log-growth`).

    Attributes:
        centre: of the normal distribution, by weeks [mm]; of the logarithm's if `logarithmic`.
        spread: its standard deviation, by weeks [mm]; of the logarithm's if `logarithmic`.
        logarithmic: the logarithm of the size [ln mm] is normal, not the size.
        may_vanish: small values are 0, such as the depth of a fissure not yet there.
    """

    centre: Formula
    spread: Formula
    logarithmic: bool = False
    may_vanish: bool = False

    def value(self, weeks: float, z: float) -> float:
        """Size [mm] at `z` standard deviations."""
        size = self.centre(weeks) + z * self.spread(weeks)
        if self.logarithmic:
            return math.exp(size)
        return max(size, 0.0) if self.may_vanish else size

    def z(self, weeks: float, mm: float) -> float:
        """Standard deviations of the size `mm` [mm]."""
        size = math.log(mm) if self.logarithmic else mm
        return (size - self.centre(weeks)) / self.spread(weeks)

    def mean(self, weeks: float) -> float:
        """Of the population [mm]."""
        centre, spread = self.centre(weeks), self.spread(weeks)
        if self.logarithmic:
            return math.exp(centre + spread**2 / 2.0)
        return max(centre, 0.0) if self.may_vanish else centre

    def sd(self, weeks: float) -> float:
        """Standard deviation of the population [mm]."""
        spread = self.spread(weeks)
        if self.logarithmic:
            return self.mean(weeks) * math.sqrt(math.expm1(spread**2))
        return spread


@dataclass(frozen=True)
class Law:
    """Growth of several measures, 14 to 40 weeks.

    Attributes:
        name: of the law.
        curves: by measure, sizes in mm.
        source: the publication.
    """

    name: str
    curves: Mapping[str, Curve]
    source: str = ""

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of what the law knows."""
        return tuple(self.curves)

    def mean(self, measure: str, weeks: float) -> float:
        """Mean [mm] of `measure` at `weeks` [exact weeks]."""
        return self._curve(measure).mean(self._weeks(measure, weeks))

    def sd(self, measure: str, weeks: float) -> float:
        """Standard deviation [mm] of `measure` at `weeks` [exact weeks]."""
        return self._curve(measure).sd(self._weeks(measure, weeks))

    def value(self, measure: str, weeks: float, z: float = 0.0) -> float:
        """Size [mm] of a fetus `z` standard deviations from the middle; 0 is the median.

        Args:
            measure: such as "HC".
            weeks: gestational age, exact weeks.
            z: standard deviations; of the logarithm where that is what is normal.

        Raises:
            InputError: unknown measure, age outside of 14 to 40 weeks, or no size at all.
        """
        curve, age = self._curve(measure), self._weeks(measure, weeks)
        size = curve.value(age, check_finite(z, f"{measure}: z"))
        if size < 0.0 or (size == 0.0 and not curve.may_vanish):
            raise InputError(f"{measure}: z = {z:g} at {age:g} weeks leaves no size")
        return size

    def z(self, measure: str, weeks: float, mm: float) -> float:
        """Standard deviations between the middle and a size.

        Args:
            measure: such as "HC".
            weeks: gestational age, exact weeks.
            mm: the size [mm].
        """
        curve, age = self._curve(measure), self._weeks(measure, weeks)
        return curve.z(age, check_positive(mm, f"{measure} [mm]"))

    def centile(self, measure: str, weeks: float, mm: float) -> float:
        """Share of fetuses that are smaller, in percent (:eq:`centile`).

        Args:
            measure: such as "HC".
            weeks: gestational age, exact weeks.
            mm: the size [mm].
        """
        return centile_of_z(self.z(measure, weeks, mm))

    def _curve(self, measure: str) -> Curve:
        return self.curves[_known(measure, self.curves, f"measure of the law '{self.name}'")]

    def _weeks(self, measure: str, weeks: float) -> float:
        return check_weeks(weeks, f"{measure}: gestational age [weeks]")


def _known(name: str, known: Iterable[str], what: str) -> str:
    """The name itself, if it is one of `known`."""
    names = list(known)
    if name not in names:
        raise InputError(f"unknown {what}: '{name}'; {closest(str(name), names)}")
    return name


#: Papageorghiou et al., Lancet 2014;384:869 (:eq:`intergrowth-hc` to :eq:`intergrowth-fl`).
INTERGROWTH = {
    "HC": Curve(
        lambda g: -28.2849 + 1.69267 * g**2 - 0.397485 * g**2 * math.log(g),
        lambda g: (
            1.98735
            + 0.0136772 * g**3
            - 0.00726264 * g**3 * math.log(g)
            + 0.000976253 * g**3 * math.log(g) ** 2
        ),
    ),
    "BPD": Curve(
        lambda g: 5.60878 + 0.158369 * g**2 - 0.00256379 * g**3,
        lambda g: math.exp(
            0.101242
            + 0.00150557 * g**3
            - 0.000771535 * g**3 * math.log(g)
            + 0.0000999638 * g**3 * math.log(g) ** 2
        ),
    ),
    "OFD": Curve(
        lambda g: -12.4097 + 0.626342 * g**2 - 0.148075 * g**2 * math.log(g),
        lambda g: math.exp(
            -0.880034
            + 0.0631165 * g**2
            - 0.0317136 * g**2 * math.log(g)
            + 0.00408302 * g**2 * math.log(g) ** 2
        ),
    ),
    "AC": Curve(
        lambda g: -81.3243 + 11.6772 * g - 0.000561865 * g**3,
        lambda g: -4.36302 + 0.121445 * g**2 - 0.0130256 * g**3 + 0.00282143 * g**3 * math.log(g),
    ),
    "FL": Curve(
        lambda g: -39.9616 + 4.32298 * g - 0.0380156 * g**2,
        lambda g: math.exp(0.605843 - 42.0014 / g**2 + 0.00000917972 * g**3),
    ),
}


def _hadlock_bpd(g: float) -> float:
    return 10.0 * (-3.08 + 0.41 * g - 0.000061 * g**3)


#: Hadlock et al., Radiology 1984;152:497 (:eq:`hadlock-growth`); constant standard deviations.
HADLOCK = {
    "HC": Curve(lambda g: 10.0 * (-11.48 + 1.56 * g - 0.0002548 * g**3), lambda _: 10.0),
    "BPD": Curve(_hadlock_bpd, lambda _: 3.0),
    # not in the paper's regression: BPD at the mean cephalic index
    "OFD": Curve(lambda g: _hadlock_bpd(g) / CEPHALIC_INDEX, lambda _: 3.0 / CEPHALIC_INDEX),
    "AC": Curve(lambda g: 10.0 * (-13.3 + 1.61 * g - 0.00998 * g**2), lambda _: 13.4),
    "FL": Curve(lambda g: 10.0 * (-3.91 + 0.427 * g - 0.0034 * g**2), lambda _: 3.0),
}

LAWS: dict[str, Law] = {
    "intergrowth": Law(
        "intergrowth", INTERGROWTH, "INTERGROWTH-21st: Papageorghiou et al., Lancet 2014;384:869"
    ),
    "hadlock": Law("hadlock", HADLOCK, "Hadlock et al., Radiology 1984;152:497"),
}


def load_law(name: str) -> Law:
    """The growth law called `name`, "intergrowth" or "hadlock".

    Raises:
        InputError: no law has that name.
    """
    return LAWS[_known(name, LAWS, "growth law")]

"""Gestational age from what is measured, and the crown-rump length."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from insonate.biometry.limits import check_positive, check_range, check_weeks
from insonate.errors import InputError, closest

__all__ = [
    "CRL_FORMULAS",
    "DATING",
    "crown_rump_days",
    "crown_rump_length",
    "crown_rump_mean",
    "crown_rump_sd",
    "tcd_weeks_sd",
    "weeks_from",
]

Sizes = Mapping[str, float]

#: Ages that a formula may answer, in exact weeks; a size beyond them is no fetus's.
FIRST_DATED, LAST_DATED = 12.0, 42.0


def _hadlock_combined(cm: Sizes) -> float:
    hc, bpd, ac, fl = cm["HC"], cm["BPD"], cm["AC"], cm["FL"]
    return 10.85 + 0.060 * hc * fl + 0.6700 * bpd + 0.1680 * ac


def _intergrowth_hc(cm: Sizes) -> float:
    hc = 10.0 * cm["HC"]
    return math.exp(0.0597 * math.log(hc) ** 2 + 6.409e-9 * hc**3 + 3.3258) / 7.0


def _intergrowth_hc_fl(cm: Sizes) -> float:
    hc, fl = 10.0 * cm["HC"], 10.0 * cm["FL"]
    return math.exp(0.03243 * math.log(hc) ** 2 + 0.001644 * fl * math.log(hc) + 3.813) / 7.0


#: Weeks from sizes in cm, by law and by what is measured (:eq:`hadlock-dating`,
#: :eq:`intergrowth-dating`).
DATING: dict[str, dict[frozenset[str], Callable[[Sizes], float]]] = {
    "hadlock": {
        frozenset({"BPD"}): lambda cm: 9.54 + 1.482 * cm["BPD"] + 0.1676 * cm["BPD"] ** 2,
        frozenset({"HC"}): lambda cm: 8.96 + 0.540 * cm["HC"] + 0.0003 * cm["HC"] ** 3,
        frozenset({"AC"}): lambda cm: 8.14 + 0.753 * cm["AC"] + 0.0036 * cm["AC"] ** 2,
        frozenset({"FL"}): lambda cm: 10.35 + 2.460 * cm["FL"] + 0.170 * cm["FL"] ** 2,
        frozenset({"BPD", "HC", "AC", "FL"}): _hadlock_combined,
    },
    "intergrowth": {
        frozenset({"HC"}): _intergrowth_hc,
        frozenset({"HC", "FL"}): _intergrowth_hc_fl,
        frozenset({"TCD"}): lambda cm: 3.957113 + 8.154074 * cm["TCD"] - 0.076187 * cm["TCD"] ** 3,
    },
}


def weeks_from(sizes: Sizes, law: str = "hadlock") -> float:
    """Gestational age [exact weeks] from sizes (:eq:`hadlock-dating`, :eq:`intergrowth-dating`).

    Hadlock et al., Radiology 1984;152:497, dates by BPD, HC, AC, FL or all four together;
    INTERGROWTH-21st by HC or HC and FL (Papageorghiou et al., Ultrasound Obstet Gynecol
    2016;48:719), and by TCD (Rodriguez-Sibaja et al., same journal, 2021;57:614).

    Args:
        sizes: by measure [mm].
        law: "hadlock" or "intergrowth".

    Raises:
        InputError: unknown law, no formula for these measures, or a size that no fetus has.
    """
    if law not in DATING:
        raise InputError(f"unknown dating law: '{law}'; {closest(str(law), DATING)}")
    formulas = DATING[law]
    if frozenset(sizes) not in formulas:
        known = ", ".join("+".join(sorted(f)) for f in formulas)
        asked = "+".join(sorted(sizes)) or "nothing"
        raise InputError(f"no {law} formula dates by {asked}; known: {known}")
    cm = {name: check_positive(mm, f"{name} [mm]") / 10.0 for name, mm in sizes.items()}
    try:
        weeks = formulas[frozenset(sizes)](cm)
    except OverflowError:
        weeks = math.inf
    given = ", ".join(f"{name} {10.0 * size:g}" for name, size in cm.items())
    return check_weeks(weeks, f"{given} mm: weeks of the {law} law", FIRST_DATED, LAST_DATED)


def tcd_weeks_sd(tcd: float) -> float:
    """Standard deviation [weeks] of an age taken from the TCD [mm] (:eq:`intergrowth-dating`)."""
    return 1.577198 - 1.30374 / math.sqrt(check_range(tcd, "TCD [mm]", 11.0, 60.0) / 10.0)


def crown_rump_mean(days: float) -> float:
    """Mean crown-rump length [mm] at `days` 58 to 105 (:eq:`crl`).

    Papageorghiou et al., Ultrasound Obstet Gynecol 2014;44:641.
    """
    d = check_range(days, "CRL: gestational age [days]", 58.0, 105.0)
    return -50.6562 + 0.815118 * d + 0.00535302 * d**2


def crown_rump_sd(days: float) -> float:
    """Standard deviation of the crown-rump length [mm] at `days` 58 to 105 (:eq:`crl`)."""
    return -2.21626 + 0.0984894 * check_range(days, "CRL: gestational age [days]", 58.0, 105.0)


def _hadlock_1992(mm: float) -> float:
    c = mm / 10.0
    exponent = 1.684969 + 0.315646 * c - 0.049306 * c**2 + 0.004057 * c**3 - 0.000120456 * c**4
    return 7.0 * math.exp(exponent)


#: Days from a crown-rump length [mm], with the shortest and the longest it holds for
#: (:eq:`crl-days`).
CRL_FORMULAS: dict[str, tuple[Callable[[float], float], float, float]] = {
    "intergrowth": (lambda mm: 40.9041 + 3.21585 * math.sqrt(mm) + 0.348956 * mm, 15.0, 95.0),
    "robinson": (lambda mm: 8.052 * math.sqrt(1.037 * mm) + 23.73, 6.0, 85.0),
    "hadlock": (_hadlock_1992, 2.0, 121.0),
}


def crown_rump_days(crl: float, formula: str = "intergrowth") -> float:
    """Gestational age [days] from a crown-rump length (:eq:`crl-days`).

    Args:
        crl: crown-rump length [mm].
        formula: "intergrowth" (Papageorghiou 2014), "robinson" (Robinson and Fleming, Br J Obstet
            Gynaecol 1975;82:702) or "hadlock" (Hadlock et al., Radiology 1992;182:501).

    Raises:
        InputError: unknown formula, or a length that it does not hold for.
    """
    if formula not in CRL_FORMULAS:
        raise InputError(f"unknown CRL formula: '{formula}'; {closest(str(formula), CRL_FORMULAS)}")
    days, low, high = CRL_FORMULAS[formula]
    return days(check_range(crl, f"CRL [mm] ({formula})", low, high))


def crown_rump_length(weeks: float) -> float:
    """Crown-rump length [mm] after the first trimester, to check a body's size (:eq:`crl-late`).

    A fit by Archie (2006), too long at 14 weeks; no standard to date or to judge by.

    Args:
        weeks: gestational age, 14 to 40 exact weeks.
    """
    g = check_weeks(weeks, "CRL: gestational age [weeks]")
    return 0.00244294544 * g**3 - 0.291836566 * g**2 + 19.721386 * g - 126.958302

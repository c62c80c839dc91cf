"""What age and the day of the cycle make of endometrium and ovaries.

Tags: S from a source (Bakos 1994, Raine-Fenning 2004, Pavlik; follicle counts PMC9938076),
M from standard texts, E estimated for the model.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = [
    "MENOPAUSE",
    "antral_follicles",
    "corpus_luteum",
    "dominant_follicle",
    "endometrium",
    "ovarian_volume",
    "phase",
    "uterine_scale",
]

#: Age from which on there is no cycle [years] (E).
MENOPAUSE = 52.0
_OVULATION = 14.0

#: Double layer of the endometrium [mm]: 1-4 on days 1-4, 6-11 on days 8-13, 12.8 at ovulation,
#: then a plateau of 8-14 (S).
_ENDOMETRIUM = ((1, 4, 5, 7, 10, 14, 17, 25, 28), (3.5, 2.5, 3.0, 4.5, 8.0, 12.0, 11.5, 11.0, 9.0))
_AFTER_MENOPAUSE = 2.5
#: Dominant follicle [mm]: 12-15 on days 8-10 (M), 21.4 at ovulation (S).
_DOMINANT = ((6, 8, 10, 14), (9.5, 12.0, 14.5, 21.4))
#: Corpus luteum [mm]: 15-30 (M).
_CORPUS = ((14, 17, 22, 28), (16.0, 20.0, 22.0, 15.0))
#: Volume of an ovary without large follicles [ml] by age [years] (S).
_OVARY = ((15, 25, 35, 45, 55, 60), (5.8, 6.6, 6.1, 4.8, 2.6, 2.2))
#: Uterine length, width and depth relative to those at 30 years, by age (M, E).
_UTERUS = ((15, 20, 30, 45, 52, 60), (0.88, 0.95, 1.0, 1.03, 0.9, 0.76))
#: Antral follicles in an ovary by age (S: 8.0 on average), and their diameters [mm] (S).
_ANTRAL = ((15, 25, 35, 45, 51), (12.0, 10.0, 7.5, 4.0, 1.5))
_ANTRAL_DIAMETERS = (2.5, 6.5)


def phase(age: float, day: int) -> str:
    """`menstrual`, `proliferative` or `secretory`; `menopausal` from 52 years on."""
    if age >= MENOPAUSE:
        return "menopausal"
    if day <= 4:
        return "menstrual"
    return "proliferative" if day <= _OVULATION else "secretory"


def endometrium(age: float, day: int, vary: float = 0.0) -> float:
    """Thickness of the endometrium, both layers [mm]; `vary` in [-1, 1] is the individual's."""
    usual = _AFTER_MENOPAUSE if age >= MENOPAUSE else np.interp(day, *_ENDOMETRIUM)
    return float(usual) * (1.0 + 0.12 * vary)


def uterine_scale(age: float) -> float:
    """Size of the uterus relative to that of 30 years."""
    return float(np.interp(age, *_UTERUS))


def ovarian_volume(age: float) -> float:
    """Volume of an ovary without large follicles [ml]."""
    return float(np.interp(age, *_OVARY))


def antral_follicles(age: float, draws: Mapping[str, float], side: str) -> tuple[float, ...]:
    """Diameters of the small follicles of one ovary [mm], the largest first.

    Args:
        age: [years]; there are none from 52 on.
        draws: numbers in [-1, 1] by name.
        side: left or right, part of the names.
    """
    if age >= MENOPAUSE:
        return ()
    count = round(float(np.interp(age, *_ANTRAL)) * (1.0 + 0.3 * draws[f"follicles_{side}"]))
    low, high = _ANTRAL_DIAMETERS
    shares = [0.5 + 0.5 * draws[f"follicle_{side}_{i}"] for i in range(count)]
    return tuple(sorted((round(low + (high - low) * s**1.5, 1) for s in shares), reverse=True))


def dominant_follicle(age: float, day: int) -> float:
    """Diameter of the dominant follicle [mm], 0 if there is none that day."""
    if age >= MENOPAUSE or not _DOMINANT[0][0] <= day <= _OVULATION:
        return 0.0
    return round(float(np.interp(day, *_DOMINANT)), 1)


def corpus_luteum(age: float, day: int) -> float:
    """Diameter of the corpus luteum [mm], 0 before ovulation."""
    if age >= MENOPAUSE or day <= _OVULATION:
        return 0.0
    return round(float(np.interp(day, *_CORPUS)), 1)

"""Size of the structures inside the fetal head.

Napolitano et al., Ultrasound Obstet Gynecol 2020;56:359, part of INTERGROWTH-21st. The
cerebellum is fitted to 14-40 weeks; the others to 15-36, and extrapolated beyond.
"""

from __future__ import annotations

import math

from insonate.biometry.growth import Curve, Law
from insonate.errors import InputError, closest

__all__ = ["ATRIUM_LAWS", "STRUCTURES", "brain_law"]

#: Structures by :eq:`tcd` to :eq:`fissures`; the atrium is a matter of choice.
STRUCTURES: dict[str, Curve] = {
    "TCD": Curve(
        lambda g: -13.10907 + 20.8941 * math.sqrt(g / 10.0) + 0.5035914 * (g / 10.0) ** 3,
        lambda g: 0.4719837 + 0.0500382 * (g / 10.0) ** 3,
    ),
    "cisterna_magna": Curve(
        lambda g: 2.098095 - 239.0659 / g**2 - 0.0000001547 * g**3,
        lambda g: 0.2297936 + 8.1872 / g**2,
        logarithmic=True,
    ),
    "parieto_occipital_fissure": Curve(
        lambda g: 10.29428 - 122.8447 / g + 0.00001038 * g**3,
        lambda g: 1.596042 - 257.2297 / g**2,
        may_vanish=True,
    ),
    "sylvian_fissure": Curve(
        lambda g: 80.27012 - (32.7877 + 100.1593 * math.log(g)) / math.sqrt(g),
        lambda g: 2.304501 - 353.814 / g**2,
        may_vanish=True,
    ),
    "anterior_horn": Curve(lambda g: 6.396214 + 0.00006205 * g**3, lambda _: 1.204454),
}

#: Width of the ventricle at the atrium. Sources disagree on its trend: INTERGROWTH-21st falls,
#: a printed table rises (here a line through it, its spread from its 5th centile), the classic
#: figure is constant. The default is a compromise by estimate (:eq:`atrium`).
ATRIUM_LAWS: dict[str, Curve] = {
    "constant": Curve(lambda _: 7.0, lambda _: 1.2),
    "intergrowth": Curve(
        lambda g: 4.389214 + 38.10015 / g + 0.0000020063 * g**3,
        lambda g: 0.6707227 + 0.034258 * g,
    ),
    "table": Curve(lambda g: 7.743 + 0.0857 * (g - 26.0), lambda _: 0.97),
}


def brain_law(atrium: str = "constant") -> Law:
    """Growth of "TCD", "cisterna_magna", the fissures, "anterior_horn" and "atrium" [mm].

    The anterior horn is taken from the midline to the lateral wall: not the width of a tube.

    Args:
        atrium: law of its width: "constant", "intergrowth" or "table".

    Raises:
        InputError: no law of the atrium has that name.
    """
    if atrium not in ATRIUM_LAWS:
        raise InputError(
            f"unknown law of the atrium: '{atrium}'; {closest(str(atrium), ATRIUM_LAWS)}"
        )
    curves = STRUCTURES | {"atrium": ATRIUM_LAWS[atrium]}
    return Law(
        "brain", curves, "Napolitano et al., Ultrasound Obstet Gynecol 2020;56:359 (not the atrium)"
    )

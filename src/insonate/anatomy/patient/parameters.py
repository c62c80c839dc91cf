"""The parameters of a patient, their ranges, and the plans that they and the seed give."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.sizes import Sizes
from insonate.anatomy.findings import check_findings
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.patient.draw import Draw, Variation
from insonate.anatomy.womb import SITES
from insonate.anatomy.womb.position import BACKS, PRESENTATIONS
from insonate.biometry import LAWS, dimension, ellipse_diameter, load_law, z_of_centile
from insonate.biometry.growth import MEASURES
from insonate.errors import InputError, closest

__all__ = ["Parameters", "fetal_plan", "fill", "mother_plan", "sizes_of"]

_WORDS = {
    "law": tuple(LAWS),
    "presentation": PRESENTATIONS,
    "back": BACKS,
    "placenta": SITES,
}
#: Numbers that may be None.
_DRAWN = (
    "flexion", "limb_flexion", "amniotic_fluid_index", "fat", "rectus", "bladder_volume",
)  # fmt: skip
#: Names of the streams that shape details without a measure.
_OWN = "variation "
#: Width over length of a head: what can be built, and what is drawn.
_CEPHALIC_INDEX, _PLAUSIBLE_INDEX = (0.62, 0.98), (0.68, 0.94)

#: Lowest and highest value, and the unit.
RANGES: Mapping[str, tuple[float, float, str]] = MappingProxyType(
    {
        "gestational_age": (14.0, 40.0, "weeks"),
        "flexion": (0.0, 1.0, "share"),
        "limb_flexion": (0.0, 1.0, "share"),
        "amniotic_fluid_index": (10.0, 400.0, "mm"),
        "contraction": (0.0, 1.0, "share"),
        "fat": (4.0, 60.0, "mm"),
        "rectus": (3.0, 15.0, "mm"),
        "bladder_volume": (20.0, 500.0, "ml"),
        "detail": (60_000, 3_000_000, "triangles"),
    }
)
#: Share of fetuses that lie head down, by week (S: 47 % at 22, 94 % at 36 weeks).
_CEPHALIC = ((14.0, 0.45), (22.0, 0.47), (28.0, 0.75), (32.0, 0.85), (36.0, 0.94), (40.0, 0.96))
#: Sizes that vary from fetus to fetus, beside the four measures: relative deviation (E).
_VARYING = {
    "atrium_width": 0.12,
    "csp_width": 0.12,
    "thalamus_width": 0.06,
    "transcerebellar_diameter": 0.04,
    "cisterna_magna": 0.15,
    "choroid_width": 0.08,
    "nasal_bone": 0.07,
    "kidney_length": 0.06,
    "stomach_diameter": 0.15,
    "bladder_diameter": 0.3,
    "gallbladder_length": 0.12,
    "gallbladder_width": 0.12,
    "wall_fat": 0.15,
    "skin": 0.08,
    "thigh_diameter": 0.06,
    "calf_diameter": 0.06,
    "humerus": 0.03,
}


@dataclass(frozen=True)
class Parameters:
    """What can be said of a patient; what is None is drawn from the seed.

    Attributes:
        gestational_age: 14 to 40 [weeks], days as sevenths.
        seed: of everything that is not given.
        law: of growth: "intergrowth" or "hadlock".
        centiles: by measure (BPD, OFD, HC, AC, FL), 0.1 to 99.9; HC sets BPD and OFD.
        fetuses: 1; twins cannot be made yet.
        presentation: cephalic, breech or transverse.
        back: of the fetus: left, right, anterior or posterior.
        flexion: attitude of the fetus, 0 (extended) to 1 (curled up).
        limb_flexion: pose of its limbs, 0 (stretched) to 1 (folded).
        placenta: anterior, posterior, fundal, left, right, low_lying or praevia.
        amniotic_fluid_index: sum of the deepest pockets in four quadrants, 10 to 400 [mm].
        contraction: of the uterine wall, 0 to 1, a focal thickening.
        fat: under the mother's skin, 4 to 60 [mm].
        rectus: thickness of her rectus muscle, 3 to 15 [mm].
        bladder_volume: urine, 20 to 500 [ml].
        findings: degree by name; see `insonate.anatomy.findings.FINDINGS`.
        detail: triangles, about; 60 000 to 3 million.
    """

    gestational_age: float = 22.0
    seed: int = 7
    law: str = "intergrowth"
    centiles: Mapping[str, float] = field(default_factory=dict)
    fetuses: int = 1
    presentation: str | None = None
    back: str | None = None
    flexion: float | None = None
    limb_flexion: float | None = None
    placenta: str | None = None
    amniotic_fluid_index: float | None = None
    contraction: float = 0.0
    fat: float | None = None
    rectus: float | None = None
    bladder_volume: float | None = None
    findings: Mapping[str, float] = field(default_factory=dict)
    detail: int = 840_000

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            InputError: with the range or the words that are valid.
        """
        if self.fetuses != 1:
            raise InputError(f"fetuses: expected 1 (twins cannot be made), got {self.fetuses!r}")
        whole = isinstance(self.seed, (int, np.integer)) and not isinstance(self.seed, bool)
        if not (whole and 0 <= self.seed < 2**64):
            raise InputError(f"seed: expected a whole number from 0 to 2^64 - 1, got {self.seed!r}")
        for name in RANGES:
            if getattr(self, name) is None and name in _DRAWN:
                continue
            number = _number(name, getattr(self, name))
            object.__setattr__(self, name, round(number) if name == "detail" else number)
        object.__setattr__(self, "seed", int(self.seed))
        for name, words in _WORDS.items():
            _check_word(name, getattr(self, name), words, optional=name != "law")
        for name in ("centiles", "findings"):
            given = getattr(self, name)
            if not isinstance(given, Mapping):
                raise InputError(f"{name}: expected names and numbers, got {given!r}")
        _check_centiles(self.centiles)
        check_findings(self.findings)
        for name in ("centiles", "findings"):  # 9 and 9.0 are one degree
            plain = {key: float(value) for key, value in sorted(getattr(self, name).items())}
            object.__setattr__(self, name, plain)
        _check_contradictions(self)


def _number(name: str, value: object) -> float:
    low, high, unit = RANGES[name]
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not (number and low <= value <= high):  # type: ignore[operator]
        raise InputError(f"{name}: expected {low:.10g} to {high:.10g} {unit}, got {value!r}")
    return float(value)  # type: ignore[arg-type]


def _check_centiles(centiles: Mapping[str, float]) -> None:
    for measure, centile in centiles.items():
        _check_word("centiles", measure, MEASURES)
        number = isinstance(centile, (int, float, np.number)) and not isinstance(centile, bool)
        if not (number and 0.1 <= centile <= 99.9):
            raise InputError(f"centiles: {measure}: expected 0.1 to 99.9, got {centile!r}")
    if "HC" in centiles and {"BPD", "OFD"} & set(centiles):
        raise InputError("centiles: HC sets BPD and OFD; expected HC or those, not both")


def _check_word(name: str, value: object, words: tuple[str, ...], optional: bool = False) -> None:
    if value is None and optional:
        return
    if value not in words:
        raise InputError(f"{name}: unknown '{value}'; {closest(str(value), words)}")


def _check_contradictions(given: Parameters) -> None:
    found = set(given.findings)
    if {"oligohydramnios", "polyhydramnios"} <= found:
        raise InputError("findings: oligohydramnios and polyhydramnios exclude each other")
    if found & {"oligohydramnios", "polyhydramnios"} and given.amniotic_fluid_index is not None:
        raise InputError("amniotic_fluid_index: a finding gives it already; expected one of both")
    if "placenta_praevia" in found and given.placenta not in (None, "praevia"):
        raise InputError(f"placenta: 'placenta_praevia' is a finding, so not '{given.placenta}'")
    if {"absent_stomach", "double_bubble"} <= found:
        raise InputError("findings: absent_stomach and double_bubble exclude each other")


def fill(given: Parameters) -> Parameters:
    """The parameters with everything drawn that was not given; measures become centiles."""
    draw, weeks = Draw(given.seed), given.gestational_age
    share = _interpolate(weeks, _CEPHALIC)
    drawn: dict[str, object] = {
        "presentation": draw.choice(
            "presentation", PRESENTATIONS, (share, 0.7 * (1 - share), 0.3 * (1 - share))
        ),
        "back": draw.choice("back", BACKS, (0.4, 0.4, 0.08, 0.12)),
        "placenta": draw.choice("placenta", SITES[:5], (0.4, 0.44, 0.06, 0.05, 0.05)),
        "fat": min(max(draw.around("fat", 15.0, 0.35), 6.0), 45.0),
        "bladder_volume": min(max(draw.around("bladder", 110.0, 0.4), 30.0), 350.0),
        "flexion": min(max(draw.normal("flexion", 0.5, 0.12), 0.0), 1.0),
        "limb_flexion": min(max(draw.normal("limb flexion", 0.6, 0.15), 0.0), 1.0),
    }
    if "placenta_praevia" in given.findings:
        drawn["placenta"] = "praevia"
    missing = {name: value for name, value in drawn.items() if getattr(given, name) is None}
    return dataclasses.replace(given, **missing)  # type: ignore[arg-type]


def _interpolate(x: float, table: tuple[tuple[float, float], ...]) -> float:
    for (x0, y0), (x1, y1) in pairwise(table):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return table[-1][1]


def sizes_of(given: Parameters) -> Sizes:
    """The dimensions of the fetus: centiles where given, drawn otherwise."""
    draw, weeks, law = Draw(given.seed), given.gestational_age, load_law(given.law)
    z = draw.growth(("BPD", "OFD", "AC", "FL"))
    z |= {m: z_of_centile(c) for m, c in given.centiles.items()}
    size = {m: law.value(m, weeks, z[m]) for m in ("BPD", "OFD", "AC", "FL")}
    if "HC" in given.centiles:
        bpd, ofd = law.mean("BPD", weeks), law.mean("OFD", weeks)
        scale = law.value("HC", weeks, z["HC"]) / law.mean("HC", weeks)
        size |= {"BPD": bpd * scale, "OFD": ofd * scale}
    size["FL"] *= given.findings.get("short_femur", 1.0)
    if given.law == "hadlock":  # who measured from the outer to the inner table, and no OFD
        size["BPD"] += dimension("skull_thickness", weeks)
        if "OFD" not in given.centiles:
            hc = law.value("HC", weeks, z.get("HC", z["OFD"]))
            size["OFD"] = ellipse_diameter(hc, size["BPD"])
    if not {"OFD", "HC"} & set(given.centiles):
        low, high = (size["BPD"] / index for index in reversed(_PLAUSIBLE_INDEX))
        size["OFD"] = min(max(size["OFD"], low), high)
    index = size["BPD"] / size["OFD"]
    if not _CEPHALIC_INDEX[0] <= index <= _CEPHALIC_INDEX[1]:
        raise InputError(
            f"centiles: BPD over OFD would be {index:.2f}; expected "
            f"{_CEPHALIC_INDEX[0]:g} to {_CEPHALIC_INDEX[1]:g}"
        )
    factors = {name: draw.around(name, 1.0, spread) for name, spread in _VARYING.items()}
    return Sizes(weeks, size["BPD"], size["OFD"], size["AC"], size["FL"], factors)


def fetal_plan(given: Parameters) -> Plan:
    """The fetus of filled parameters, before its limbs have settled."""
    assert given.flexion is not None
    assert given.limb_flexion is not None
    draw = Draw(given.seed)
    posture = draw.posture(given.flexion, given.limb_flexion)
    return Plan(sizes_of(given), posture, dict(given.findings), Variation(draw, _OWN))


def mother_plan(given: Parameters) -> MotherPlan:
    """The mother of filled parameters."""
    assert given.fat is not None
    assert given.bladder_volume is not None
    return MotherPlan(
        weeks=given.gestational_age,
        fat=given.fat,
        rectus=given.rectus,
        bladder_volume=given.bladder_volume,
        findings=dict(given.findings),
        variation=Variation(Draw(given.seed), _OWN),
    )

"""What a pregnant uterus measures, week by week.

S: from a named source, M: standard texts from memory, E: estimate for the model.
"""

from __future__ import annotations

from itertools import pairwise

from insonate.errors import InputError

__all__ = ["TABLES", "by_week"]

#: Rows of (weeks, value); between them it is linear, beyond them constant.
TABLES: dict[str, tuple[tuple[float, float], ...]] = {
    # Outer length, width and depth of the body (E, from S: Gohari 1977, Geirsson 1985) [mm].
    "uterus_length": ((14, 125), (20, 170), (28, 215), (36, 262), (40, 275)),
    "uterus_width": ((14, 90), (20, 122), (28, 155), (36, 188), (40, 198)),
    "uterus_depth": ((14, 78), (20, 105), (28, 133), (36, 162), (40, 170)),
    # Myometrium 10-12 mm at 14 weeks, 8-10 at 20-28, 5-8 at term (E) [mm].
    "myometrium": ((14, 11), (20, 9.5), (28, 8.5), (36, 7), (40, 6.5)),
    # Lower segment 5.0 mm at 20-23 weeks, 3.0 from 28 on (S medluna 27017222; 14 weeks E) [mm].
    "lower_segment": ((14, 6.5), (20, 5), (23, 5), (28, 3), (40, 3)),
    # Median amniotic fluid index (S Moore & Cayle 1990; 14 weeks: Hallak's slope, E) [mm].
    "amniotic_fluid_index": (
        (14, 100), (16, 121), (20, 141), (24, 147), (28, 146), (32, 144), (36, 138), (40, 123),
    ),
    # Greatest thickness (S JMU 2020;28:17: 13.5 at 11 weeks, 24.6, 34.8, 39.1 at 40) [mm].
    "placenta_thickness": ((11, 13.5), (21, 24.6), (34, 34.8), (40, 39.1)),
    # Volume (S Geirsson 1985: 259 ml at 20 weeks, 801 at 40; before that 30 ml a week, S) [ml].
    "placenta_volume": ((14, 95), (20, 259), (40, 801)),
    # Area: volume over mean thickness (E) [mm^2].
    "placenta_area": ((14, 7000), (20, 14000), (28, 21000), (40, 30000)),
    # Veins and basal plate behind the placenta (E) [mm].
    "retroplacental_zone": ((14, 2.0), (22, 3.0), (40, 4.0)),
    # Cervix, external to internal os (S Greco 2011, Heath 1998; 34 at 20-24 weeks here, E) [mm].
    "cervix_length": ((14, 36), (22, 34), (28, 33), (34, 31), (40, 28)),
    # Outer diameter 25-35 mm (E) [mm].
    "cervix_diameter": ((14, 27), (40, 33)),
}  # fmt: skip


def by_week(name: str, weeks: float) -> float:
    """Mean of `name` at `weeks`, in the unit of its row in `TABLES`.

    Raises:
        InputError: the name is unknown.
    """
    if name not in TABLES:
        raise InputError(f"womb: no norm is called '{name}'; there are {', '.join(TABLES)}")
    rows = TABLES[name]
    for (start, low), (end, high) in pairwise(rows):
        if weeks <= end:
            return low + (high - low) * max(weeks - start, 0.0) / (end - start)
    return rows[-1][1]

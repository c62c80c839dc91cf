"""The pregnant uterus: cavity, placenta, cervix, fluid, and how the fetus lies in it.

    womb = build_womb(mother, fetus, skin, presentation="cephalic", placenta="anterior")
    womb.matrix            # fetal frame to world
    womb.groups()          # myometrium, cervix, fibroids, decidua
    womb.content_parts()   # placenta and amniotic fluid; cord and fetus are painted over them

The cavity yields to what is in it: its wall runs at least `cavity.CLEARANCE` away from the
fetus, and the placenta lies on the outside of the amniotic sac, so the fetus never leaves the
sac and never cuts the placenta. How large the cavity is follows from the amniotic fluid index.
"""

from insonate.anatomy.womb.build import build_womb
from insonate.anatomy.womb.fluid import Fluid
from insonate.anatomy.womb.placenta import SITES
from insonate.anatomy.womb.position import BACKS, PRESENTATIONS
from insonate.anatomy.womb.tissues import WOMB_TISSUES
from insonate.anatomy.womb.womb import Womb

__all__ = [
    "BACKS",
    "PRESENTATIONS",
    "SITES",
    "WOMB_TISSUES",
    "Fluid",
    "Womb",
    "build_womb",
]

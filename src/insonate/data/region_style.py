"""What regions look like in three dimensions, by their names."""

from __future__ import annotations

import re

__all__ = ["is_fetal", "region_color"]

Color = tuple[int, int, int]

#: The first pattern that is found in a region's name gives its colour.
_COLORS: tuple[tuple[str, Color], ...] = (
    ("gas|air", (60, 60, 66)),
    ("cartilage|disc|suture|tendon", (198, 214, 220)),
    ("skull|bone|femur|humerus|tibia|fibula|radius|ulna|_rib", (238, 228, 204)),
    ("vertebra|maxilla|mandible|clavicle|scapula|ilium|sacrum", (238, 228, 204)),
    ("cord_artery|maternal_artery", (198, 52, 50)),
    ("cord_vein|maternal_vein", (72, 92, 186)),
    ("cord_jelly", (226, 224, 234)),
    ("choroid", (196, 92, 128)),
    ("cavum|cisterna|subarachnoid|(fetal|third|fourth)_ventricle", (132, 180, 222)),
    ("brain|thalamus|cerebell|vermis|spinal_cord|callosum|sulci|falx", (226, 194, 186)),
    ("myocard|septum|valve", (172, 54, 54)),
    ("aort|arter|pulmonary_t|ductus_art", (206, 60, 56)),
    ("vein|cava|venos|portal|atrium|ventricle|blood|lake", (112, 64, 150)),
    ("lung|trachea", (230, 166, 160)),
    ("liver", (142, 74, 56)),
    ("kidney|renal_(medulla|sinus)|adrenal", (176, 92, 74)),
    ("spleen", (124, 54, 74)),
    ("bladder_wall|stomach_wall", (222, 170, 150)),
    ("bladder|renal_pelvis|urine|stomach|gall|duoden", (228, 206, 112)),
    ("bowel|colon|oesophag", (222, 164, 132)),
    ("placenta|chorion", (134, 44, 62)),
    ("amniotic", (156, 204, 232)),
    ("myometri|contraction|fibroid", (196, 108, 104)),
    ("cervi", (208, 138, 134)),
    ("decidua|retroplacental|endometri", (218, 156, 146)),
    ("follicle|cyst", (124, 170, 222)),
    ("ovary", (238, 198, 156)),
    ("fat", (240, 212, 136)),
    ("muscle|rectus|psoas|tongue|diaphragm", (170, 78, 68)),
    ("fascia|periton", (222, 216, 206)),
    ("fetal_skin", (240, 184, 164)),
    ("skin", (226, 180, 154)),
    ("soft_tissue|abdomen|hand|foot", (214, 150, 136)),
)  # fmt: skip
_OTHER: Color = (196, 176, 166)


def region_color(name: str) -> Color:
    """Red, green and blue of a region, 0 to 255, by the tissue that its name speaks of."""
    return next((color for pattern, color in _COLORS if re.search(pattern, name)), _OTHER)


def is_fetal(name: str) -> bool:
    """Whether a region belongs to the fetus or its cord, not to the mother."""
    return name.startswith(("fetal_", "cord_"))

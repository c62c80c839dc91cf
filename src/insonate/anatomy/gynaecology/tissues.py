"""Tissues of the gynaecology scene, by region."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["GYNAECOLOGY_TISSUES", "tissues_of"]

#: By region, without side and number: those of both ovaries and of all follicles are alike.
#: Changes to the table's tissues are estimates, set by the look of the pictures.
GYNAECOLOGY_TISSUES: dict[str, str | dict[str, object]] = {
    "peritoneal_fat": {
        "like": "fat_subcutaneous", "speed_of_sound": 1500.0, "density": 990.0, "attenuation": 0.5,
        "echogenicity": -2.0, "occupancy": 0.8, "modulation": 3.5, "modulation_scale": 4.0,
    },
    "vagina": {"like": "muscle_abdominal", "attenuation": 0.6, "echogenicity": -7.0},
    "vaginal_gel": "gel",
    "vaginal_lumen": {"like": "endometrium_decidua", "echogenicity": 8.0},
    "free_fluid": "follicle_fluid",
    "myometrium": {"like": "uterus_myometrium", "attenuation_power": 1.2, "echogenicity": -6.0},
    "junctional_zone": {
        "like": "uterus_myometrium", "attenuation_power": 1.2, "echogenicity": -10.0
    },
    "cervix": {"attenuation": 0.6, "echogenicity": -5.0},
    "cervical_mucosa": {"like": "cervix", "attenuation": 0.6, "echogenicity": -9.0},
    "cervical_canal": {"like": "endometrium_decidua", "echogenicity": 2.0},
    "endometrium": {"like": "endometrium_decidua", "echogenicity": 4.0},
    "endometrium_functional": {"like": "endometrium_decidua", "echogenicity": -12.0},
    "endometrium_midline": {"like": "endometrium_decidua", "echogenicity": 6.0},
    "fibroid": {"like": "leiomyoma", "attenuation_power": 1.25},
    "ovary_capsule": {"like": "ovary_stroma", "echogenicity": 4.0},
    "ovary": {"like": "ovary_stroma", "echogenicity": -6.0},
    "follicle": "follicle_fluid",
    "corpus_luteum_wall": {"like": "ovary_stroma", "echogenicity": -2.0},
    "corpus_luteum": {"like": "follicle_fluid", "echogenicity": -22.0, "occupancy": 0.6},
    "ovarian_cyst_wall": "peritoneum_bladder_wall",
    "ovarian_cyst": "follicle_fluid",
}  # fmt: skip


def tissues_of(regions: Iterable[str]) -> dict[str, str | dict[str, object]]:
    """Tissue of those of the `regions` that are gynaecological, by their full names."""
    kinds = {region: re.sub(r"_(left|right|\d+)(?=_|$)", "", region) for region in regions}
    return {
        region: GYNAECOLOGY_TISSUES[kind]
        for region, kind in kinds.items()
        if kind in GYNAECOLOGY_TISSUES
    }

"""What the regions of the womb are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["WOMB_TISSUES"]

#: Tissue by region: a name of the table, or what differs from one (all E).
WOMB_TISSUES: dict[str, str | Mapping[str, Any]] = {
    "myometrium": "uterus_myometrium",
    "myometrial_contraction": {"like": "uterus_myometrium", "echogenicity": -1.0},
    "cervix": "cervix",
    "cervical_mucosa": {"like": "cervix", "echogenicity": -7.0, "attenuation": 0.7},
    "cervical_canal": {"like": "endometrium_decidua", "echogenicity": 4.0},
    "nabothian_cyst": "follicle_fluid",
    "fibroid_capsule": {"like": "uterus_myometrium", "echogenicity": 3.0, "attenuation": 0.8},
    "fibroid": "leiomyoma",
    "retroplacental_zone": {"like": "uterus_myometrium", "echogenicity": -13.0},
    "decidua": "endometrium_decidua",
    "placenta": "placenta",
    "placental_lake": {"like": "blood", "echogenicity": -26.0},
    "chorionic_plate": {"like": "amnion_membrane", "echogenicity": 6.0},
    "amniotic_fluid": "amniotic_fluid",
}

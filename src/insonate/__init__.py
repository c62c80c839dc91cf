"""Insonate: ultrasound that looks real, in real time, with every label for free.

The names below render a frame; everything else is in the rooms that they come from.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import warp as _warp

_warp.config.log_level = _warp.LOG_ERROR  # no banner, no word of a missing GPU

from insonate.anatomy import load_scene  # noqa: E402
from insonate.errors import InputError  # noqa: E402
from insonate.geometry import look_at  # noqa: E402
from insonate.probe import Probe, load_probe  # noqa: E402
from insonate.scene import Scene  # noqa: E402
from insonate.sim import Frame, Settings, Simulator  # noqa: E402

if TYPE_CHECKING:
    from insonate.anatomy.gynaecology import GynaecologyPatient
    from insonate.anatomy.patient import Patient

__all__ = [
    "Frame",
    "GynaecologyPatient",
    "InputError",
    "Patient",
    "Probe",
    "Scene",
    "Settings",
    "Simulator",
    "load_probe",
    "load_scene",
    "look_at",
]
__version__ = "0.1.0"


#: Imported when they are asked for: they bring a compiler with them.
_LATER = {
    "GynaecologyPatient": "insonate.anatomy.gynaecology",
    "Patient": "insonate.anatomy.patient",
}


def __getattr__(name: str) -> Any:
    """What is imported when it is asked for."""
    if name not in _LATER:
        raise AttributeError(f"module 'insonate' has no attribute '{name}'")
    return getattr(import_module(_LATER[name]), name)

"""Insonate: ultrasound that looks real, in real time, with every label for free.

The names below render a frame; everything else is in the rooms that they come from.
"""

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
    from insonate.anatomy.patient import Patient

__all__ = [
    "Frame",
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


def __getattr__(name: str) -> Any:
    """`Patient` is imported when it is asked for: it brings a compiler with it."""
    if name != "Patient":
        raise AttributeError(f"module 'insonate' has no attribute '{name}'")
    from insonate.anatomy.patient import Patient

    return Patient

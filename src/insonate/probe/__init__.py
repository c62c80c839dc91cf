"""Transducers and the layout of their scanlines."""

from insonate.probe.presets import PRESETS, load_probe
from insonate.probe.probe import Probe

__all__ = ["PRESETS", "Probe", "load_probe"]

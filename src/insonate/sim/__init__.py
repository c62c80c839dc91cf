"""The simulator: scene, probe and pose to a B-mode image and its side products."""

from insonate.sim.device_frame import DeviceFrame
from insonate.sim.frame import Frame
from insonate.sim.settings import Settings
from insonate.sim.simulator import Simulator

__all__ = ["DeviceFrame", "Frame", "Settings", "Simulator"]

"""Scenes: triangles with a region on either side, and the tissue of every region."""

from insonate.scene.bodies import Body, Membrane, assemble
from insonate.scene.scene import PointTargets, Region, Scene, Sheet
from insonate.scene.winding import inside

__all__ = ["Body", "Membrane", "PointTargets", "Region", "Scene", "Sheet", "assemble", "inside"]

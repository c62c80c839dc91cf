"""Scenes: triangles with a region on either side, and the tissue of every region."""

from insonate.scene.bodies import Body, Membrane, assemble, inside
from insonate.scene.scene import PointTargets, Region, Scene, Sheet

__all__ = ["Body", "Membrane", "PointTargets", "Region", "Scene", "Sheet", "assemble", "inside"]

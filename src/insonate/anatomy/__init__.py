"""Scenes of anatomy: phantoms, meshes, label volumes, scene files, and the scene doctor."""

from insonate.anatomy.check import Report, check_scene, preview
from insonate.anatomy.scene_file import View, load_scene, views

__all__ = ["Report", "View", "check_scene", "load_scene", "preview", "views"]

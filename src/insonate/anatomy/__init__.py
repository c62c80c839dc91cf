"""Scenes of anatomy: patients, phantoms, meshes, label volumes, scene files, the scene doctor."""

from insonate.anatomy.check import Report, check_scene, preview
from insonate.anatomy.contact import in_air, press
from insonate.anatomy.scene_file import View, find_view, is_patient, load_scene, views

__all__ = [
    "Report",
    "View",
    "check_scene",
    "find_view",
    "in_air",
    "is_patient",
    "load_scene",
    "press",
    "preview",
    "views",
]

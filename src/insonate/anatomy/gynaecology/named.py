"""The gynaecological patient that ships, by the examination she is prepared for."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import lru_cache

from insonate.anatomy.gynaecology.patient import GynaecologyPatient
from insonate.anatomy.patient.record import source_hash
from insonate.anatomy.scene_cache import load_cached, store_cached
from insonate.anatomy.scene_file import GYNAECOLOGY
from insonate.scene import Region, Scene

__all__ = ["load_gynaecology", "load_gynaecology_scene"]


@lru_cache(maxsize=2)
def load_gynaecology(scene: str) -> GynaecologyPatient:
    """The patient that a name of `GYNAECOLOGY` stands for.

    Args:
        scene: the name.
    """
    return GynaecologyPatient(examination=GYNAECOLOGY[scene])


def load_gynaecology_scene(scene: str) -> Scene:
    """Her scene from the cache, or built and put there.

    Args:
        scene: as for `load_gynaecology`.
    """
    patient = load_gynaecology(scene)
    made = f"{source_hash()} {dataclasses.asdict(patient)}"
    key = f"gynaecology-{hashlib.sha256(made.encode()).hexdigest()[:32]}"
    cached = load_cached(key)
    if cached is None:
        found = patient.scene()
        store_cached(key, found, [])
        return found
    tissues = patient.tissues(region.name for region in cached[0].regions)
    regions = tuple(Region(name, tissue) for name, tissue in tissues.items())
    return dataclasses.replace(cached[0], regions=regions, name=patient.name)

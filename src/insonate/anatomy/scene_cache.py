"""Scenes that took long to build, kept as plain arrays under a hash of what made them."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from insonate.acoustics import Tissue
from insonate.anatomy.array_cache import load_arrays, store_arrays
from insonate.anatomy.scene_parts import Library
from insonate.anatomy.scene_spec import PartSpec, SceneSpec
from insonate.errors import InputError
from insonate.scene import Region, Scene, Sheet

__all__ = ["load_cached", "scene_key", "store_cached"]

#: Raise it when the same file makes other geometry than before.
VERSION = 1
ARRAYS = ("vertices", "faces", "pairs", "sheet_of", "normals")
_PLACEHOLDER = Tissue("cached", 1540.0, 1000.0, 0.0)


def scene_key(spec: SceneSpec, library: Library) -> str:
    """Hash of everything that shapes the geometry: the file's blocks and the files' bytes.

    Tissues, views and texts may change without a new build.
    """
    shaping = {
        "version": VERSION,
        "resolve": dataclasses.asdict(spec.resolve),
        "wall": dataclasses.asdict(spec.wall) if spec.wall else None,
        "volume": dataclasses.asdict(spec.volume) if spec.volume else None,
        "parts": [_geometry(part) for part in spec.parts],
        "sheets": [dataclasses.asdict(sheet) for sheet in spec.sheets],
        "dents": [dataclasses.asdict(v) for v in spec.views.values() if v.press],
    }
    digest = hashlib.sha256(json.dumps(shaping, sort_keys=True, default=str).encode())
    for name in sorted(_files(spec)):
        digest.update(name.encode() + b"\0")
        digest.update(hashlib.sha256(library.path(name).read_bytes()).digest())
    return digest.hexdigest()[:32]


def load_cached(key: str) -> tuple[Scene, list[str]] | None:
    """The geometry kept under `key`, its tissues still to be set; None when there is none."""
    kept = load_arrays(key, ARRAYS)
    if kept is None:
        return None
    arrays, about = kept
    try:
        scene = Scene(
            **arrays,
            regions=tuple(Region(name, _PLACEHOLDER) for name in about["regions"]),
            sheets=tuple(Sheet(name, _PLACEHOLDER, 1.0) for name in about["sheets"]),
        )
        return scene, list(about["notes"])
    except (InputError, KeyError, TypeError):
        return None


def store_cached(key: str, scene: Scene, notes: list[str]) -> None:
    """Keep a scene under `key`; a folder that cannot be written is no error."""
    about = {
        "regions": [region.name for region in scene.regions],
        "sheets": [sheet.name for sheet in scene.sheets],
        "notes": notes,
    }
    arrays = {name: getattr(scene, name) for name in ARRAYS if getattr(scene, name) is not None}
    if len(arrays) == len(ARRAYS):
        store_arrays(key, arrays, about)


def _geometry(part: PartSpec) -> dict:
    fields = dataclasses.asdict(part)
    fields["tissue"] = part.tissue is not None
    return fields


def _files(spec: SceneSpec) -> set[str]:
    names = {part.file for part in spec.parts if part.file}
    if spec.wall is not None and spec.wall.surface.file:
        names.add(spec.wall.surface.file)
    if spec.volume is not None:
        names |= {spec.volume.file} | ({spec.volume.mapping} if spec.volume.mapping else set())
    return names

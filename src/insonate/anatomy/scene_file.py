"""Scenes by name or by file: the one way in."""

from __future__ import annotations

import os
from pathlib import Path

from insonate.anatomy.scene_build import build_scene, dress
from insonate.anatomy.scene_cache import load_cached, scene_key, store_cached
from insonate.anatomy.scene_parts import Library
from insonate.anatomy.scene_spec import SceneSpec, View, read_scene_file
from insonate.errors import InputError, closest
from insonate.scene import Scene

__all__ = ["View", "data_root", "load_scene", "load_scene_notes", "open_scene_file", "views"]

SUFFIXES = (".yaml", ".yml")


def load_scene(scene: str | Path, data: str | Path | None = None) -> Scene:
    """A built-in scene by name, or the scene that a YAML file describes.

    A file is built once and kept in the user's cache folder; changes of tissues, views and
    texts need no new build.

    Args:
        scene: a name of `PHANTOMS`, or the path of a scene file.
        data: folder that the file's meshes and volumes lie in; INSONATE_DATA when None, or
            else the folder of the scene file.

    Raises:
        InputError: no such scene, or anything in it that cannot be used.
    """
    return load_scene_notes(scene, data)[0]


def load_scene_notes(scene: str | Path, data: str | Path | None = None) -> tuple[Scene, list[str]]:
    """As `load_scene`, with a line for everything that was guessed, closed, cut or left out."""
    if not is_file(scene):
        return _built_in(str(scene)), []
    spec, library = open_scene_file(scene, data)
    key = scene_key(spec, library)
    found = load_cached(key)
    if found is None:
        found = build_scene(spec, library)
        store_cached(key, *found)
    return dress(found[0], spec, library), found[1]


def views(scene: str | Path, data: str | Path | None = None) -> dict[str, View]:
    """The named views of a scene file; none for built-in scenes.

    Args:
        scene: as for `load_scene`.
        data: as for `load_scene`; not read.

    Raises:
        InputError: the scene file is missing or wrong.
    """
    if not is_file(scene):
        _built_in_names(str(scene))
        return {}
    return open_scene_file(scene, data)[0].views


def is_file(scene: str | Path) -> bool:
    """Whether `scene` means a scene file, not the name of a built-in scene."""
    return str(scene).endswith(SUFFIXES)


def open_scene_file(scene: str | Path, data: str | Path | None = None) -> tuple[SceneSpec, Library]:
    """The content of a scene file, and the files below its data root."""
    path = Path(scene)
    spec = read_scene_file(path)
    return spec, Library(path.name, data_root(path, data), spec.folder)


def data_root(scene: Path, data: str | Path | None) -> Path:
    """The folder that a scene file may read from.

    Raises:
        InputError: it does not exist.
    """
    root = Path(data or os.environ.get("INSONATE_DATA") or scene.parent)
    if not root.is_dir():
        raise InputError(f"{scene.name}: data folder {root} does not exist")
    return root


def _built_in_names(name: str) -> None:
    from insonate.anatomy.phantoms import PHANTOMS

    if name not in PHANTOMS:
        raise InputError(
            f"unknown scene '{name}'; {closest(name, PHANTOMS)} (a scene file ends in .yaml)"
        )


def _built_in(name: str) -> Scene:
    from insonate.anatomy.phantoms import PHANTOMS

    _built_in_names(name)
    return PHANTOMS[name]()

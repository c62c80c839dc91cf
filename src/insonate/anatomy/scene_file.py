"""Scenes by name or by file: the one way in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from insonate.anatomy.scene_build import build_scene, dress
from insonate.anatomy.scene_cache import load_cached, scene_key, store_cached
from insonate.anatomy.scene_parts import Library
from insonate.anatomy.scene_spec import SceneSpec, View, read_scene_file
from insonate.config import read_content
from insonate.errors import InputError, closest
from insonate.scene import Scene

__all__ = [
    "GYNAECOLOGY",
    "PATIENT",
    "View",
    "data_root",
    "find_view",
    "is_patient",
    "load_scene",
    "load_scene_notes",
    "open_scene_file",
    "views",
]

SUFFIXES = (".yaml", ".yml")
#: Name of the patient that ships.
PATIENT = "patient"
#: Names of the one that ships who is not pregnant, and the examination she is prepared for.
GYNAECOLOGY: Mapping[str, Literal["endovaginal", "transabdominal"]] = {
    "gynaecology": "endovaginal",
    "gynaecology_transabdominal": "transabdominal",
}
#: Her view that is shown when nobody asks for one, if the plane can be seen.
FIRST_VIEW = "transthalamic"
#: Keys of which a patient's YAML has one, and a scene's none.
PATIENT_KEYS = {"patient", "gestational_age"}


def load_scene(scene: str | Path, data: str | Path | None = None) -> Scene:
    """A built-in scene by name, or the scene that a file describes.

    A file is built once and kept in the user's cache folder; changes of tissues, views and
    texts need no new build. So is a patient.

    Args:
        scene: "patient", a name of `GYNAECOLOGY` or `PHANTOMS`, or the path of a scene file
            (.yaml) or of a patient file (.json, or .yaml with `gestational_age`).
        data: folder that the file's meshes and volumes lie in; INSONATE_DATA when None, or
            else the folder of the scene file.

    Raises:
        InputError: no such scene, or anything in it that cannot be used.
    """
    return load_scene_notes(scene, data)[0]


def load_scene_notes(scene: str | Path, data: str | Path | None = None) -> tuple[Scene, list[str]]:
    """As `load_scene`, with a line for everything that was guessed, closed, cut or left out."""
    if is_patient(scene):
        from insonate.anatomy.patient.patient_file import load_patient

        return load_patient(scene).scene(), []
    if str(scene) in GYNAECOLOGY:
        from insonate.anatomy.gynaecology.named import load_gynaecology_scene

        return load_gynaecology_scene(str(scene)), []
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
    """The named views of a scene; phantoms have one, `top`.

    Those of a patient come from her anatomy, so she is built if she was not; the transthalamic
    plane comes first. Her skin is to be pressed onto the probe by `insonate.anatomy.press`. So
    do those of `GYNAECOLOGY`, but nothing is pressed there.

    Args:
        scene: as for `load_scene`.
        data: as for `load_scene`; not read.

    Raises:
        InputError: the file is missing or wrong.
    """
    if is_patient(scene):
        from insonate.anatomy.patient.patient_file import load_patient

        found = load_patient(scene).views
        return dict(sorted(found.items(), key=lambda item: item[0] != FIRST_VIEW))
    if str(scene) in GYNAECOLOGY:
        from insonate.anatomy.gynaecology.named import load_gynaecology

        return load_gynaecology(str(scene)).views
    if not is_file(scene):
        _built_in_names(str(scene))
        # phantoms stretch behind the face of the probe, which belongs at their y = 0
        return {"top": View(at=(0.0, 0.0, 0.0), aim=(0.0, 10.0, 0.0))}
    return open_scene_file(scene, data)[0].views


def find_view(scene: str | Path, name: str, data: str | Path | None = None) -> View:
    """A view of a scene by its name.

    Args:
        scene: as for `load_scene`.
        name: of the view; that of a pair without its side, such as `femur`, takes the side that
            lies less deep.
        data: as for `load_scene`; not read.

    Raises:
        InputError: no such view, or a plane of a patient that cannot be seen from her skin.
    """
    known = views(scene, data)
    sides = (name, f"{name}_left", f"{name}_right")
    seen = [known[side] for side in sides if side in known]
    if seen:
        return min(seen, key=lambda view: view.depth or 0.0)
    if is_patient(scene):
        from insonate.anatomy.patient.patient_file import load_patient

        if not load_patient(scene).planes.keys().isdisjoint(sides):
            raise InputError(
                f"{scene}: view '{name}' cannot be seen from this patient's skin; "
                f"can be seen: {', '.join(known) or 'none'}"
            )
    raise InputError(f"{scene}: unknown view '{name}'; {closest(name, known)}")


def is_patient(scene: str | Path) -> bool:
    """Whether `scene` means a patient: the one that ships, or a patient file."""
    path = Path(scene)
    if str(scene) == PATIENT or path.suffix.lower() == ".json":
        return True
    if not is_file(scene):
        return False
    try:
        content = read_content(path, "scene file")
    except InputError:
        return False  # whoever reads it as a scene says why it is none
    return isinstance(content, Mapping) and not PATIENT_KEYS.isdisjoint(content)


def is_file(scene: str | Path) -> bool:
    """Whether `scene` means a YAML file, not the name of a built-in scene."""
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
            f"unknown scene '{name}'; {closest(name, (PATIENT, *GYNAECOLOGY, *PHANTOMS))} "
            "(a scene file ends in .yaml, a patient file in .json or .yaml)"
        )


def _built_in(name: str) -> Scene:
    from insonate.anatomy.phantoms import PHANTOMS

    _built_in_names(name)
    return PHANTOMS[name]()

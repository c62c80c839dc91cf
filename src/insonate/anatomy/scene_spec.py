"""What a scene file may say: one dataclass for each of its blocks, read strictly from YAML."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.config import read_content
from insonate.errors import InputError, closest
from insonate.geometry import look_at
from insonate.probe import Probe, load_probe

__all__ = [
    "LayerSpec",
    "PartSpec",
    "ResolveSpec",
    "SceneSpec",
    "SheetSpec",
    "SourceSpec",
    "View",
    "VolumeSpec",
    "WallSpec",
    "parse_scene",
    "read_scene_file",
]

Point = tuple[float, float, float]


@dataclass(frozen=True)
class SourceSpec:
    """Where a surface comes from: a file, a shape, or other parts.

    Attributes:
        file: mesh, below the scene's folder.
        parts: names or globs inside the file; all when empty.
        units: of the file: m, cm, mm; None guesses.
        axes: of the file: lps, ras, y_up; None is the format's own.
        shape: `{ellipsoid: {...}}`, `{box: {...}}` or `{tube: {...}}`, in place of a file.
        of: names of parts whose union it is, in place of a file.
        fill: cavities that it encloses belong to it.
        offset: grow it outwards by this, or inwards when negative [mm].
        smooth: take off corners and facets, standard deviation [mm].
    """

    file: str = ""
    parts: tuple[str, ...] = ()
    units: str | None = None
    axes: str | None = None
    shape: dict[str, Any] | None = None
    of: tuple[str, ...] = ()
    fill: bool = False
    offset: float = 0.0
    smooth: float = 0.0


@dataclass(frozen=True)
class PartSpec(SourceSpec):
    """A body of one tissue.

    Attributes:
        name: of the part, and of its region unless `region` says otherwise.
        tissue: that fills it; None makes it a helper for `of`, `within` and `without`.
        region: name of the region; parts may share one.
        priority: higher wins where parts overlap; equal ones go by order.
        within: it is cut to the union of these parts.
        without: these parts are cut out of it.
    """

    name: str = ""
    tissue: str | None = None
    region: str = ""
    priority: int = 0
    within: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class VolumeSpec:
    """A label volume.

    Attributes:
        file: below the scene's folder.
        labels: label number to `{name, tissue}`.
        mapping: a file with the same, below the scene's folder, in place of `labels`.
        smooth: of its surfaces, standard deviation [mm]; 1.2 voxels when None.
        priority: of all its labels.
    """

    file: str = ""
    labels: dict[int, Any] | None = None
    mapping: str = ""
    smooth: float | None = None
    priority: int = 0


@dataclass(frozen=True)
class LayerSpec:
    """One layer of the wall: `thickness` mm of `tissue`, from the outside in."""

    name: str = ""
    tissue: str = ""
    thickness: float = 0.0


@dataclass(frozen=True)
class WallSpec:
    """Layers of even thickness under a surface, and the cavity that holds all parts.

    Attributes:
        surface: the skin.
        layers: from the outside in.
        cavity: what fills the inside between the parts; its thickness is not used.
        box: low and high corner of what to keep of the surface [mm].
        spacing: of the lattice that its surfaces are made on [mm].
    """

    surface: SourceSpec = field(default_factory=SourceSpec)
    layers: tuple[LayerSpec, ...] = ()
    cavity: LayerSpec = field(default_factory=LayerSpec)
    box: tuple[Point, Point] | None = None
    spacing: float = 3.0


@dataclass(frozen=True)
class SheetSpec:
    """A flat membrane: the part of a plane that lies in some regions.

    Attributes:
        name: of the membrane.
        tissue: that it is made of.
        thickness: [mm].
        point: on the plane [mm].
        normal: of the plane.
        within: regions; only what lies in them is kept.
        spacing: of its triangles [mm].
    """

    name: str = ""
    tissue: str = ""
    thickness: float = 0.5
    point: Point = (0.0, 0.0, 0.0)
    normal: Point = (1.0, 0.0, 0.0)
    within: tuple[str, ...] = ()
    spacing: float = 1.0


@dataclass(frozen=True)
class ResolveSpec:
    """How parts become one scene.

    Attributes:
        method: `voxelise` (any meshes) or `nested` (closed meshes, kept as they are).
        spacing: of the lattice [mm].
        box: low and high corner of what to keep [mm]; everything when None.
    """

    method: str = "voxelise"
    spacing: float = 1.0
    box: tuple[Point, Point] | None = None


@dataclass(frozen=True)
class View:
    """A named place for the probe.

    Attributes:
        at: middle of the probe's face [mm].
        aim: a point on the central scanline [mm].
        roll: turn about the central scanline [degrees]; 90 makes a transverse plane sagittal.
        lateral: world direction of the image's right, before the turn; the patient's left.
        press: the scene's skin is dented to lie on the probe's face here.
        probe: name of a preset.
        depth: of the image [mm]; the preset's when None.
        about: what is to be seen.
    """

    at: Point = (0.0, 0.0, 0.0)
    aim: Point = (0.0, 0.0, 1.0)
    roll: float = 0.0
    lateral: Point = (1.0, 0.0, 0.0)
    press: bool = False
    probe: str = "c5_2v"
    depth: float | None = None
    about: str = ""

    def pose(self) -> NDArray[np.float64]:
        """Probe to world, `(4, 4)` [mm]."""
        return look_at(self.at, self.aim, math.radians(self.roll), self.lateral)

    def load_probe(self) -> Probe:
        """The preset, at the view's depth."""
        probe = load_probe(self.probe)
        return probe if self.depth is None else probe.replace(depth=self.depth)


@dataclass(frozen=True)
class SceneSpec:
    """A whole scene file.

    Attributes:
        name: of the scene.
        about: what it is.
        provenance: where the anatomy comes from, to be shown with the pictures.
        licence: of the anatomy.
        folder: below the data root, that files are named from.
        outside: tissue that surrounds everything.
        tissues: changes and additions to the table of tissues.
        resolve: how parts become one scene.
        wall: layers around everything.
        volume: a label volume.
        parts: bodies.
        sheets: membranes.
        views: places for the probe, by name.
    """

    name: str = ""
    about: str = ""
    provenance: str = ""
    licence: str = ""
    folder: str = ""
    outside: str = "gel"
    tissues: dict[str, Any] = field(default_factory=dict)
    resolve: ResolveSpec = field(default_factory=ResolveSpec)
    wall: WallSpec | None = None
    volume: VolumeSpec | None = None
    parts: tuple[PartSpec, ...] = ()
    sheets: tuple[SheetSpec, ...] = ()
    views: dict[str, View] = field(default_factory=dict)


#: Blocks inside blocks, by the name of their key; a tuple is a list of blocks.
BLOCKS: dict[str, Any] = {
    "resolve": ResolveSpec,
    "wall": WallSpec,
    "volume": VolumeSpec,
    "surface": SourceSpec,
    "cavity": LayerSpec,
    "layers": (LayerSpec,),
    "sheets": (SheetSpec,),
}
#: What other keys hold.
TEXT = {"name", "about", "provenance", "licence", "folder", "outside", "file", "units", "axes",
        "tissue", "region", "mapping", "method", "probe"}  # fmt: skip
NUMBERS = {"offset", "smooth", "thickness", "spacing", "roll", "depth"}
POINTS = {"at", "aim", "lateral", "point", "normal"}
NAMES = {"of", "within", "without"}
REQUIRED = {
    PartSpec: ("name",),
    LayerSpec: ("name", "tissue"),
    SheetSpec: ("name", "tissue", "within"),
    View: ("at", "aim"),
    VolumeSpec: ("file",),
    WallSpec: ("surface", "layers", "cavity"),
    SceneSpec: ("name",),
}


def read_scene_file(path: Path) -> SceneSpec:
    """The content of a scene file.

    Raises:
        InputError: missing, not YAML, or a key or value that no scene file has.
    """
    return parse_scene(str(path), read_content(path, "scene file"))


def parse_scene(where: str, content: Any) -> SceneSpec:
    """A scene file's content, checked.

    Args:
        where: the file, for messages.
        content: as YAML gives it.

    Raises:
        InputError: a key or value that no scene file has.
    """
    spec = _block(where, SceneSpec, content)
    for part in spec.parts:
        _check_source(f"{where}: part '{part.name}'", part)
    if spec.wall is not None:
        _check_source(f"{where}: wall: surface", spec.wall.surface)
    if spec.resolve.method not in ("voxelise", "nested"):
        raise InputError(f"{where}: resolve: method must be voxelise or nested")
    names = [part.name for part in spec.parts]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{where}: two parts named '{name}'")
    return spec


def _check_source(where: str, source: SourceSpec) -> None:
    given = [key for key in ("file", "shape", "of") if getattr(source, key)]
    if len(given) != 1:
        raise InputError(
            f"{where}: expected exactly one of file, shape and of, got {given or 'none'}"
        )


def _block(where: str, kind: Any, content: Any) -> Any:
    """One block of the file as its dataclass; unknown keys are refused."""
    if not isinstance(content, Mapping):
        raise InputError(f"{where}: expected keys and values, got {type(content).__name__}")
    known = [f.name for f in dataclasses.fields(kind)]
    values = {}
    for key, value in content.items():
        if key not in known:
            raise InputError(f"{where}: unknown key '{key}'; {closest(str(key), known)}")
        values[key] = _value(f"{where}: {key}", kind, key, value)
    for key in REQUIRED.get(kind, ()):
        if key not in values:
            raise InputError(f"{where}: lacks '{key}'")
    return kind(**values)


def _value(where: str, kind: Any, key: str, value: Any) -> Any:
    if key in BLOCKS:
        return _nested(where, BLOCKS[key], value)
    if key == "parts":
        return _nested(where, (PartSpec,), value) if kind is SceneSpec else _names(where, value)
    if key == "views":
        views = _mapping(where, value)
        return {str(k): _block(f"{where}: {k}", View, v) for k, v in views.items()}
    if key in ("tissues", "labels", "shape"):
        return _mapping(where, value)
    if key == "box":
        return _box(where, value)
    return _plain(where, key, value)


def _plain(where: str, key: str, value: Any) -> Any:
    if key in POINTS:
        return _point(where, value)
    if key in NAMES:
        return _names(where, value)
    if key in NUMBERS:
        return _number(where, value)
    kind, expected = (
        (bool, "true or false") if key in ("fill", "press") else (int, "a whole number")
    )
    kind, expected = (str, "text") if key in TEXT else (kind, expected)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(f"{where}: expected {expected}, got {value!r}")
    return value


def _nested(where: str, kind: Any, value: Any) -> Any:
    if not isinstance(kind, tuple):
        return _block(where, kind, value)
    if not isinstance(value, list):
        raise InputError(f"{where}: expected a list")
    return tuple(_block(f"{where}[{i}]", kind[0], item) for i, item in enumerate(value))


def _mapping(where: str, value: Any) -> dict:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: expected keys and values, got {value!r}")
    return dict(value)


def _names(where: str, value: Any) -> tuple[str, ...]:
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise InputError(f"{where}: expected names, got {value!r}")
    return tuple(value)


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where}: expected a number, got {value!r}")
    return float(value)


def _point(where: str, value: Any) -> Point:
    if not isinstance(value, list) or len(value) != 3:
        raise InputError(f"{where}: expected [x, y, z] in mm, got {value!r}")
    x, y, z = (_number(where, v) for v in value)
    return x, y, z


def _box(where: str, value: Any) -> tuple[Point, Point]:
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(f"{where}: expected [[x, y, z], [x, y, z]], low and high corner in mm")
    return _point(where, value[0]), _point(where, value[1])

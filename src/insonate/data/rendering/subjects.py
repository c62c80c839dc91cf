"""Who is examined: a subject by its number, with what its frames need to know."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from insonate.anatomy import View, in_air, load_scene, press, views
from insonate.anatomy.gynaecology import GynaecologyPatient
from insonate.anatomy.mother.mother import MOTHER_TISSUES
from insonate.anatomy.patient import Patient
from insonate.anatomy.patient.build import TISSUES
from insonate.anatomy.rays import RayMesh
from insonate.config import to_plain
from insonate.data.rendering.distribution import draw_of
from insonate.data.rendering.recipe import DatasetRecipe
from insonate.errors import InputError, closest
from insonate.probe import Probe
from insonate.scene import Scene

__all__ = ["Classes", "Subject", "classes_of", "make_subject", "planes_of", "tissues_of"]

#: Standard planes by kind of subject; a cervix is looked at from within, which nothing yields to.
PLANES: Mapping[str, tuple[str, ...]] = {
    "pregnant": (
        "abdominal_circumference", "cord", "cord_insertion", "cord_long", "deepest_pocket",
        "femur_left", "femur_right", "four_chamber", "kidneys", "lips", "lvot", "orbits",
        "ovary_left", "ovary_right", "placenta", "placental_edge", "profile", "spine_axial",
        "spine_sagittal", "three_vessel", "transcerebellar", "transthalamic", "transventricular",
    ),
    "gynaecology": ("ovary_left", "ovary_right", "uterus_sagittal", "uterus_transverse"),
}  # fmt: skip
#: How often a subject whose parameters cannot be met together is drawn anew.
ATTEMPTS = 16


@dataclass(frozen=True)
class Classes:
    """Labels of a dataset, which are the same for every subject.

    Attributes:
        names: by label.
        patterns: of the regions of each class; none where names are regions.
    """

    names: tuple[str, ...]
    patterns: tuple[tuple[str, ...], ...] = ()

    def lookup(self, regions: Iterable[str]) -> NDArray[np.uint8]:
        """Label by label of a scene with these regions; 256 entries.

        Raises:
            InputError: a region that the dataset has no label for.
        """
        table = np.zeros(256, np.uint8)
        for label, region in enumerate(regions):
            table[label] = self._label(region)
        return table

    def _label(self, region: str) -> int:
        if self.patterns:  # the last one that fits, so that parts follow the whole
            fits = (any(fnmatchcase(region, p) for p in patterns) for patterns in self.patterns)
            return max((label for label, fit in enumerate(fits) if fit), default=0)
        if region not in self.names:
            raise InputError(f"labels: no label for region '{region}'; expected image.labels")
        return self.names.index(region)


def classes_of(recipe: DatasetRecipe) -> Classes:
    """The labels that a recipe asks for.

    Raises:
        InputError: regions of that kind of subject differ, so that classes have to be named.
    """
    if recipe.image.labels:
        names = ("background", *recipe.image.labels)
        return Classes(names, ((), *recipe.image.labels.values()))
    kind = recipe.subjects.kind
    if kind == "gynaecology" and "labels" in recipe.image.arrays:
        raise InputError("image.labels: expected for gynaecology, where follicles differ in number")
    if kind == "pregnant":
        return Classes(tuple(TISSUES))
    if kind == "scene":
        scene = load_scene(str(recipe.subjects.scene))
        return Classes(tuple(region.name for region in scene.regions))
    return Classes(tuple(MOTHER_TISSUES))


def planes_of(recipe: DatasetRecipe) -> tuple[str, ...]:
    """Planes that a recipe wants to see, which the column `plane` of its dataset counts.

    Raises:
        InputError: one that no such subject has.
    """
    if recipe.subjects.kind == "scene":
        known = tuple(views(str(recipe.subjects.scene)))
    else:
        known = PLANES[recipe.subjects.kind]
    for name in recipe.poses.planes:
        if name not in known:
            raise InputError(f"poses.planes: unknown '{name}'; {closest(name, known)}")
    return (
        tuple(sorted(name for name, weight in recipe.poses.planes.items() if weight > 0)) or known
    )


def tissues_of(recipe: DatasetRecipe) -> dict[str, str]:
    """Tissue of the table by region, where labels are regions."""
    if recipe.image.labels or "labels" not in recipe.image.arrays:
        return {}
    if recipe.subjects.kind == "scene":
        scene = load_scene(str(recipe.subjects.scene))
        return {region.name: region.tissue.name for region in scene.regions}
    return {
        region: tissue if isinstance(tissue, str) else str(tissue.get("like", region))
        for region, tissue in TISSUES.items()
    }


@dataclass(frozen=True)
class Subject:
    """A subject and its scene.

    Attributes:
        number: of the subject.
        scene: as it is when no probe touches it.
        views: standard planes, by name.
        landmarks: `(3,)` by name [mm].
        parameters: as they are kept with every frame.
        pressed: the skin yields to the probe.
        target: region that a free hand points at, "" for none.
    """

    number: int
    scene: Scene
    views: Mapping[str, View]
    landmarks: Mapping[str, NDArray[np.float64]]
    parameters: Mapping[str, Any]
    pressed: bool
    target: str = ""

    @cached_property
    def skin(self) -> RayMesh:
        """What surrounds the body, for seating the probe."""
        faces = self.scene.faces[(self.scene.pairs == 0).any(axis=1)]
        return RayMesh(self.scene.vertices, faces)

    @cached_property
    def target_box(self) -> NDArray[np.float64]:
        """Lowest and highest corner of what a free hand points at, `(2, 3)` [mm]."""
        label = self.scene.labels.get(self.target, 0)
        faces = self.scene.faces[(self.scene.pairs == label).any(axis=1)]
        points = self.scene.vertices[faces].reshape(-1, 3)
        return np.stack([points.min(axis=0), points.max(axis=0)]).astype(np.float64)

    def vertices(self, probe: Probe, pose: NDArray[np.float64]) -> NDArray[np.float32]:
        """Where the vertices lie with the skin on the probe's face, `(vertices, 3)` [mm]."""
        if not self.pressed:
            return self.scene.vertices
        bare = dataclasses.replace(self.scene, normals=None)  # the simulator turns its own
        return press(bare, probe, pose, coupled=True).vertices

    @cached_property
    def _nearest(self) -> NDArray[np.int64]:
        """The vertex beside each landmark."""
        points = np.array(list(self.landmarks.values()), np.float64).reshape(-1, 3)
        return np.asarray(KDTree(self.scene.vertices).query(points)[1])

    def pressed_landmarks(self, moved: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """Landmarks moved along with the vertices beside them, `(3,)` by name [mm].

        Args:
            moved: vertices under the probe, `(vertices, 3)` [mm].
        """
        shift = moved[self._nearest].astype(np.float64) - self.scene.vertices[self._nearest]
        return {name: at + d for (name, at), d in zip(self.landmarks.items(), shift, strict=True)}


def make_subject(recipe: DatasetRecipe, number: int) -> Subject:
    """The subject of a recipe by its number; parameters that contradict are drawn anew.

    Raises:
        InputError: no parameters were found that can be met together, or one is unknown.
    """
    if recipe.subjects.kind == "scene":
        name = str(recipe.subjects.scene)
        seen = views(name)
        yields = any(view.press for view in seen.values())
        return Subject(number, load_scene(name), seen, {}, {"scene": name}, pressed=yields)
    failure = InputError("")
    for attempt in range(ATTEMPTS):
        given = _parameters(recipe, number, attempt)
        try:
            if recipe.subjects.kind == "pregnant":
                return _pregnant(number, given)
            return _gynaecological(number, given)
        except TypeError as error:
            unknown = str(error).rpartition(" ")[2]
            raise InputError(f"subjects.parameters: unknown {unknown}") from error
        except InputError as error:
            failure = error
    raise InputError(f"subjects: {ATTEMPTS} draws failed, the last one with: {failure}")


def _parameters(recipe: DatasetRecipe, number: int, attempt: int) -> dict[str, Any]:
    draw = draw_of(recipe.seed, "subject", number, attempt)
    found = {
        name: finding.degree.draw(draw, f"degree of {name}")
        for name, finding in recipe.subjects.findings.items()
        if draw.even(f"has {name}", 0.0, 1.0) < finding.share
    }
    given = {name: value.draw(draw, name) for name, value in recipe.subjects.parameters.items()}
    seed = int(draw.even("seed", 0, 2**53))
    return {"seed": seed} | given | ({"findings": found} if found else {})


def _pregnant(number: int, given: Mapping[str, Any]) -> Subject:
    patient = Patient(**given)
    return Subject(
        number=number,
        scene=in_air(patient.scene()),
        views=patient.views,
        landmarks=patient.landmarks,
        parameters=to_plain(patient.parameters),
        pressed=True,
        target="amniotic_fluid",
    )


def _gynaecological(number: int, given: Mapping[str, Any]) -> Subject:
    patient = GynaecologyPatient(**given)
    return Subject(number, patient.scene(), patient.views, {}, to_plain(patient), pressed=False)

"""The recipe of a dataset: who is examined, from where, how, and what is kept."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np

from insonate.config import from_plain, read_content
from insonate.data.dataset import Layout
from insonate.data.rendering.distribution import Distribution, draw_of
from insonate.errors import InputError, closest

__all__ = [
    "DatasetRecipe", "Finding", "Image", "Poses", "Reject", "Subjects", "Sweep", "load_recipe",
    "recipe_names",
]  # fmt: skip

RECIPES = "insonate.data.rendering"
GOLDEN = 0.6180339887498949


_NOTHING, _HAND, _PLANE = (Distribution("constant", (value,)) for value in (0.0, 60.0, "plane"))


@dataclass(frozen=True)
class Finding:
    """How often a finding is there, and to what degree.

    Attributes:
        share: of the subjects that have it.
        degree: as `insonate.anatomy.findings` says.
    """

    share: float
    degree: Distribution


@dataclass(frozen=True)
class Subjects:
    """Who is examined.

    Attributes:
        kind: pregnant, gynaecology, or scene: one that ships or a file.
        frames: of one subject, before the next one comes.
        parameters: of the subject, such as `gestational_age`; what is missing its seed draws.
        findings: by name.
        scene: name or file; of the kind scene.
    """

    kind: Literal["pregnant", "gynaecology", "scene"] = "pregnant"
    frames: int = 64
    parameters: Mapping[str, Distribution] = field(default_factory=dict)
    findings: Mapping[str, Finding] = field(default_factory=dict)
    scene: str | None = None


@dataclass(frozen=True)
class Sweep:
    """A probe that is drawn over the skin, across its image plane.

    Attributes:
        frames: of one sweep.
        length: of its way [mm].
        fan: by how much the probe tilts from its first to its last frame [degrees].
    """

    frames: int
    length: Distribution = _HAND
    fan: Distribution = _NOTHING


@dataclass(frozen=True)
class Poses:
    """Where the probe is held.

    Attributes:
        kind: around a standard plane, or anywhere on the belly: plane, belly.
        planes: weight by name; every plane that can be seen, all alike, when empty.
        balance: planes take turns; they are drawn otherwise.
        shift: from the plane's place, along and across the face [mm].
        tilt: about both axes of the face [degrees].
        roll: about the beam [degrees].
        sweep: frames follow each other on a way; each is held on its own when None.
    """

    kind: Distribution = _PLANE
    planes: Mapping[str, float] = field(default_factory=dict)
    balance: bool = True
    shift: Distribution = _NOTHING
    tilt: Distribution = _NOTHING
    roll: Distribution = _NOTHING
    sweep: Sweep | None = None


@dataclass(frozen=True)
class Image:
    """What is kept of a frame.

    Attributes:
        rows: of the image [pixels].
        columns: of the image; the fan is centred, and cut or padded.
        oversample: the image is rendered so many times finer, and averaged.
        arrays: names of `insonate.data.dataset.IMAGES`.
        labels: patterns of regions by class, such as `follicle: [follicle_*]`; all regions when
            empty.
        landmarks: names of points, kept where they lie in the image plane.
        slack: how far from the plane a landmark may lie [mm].
    """

    rows: int
    columns: int
    oversample: int = 1
    arrays: tuple[str, ...] = ("bmode", "bmode_fast", "labels", "attenuation", "mask")
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    landmarks: tuple[str, ...] = ()
    slack: float = 2.0


@dataclass(frozen=True)
class Reject:
    """Which frames are drawn again.

    Attributes:
        attempts: at most; then the one that shows most is taken.
        lit: least share of the fan that is not in shadow.
        content: least share of the fan by pattern of regions, such as `fetal_*: 0.02`.
    """

    attempts: int = 8
    lit: float = 0.0
    content: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetRecipe:
    """A dataset to be rendered; `docs/rendering.rst` tells it field by field.

    Attributes:
        name: of the dataset.
        frames: how many.
        image: what is kept.
        about: what it is for.
        seed: of everything that is drawn.
        shard: frames that are written at once.
        subjects: who is examined.
        poses: where the probe is held.
        probe: `preset`, and fields of a probe that change it; the view's own when empty.
        quality: of the image `bmode`: a preset of settings.
        settings: fields of the settings that change it.
        display: fields of the display.
        even_tgc: TGC sliders set themselves, for every frame.
        reject: which frames are drawn again.
        split: share of the subjects by split.
        provenance: said of the frames, beside how they were made.
        licence: of the frames.
    """

    name: str
    frames: int
    image: Image
    about: str = ""
    seed: int = 1
    shard: int = 16
    subjects: Subjects = field(default_factory=Subjects)
    poses: Poses = field(default_factory=Poses)
    probe: Mapping[str, Distribution] = field(default_factory=dict)
    quality: Literal["fast", "fine", "scanner"] = "fine"
    settings: Mapping[str, Distribution] = field(default_factory=dict)
    display: Mapping[str, Distribution] = field(default_factory=dict)
    even_tgc: bool = False
    reject: Reject = field(default_factory=Reject)
    split: Mapping[str, float] = field(
        default_factory=lambda: {"train": 0.8, "validation": 0.1, "test": 0.1}
    )
    provenance: str = ""
    licence: str = "CC0-1.0"

    def __post_init__(self) -> None:
        """Refuse what cannot be rendered.

        Raises:
            InputError: names the field and what it may be.
        """
        _at_least("subjects.frames", self.subjects.frames, 1)
        _at_least("reject.attempts", self.reject.attempts, 1)
        _at_least("image.oversample", self.image.oversample, 1)
        if self.subjects.frames % self.shard:
            raise InputError(
                f"subjects.frames: expected a multiple of shard ({self.shard}), so that one "
                f"worker renders a subject, got {self.subjects.frames}"
            )
        if (self.subjects.kind == "scene") != (self.subjects.scene is not None):
            raise InputError("subjects.scene: expected with kind scene, and only there")
        sweep = self.poses.sweep
        if sweep is not None and (sweep.frames < 2 or self.subjects.frames % sweep.frames):
            raise InputError(
                f"poses.sweep.frames: expected 2 or more that divide subjects.frames "
                f"({self.subjects.frames}), got {sweep.frames}"
            )
        shares = self.split.values()
        if not (all(share >= 0 for share in shares) and sum(shares) > 0):
            raise InputError(f"split: expected shares of the subjects, got {dict(self.split)}")
        self.layout()

    def layout(self) -> Layout:
        """Arrays of the dataset."""
        image = self.image
        return Layout(
            self.frames, image.rows, image.columns, image.arrays, image.landmarks, self.shard
        )

    def replace(self, **changes: Any) -> DatasetRecipe:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def split_of(self, subject: int) -> int:
        """Number of the split that a subject belongs to, however many subjects there are.

        Steps of the golden ratio fill the unit interval evenly, so that shares are met by few.
        """
        start = draw_of(self.seed, "split").even("start", 0.0, 1.0)
        shares = np.cumsum(list(self.split.values())) / sum(self.split.values())
        at = np.searchsorted(shares, (start + subject * GOLDEN) % 1.0, side="right")
        return min(int(at), len(shares) - 1)

    @property
    def subject_count(self) -> int:
        """How many subjects are examined."""
        return -(-self.frames // self.subjects.frames)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise InputError(f"{name}: expected {least} or more, got {value}")


def recipe_names() -> list[str]:
    """Recipes that ship."""
    folder = resources.files(RECIPES) / "recipes"
    return sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".yaml"))


def load_recipe(recipe: str | os.PathLike[str]) -> DatasetRecipe:
    """A recipe that ships, by name, or from a YAML file.

    Raises:
        InputError: no such recipe, or something in it does not fit; names the field.
    """
    path = Path(recipe)
    if path.suffix not in (".yaml", ".yml", ".json"):
        if str(recipe) not in recipe_names():
            raise InputError(f"unknown recipe '{recipe}'; {closest(str(recipe), recipe_names())}")
        path = Path(str(resources.files(RECIPES) / "recipes" / f"{recipe}.yaml"))
    return from_plain(DatasetRecipe, read_content(path, "recipe"), f"{path}: ")

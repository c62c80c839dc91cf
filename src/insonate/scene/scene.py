"""A scene: triangles whose two sides know their regions, and the tissue of every region."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import Tissue
from insonate.errors import InputError

__all__ = ["PointTargets", "Region", "Scene", "Sheet"]


@dataclass(frozen=True)
class Region:
    """A named part of the anatomy; its index in `Scene.regions` is its label."""

    name: str
    tissue: Tissue


@dataclass(frozen=True)
class Sheet:
    """A membrane much thinner than a wavelength: it echoes but does not refract."""

    name: str
    tissue: Tissue
    thickness: float  #: [mm]


@dataclass(frozen=True)
class PointTargets:
    """Reflectors smaller than a wavelength, such as the wires of a phantom.

    Attributes:
        positions: `(targets, 3)` world [mm].
        levels: echo relative to a perfect plane reflector, `(targets,)` [dB].
        axis: unit vector along the wires, `(3,)`; None makes them points. A wire runs across
            the image plane, so that its echo does not fall off with elevation.
    """

    positions: NDArray[np.float32]
    levels: NDArray[np.float32]
    axis: NDArray[np.float32] | None = None

    @staticmethod
    def none() -> PointTargets:
        """No targets."""
        return PointTargets(np.zeros((0, 3), np.float32), np.zeros(0, np.float32))


@dataclass(frozen=True)
class Scene:
    """Triangulated anatomy, ready for a simulator.

    Attributes:
        vertices: `(vertices, 3)` world [mm].
        faces: vertex indices, `(faces, 3)`; their winding gives the normal.
        pairs: region in front of (where the normal points) and behind each face, `(faces, 2)`.
        regions: by label; region 0 is what surrounds everything and fills the gap between
            the probe and the skin.
        sheet_of: index into `sheets` for faces that are membranes, else -1, `(faces,)`;
            empty if there are none; both
            sides of a membrane lie in one region.
        sheets: the membranes.
        targets: point reflectors.
        name: of the scene.
        normals: unit normals at the corners of the faces, `(faces, 3, 3)`, if the surface is
            known analytically; otherwise they are averaged from the faces.
        provenance: where the anatomy comes from, with licence.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    pairs: NDArray[np.int32]
    regions: tuple[Region, ...]
    sheet_of: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    sheets: tuple[Sheet, ...] = ()
    targets: PointTargets = field(default_factory=PointTargets.none)
    name: str = "scene"
    normals: NDArray[np.float32] | None = None
    provenance: str = ""

    def __post_init__(self) -> None:
        """Bring the arrays into one layout and refuse what cannot be traced."""
        set_ = object.__setattr__
        set_(self, "vertices", np.ascontiguousarray(self.vertices, np.float32).reshape(-1, 3))
        set_(self, "faces", np.ascontiguousarray(self.faces, np.int32).reshape(-1, 3))
        set_(self, "pairs", np.ascontiguousarray(self.pairs, np.int32).reshape(-1, 2))
        sheet_of = self.sheet_of if len(self.sheet_of) else np.full(len(self.faces), -1)
        set_(self, "sheet_of", np.ascontiguousarray(sheet_of, np.int32))
        self._check()

    def _check(self) -> None:
        if len(self.faces) == 0 and len(self.targets.positions) == 0:
            raise InputError(f"scene '{self.name}': empty mesh, expected at least one triangle")
        bad = np.logical_not(np.isfinite(self.vertices).all(axis=1))
        if bad.any():
            raise InputError(
                f"scene '{self.name}': vertex {int(np.argmax(bad))} is NaN or infinite "
                f"({int(bad.sum())} of {len(bad)} are)"
            )
        if not self.regions:
            raise InputError(f"scene '{self.name}': no regions, expected at least the outside")
        for name, array, end in (
            ("faces", self.faces, len(self.vertices)),
            ("pairs", self.pairs, len(self.regions)),
        ):
            if array.size and (array.min() < 0 or array.max() >= end):
                raise InputError(f"scene '{self.name}': {name} must index 0 to {end - 1}")
        if len(self.pairs) != len(self.faces) or len(self.sheet_of) != len(self.faces):
            raise InputError(f"scene '{self.name}': one pair and sheet index a face expected")
        if len(self.sheet_of) and self.sheet_of.max() >= len(self.sheets):
            raise InputError(f"scene '{self.name}': sheet index beyond the sheets given")

    @property
    def triangles(self) -> int:
        """Number of triangles."""
        return len(self.faces)

    @property
    def labels(self) -> dict[str, int]:
        """Label value of every region name."""
        return {region.name: label for label, region in enumerate(self.regions)}

    def bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lowest and highest corner of all vertices and targets, `(3,)` each [mm]."""
        points = np.concatenate([self.vertices, self.targets.positions])
        return points.min(axis=0), points.max(axis=0)

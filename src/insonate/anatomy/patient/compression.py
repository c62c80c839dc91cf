"""A probe that is pressed into the belly: it pushes the tissue before it, the skin on its face."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import load_tissues
from insonate.anatomy.contact import press
from insonate.anatomy.implicit.mesh import Surfaces
from insonate.probe import Probe
from insonate.scene import Region, Scene

__all__ = ["Skin", "compressed", "deepest_push", "pushed"]

Vector = NDArray[np.float64]

#: A push takes at most this share of fat and muscle (M), and at most so many mm.
_SHARE, _DEEPEST = 0.35, 20.0
#: Depth at which nothing moves any more [mm]. A push of 20 leaves a layer 0.64 of its thickness.
_REACH = 110.0
#: How far the push reaches beside the face: its half size times this, at least so many mm (E).
_WIDER, _LEAST = 1.3, 22.0
#: Where it has faded to this share, nothing moves.
_FADED = 1e-4


def deepest_push(truth: Mapping[str, float]) -> float:
    """How deep the probe goes at full pressure [mm].

    Args:
        truth: the patient's measures: fat and rectus muscle [mm].
    """
    return min(_SHARE * (truth["maternal_fat"] + truth["rectus"]), _DEEPEST)


def pushed(pose: NDArray[np.float64], depth: float) -> Vector:
    """A pose `(4, 4)` moved along its beam by `depth` [mm]."""
    moved = np.array(pose, np.float64)
    moved[:3, 3] += depth * moved[:3, 2]
    return moved


def compressed(points: Vector, probe: Probe, pose: NDArray[np.float64], depth: float) -> Vector:
    """Where points `(points, 3)` in the world come to lie [mm] under a push of `depth` [mm].

    Along the beam; less with depth, to none, and less beside the face.

    Args:
        points: at rest [mm].
        probe: its face gives the width.
        pose: of the probe before the push, `(4, 4)` [mm].
        depth: of the push [mm].
    """
    local = (points - pose[:3, 3]) @ pose[:3, :3]
    width = max(0.5 * probe.width * _WIDER, _LEAST)
    height = max(0.5 * probe.elevation_height * _WIDER, _LEAST)
    beside = np.exp(-((local[:, 0] / width) ** 2) - (local[:, 1] / height) ** 2)
    below = np.clip(1.0 - np.maximum(local[:, 2], 0.0) / _REACH, 0.0, 1.0) ** 2
    share = np.maximum(beside * below - _FADED, 0.0) / (1.0 - _FADED)
    return points + (depth * share)[:, None] * pose[:3, 2]


class Skin:
    """The mother's skin as `press` asks for it.

    Args:
        surfaces: of the patient.
    """

    def __init__(self, surfaces: Surfaces):
        outer = (surfaces.pairs == 0).any(axis=1)
        self._faces = surfaces.faces[outer]
        self._pairs = (surfaces.pairs[outer] > 0).astype(np.int32)
        tissue = load_tissues()["skin"]
        self._regions = Region("outside", tissue), Region("skin", tissue)

    def pressed(self, vertices: Vector, probe: Probe, pose: NDArray[np.float64]) -> Vector:
        """Vertices `(vertices, 3)` [mm] with the skin on the face of a probe."""
        scene = Scene(vertices.astype(np.float32), self._faces, self._pairs, self._regions)
        return press(scene, probe, pose).vertices.astype(np.float64)

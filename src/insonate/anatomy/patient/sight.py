"""How much sound straight lines through the anatomy lose in bone and gas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics.interface import pressure_reflection
from insonate.anatomy.rays import RayMesh
from insonate.scene import Scene

__all__ = ["Sight"]

Vector = NDArray[np.float64]

#: Impedance below which nothing passes, and above which a tissue is bone [MRayl].
GAS, BONE = 0.5, 2.3
#: Surfaces that a line crosses at most, and what is left out before its end [mm].
CROSSINGS, BEFORE = 10, 1.5
#: What stands for all [dB], and between surface and the next start [mm].
OPAQUE, NUDGE = 60.0, 0.02


class Sight:
    """Bone and gas of a scene.

    Args:
        scene: the anatomy.
        frequency: at which tissue attenuates [MHz].
    """

    def __init__(self, scene: Scene, frequency: float):
        tissues = [region.tissue for region in scene.regions]
        self.impedance = np.array([t.impedance for t in tissues])
        self.speed = np.array([t.speed for t in tissues])
        self.hard = (self.impedance < GAS) | (self.impedance > BONE)
        self.hard[0] = False
        decay = [2.0 * float(t.attenuation_at(frequency)) / 10.0 for t in tissues]
        self.decay = np.where(self.hard, decay, 0.0)  # two-way [dB/mm]
        faces = np.flatnonzero(self.hard[scene.pairs].any(axis=1))
        self.pairs = scene.pairs[faces]
        self.mesh = RayMesh(scene.vertices, scene.faces[faces])

    def loss(self, starts: Vector, ends: Vector, own: NDArray[np.integer]) -> Vector:
        """Two-way loss on the way to structures, at most `OPAQUE`, `(lines,)` [dB].

        Args:
            starts: of the lines `(lines, 3)` [mm].
            ends: of the lines `(lines, 3)` [mm].
            own: region of the structure that each line ends at, which does not hide itself.
        """
        way = ends - starts
        length = np.linalg.norm(way, axis=1)
        way = way / np.maximum(length, 1e-9)[:, None]
        total, gone = np.zeros(len(way)), np.zeros(len(way))
        left = np.flatnonzero(length > BEFORE)
        for _ in range(CROSSINGS):
            at = starts[left] + gone[left, None] * way[left]
            reach = float(np.max(length[left] - gone[left], initial=0.0))
            step, face = self.mesh.first_hit(at, way[left], reach)
            met = (face >= 0) & (gone[left] + step < length[left] - BEFORE)
            left, step, face = left[met], step[met], face[met]
            if not len(left):
                break
            total[left] += self._crossing(way[left], step, face, own[left])
            gone[left] += step + NUDGE
            left = left[total[left] < OPAQUE]
        return np.minimum(total, OPAQUE)

    def _crossing(
        self, way: Vector, step: Vector, face: NDArray[np.int32], own: NDArray[np.integer]
    ) -> Vector:
        """Loss in the tissue before a surface, and at it [dB]."""
        cosine = (way * self.mesh.normals(face)).sum(axis=1)
        inwards = cosine < 0.0
        before = np.where(inwards, *self.pairs[face].T)
        behind = np.where(inwards, *self.pairs[face].T[::-1])
        sine = np.sqrt(np.maximum(1.0 - cosine**2, 0.0))
        turned_back = sine * self.speed[behind] > self.speed[before]
        gamma = pressure_reflection(self.impedance[before], self.impedance[behind], 1.0, 1.0)
        gas = self.impedance[behind] < GAS
        loss = self.decay[before] * step - 20.0 * np.log10(np.maximum(1.0 - gamma**2, 1e-3))
        loss = np.where(gas | turned_back, OPAQUE, loss)
        return np.where((before == own) | (behind == own), 0.0, loss)

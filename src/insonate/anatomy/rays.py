"""Rays against triangles, for placing probes; the simulator has its own."""

from __future__ import annotations

import numpy as np
import warp as wp
from numpy.typing import NDArray

from insonate.anatomy.distance_kernels import ray_kernel

__all__ = ["RayMesh"]


class RayMesh:
    """A mesh that tells what rays meet first.

    Args:
        vertices: `(vertices, 3)` [mm].
        faces: `(faces, 3)`.
    """

    def __init__(self, vertices: NDArray[np.floating], faces: NDArray[np.integer]):
        self.vertices = np.asarray(vertices, np.float32)
        self.faces = np.ascontiguousarray(faces, np.int32)
        if len(self.faces):
            points = wp.array(self.vertices, dtype=wp.vec3, device="cpu")
            indices = wp.array(self.faces.ravel(), dtype=wp.int32, device="cpu")
            self._keep = points, indices
            self.mesh = wp.Mesh(points=points, indices=indices)

    def first_hit(
        self, origins: NDArray[np.floating], directions: NDArray[np.floating], reach: float
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """What rays meet first.

        Args:
            origins: `(rays, 3)` [mm].
            directions: unit vectors `(rays, 3)`.
            reach: how far to look [mm].

        Returns:
            Distance `(rays,)` [mm], infinite where there is nothing, and index of the face
            `(rays,)`, -1 there.
        """
        count = len(origins)
        if not len(self.faces) or not count:
            return np.full(count, np.inf), np.full(count, -1, np.int32)
        distance = wp.zeros(count, dtype=float, device="cpu")
        face = wp.zeros(count, dtype=int, device="cpu")
        start = wp.array(np.asarray(origins, np.float32), dtype=wp.vec3, device="cpu")
        way = wp.array(np.asarray(directions, np.float32), dtype=wp.vec3, device="cpu")
        inputs = [self.mesh.id, start, way, float(reach)]
        wp.launch(ray_kernel, dim=count, inputs=inputs, outputs=[distance, face], device="cpu")
        index = np.asarray(face.numpy(), np.int32)
        return np.where(index < 0, np.inf, np.asarray(distance.numpy(), np.float64)), index

    def normals(self, faces: NDArray[np.integer]) -> NDArray[np.float64]:
        """Unit normals `(faces, 3)` of faces by index `(faces,)`."""
        a, b, c = (self.vertices[self.faces[faces, k]].astype(np.float64) for k in range(3))
        normal = np.cross(b - a, c - a)
        return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20)

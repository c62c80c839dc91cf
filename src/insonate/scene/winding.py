"""Inside or outside a surface, by generalised winding number."""
# Kernels are Warp's language, checked by Warp's compiler.
# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false

import numpy as np
import warp as wp
from numpy.typing import NDArray

__all__ = ["inside"]


@wp.kernel(enable_backward=False)
def _inside_kernel(
    mesh: wp.uint64, points: wp.array(dtype=wp.vec3), reach: float, out: wp.array(dtype=wp.int8)
):
    i = wp.tid()
    query = wp.mesh_query_point_sign_winding_number(mesh, points[i], reach)
    out[i] = wp.where(query.result and query.sign < 0.0, wp.int8(1), wp.int8(0))


def inside(
    points: NDArray[np.float32], vertices: NDArray[np.float32], faces: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Which points lie inside a surface, by generalised winding number.

    The winding number tolerates small holes: an open organ is closed where its rim
    suggests, which is why open meshes may be voxelised with it.

    Args:
        points: `(points, 3)` [mm].
        vertices: `(vertices, 3)` [mm].
        faces: `(faces, 3)`.
    """
    points = np.ascontiguousarray(points, np.float32)
    lo, hi = vertices.min(axis=0), vertices.max(axis=0)
    result = np.zeros(len(points), bool)
    near = np.flatnonzero(((points >= lo) & (points <= hi)).all(axis=1))
    if near.size == 0:
        return result
    mesh = wp.Mesh(
        points=wp.array(vertices, dtype=wp.vec3, device="cpu"),
        indices=wp.array(np.ascontiguousarray(faces, np.int32).ravel(), device="cpu"),
        support_winding_number=True,
    )
    found = wp.zeros(near.size, dtype=wp.int8, device="cpu")
    reach = float(np.linalg.norm(hi - lo)) + 1.0
    at = wp.array(points[near], dtype=wp.vec3, device="cpu")
    inputs = [mesh.id, at, reach]
    wp.launch(_inside_kernel, dim=near.size, inputs=inputs, outputs=[found], device="cpu")
    result[near] = found.numpy().astype(bool)
    return result

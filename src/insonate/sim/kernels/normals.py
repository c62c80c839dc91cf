"""Smooth normals at the corners of faces, averaged over the faces around them."""

import warp as wp

__all__ = ["corner_normals", "face_normals"]


@wp.kernel(enable_backward=False)
def face_normals(
    first: int,
    points: wp.array(dtype=wp.vec3),
    indices: wp.array(dtype=int),
    normals: wp.array(dtype=wp.vec3),
):
    """Normal of every face, as long as twice its area."""
    f = first + wp.tid()
    a = points[indices[3 * f]]
    normals[f] = wp.cross(points[indices[3 * f + 1]] - a, points[indices[3 * f + 2]] - a)


@wp.kernel(enable_backward=False)
def corner_normals(
    first: int,
    start: wp.array(dtype=int),
    faces: wp.array(dtype=int),
    face_normal: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
):
    """Area-weighted mean over the faces of a wedge."""
    w = first + wp.tid()
    total = wp.vec3(0.0, 0.0, 0.0)
    for k in range(start[w], start[w + 1]):
        total += face_normal[faces[k]]
    normals[w] = wp.normalize(total)

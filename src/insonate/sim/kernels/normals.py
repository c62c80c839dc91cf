"""Smooth normals of corners: averaged over the faces around them, or turned with those."""

import warp as wp

__all__ = ["corner_normals", "face_normals", "turned_normals"]


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


@wp.kernel(enable_backward=False)
def turned_normals(
    first: int,
    given: wp.array(dtype=wp.vec3),
    wedge: wp.array(dtype=int),
    before: wp.array(dtype=wp.vec3),
    after: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
):
    """Analytic normals of the rest shape, turned as the averaged ones of their wedge are."""
    c = first + wp.tid()
    n = given[c]
    a = before[wedge[c]]
    b = after[wedge[c]]
    cosine = wp.dot(a, b)
    if wp.length_sq(a - b) > 0.0:  # where nothing moved they stay, bit by bit
        if cosine > -0.9:
            axis = wp.cross(a, b)
            n = cosine * n + wp.cross(axis, n) + axis * (wp.dot(axis, n) / (1.0 + cosine))
            n = wp.normalize(n)
        else:
            n = b
    normals[c] = n

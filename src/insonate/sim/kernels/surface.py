"""The scene on the device, and the first of its surfaces along a ray."""

import warp as wp

from insonate.sim.kernels.records import Medium

__all__ = [
    "FACE",
    "NOTHING",
    "NUDGE",
    "SURFACE",
    "Anatomy",
    "Hit",
    "closest_hit",
    "curvature",
    "rest_direction",
]

NUDGE = wp.constant(5.0e-4)  # [mm] across a surface, so that a ray does not meet it again
#: What a ray has met.
NOTHING = wp.constant(0)
SURFACE = wp.constant(1)
FACE = wp.constant(2)  # the probe's own


@wp.struct
class Anatomy:
    """The scene on the device."""

    mesh: wp.uint64
    moved: int  # 1: vertices are no longer where `rest` has them
    corners: wp.array(dtype=int)  # normal of every face's corner
    normals: wp.array(dtype=wp.vec3)
    indices: wp.array(dtype=int)
    rest: wp.array(dtype=wp.vec3)  # tissue-fixed vertex positions [mm]
    pairs: wp.array(dtype=wp.vec2i)  # region in front and behind
    sheet_of: wp.array(dtype=int)
    sheets: wp.array(dtype=wp.vec3)  # impedance [MRayl], speed [mm/us], thickness [mm]
    media: wp.array(dtype=Medium)


@wp.struct
class Hit:
    """Where a ray meets a surface."""

    found: int  # NOTHING, SURFACE or FACE
    distance: float
    face: int
    normal: wp.vec3  # smooth, facing the ray
    geometric: wp.vec3  # of the triangle, facing the ray
    front: int  # region on the ray's side
    back: int
    rest: wp.vec3


@wp.func
def closest_hit(anatomy: Anatomy, origin: wp.vec3, direction: wp.vec3, reach: float) -> Hit:
    """The first surface along a ray."""
    hit = Hit()
    query = wp.mesh_query_ray(anatomy.mesh, origin, direction, reach)
    if query.result:
        f = query.face
        hit.found = SURFACE
        hit.face = f
        hit.distance = query.t
        u = query.u
        v = query.v
        w = 1.0 - u - v
        n = (
            u * anatomy.normals[anatomy.corners[3 * f]]
            + v * anatomy.normals[anatomy.corners[3 * f + 1]]
            + w * anatomy.normals[anatomy.corners[3 * f + 2]]
        )
        hit.rest = (
            u * anatomy.rest[anatomy.indices[3 * f]]
            + v * anatomy.rest[anatomy.indices[3 * f + 1]]
            + w * anatomy.rest[anatomy.indices[3 * f + 2]]
        )
        pair = anatomy.pairs[f]
        geometric = query.normal
        if wp.dot(direction, geometric) > 0.0:
            geometric = -geometric
            n = -n
            pair = wp.vec2i(pair[1], pair[0])
        n = wp.normalize(n)
        if wp.dot(direction, n) > -1.0e-3:
            n = geometric
        hit.normal = n
        hit.geometric = geometric
        hit.front = pair[0]
        hit.back = pair[1]
    return hit


@wp.func
def rest_direction(anatomy: Anatomy, face: int, direction: wp.vec3) -> wp.vec3:
    """`direction` as the tissue at a triangle knows it: turned back with that triangle."""
    if anatomy.moved == 0 or face < 0:
        return direction
    i = anatomy.indices[3 * face]
    j = anatomy.indices[3 * face + 1]
    k = anatomy.indices[3 * face + 2]
    mesh = wp.mesh_get(anatomy.mesh)
    a = mesh.points[j] - mesh.points[i]
    b = mesh.points[k] - mesh.points[i]
    n = wp.normalize(wp.cross(a, b))
    volume = wp.dot(a, wp.cross(b, n))
    if volume < 1.0e-12:
        return direction
    along_a = wp.dot(direction, wp.cross(b, n)) / volume
    along_b = wp.dot(direction, wp.cross(n, a)) / volume
    a = anatomy.rest[j] - anatomy.rest[i]
    b = anatomy.rest[k] - anatomy.rest[i]
    back = along_a * a + along_b * b + wp.dot(direction, n) * wp.normalize(wp.cross(a, b))
    return wp.normalize(back)


@wp.func
def curvature(anatomy: Anatomy, hit: Hit) -> float:
    """Sum of the principal curvatures at the triangle met, convex to the ray [1/mm].

    The mean over the three edges, so that noise of the normals does not look like a bulge.
    """
    mesh = wp.mesh_get(anatomy.mesh)
    first = 3 * hit.face
    a = mesh.points[anatomy.indices[first]]
    b = mesh.points[anatomy.indices[first + 1]]
    c = mesh.points[anatomy.indices[first + 2]]
    side = wp.sign(wp.dot(hit.geometric, wp.cross(b - a, c - a)))
    bent = float(0.0)
    for k in range(3):
        i = first + k
        j = first + (k + 1) % 3
        turn = anatomy.normals[anatomy.corners[j]] - anatomy.normals[anatomy.corners[i]]
        edge = mesh.points[anatomy.indices[j]] - mesh.points[anatomy.indices[i]]
        bent += wp.dot(turn, edge) / wp.max(wp.dot(edge, edge), 1.0e-9)
    return side * bent * 2.0 / 3.0

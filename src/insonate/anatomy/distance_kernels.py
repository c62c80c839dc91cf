"""Warp kernels: distance from points to a triangle mesh."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false

import warp as wp

__all__ = ["ray_kernel", "signed_kernel", "unsigned_kernel"]


@wp.kernel(enable_backward=False)
def signed_kernel(
    mesh: wp.uint64, points: wp.array(dtype=wp.vec3), reach: float, out: wp.array(dtype=float)
):
    """Signed distance by winding number, `reach` where nothing is near."""
    i = wp.tid()
    query = wp.mesh_query_point_sign_winding_number(mesh, points[i], reach)
    out[i] = reach
    if query.result:
        nearest = wp.mesh_eval_position(mesh, query.face, query.u, query.v)
        out[i] = query.sign * wp.length(points[i] - nearest)


@wp.kernel(enable_backward=False)
def unsigned_kernel(
    mesh: wp.uint64, points: wp.array(dtype=wp.vec3), reach: float, out: wp.array(dtype=float)
):
    """Distance, `reach` where nothing is near."""
    i = wp.tid()
    query = wp.mesh_query_point_no_sign(mesh, points[i], reach)
    out[i] = reach
    if query.result:
        nearest = wp.mesh_eval_position(mesh, query.face, query.u, query.v)
        out[i] = wp.length(points[i] - nearest)


@wp.kernel(enable_backward=False)
def ray_kernel(
    mesh: wp.uint64,
    origins: wp.array(dtype=wp.vec3),
    directions: wp.array(dtype=wp.vec3),
    reach: float,
    out: wp.array(dtype=float),
    face: wp.array(dtype=int),
):
    """Distance along a ray to the first triangle and its index, -1 where there is none."""
    i = wp.tid()
    query = wp.mesh_query_ray(mesh, origins[i], directions[i], reach)
    out[i] = -1.0
    face[i] = -1
    if query.result:
        out[i] = query.t
        face[i] = query.face

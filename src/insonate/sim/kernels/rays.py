"""Primary rays: a bundle of skew rays whose density is the focused beam (:eq:`bundle`)."""

import warp as wp

from insonate.sim.kernels.random import hash_key, normal_pair, stratum, uniform

__all__ = ["Bundle", "primary_rays"]

GOLDEN = wp.constant(0.6180339887498949)
PI = wp.constant(3.141592653589793)


@wp.struct
class Bundle:
    """One beam: where its rays start and how they spread."""

    rays: int  # per scanline and layer
    lines: int
    centre: int  # 1: all rays are the central one
    radius: float  # of the face [mm]; 0 is flat
    waist: float  # lateral intensity sigma at the focus [mm]
    slope: float  # lateral intensity sigma of the ray angle [rad]
    focus: float  # [mm]
    elevation_waist: float
    elevation_slope: float
    elevation_focus: float
    seed: wp.uint32


@wp.func
def stratified_normals(bundle: Bundle, layer: int, ray: int) -> wp.vec2:
    """Two normal deviates, ray `ray` of a spiral that fills the Gaussian evenly.

    The same on every scanline: beams next to each other, of nearly one aperture, then see the
    edge of a shadow alike, and it does not fray into streaks.
    """
    shift = uniform(hash_key(bundle.seed, layer, 0, 1))
    turn = uniform(hash_key(bundle.seed, layer, 0, 2))
    u = (float(ray) + shift) / float(bundle.rays)
    v = float(ray) * GOLDEN + turn
    return normal_pair(wp.max(u, 1.0e-6), v - wp.floor(v))


@wp.kernel(enable_backward=False)
def primary_rays(
    first: int,
    bundle: Bundle,
    line_origin: wp.array(dtype=wp.vec3),
    line_direction: wp.array(dtype=wp.vec3),
    line_lateral: wp.array(dtype=wp.vec3),
    layer_deviate: wp.array(dtype=float),
    origin: wp.array(dtype=wp.vec3),
    direction: wp.array(dtype=wp.vec3),
    start: wp.array(dtype=float),
):
    """Write origin, direction and starting path length of every ray, in the probe frame.

    Rays are ordered by layer, line and number in the bundle.
    """
    i = first + wp.tid()
    beam = i / bundle.rays
    line = beam % bundle.lines
    layer = beam / bundle.lines
    lateral = line_lateral[line]
    along = line_direction[line]
    offset = float(0.0)
    slope = float(0.0)
    psi = PI / 4.0
    if bundle.centre == 0:
        ray = i % bundle.rays
        n = stratified_normals(bundle, layer, ray)
        offset = bundle.waist * n[0]
        slope = bundle.slope * n[1]
        psi = 2.0 * PI * stratum(bundle.seed, layer * bundle.rays + ray, bundle.rays, 0, 3)
    xi = layer_deviate[layer]
    height = xi * bundle.elevation_waist * wp.cos(psi)
    tilt = xi * bundle.elevation_slope * wp.sin(psi)
    x = offset - slope * bundle.focus
    y = height - tilt * bundle.elevation_focus
    up = wp.vec3(0.0, 1.0, 0.0)
    d = wp.normalize(along + slope * lateral + tilt * up)
    p = line_origin[line] + x * lateral + y * up
    # A curved face: start where the ray crosses the arc, and count the way to it.
    t = float(0.0)
    if bundle.radius > 0.0:
        qx = p[0]
        qz = p[2] + bundle.radius
        a = d[0] * d[0] + d[2] * d[2]
        b = d[0] * qx + d[2] * qz
        c = qx * qx + qz * qz - bundle.radius * bundle.radius
        t = (-b + wp.sqrt(wp.max(b * b - a * c, 0.0))) / a
    origin[i] = p + t * d
    direction[i] = d
    start[i] = t * wp.dot(d, along)

"""The probe's own face, seen from inside the body."""

import warp as wp

__all__ = ["Tracing", "face_distance", "face_normal"]


@wp.struct
class Tracing:
    """How paths are followed."""

    rotation: wp.mat33  # probe to scene
    position: wp.vec3
    depth: float  # of the image [mm]
    frequency: float  # [MHz]
    display_speed: float  # [mm/us]
    f_number: float  # smallest of the receive aperture
    aperture: float  # largest receive aperture [mm]
    gain: float  # exponent that lifts weak reflections
    face: float  # reflection coefficient of the probe's face
    face_radius: float  # [mm]; 0 is flat
    face_width: float  # half, [mm] or [rad]
    face_height: float  # half [mm]
    tgc: float  # [nepers/mm], for roulette
    bounces: int
    branching: int  # DOMINANT, STOCHASTIC or THROUGH
    rays: int  # per line and layer
    seed: wp.uint32


@wp.func
def face_distance(tracing: Tracing, origin: wp.vec3, direction: wp.vec3) -> float:
    """Path length to the probe's face from inside the body; negative if it is missed."""
    inverse = wp.transpose(tracing.rotation)
    p = inverse * (origin - tracing.position)
    d = inverse * direction
    t = float(-1.0)
    x = float(0.0)
    if tracing.face_radius > 0.0:
        z = p[2] + tracing.face_radius
        a = d[0] * d[0] + d[2] * d[2]
        b = d[0] * p[0] + d[2] * z
        c = p[0] * p[0] + z * z - tracing.face_radius * tracing.face_radius
        disc = b * b - a * c
        if disc > 0.0 and b < 0.0:
            t = (-b - wp.sqrt(disc)) / a
            x = wp.atan2(p[0] + t * d[0], z + t * d[2])
    elif d[2] < -1.0e-6:
        t = -p[2] / d[2]
        x = p[0] + t * d[0]
    missed = wp.abs(x) > tracing.face_width or wp.abs(p[1] + t * d[1]) > tracing.face_height
    return wp.where(missed, -1.0, t)


@wp.func
def face_normal(tracing: Tracing, point: wp.vec3) -> wp.vec3:
    """Normal of the probe's face at a point on it, into the body."""
    if tracing.face_radius > 0.0:
        p = wp.transpose(tracing.rotation) * (point - tracing.position)
        return tracing.rotation * wp.normalize(wp.vec3(p[0], 0.0, p[2] + tracing.face_radius))
    return tracing.rotation * wp.vec3(0.0, 0.0, 1.0)

"""Follow a path through the anatomy; write its segments and its echoes."""

import warp as wp

from insonate.sim.kernels import interface
from insonate.sim.kernels.random import hash_key, normal_pair, uniform
from insonate.sim.kernels.records import Echo, Medium, Segment

__all__ = ["Anatomy", "Tracing", "closest_hit", "trace_paths"]

NUDGE = wp.constant(5.0e-4)  # [mm] across a surface, so that a ray does not meet it again
SMOOTH = wp.constant(3000.0)  # surfaces with a higher roughness exponent are mirrors
DEAD = wp.constant(1.0e-7)  # amplitude below which a path is dropped
WEAK = wp.constant(1.0e-6)  # reflected power below which there is no branch
GAS = wp.constant(0.1)  # impedance below which an interface rings [MRayl]


@wp.struct
class Anatomy:
    """The scene on the device."""

    mesh: wp.uint64
    corners: wp.array(dtype=int)  # normal of every face's corner
    normals: wp.array(dtype=wp.vec3)
    indices: wp.array(dtype=int)
    rest: wp.array(dtype=wp.vec3)  # tissue-fixed vertex positions [mm]
    pairs: wp.array(dtype=wp.vec2i)  # region in front and behind
    sheet_of: wp.array(dtype=int)
    sheets: wp.array(dtype=wp.vec3)  # impedance [MRayl], speed [mm/us], thickness [mm]
    media: wp.array(dtype=Medium)


@wp.struct
class Tracing:
    """How paths are followed."""

    rotation: wp.mat33  # probe to scene
    position: wp.vec3
    depth: float  # of the image [mm]
    frequency: float  # [MHz]
    display_speed: float  # [mm/us]
    acceptance: float  # slope that the aperture accepts [rad]
    gain: float  # exponent that lifts weak reflections
    face: float  # reflection coefficient of the probe's face
    face_radius: float  # [mm]; 0 is flat
    face_width: float  # half, [mm] or [rad]
    face_height: float  # half [mm]
    tgc: float  # [nepers/mm], for roulette
    bounces: int
    stochastic: int
    rays: int  # per line and layer
    seed: wp.uint32


@wp.struct
class Hit:
    """Where a ray meets a surface."""

    found: int
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
        hit.found = 1
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


@wp.func
def interface_echo(
    reflection: float, cos: float, roughness: float, thickness: float, survival: float,
    phase: float, tracing: Tracing,
) -> Echo:
    """Echo of an interface, split by its fuzziness (:eq:`accumulation`).

    Args:
        reflection: amplitude returned at normal incidence, all losses included.
        survival: probability of the path so far.
    """
    k = 6.283185307 * tracing.frequency / tracing.display_speed
    coherence = wp.exp(-2.0 * k * k * thickness * thickness)
    amplitude = reflection * interface.specular_lobe(cos, roughness, tracing.acceptance)
    echo = Echo()
    echo.coherent = amplitude * coherence
    echo.incoherent = amplitude * wp.sqrt((1.0 - coherence * coherence) * survival)
    echo.phase = phase
    return echo  # fmt: skip


@wp.func
def fuzz(key: wp.uint32, thickness: float) -> float:
    """Depth by which a fuzzy boundary is missed [mm], at most three sigma."""
    n = normal_pair(uniform(key), uniform(key * wp.uint32(747796405) + wp.uint32(1)))[0]
    return thickness * wp.clamp(n, -3.0, 3.0)


@wp.kernel(enable_backward=False)
def trace_paths(
    first: int,
    anatomy: Anatomy,
    tracing: Tracing,
    origins: wp.array(dtype=wp.vec3),
    directions: wp.array(dtype=wp.vec3),
    starts: wp.array(dtype=float),
    line_direction: wp.array(dtype=wp.vec3),
    segments: wp.array2d(dtype=Segment),
    counts: wp.array(dtype=int),
    echoes: wp.array2d(dtype=Echo),
    echo_counts: wp.array(dtype=int),
):
    """Trace path `i`: segments and echoes in order of depth (section "The path").

    Origins and directions are in the probe frame; everything written is in the scene's.
    """
    i = first + wp.tid()
    line = (i / tracing.rays) % line_direction.shape[0]
    tilt = wp.dot(directions[i], line_direction[line])  # beamforming corrects the path length
    o = tracing.position + tracing.rotation * origins[i]
    d = tracing.rotation * directions[i]
    depth = starts[i]
    amplitude = float(1.0)
    survival = float(1.0)
    region = int(-1)
    reflections = int(0)
    written = int(0)
    heard = int(0)
    rest = wp.vec3(0.0, 0.0, 0.0)
    anchored = int(0)
    alive = int(1)
    while alive == 1 and written <= tracing.bounces:
        fastest = wp.where(region >= 0, anatomy.media[wp.max(region, 0)].speed, 3.0)
        reach = (tracing.depth - depth) / tilt * fastest / tracing.display_speed + 1.0
        hit = closest_hit(anatomy, o, d, reach)
        if region < 0:
            region = wp.where(hit.found == 1, hit.front, 0)
        medium = anatomy.media[region]
        stretch = tracing.display_speed / medium.speed * tilt
        to_face = float(-1.0)
        if reflections > 0 and tracing.face > 0.0:
            to_face = face_distance(tracing, o, d)
            if to_face > 0.0 and (hit.found == 0 or to_face < hit.distance):
                hit.found = 2
                hit.distance = to_face
        length = wp.where(hit.found > 0, hit.distance, reach)
        end = depth + length * stretch
        # Tissue-fixed coordinates run from the last hit's to this one's; at an open end
        # they go on as in space.
        rest_end = wp.where(hit.found == 1, hit.rest, rest + length * d)
        if anchored == 0:
            rest = wp.where(hit.found == 1, hit.rest - length * d, o)
            rest_end = rest + length * d
        if heard > 0:  # a fuzzy echo stays in the near half of the next segment
            last = echoes[i, heard - 1]
            last.depth = wp.min(last.depth, depth + 0.5 * length * stretch)
            echoes[i, heard - 1] = last
        segment = Segment()
        segment.start = depth
        segment.end = wp.min(end, tracing.depth)
        segment.amplitude = amplitude
        segment.decay = medium.decay / stretch
        segment.stretch = stretch
        segment.region = region
        segment.reflections = reflections
        segment.rest = rest
        segment.rest_step = (rest_end - rest) / wp.max(length * stretch, 1.0e-6)
        segments[i, written] = segment
        written += 1
        amplitude *= wp.exp(-medium.decay * length)
        if hit.found == 0 or end >= tracing.depth or amplitude < DEAD:
            alive = 0
        else:
            previous = depth
            depth = end
            o = o + length * d
            key = hash_key(tracing.seed, i, written, 4)
            phase = 6.283185307 * uniform(hash_key(tracing.seed, i, written, 5))
            if hit.found == 2:
                # The probe's own face: it hears the path, and sends it in again.
                n = face_normal(tracing, o)
                cos = -wp.dot(d, n)
                echo = interface_echo(
                    amplitude * tracing.face, cos, 1.0e6, 0.0, survival, phase, tracing
                )
                echo.depth = depth
                echoes[i, heard] = echo
                heard += 1
                amplitude *= tracing.face * tracing.face
                d = interface.reflect(d, n)
                o = o + NUDGE * n
                reflections += 1
                rest = rest_end
            elif anatomy.sheet_of[hit.face] >= 0:
                sheet = anatomy.sheets[anatomy.sheet_of[hit.face]]
                gamma = interface.sheet_reflection(
                    medium.impedance, sheet[0], sheet[1], sheet[2], tracing.frequency
                )
                echo = interface_echo(
                    amplitude * interface.lifted(gamma, tracing.gain),
                    -wp.dot(d, hit.normal), SMOOTH, 0.0, survival, phase, tracing,
                )  # fmt: skip
                echo.depth = depth
                echoes[i, heard] = echo
                heard += 1
                amplitude *= 1.0 - gamma * gamma
                o = o - NUDGE * hit.geometric
                rest = hit.rest
                anchored = 1
            else:
                behind = anatomy.media[hit.back]
                before = anatomy.media[hit.front]
                cos = -wp.dot(d, hit.normal)
                roughness = wp.min(before.roughness, behind.roughness)
                thickness = wp.max(before.thickness, behind.thickness)
                normal_gamma = interface.pressure_reflection(
                    before.impedance, behind.impedance, 1.0, 1.0
                )
                returned = amplitude * interface.lifted(normal_gamma, tracing.gain)
                echo = interface_echo(
                    returned, cos, roughness, thickness, survival, phase, tracing
                )
                echo.depth = depth + wp.max(fuzz(key, thickness), 0.5 * (previous - depth))
                echo.gas = wp.where(behind.impedance < GAS, wp.abs(returned), 0.0)
                echoes[i, heard] = echo
                heard += 1

                facet = hit.normal
                if tracing.stochastic == 1 and roughness < SMOOTH:
                    facet = interface.facet_normal(
                        hit.normal,
                        roughness,
                        uniform(hash_key(tracing.seed, i, written, 6)),
                        uniform(hash_key(tracing.seed, i, written, 7)),
                    )
                    if wp.dot(d, facet) > -0.02:
                        facet = hit.normal
                cos = -wp.dot(d, facet)
                cos2 = interface.snell_cosine(before.speed, behind.speed, cos)
                gamma = interface.pressure_reflection(
                    before.impedance, behind.impedance, cos, cos2
                )
                power = gamma * gamma
                turned = int(0)
                if tracing.stochastic == 1:
                    # Drawn by its share of power, a branch keeps its amplitude (:eq:`branching`).
                    drawn = uniform(hash_key(tracing.seed, i, written, 8))
                    if power > WEAK and drawn < power:
                        turned = 1
                        survival *= power
                    else:
                        survival *= 1.0 - power
                elif power < 0.5:
                    amplitude *= 1.0 - power
                else:
                    turned = 1
                    amplitude *= power
                rest = hit.rest
                anchored = 1
                if turned == 1:
                    d = interface.reflect(d, facet)
                    if wp.dot(d, hit.geometric) < 0.0:
                        d = interface.reflect(d, hit.geometric)
                    o = o + NUDGE * hit.geometric
                    reflections += 1
                    region = hit.front
                else:
                    d = interface.refract(d, facet, behind.speed / before.speed, cos, cos2)
                    if wp.dot(d, hit.geometric) > 0.0:
                        d = -hit.geometric
                    o = o - NUDGE * hit.geometric
                    region = hit.back
                if tracing.stochastic == 1 and written > 3:
                    # Russian roulette, paid back in amplitude (:eq:`roulette`).
                    loud = amplitude * wp.exp(tracing.tgc * depth)
                    chance = wp.min(1.0, loud * 1000.0)
                    if uniform(hash_key(tracing.seed, i, written, 9)) < chance:
                        amplitude /= chance
                        survival *= chance
                    else:
                        alive = 0
    counts[i] = written
    echo_counts[i] = heard

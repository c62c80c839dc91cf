"""Follow a path through the anatomy; write its segments and its echoes."""

import warp as wp

from insonate.sim.kernels import interface
from insonate.sim.kernels.probe_face import Tracing, face_distance, face_normal
from insonate.sim.kernels.random import hash_key, normal_pair, stratum, uniform
from insonate.sim.kernels.records import Echo, Medium, Segment
from insonate.sim.kernels.surface import (
    FACE,
    NOTHING,
    NUDGE,
    SURFACE,
    Anatomy,
    Hit,
    closest_hit,
    curvature,
    rest_direction,
)

__all__ = ["DOMINANT", "GAS", "SHARP", "STOCHASTIC", "THROUGH", "trace_paths"]

# How a path takes an interface: the stronger branch, one drawn by its power, or through it.
DOMINANT = wp.constant(0)
STOCHASTIC = wp.constant(1)
THROUGH = wp.constant(2)

SMOOTH = wp.constant(3000.0)  # surfaces with a higher roughness exponent are mirrors
MIRROR = wp.constant(1.0e6)  # roughness exponent of the probe's face
DEAD = wp.constant(1.0e-7)  # amplitude below which a path is dropped
FAINT = wp.constant(1.0e-3)  # amplitude after TGC below which roulette begins
WEAK = wp.constant(1.0e-6)  # reflected power below which there is no branch
GAS = wp.constant(0.1)  # impedance below which an interface rings [MRayl]
MATCHED = wp.constant(1.6)  # impedance for which the probe's face is made [MRayl]
SLIVER = wp.constant(0.3)  # display length that surfaces that pierce each other leave [mm]
SHARP = wp.constant(0.05)  # bend at one interface that a beam may not share [rad]
FASTEST = wp.constant(6.0)  # [mm/us]
# What a path draws a random number for.
USE_FUZZ = wp.constant(4)
USE_PHASE = wp.constant(5)
USE_TILT = wp.constant(6)
USE_AZIMUTH = wp.constant(7)
USE_BRANCH = wp.constant(8)
USE_ROULETTE = wp.constant(9)


@wp.struct
class Path:
    """Where a path has got to."""

    origin: wp.vec3
    direction: wp.vec3
    skew: wp.vec3  # of the ray in its beam: direction less that of the beam's axis
    depth: float  # display depth [mm]
    amplitude: float  # two-way
    survival: float  # probability of the branches taken so far
    region: int  # -1 before the first surface
    reflections: int
    rest: wp.vec3  # tissue-fixed position of `origin`
    face: int  # the surface that has given `rest`; -1 before the first
    alive: int


@wp.func
def next_hit(anatomy: Anatomy, tracing: Tracing, path: Path, tilt: float) -> Hit:
    """The next surface of the anatomy, or the probe's face once a path has turned back.

    Where there is nothing, the distance is what is left of the image's depth.
    """
    speed = wp.where(path.region >= 0, anatomy.media[wp.max(path.region, 0)].speed, FASTEST)
    reach = (tracing.depth - path.depth) / tilt * speed / tracing.display_speed + 1.0
    hit = closest_hit(anatomy, path.origin, path.direction, reach)
    if path.reflections > 0:  # a face that does not reflect still ends the path
        t = face_distance(tracing, path.origin, path.direction)
        if t > 0.0 and (hit.found == NOTHING or t < hit.distance):
            hit.found = FACE
            hit.distance = t
    if hit.found == NOTHING:
        hit.distance = reach
    return hit


@wp.func
def coupled(impedance: float) -> float:
    """Two-way amplitude that the face gives into gas: nearly none; into all else it is 1."""
    gamma = interface.pressure_reflection(MATCHED, impedance, 1.0, 1.0)
    return wp.where(impedance < GAS, 1.0 - gamma * gamma, 1.0)


@wp.func
def region_before(anatomy: Anatomy, path: Path, hit: Hit, last: float) -> int:
    """The region up to the next surface: where the path is, or what that surface says.

    Surfaces that pierce each other come in the wrong order, and leave the path in one of their
    thin layers. It shows by the `last` segment, a sliver: then the next surface knows better.
    """
    if hit.found == SURFACE and (
        path.region < 0 or (last < SLIVER and anatomy.sheet_of[hit.face] < 0)
    ):
        return hit.front
    return wp.max(path.region, 0)


@wp.func
def make_segment(
    anatomy: Anatomy, path: Path, hit: Hit, medium: Medium, stretch: float, last: float
) -> Segment:
    """The stretch of `path` up to `hit`, cut at display depth `last`.

    Tissue-fixed coordinates run from the last surface's to this one's; where the path has a
    surface at one end only, they go along with that one, and as in space where it has none.
    """
    start = path.rest
    if hit.found == SURFACE and path.face >= 0:
        stop = hit.rest
    elif hit.found == SURFACE:
        stop = hit.rest
        start = stop - hit.distance * rest_direction(anatomy, hit.face, path.direction)
    else:
        start = wp.where(path.face >= 0, path.rest, path.origin)
        stop = start + hit.distance * rest_direction(anatomy, path.face, path.direction)
    s = Segment()
    s.start = path.depth
    s.end = wp.min(path.depth + hit.distance * stretch, last)
    s.amplitude = path.amplitude
    s.decay = medium.decay / stretch
    s.stretch = stretch
    s.region = path.region
    s.reflections = path.reflections
    s.rest = start
    s.rest_step = (stop - start) / wp.max(hit.distance * stretch, 1.0e-6)
    return s


@wp.func
def make_echo(
    tracing: Tracing,
    path: Path,
    returned: float,
    cos: float,
    roughness: float,
    thickness: float,
    phase: float,
) -> Echo:
    """What comes back from a surface, split by its fuzziness (:eq:`accumulation`).

    `returned` is the amplitude at normal incidence, all losses on the way included.
    """
    k = 6.283185307 * tracing.frequency / tracing.display_speed
    coherence = wp.exp(-2.0 * k * k * thickness * thickness)
    # The aperture grows with depth until it is all used; then a tilt misses it sooner.
    acceptance = 0.25 / wp.max(tracing.f_number, path.depth / tracing.aperture)
    amplitude = returned * interface.specular_lobe(cos, roughness, acceptance)
    echo = Echo()
    echo.surface = path.depth
    echo.depth = path.depth
    echo.coherent = amplitude * coherence
    echo.incoherent = amplitude * wp.sqrt((1.0 - coherence * coherence) * path.survival)
    echo.phase = phase
    return echo  # fmt: skip


@wp.func
def surface_echo(
    anatomy: Anatomy,
    tracing: Tracing,
    path: Path,
    hit: Hit,
    phase: float,
    key: wp.uint32,
    segment: float,
) -> Echo:
    """Echo of an interface between two regions, or of a membrane in one.

    `segment` is the display length of the way to it, half of which bounds its fuzziness.
    """
    before = anatomy.media[hit.front]
    behind = anatomy.media[hit.back]
    # The beam's axis meets the surface at this angle: its rays return to one aperture.
    cos = -wp.dot(wp.normalize(path.direction - path.skew), hit.normal)
    roughness = wp.min(before.roughness, behind.roughness)
    thickness = wp.max(before.thickness, behind.thickness)
    gamma = interface.pressure_reflection(before.impedance, behind.impedance, 1.0, 1.0)
    if anatomy.sheet_of[hit.face] >= 0:
        sheet = anatomy.sheets[anatomy.sheet_of[hit.face]]
        gamma = interface.sheet_reflection(
            before.impedance, sheet[0], sheet[1], sheet[2], tracing.frequency
        )
        roughness = SMOOTH
        thickness = float(0.0)
    returned = path.amplitude * interface.lifted(gamma, tracing.gain)
    echo = make_echo(tracing, path, returned, cos, roughness, thickness, phase)
    echo.depth += wp.max(fuzz(key, thickness), -0.5 * segment)
    echo.gas = wp.where(behind.impedance < GAS, wp.abs(returned), 0.0)
    return echo  # fmt: skip


@wp.func
def meet_face(tracing: Tracing, path: Path) -> Path:
    """The probe's face sends a path in again."""
    n = face_normal(tracing, path.origin)
    path.direction = interface.reflect(path.direction, n)
    path.skew = interface.mirrored(path.skew, n)
    path.origin += NUDGE * n
    path.amplitude *= tracing.face * tracing.face
    path.reflections += 1
    return path


@wp.func
def meet_sheet(anatomy: Anatomy, tracing: Tracing, path: Path, hit: Hit) -> Path:
    """A membrane takes its echo and lets the path go on, unbent."""
    sheet = anatomy.sheets[anatomy.sheet_of[hit.face]]
    z = anatomy.media[hit.front].impedance
    gamma = interface.sheet_reflection(z, sheet[0], sheet[1], sheet[2], tracing.frequency)
    path.amplitude *= 1.0 - gamma * gamma
    path.origin -= NUDGE * hit.geometric
    path.rest = hit.rest
    path.face = hit.face
    return path


@wp.func
def choose_facet(
    tracing: Tracing, path: Path, hit: Hit, roughness: float, i: int, b: int
) -> wp.vec3:
    """The facet that bends or turns the path: rough for a bundle, smooth for a central path."""
    if tracing.branching != STOCHASTIC or roughness >= SMOOTH:
        return hit.normal
    u = stratum(tracing.seed, i, tracing.rays, b, USE_TILT)
    v = stratum(tracing.seed, i, tracing.rays, b, USE_AZIMUTH)
    facet = interface.facet_normal(hit.normal, roughness, u, v)
    return wp.where(wp.dot(path.direction, facet) > -0.02, hit.normal, facet)


@wp.func
def turn(a: wp.vec3, b: wp.vec3) -> float:
    """Angle between two directions [rad], exact where it is small."""
    return 2.0 * wp.asin(wp.min(0.5 * wp.length(a - b), 1.0))


@wp.func
def meet_interface(
    anatomy: Anatomy, tracing: Tracing, path: Path, hit: Hit, i: int, b: int
) -> Path:
    """One branch of path `i` at its bounce `b`: through, or back (:eq:`branching`)."""
    before = anatomy.media[hit.front]
    behind = anatomy.media[hit.back]
    facet = choose_facet(tracing, path, hit, wp.min(before.roughness, behind.roughness), i, b)
    cos = -wp.dot(path.direction, facet)
    cos2 = interface.snell_cosine(before.speed, behind.speed, cos)
    gamma = interface.pressure_reflection(before.impedance, behind.impedance, cos, cos2)
    power = gamma * gamma
    back = int(0)
    bent = interface.refract(path.direction, facet, behind.speed / before.speed, cos, cos2)
    sharp = wp.where(power >= 0.5 or turn(path.direction, bent) > SHARP, 1, 0)
    straight = wp.where(tracing.branching == THROUGH, sharp, 0)
    if tracing.branching == STOCHASTIC:
        # Drawn by its share of power, a branch keeps its two-way amplitude.
        if power > WEAK and stratum(tracing.seed, i, tracing.rays, b, USE_BRANCH) < power:
            back = 1
        path.survival *= wp.where(back == 1, power, 1.0 - power)
    elif straight == 0:
        back = wp.where(power < 0.5, 0, 1)
        path.amplitude *= wp.where(back == 1, power, 1.0 - power)
    if back == 1:
        d = interface.reflect(path.direction, facet)
        if wp.dot(d, hit.geometric) < 0.0:  # a facet steeper than the path: turn it out
            d = interface.reflect(d, hit.geometric)
        path.direction = d
        path.skew = interface.mirrored(path.skew, facet)
        path.amplitude *= interface.mirror_spreading(curvature(anatomy, hit))
        path.origin += NUDGE * hit.geometric
        path.reflections += 1
        path.region = hit.front
    else:
        d = wp.where(wp.dot(bent, hit.geometric) > 0.0, -hit.geometric, bent)
        path.direction = wp.where(straight == 1, path.direction, d)
        path.origin -= NUDGE * hit.geometric
        path.region = hit.back
    path.rest = hit.rest
    path.face = hit.face
    return path


@wp.func
def roulette(tracing: Tracing, path: Path, i: int, b: int) -> Path:
    """End faint paths early, paid back by those that go on (:eq:`roulette`)."""
    chance = wp.min(1.0, path.amplitude * wp.exp(tracing.tgc * path.depth) / FAINT)
    if stratum(tracing.seed, i, tracing.rays, b, USE_ROULETTE) < chance:
        path.amplitude /= chance
        path.survival *= chance
    else:
        path.alive = 0
    return path


@wp.func
def fuzz(key: wp.uint32, thickness: float) -> float:
    """Depth by which a fuzzy boundary is missed [mm], at most three sigma."""
    n = normal_pair(uniform(key), uniform(key * wp.uint32(747796405) + wp.uint32(1)))
    return thickness * wp.clamp(n[0], -3.0, 3.0)


@wp.kernel(enable_backward=False)
def trace_paths(
    first: int,
    anatomy: Anatomy,
    tracing: Tracing,
    origins: wp.array(dtype=wp.vec3),
    directions: wp.array(dtype=wp.vec3),
    starts: wp.array(dtype=float),
    line_direction: wp.array(dtype=wp.vec3),
    passed: wp.array(dtype=int),
    segments: wp.array2d(dtype=Segment),
    counts: wp.array(dtype=int),
    echoes: wp.array2d(dtype=Echo),
    echo_counts: wp.array(dtype=int),
):
    """Trace path `i`: its segments and echoes, in order of depth.

    Origins and directions are in the probe frame; everything written is in the scene's.
    `THROUGH` traces those paths anew that are marked in `passed`, and leaves the others.
    """
    i = first + wp.tid()
    if tracing.branching == THROUGH and passed[i] == 0:
        return
    line = (i / tracing.rays) % line_direction.shape[0]
    tilt = wp.dot(directions[i], line_direction[line])  # beamforming corrects the path length
    path = Path()
    path.origin = tracing.position + tracing.rotation * origins[i]
    path.direction = tracing.rotation * directions[i]
    path.skew = tracing.rotation * (directions[i] - line_direction[line])
    axis = tracing.rotation * line_direction[line]
    path.depth = starts[i]
    path.amplitude = 1.0
    path.survival = 1.0
    path.region = -1
    path.face = -1
    path.alive = 1
    b = int(0)
    heard = int(0)
    while path.alive == 1 and b <= tracing.bounces:
        hit = next_hit(anatomy, tracing, path, tilt)
        last = float(0.0)
        if b > 0:
            last = path.depth - segments[i, b - 1].start
        path.region = region_before(anatomy, path, hit, last)
        if b == 0:
            path.amplitude = coupled(anatomy.media[path.region].impedance)
        medium = anatomy.media[path.region]
        stretch = tracing.display_speed / medium.speed * tilt
        segment = make_segment(anatomy, path, hit, medium, stretch, tracing.depth)
        segment.bend = turn(wp.normalize(path.direction - path.skew), axis)
        segments[i, b] = segment
        b += 1
        length = hit.distance * stretch
        if heard > 0:  # a fuzzy echo stays in the near half of the segment behind it
            echoes[i, heard - 1].depth = wp.min(
                echoes[i, heard - 1].depth, path.depth + 0.5 * length
            )
        path.depth += length
        path.amplitude *= wp.exp(-medium.decay * hit.distance)
        path.origin += hit.distance * path.direction
        path.rest = segment.rest + length * segment.rest_step
        if hit.found == NOTHING or path.depth >= tracing.depth or path.amplitude < DEAD:
            path.alive = 0
        else:
            phase = 6.283185307 * uniform(hash_key(tracing.seed, i, b, USE_PHASE))
            if hit.found == FACE:
                n = face_normal(tracing, path.origin)
                cos = -wp.dot(wp.normalize(path.direction - path.skew), n)
                echoes[i, heard] = make_echo(
                    tracing, path, path.amplitude * tracing.face, cos, MIRROR, 0.0, phase
                )
                path = meet_face(tracing, path)
            else:
                key = hash_key(tracing.seed, i, b, USE_FUZZ)
                echoes[i, heard] = surface_echo(anatomy, tracing, path, hit, phase, key, length)
                if anatomy.sheet_of[hit.face] >= 0:
                    path = meet_sheet(anatomy, tracing, path, hit)
                else:
                    path = meet_interface(anatomy, tracing, path, hit, i, b)
            heard += 1
            if tracing.branching == STOCHASTIC and b > 3:
                path = roulette(tracing, path, i, b)
    counts[i] = b
    echo_counts[i] = heard

"""Side products on the lines, and scan conversion of everything (:eq:`scan-conversion`)."""

import warp as wp

from insonate.sim.kernels.bundle import mirror_depth
from insonate.sim.kernels.probe_face import Tracing
from insonate.sim.kernels.records import Segment
from insonate.sim.kernels.surface import NUDGE, Anatomy

__all__ = [
    "PIXELS",
    "WEIGHT_SCALE",
    "attenuation_lines",
    "convert",
    "label_lines",
    "settle_labels",
    "shadow_lines",
    "take_settled",
]

#: Pixels that one thread converts.
PIXELS = 512
PIXELS_ = wp.constant(PIXELS)
#: Bilinear weights are 16-bit integers, 0 to this.
WEIGHT_SCALE = 65535
FROM_WEIGHT = wp.constant(1.0 / WEIGHT_SCALE)
FAR = wp.constant(1000.0)  # [mm]


@wp.kernel(enable_backward=False)
def label_lines(
    first: int,
    anatomy: Anatomy,
    tracing: Tracing,
    line_origin: wp.array(dtype=wp.vec3),
    line_direction: wp.array(dtype=wp.vec3),
    spacing: float,
    labels: wp.array2d(dtype=wp.uint8),
    others: wp.array2d(dtype=wp.uint8),
    doubts: wp.array(dtype=wp.uint8),
    met: wp.array(dtype=float),
):
    """Regions along the straight, unrefracted scanline `i`; `met` is its first surface [mm].

    The surface at a segment's end may tell another region than that at its beginning, where a
    surface was missed in between or two of them cross: `others` is what the end tells.
    """
    i = first + wp.tid()
    samples = labels.shape[1]
    o = tracing.position + tracing.rotation * line_origin[i]
    d = tracing.rotation * line_direction[i]
    region = int(-1)
    gone = float(0.0)
    n = int(0)
    met[i] = -1.0
    doubts[i] = wp.uint8(0)
    alive = int(1)
    while alive == 1 and n < samples:
        # The first surface tells where the line starts, however far away it is.
        reach = wp.where(region < 0, FAR, tracing.depth - gone + 1.0)
        query = wp.mesh_query_ray(anatomy.mesh, o, d, reach)
        until = samples
        behind = region
        other = region
        if query.result:
            pair = anatomy.pairs[query.face]
            front = wp.where(wp.dot(d, query.normal) < 0.0, pair[0], pair[1])
            behind = pair[0] + pair[1] - front
            if region < 0:
                region = front
                met[i] = query.t
            other = front
            if other != region:
                doubts[i] = wp.uint8(1)
            gone += query.t + NUDGE
            until = wp.clamp(int(wp.ceil((gone - NUDGE) / spacing - 0.5)), n, samples)
            o = o + (query.t + NUDGE) * d
        else:
            alive = 0
        for k in range(n, until):
            labels[i, k] = wp.uint8(wp.max(region, 0))
            others[i, k] = wp.uint8(wp.max(other, 0))
        n = until
        region = behind


@wp.kernel(enable_backward=False)
def settle_labels(
    first: int,
    labels: wp.array2d(dtype=wp.uint8),
    doubts: wp.array(dtype=wp.uint8),
    others: wp.array2d(dtype=wp.uint8),
):
    """Of a line in doubt, `others` becomes the label that more of its neighbours have."""
    i = first + wp.tid()
    if doubts[i] == wp.uint8(0):
        return
    left, right = wp.max(i - 1, 0), wp.min(i + 1, labels.shape[0] - 1)
    for k in range(labels.shape[1]):
        mine, other = labels[i, k], others[i, k]
        if mine != other:
            for_other = wp.where(labels[left, k] == other, 1, 0)
            for_other += wp.where(labels[right, k] == other, 1, 0)
            for_mine = wp.where(left < i and labels[left, k] == mine, 1, 0)
            for_mine += wp.where(right > i and labels[right, k] == mine, 1, 0)
            if for_mine >= for_other:
                others[i, k] = mine


@wp.kernel(enable_backward=False)
def take_settled(
    first: int,
    others: wp.array2d(dtype=wp.uint8),
    doubts: wp.array(dtype=wp.uint8),
    labels: wp.array2d(dtype=wp.uint8),
):
    """Lines that were in doubt take what was settled, once all of them are."""
    i = first + wp.tid()
    if doubts[i] == wp.uint8(1):
        for k in range(labels.shape[1]):
            labels[i, k] = others[i, k]


@wp.kernel(enable_backward=False)
def attenuation_lines(
    first: int,
    anatomy: Anatomy,
    segments: wp.array2d(dtype=Segment),
    counts: wp.array(dtype=int),
    path_start: int,
    per_line: int,
    spacing: float,
    transmission: int,
    attenuation: wp.array2d(dtype=float),
):
    """Integral attenuation along the central path of line `i` (:eq:`integral`)."""
    i = first + wp.tid()
    path = path_start + i * per_line + per_line / 2
    samples = attenuation.shape[1]
    value = float(1.0)
    n = int(0)
    for k in range(counts[path]):
        s = segments[path, k]
        mu = anatomy.media[s.region].mu / s.stretch
        if transmission == 1 and k > 0:
            z1 = anatomy.media[segments[path, k - 1].region].impedance
            z2 = anatomy.media[s.region].impedance
            g = (z2 - z1) / (z2 + z1)
            value *= 1.0 - g * g
        fade = wp.exp(-mu * spacing)
        until = wp.min(int(wp.ceil(s.end / spacing - 0.5)), samples)
        for m in range(n, until):
            value *= fade
            attenuation[i, m] = value
        n = wp.max(n, until)
    for m in range(n, samples):
        attenuation[i, m] = value


@wp.func
def lit(
    amplitude: wp.array2d(dtype=float), weight: wp.array(dtype=float), i: int, n: int, lines: int
) -> float:
    """Mean over the elevation layers of a bundle's amplitude at node n of line i."""
    value = float(0.0)
    total = float(0.0)
    for layer in range(weight.shape[0]):
        value += weight[layer] * amplitude[layer * lines + i, n]
        total += weight[layer]
    return value / total


@wp.kernel(enable_backward=False)
def shadow_lines(
    first: int,
    segments: wp.array2d(dtype=Segment),
    counts: wp.array(dtype=int),
    amplitude: wp.array2d(dtype=float),
    layer_weight: wp.array(dtype=float),
    per_line: int,
    step: int,
    spacing: float,
    reference: wp.array(dtype=float),
    shadow: wp.array2d(dtype=float),
):
    """Share of the beam that line `i` has lost on the way (:eq:`shadow`).

    A node of the shadow, `spacing` mm apart, is every `step`th of the amplitude.
    """
    i = first + wp.tid()
    lines = shadow.shape[0]
    centre = ((layer_weight.shape[0] / 2) * lines + i) * per_line + per_line / 2
    turned = mirror_depth(segments, counts, centre)
    last = amplitude.shape[1] - 1
    for n in range(shadow.shape[1]):
        value = float(0.0)
        # What a mirror sends back does not light what lies behind it.
        if (float(n) + 0.5) * spacing < turned:
            value = lit(amplitude, layer_weight, i, wp.min(n * step, last), lines)
        shadow[i, n] = 1.0 - wp.min(value / reference[n], 1.0)


@wp.kernel(enable_backward=False)
def convert(
    first: int,
    entries: wp.array(dtype=int),
    nodes: wp.array(dtype=int),
    weights: wp.array(dtype=wp.uint32),
    samples: int,
    polar: wp.array(dtype=wp.vec2),
    labels: wp.array(dtype=wp.uint8),
    scale: float,
    shadow: wp.array(dtype=float),
    shadow_nodes: int,
    bmode: wp.array(dtype=float),
    label_image: wp.array(dtype=wp.uint8),
    attenuation_image: wp.array(dtype=float),
    shadow_image: wp.array(dtype=float),
):
    """Look up every pixel in the flat polar images; 0 outside the fan.

    Pixel p lies `weights[p]` (line and sample, 16 bits each) beyond entry `entries[p]`, and
    next to node `nodes[p]` of the shadow; entry -1 is outside. Image and attenuation are mixed
    bilinearly, labels are the nearest, the shadow is mixed across lines.
    """
    t = first + wp.tid()
    begin = t * PIXELS_
    for p in range(begin, wp.min(begin + PIXELS_, entries.shape[0])):
        k = entries[p]
        if k < 0:
            bmode[p] = 0.0
            attenuation_image[p] = 0.0
            label_image[p] = wp.uint8(0)
            shadow_image[p] = 0.0
        else:
            w = weights[p]
            u = float(w & wp.uint32(65535)) * FROM_WEIGHT
            v = float(w >> wp.uint32(16)) * FROM_WEIGHT
            near = polar[k] + v * (polar[k + 1] - polar[k])
            far = polar[k + samples] + v * (polar[k + samples + 1] - polar[k + samples])
            both = near + u * (far - near)
            bmode[p] = both[0]
            attenuation_image[p] = wp.min(scale * both[1], 1.0)
            label_image[p] = labels[k + wp.where(u < 0.5, 0, samples) + wp.where(v < 0.5, 0, 1)]
            m = nodes[p]
            shadow_image[p] = shadow[m] + u * (shadow[m + shadow_nodes] - shadow[m])

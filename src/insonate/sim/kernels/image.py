"""Side products on the lines, and scan conversion of everything (:eq:`scan-conversion`)."""

import warp as wp

from insonate.sim.kernels.bundle import mirror_depth
from insonate.sim.kernels.probe_face import Tracing
from insonate.sim.kernels.records import Segment
from insonate.sim.kernels.surface import NUDGE, Anatomy, closest_hit

__all__ = ["PIXELS", "attenuation_lines", "convert", "label_lines", "shadow_lines"]

#: Pixels that one thread converts.
PIXELS = 32
PIXELS_ = wp.constant(PIXELS)


@wp.kernel(enable_backward=False)
def label_lines(
    first: int,
    anatomy: Anatomy,
    tracing: Tracing,
    line_origin: wp.array(dtype=wp.vec3),
    line_direction: wp.array(dtype=wp.vec3),
    spacing: float,
    labels: wp.array2d(dtype=wp.uint8),
    met: wp.array(dtype=float),
):
    """Regions along the straight, unrefracted scanline `i`; `met` is its first surface [mm]."""
    i = first + wp.tid()
    samples = labels.shape[1]
    o = tracing.position + tracing.rotation * line_origin[i]
    d = tracing.rotation * line_direction[i]
    region = int(-1)
    gone = float(0.0)
    n = int(0)
    met[i] = -1.0
    alive = int(1)
    while alive == 1 and n < samples:
        hit = closest_hit(anatomy, o, d, tracing.depth - gone + 1.0)
        if region < 0:
            region = wp.where(hit.found == 1, hit.front, 0)
            if hit.found == 1:
                met[i] = hit.distance
        until = samples
        if hit.found == 1:
            gone += hit.distance
            until = wp.clamp(int(wp.ceil(gone / spacing - 0.5)), n, samples)
            o = o + (hit.distance + NUDGE) * d
            gone += NUDGE
        else:
            alive = 0
        for k in range(n, until):
            labels[i, k] = wp.uint8(region)
        n = until
        if hit.found == 1:
            region = hit.back


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


@wp.kernel(enable_backward=False)
def shadow_lines(
    first: int,
    segments: wp.array2d(dtype=Segment),
    counts: wp.array(dtype=int),
    amplitude: wp.array2d(dtype=float),
    layer_weight: wp.array(dtype=float),
    layers: int,
    per_line: int,
    spacing: float,
    reference: wp.array(dtype=float),
    shadow: wp.array2d(dtype=float),
):
    """Share of the beam that line `i` has lost on the way, per node (:eq:`shadow`)."""
    i = first + wp.tid()
    lines = shadow.shape[0]
    centre = ((layers / 2) * lines + i) * per_line + per_line / 2
    turned = mirror_depth(segments, counts, centre)
    total = float(0.0)
    for layer in range(layers):
        total += layer_weight[layer]
    for n in range(shadow.shape[1]):
        value = float(0.0)
        for layer in range(layers):
            value += layer_weight[layer] * amplitude[layer * lines + i, n]
        # What a mirror sends back does not light what lies behind it.
        if (float(n) + 0.5) * spacing > turned:
            value = 0.0
        shadow[i, n] = 1.0 - wp.min(value / (total * reference[n]), 1.0)


@wp.func
def mixed(image: wp.array2d(dtype=float), i: int, n: int, u: float, v: float) -> float:
    """Bilinear value between lines i, i + 1 and samples n, n + 1, clamped at the rim."""
    j = wp.min(i + 1, image.shape[0] - 1)
    m = wp.min(n + 1, image.shape[1] - 1)
    return wp.lerp(
        wp.lerp(image[i, n], image[i, m], v),
        wp.lerp(image[j, n], image[j, m], v),
        u,
    )


@wp.kernel(enable_backward=False)
def convert(
    first: int,
    pixels: wp.array(dtype=int),
    lines: wp.array(dtype=float),
    samples: wp.array(dtype=float),
    polar: wp.array2d(dtype=float),
    labels: wp.array2d(dtype=wp.uint8),
    attenuation: wp.array2d(dtype=float),
    scale: float,
    shadow: wp.array2d(dtype=float),
    stride: float,
    bmode: wp.array(dtype=float),
    label_image: wp.array(dtype=wp.uint8),
    attenuation_image: wp.array(dtype=float),
    shadow_image: wp.array(dtype=float),
):
    """Look up every pixel of the fan: bilinear, but labels nearest.

    `lines` and `samples` are the pixel's position in the polar image, already clamped to it.
    """
    t = first + wp.tid()
    begin = t * PIXELS_
    for k in range(begin, wp.min(begin + PIXELS_, pixels.shape[0])):
        x = lines[k]
        y = samples[k]
        i = int(x)
        n = int(y)
        u = x - float(i)
        v = y - float(n)
        p = pixels[k]
        bmode[p] = mixed(polar, i, n, u, v)
        label_image[p] = labels[int(x + 0.5), int(y + 0.5)]
        attenuation_image[p] = wp.min(scale * mixed(attenuation, i, n, u, v), 1.0)
        node = wp.clamp((y + 0.5) / stride - 0.5, 0.0, float(shadow.shape[1] - 1))
        m = int(node)
        shadow_image[p] = mixed(shadow, i, m, u, node - float(m))

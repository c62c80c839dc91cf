"""Mean two-way amplitude of a bundle with depth: penumbrae and soft shadows."""

import warp as wp

from insonate.sim.kernels.records import Segment

__all__ = ["bundle_amplitude", "mirror_depth"]

FAR = wp.constant(1.0e6)  # beyond any image [mm]


@wp.func
def mirror_depth(
    segments: wp.array2d(dtype=Segment), counts: wp.array(dtype=int), path: int
) -> float:
    """Display depth at which a path is first turned back [mm]."""
    turned = float(FAR)
    for k in range(counts[path]):
        if turned == FAR and segments[path, k].reflections > 0:
            turned = segments[path, k].start
    return turned


@wp.kernel(enable_backward=False)
def bundle_amplitude(
    first: int,
    segments: wp.array2d(dtype=Segment),
    counts: wp.array(dtype=int),
    centre_segments: wp.array2d(dtype=Segment),
    centre_counts: wp.array(dtype=int),
    rays: int,
    lines: int,
    per_line: int,
    spacing: float,
    keep: float,
    weight: float,
    amplitude: wp.array2d(dtype=float),
):
    """Average the rays of beam `i` on nodes `spacing` mm apart (:eq:`bundle-amplitude`).

    A ray counts where it has been turned back as often as the beam's central path (not at
    all, or at least once): what an interface reflected does not light what lies behind it.
    `keep` and `weight` blend with earlier passes.
    """
    i = first + wp.tid()
    line = i % lines
    layer = i / lines
    centre = (layer * lines + line) * per_line + per_line / 2
    turned = mirror_depth(centre_segments, centre_counts, centre)
    nodes = amplitude.shape[1]
    row = amplitude[i]
    if keep == 0.0:
        for n in range(nodes):
            row[n] = 0.0
    else:
        for n in range(nodes):
            row[n] = keep * row[n]
    share = weight / float(rays)
    for r in range(rays):
        path = i * rays + r
        for k in range(counts[path]):
            s = segments[path, k]
            low = s.start
            high = s.end
            if s.reflections > 0:
                low = wp.max(low, turned)
            else:
                high = wp.min(high, turned)
            n0 = wp.max(int(wp.ceil(low / spacing - 0.5)), 0)
            n1 = wp.min(int(wp.ceil(high / spacing - 0.5)), nodes)
            a = share * s.amplitude * wp.exp(-s.decay * ((float(n0) + 0.5) * spacing - s.start))
            fade = wp.exp(-s.decay * spacing)
            for n in range(n0, n1):
                row[n] += a
                a *= fade

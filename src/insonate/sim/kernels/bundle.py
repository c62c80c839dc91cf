"""Mean two-way amplitude of a bundle with depth: penumbrae and soft shadows."""

import warp as wp

from insonate.sim.kernels.records import Segment
from insonate.sim.kernels.trace import SHARP

__all__ = ["bundle_amplitude", "find_passed", "mirror_depth"]

FAR = wp.constant(1.0e6)  # beyond any image [mm]
BEHIND = wp.constant(15.0)  # depth behind a mirror that decides what shows there [mm]


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


@wp.func
def goes_on(
    segments: wp.array2d(dtype=Segment), count: int, path: int, before: Segment, turned: Segment
) -> float:
    """How much a ray lights straight on where its beam's central path turns, less the rest.

    Central segments `before` and `turned` meet where it turns.
    """
    balance = float(0.0)
    for k in range(count):
        s = segments[path, k]
        low = wp.max(s.start, turned.start)
        high = wp.min(s.end, turned.start + BEHIND)
        if high > low:
            lit = s.amplitude * wp.exp(-s.decay * (low - s.start)) * (high - low)
            on = s.reflections == 0
            if turned.reflections == 0:  # it is bent, and what came back says nothing of that
                on = wp.abs(s.bend - before.bend) < wp.abs(s.bend - turned.bend)
                lit = wp.where(s.reflections == 0, lit, 0.0)
            balance += wp.where(on, lit, -lit)
    return balance


@wp.kernel(enable_backward=False)
def find_passed(
    first: int,
    segments: wp.array2d(dtype=Segment),
    counts: wp.array(dtype=int),
    centre_segments: wp.array2d(dtype=Segment),
    centre_counts: wp.array(dtype=int),
    rays: int,
    per_line: int,
    passed: wp.array(dtype=int),
):
    """Mark central path `j` if it turns, back or sharply aside, where most of its beam does not.

    A beam that grazes an edge, or has holes beside its axis, still shows what lies behind.
    """
    j = first + wp.tid()
    passed[j] = 0
    for k in range(1, centre_counts[j]):
        before = centre_segments[j, k - 1]
        s = centre_segments[j, k]
        turns = s.reflections > 0 or wp.abs(s.bend - before.bend) > SHARP
        if passed[j] == 0 and before.reflections == 0 and turns:
            balance = float(0.0)
            for r in range(rays):
                path = j / per_line * rays + r
                balance += goes_on(segments, counts[path], path, before, s)
            passed[j] = wp.where(balance > 0.0, 1, 0)


@wp.func
def lit_nodes(s: Segment, turned: float, spacing: float, nodes: int) -> wp.vec2i:
    """First node that a segment lights, and the node behind its last.

    A ray counts where it has been turned back as often as the beam's central path: not at
    all, or at least once.
    """
    low = wp.where(s.reflections > 0, wp.max(s.start, turned), s.start)
    high = wp.where(s.reflections > 0, s.end, wp.min(s.end, turned))
    n0 = wp.clamp(int(wp.ceil(low / spacing - 0.5)), 0, nodes)
    n1 = wp.min(int(wp.ceil(high / spacing - 0.5)), nodes)
    return wp.vec2i(n0, n1)


@wp.func
def amplitude_at(s: Segment, node: int, spacing: float) -> float:
    """Two-way amplitude of a segment's ray at a node."""
    return s.amplitude * wp.exp(-s.decay * ((float(node) + 0.5) * spacing - s.start))


@wp.func
def write_ray(
    segments: wp.array2d(dtype=Segment),
    count: int,
    path: int,
    turned: float,
    spacing: float,
    row: wp.array(dtype=float),
):
    """The amplitude of a ray that is its whole bundle."""
    done = int(0)
    for k in range(count):
        s = segments[path, k]
        lit = lit_nodes(s, turned, spacing, row.shape[0])
        for n in range(done, lit[0]):
            row[n] = 0.0
        a = amplitude_at(s, lit[0], spacing)
        fade = wp.exp(-s.decay * spacing)
        for n in range(lit[0], lit[1]):
            row[n] = a
            a *= fade
        done = wp.max(done, wp.max(lit[0], lit[1]))
    for n in range(done, row.shape[0]):
        row[n] = 0.0  # fmt: skip


@wp.func
def add_ray(
    segments: wp.array2d(dtype=Segment),
    count: int,
    path: int,
    turned: float,
    spacing: float,
    share: float,
    row: wp.array(dtype=float),
):
    """Add a ray's share to the amplitude of its bundle."""
    for k in range(count):
        s = segments[path, k]
        lit = lit_nodes(s, turned, spacing, row.shape[0])
        a = share * amplitude_at(s, lit[0], spacing)
        fade = wp.exp(-s.decay * spacing)
        for n in range(lit[0], lit[1]):
            row[n] += a
            a *= fade  # fmt: skip


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

    What an interface reflected does not light what lies behind it. `keep` and `weight` blend
    with earlier passes.
    """
    i = first + wp.tid()
    line = i % lines
    layer = i / lines
    centre = (layer * lines + line) * per_line + per_line / 2
    turned = mirror_depth(centre_segments, centre_counts, centre)
    row = amplitude[i]
    if rays == 1 and keep == 0.0:
        write_ray(segments, counts[i], i, turned, spacing, row)
    else:
        for n in range(row.shape[0]):
            row[n] = wp.where(keep == 0.0, 0.0, keep * row[n])
        for r in range(rays):
            path = i * rays + r
            add_ray(segments, counts[path], path, turned, spacing, weight / float(rays), row)

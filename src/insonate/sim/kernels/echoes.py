"""Echoes and point targets onto the lines, as pulses at their exact depth."""

import warp as wp

from insonate.sim.kernels.records import Echo, Segment

__all__ = ["FRACTIONS", "Pulse", "deposit_echoes", "deposit_targets"]

#: Sub-sample positions at which the pulse is tabulated.
FRACTIONS = 32
FRACTIONS_ = wp.constant(FRACTIONS)
ACROSS = wp.constant(0.2)  # least share of a wire's axis across the image plane


@wp.struct
class Pulse:
    """The envelope of the pulse and its carrier."""

    table: wp.array2d(dtype=float)  # sub-sample position, tap
    half: int  # taps on either side
    spacing: float  # of samples [mm]
    wavenumber: float  # of the two-way carrier, 4 pi / wavelength [rad/mm]


@wp.func
def add_pulse(
    pulse: Pulse, line: int, depth: float, value: wp.vec2, signal: wp.array2d(dtype=wp.vec2)
):
    """Add a pulse of complex amplitude `value` at `depth`, carrier removed."""
    at = depth / pulse.spacing - 0.5
    n = int(wp.floor(at))
    row = int((at - float(n)) * float(FRACTIONS_))
    phase = -pulse.wavenumber * depth
    c = wp.cos(phase)
    s = wp.sin(phase)
    turned = wp.vec2(value[0] * c - value[1] * s, value[0] * s + value[1] * c)
    for t in range(2 * pulse.half + 2):
        k = n - pulse.half + t
        if k >= 0 and k < signal.shape[1]:
            signal[line, k] += pulse.table[row, t] * turned


@wp.func
def add_echo(
    pulse: Pulse,
    line: int,
    e: Echo,
    coherent_weight: float,
    incoherent_weight: float,
    coherent: wp.array2d(dtype=wp.vec2),
    incoherent: wp.array2d(dtype=wp.vec2),
):
    """Add both parts of an echo: the one that adds up, and the one with a phase of its own."""
    if wp.abs(e.coherent) > 1.0e-6:
        add_pulse(pulse, line, e.surface, wp.vec2(coherent_weight * e.coherent, 0.0), coherent)
    if wp.abs(e.incoherent) > 1.0e-7:
        a = incoherent_weight * e.incoherent
        value = wp.vec2(a * wp.cos(e.phase), a * wp.sin(e.phase))
        add_pulse(pulse, line, e.depth, value, incoherent)  # fmt: skip


@wp.func
def clear_line(signal: wp.array2d(dtype=wp.vec2), line: int):
    for n in range(signal.shape[1]):
        signal[line, n] = wp.vec2(0.0, 0.0)


@wp.kernel(enable_backward=False)
def deposit_echoes(
    first: int,
    echoes: wp.array2d(dtype=Echo),
    echo_counts: wp.array(dtype=int),
    rays: int,
    lines: int,
    layer_weight: wp.array(dtype=float),
    coherent_weight: float,
    incoherent_weight: float,
    pulse: Pulse,
    clear: int,
    coherent: wp.array2d(dtype=wp.vec2),
    incoherent: wp.array2d(dtype=wp.vec2),
    gas: wp.array2d(dtype=float),
):
    """Sum the echoes of line `i` over its layers and rays (:eq:`accumulation`).

    Adds to what is there: to what earlier passes have left, or to the line's own signal.
    `clear` forgets the gas, and both sums if it is 2.
    """
    i = first + wp.tid()
    samples = coherent.shape[1]
    if clear > 0:
        for n in range(gas.shape[1]):
            gas[i, n] = 0.0
    if clear > 1:
        clear_line(coherent, i)
        clear_line(incoherent, i)
    for layer in range(layer_weight.shape[0]):
        share = layer_weight[layer]
        for r in range(rays):
            path = (layer * lines + i) * rays + r
            for k in range(echo_counts[path]):
                e = echoes[path, k]
                if e.depth > 0.0 and e.depth < float(samples) * pulse.spacing:
                    add_echo(
                        pulse, i, e, share * coherent_weight,
                        wp.sqrt(share) * incoherent_weight, coherent, incoherent,
                    )  # fmt: skip
                    if e.gas > 0.0:
                        n = wp.min(int(e.depth / pulse.spacing), gas.shape[1] - 1)
                        gas[i, n] += share * coherent_weight * e.gas * e.gas


@wp.kernel(enable_backward=False)
def deposit_targets(
    first: int,
    positions: wp.array(dtype=wp.vec3),
    levels: wp.array(dtype=float),
    axis: wp.vec3,
    rotation: wp.mat33,
    position: wp.vec3,
    line_origin: wp.array(dtype=wp.vec3),
    line_direction: wp.array(dtype=wp.vec3),
    line_lateral: wp.array(dtype=wp.vec3),
    arc_radius: float,
    steering: float,
    lateral_sigma: wp.array(dtype=float),
    elevation_sigma: wp.array(dtype=float),
    segments: wp.array2d(dtype=Segment),
    counts: wp.array(dtype=int),
    per_line: int,
    centre_row: int,
    amplitude: wp.array2d(dtype=float),
    node_spacing: float,
    pulse: Pulse,
    signal: wp.array2d(dtype=wp.vec2),
):
    """Add every target that line `i` sees, weighed by the two-way beam (:eq:`psf`).

    `axis` runs along wires, in the scene's frame; it is zero for points.
    """
    i = first + wp.tid()
    samples = signal.shape[1]
    lines = signal.shape[0]
    inverse = wp.transpose(rotation)
    along_wire = inverse * axis
    path = centre_row * lines * per_line + i * per_line + per_line / 2
    for t in range(positions.shape[0]):
        p = inverse * (positions[t] - position)
        if wp.abs(along_wire[1]) > ACROSS:  # a wire shows where it passes the image plane
            p = p - (p[1] / along_wire[1]) * along_wire
        away = p - line_origin[i]
        along = wp.dot(away, line_direction[i])
        across = wp.dot(away, line_lateral[i])
        if arc_radius > 0.0:
            # Along the arc through the target, as the image's lines are spaced.
            to_centre = arc_radius * wp.cos(steering)
            aside = arc_radius * wp.sin(steering)
            ray = wp.vec2(to_centre + along, across - aside)
            reach = wp.length(ray)
            if steering != 0.0:
                reach = wp.sqrt(wp.max(reach * reach - aside * aside, 0.0))
            along = reach - to_centre
            across = reach * (wp.atan2(ray[1], ray[0]) + wp.atan2(aside, reach))
        # Path length to display depth, through the line's own tissues.
        depth = float(-1.0)
        run = float(0.0)
        for k in range(counts[path]):
            s = segments[path, k]
            length = (s.end - s.start) / s.stretch
            if depth < 0.0 and along >= run and along < run + length and s.reflections == 0:
                depth = s.start + (along - run) * s.stretch
            run += length
        n = int(depth / pulse.spacing)
        if depth > 0.0 and n < samples:
            x = across / lateral_sigma[n]
            y = p[1] / elevation_sigma[n]
            w = wp.exp(-0.5 * (x * x + y * y))
            if w > 1.0e-5:
                node = wp.min(int(depth / node_spacing), amplitude.shape[1] - 1)
                a = levels[t] * w * amplitude[centre_row * lines + i, node]
                add_pulse(pulse, i, depth, wp.vec2(a, 0.0), signal)

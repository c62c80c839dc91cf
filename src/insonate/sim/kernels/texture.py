"""Tissue texture: hashed scatterers on a beam-aligned grid, then the lateral beam."""

import warp as wp

from insonate.acoustics.scattering import LATTICE
from insonate.sim.kernels.random import hash_cell
from insonate.sim.kernels.records import Medium, Segment

__all__ = ["CHUNK", "STEP", "lateral_beam", "scatter"]

#: Axial samples that one thread handles.
CHUNK = 128
CHUNK_ = wp.constant(CHUNK)
#: Axial samples over which the lateral beam keeps its width, clutter its power, and slow
#: variation of brightness its slope.
STEP = 32
STEP_ = wp.constant(STEP)
LATTICE_ = wp.constant(wp.vec3(*LATTICE))


@wp.func
def corner(x: int, y: int, z: int, seed: wp.uint32) -> float:
    return float(hash_cell(x, y, z, seed)) * 4.656612873077393e-10 - 1.0


@wp.func
def slow_noise(p: wp.vec3, seed: wp.uint32) -> float:
    """Smooth noise about 0 with unit cells, for slow variation of brightness."""
    x = int(wp.floor(p[0]))
    y = int(wp.floor(p[1]))
    z = int(wp.floor(p[2]))
    u = p[0] - float(x)
    v = p[1] - float(y)
    w = p[2] - float(z)
    u = u * u * (3.0 - 2.0 * u)
    v = v * v * (3.0 - 2.0 * v)
    w = w * w * (3.0 - 2.0 * w)
    low = wp.lerp(
        wp.lerp(corner(x, y, z, seed), corner(x + 1, y, z, seed), u),
        wp.lerp(corner(x, y + 1, z, seed), corner(x + 1, y + 1, z, seed), u),
        v,
    )
    high = wp.lerp(
        wp.lerp(corner(x, y, z + 1, seed), corner(x + 1, y, z + 1, seed), u),
        wp.lerp(corner(x, y + 1, z + 1, seed), corner(x + 1, y + 1, z + 1, seed), u),
        v,
    )
    return wp.lerp(low, high, w)


@wp.func
def modulation(medium: Medium, p: wp.vec3, seed: wp.uint32) -> float:
    """Slow factor on the scatterers' amplitude at tissue-fixed position `p` [mm]."""
    if medium.modulation == 0.0:
        return 1.0
    return wp.exp(medium.modulation * slow_noise(p * medium.modulation_rate, seed))


@wp.func
def mean_amplitude(
    near: wp.array(dtype=float), far: wp.array(dtype=float), mix: float, n: int, rate: float
) -> float:
    """Amplitude at sample n between two scanlines, from nodes `1 / rate` samples apart."""
    y = wp.clamp((float(n) + 0.5) * rate - 0.5, 0.0, float(near.shape[0]) - 1.001)
    k = int(y)
    v = y - float(k)
    a = near[k] + v * (near[k + 1] - near[k])
    if mix > 0.0:
        b = far[k] + v * (far[k + 1] - far[k])
        a += mix * (b - a)
    return a


@wp.kernel(enable_backward=False)
def scatter(
    first: int,
    segments: wp.array2d(dtype=Segment),
    counts: wp.array(dtype=int),
    media: wp.array(dtype=Medium),
    table: wp.array(dtype=wp.vec2),
    table_mask: wp.uint32,
    amplitude: wp.array2d(dtype=float),
    layer_weight: wp.array(dtype=float),
    lines: int,
    per_line: int,
    sample_spacing: float,
    stride: int,
    voxel_rate: float,
    silence: float,
    seed: wp.uint32,
    grid: wp.array2d(dtype=wp.vec2),
):
    """Sum the elevation layers' scatterers on grid line `j`, chunk `c` (:eq:`scatterer`).

    Each sample looks up the voxel of its tissue-fixed position, in the region of the central
    path, and weighs it by the bundle's amplitude there.
    """
    j, c = wp.tid()
    j = j + first
    grid_lines = lines * per_line
    begin = c * CHUNK_
    stop = wp.min(begin + CHUNK_, grid.shape[1])
    out = grid[j]
    for n in range(begin, stop):
        out[n] = wp.vec2(0.0, 0.0)
    # Amplitude is known at scanlines; grid lines lie between them.
    across = (float(j) + 0.5) / float(per_line) - 0.5
    left = wp.clamp(int(wp.floor(across)), 0, lines - 1)
    right = wp.min(left + 1, lines - 1)
    mix_right = wp.clamp(across - float(left), 0.0, 1.0)
    nodes = amplitude.shape[1]
    rate = 1.0 / float(stride)
    direct = wp.where(stride == 1 and mix_right == 0.0, 1, 0)
    for layer in range(layer_weight.shape[0]):
        path = layer * grid_lines + j
        near = amplitude[layer * lines + left]
        far = amplitude[layer * lines + right]
        last = counts[path] - 1
        k = int(0)
        n = int(begin)
        while n < stop and k <= last:
            s = segments[path, k]
            until = wp.min(int(wp.ceil(s.end / sample_spacing - 0.5)), stop)
            if until > n:
                medium = media[s.region]
                level = medium.texture * layer_weight[layer]
                node = wp.min(n / stride, nodes - 1)
                loud = wp.max(near[node], far[node])
                if level * loud > silence * wp.exp(-s.decay * 2.0):
                    p = s.rest + ((float(n) + 0.5) * sample_spacing - s.start) * s.rest_step
                    step = sample_spacing * s.rest_step
                    here = level * modulation(medium, p, seed)
                    while n < until:
                        count = wp.min(until - n, STEP_)
                        ahead = p + float(count) * step
                        there = level * modulation(medium, ahead, seed)
                        slope = (there - here) / float(count)
                        q = p * voxel_rate + LATTICE_
                        q_step = step * voxel_rate
                        for t in range(count):
                            f = float(t)
                            cell = hash_cell(
                                int(wp.floor(q[0] + f * q_step[0])),
                                int(wp.floor(q[1] + f * q_step[1])),
                                int(wp.floor(q[2] + f * q_step[2])),
                                seed,
                            )
                            value = table[medium.table + int(cell & table_mask)]
                            a = float(0.0)
                            if direct == 1:
                                a = near[n + t]
                            else:
                                a = mean_amplitude(near, far, mix_right, n + t, rate)
                            out[n + t] += (a * (here + f * slope)) * value
                        p = ahead
                        here = there
                        n += count
                n = until
            k += 1


@wp.func
def rim_value(
    grid: wp.array(dtype=wp.vec2),
    taps: wp.array2d(dtype=float),
    c: int,
    reach: int,
    left: int,
    right: int,
    samples: int,
    n: int,
) -> wp.vec2:
    """Convolved value at the rim of the image, which lacks neighbours but keeps its energy."""
    lines = grid.shape[0] / samples
    value = wp.vec2(0.0, 0.0)
    energy = float(0.0)
    for t in range(reach):
        w = taps[c, t]
        if left - t >= 0:
            value += w * grid[(left - t) * samples + n]
            energy += w * w
        if right + t < lines and right + t > left - t:
            value += w * grid[(right + t) * samples + n]
            energy += w * w
    return value / wp.sqrt(energy)  # fmt: skip


@wp.kernel(enable_backward=False)
def lateral_beam(
    first: int,
    grid: wp.array(dtype=wp.vec2),
    taps: wp.array2d(dtype=float),
    reach: wp.array(dtype=int),
    per_line: int,
    evenness: wp.array(dtype=float),
    out: wp.array(dtype=wp.vec2),
):
    """Convolve across grid lines with the two-way beam, which widens with depth (:eq:`psf`).

    `taps[c, t]` weighs grid line `centre + t` and its mirror in step c, which needs
    `reach[c]` of them; `evenness[n]` makes up for voxels that samples share. Grid and output
    are flat: line k, sample n is entry `k * samples + n`.
    """
    i, c = wp.tid()
    i = i + first
    samples = evenness.shape[0]
    begin = c * STEP_
    stop = wp.min(begin + STEP_, samples)
    right = i * per_line + per_line / 2  # the centre, or the first line right of it
    left = right - 1 + per_line % 2
    count = reach[c]
    base = left * samples
    top = right * samples
    if left + 1 < count or right + count > grid.shape[0] / samples:
        for n in range(begin, stop):
            value = rim_value(grid, taps, c, count, left, right, samples, n)
            out[i * samples + n] = evenness[n] * value
    else:
        # Where both are the centre line itself, half a weight each makes one.
        w0 = taps[c, 0] * wp.where(left == right, 0.5, 1.0)
        w1 = taps[c, 1]
        for n in range(begin, stop):
            low = base + n
            high = top + n
            value = w0 * (grid[low] + grid[high]) + w1 * (
                grid[low - samples] + grid[high + samples]
            )
            for t in range(2, count):
                value += taps[c, t] * (grid[low - t * samples] + grid[high + t * samples])
            out[i * samples + n] = evenness[n] * value

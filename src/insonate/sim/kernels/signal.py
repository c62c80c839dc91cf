"""From scatterers and echoes to log-compressed lines (section "The signal chain")."""

import warp as wp

from insonate.sim.kernels.random import hash_key
from insonate.sim.kernels.texture import CHUNK, STEP

__all__ = [
    "Receiver", "add_clutter", "add_look", "clutter_power", "compress", "receive", "smooth_lines",
]  # fmt: skip

CHUNK_ = wp.constant(CHUNK)
STEP_ = wp.constant(STEP)
MANTISSA = wp.constant(0x007FFFFF)  # of a single-precision number
ONE = wp.constant(0x3F800000)
RIM = wp.constant(8.0)  # outermost lines of a steered look that fade in, so that it has no edge


@wp.struct
class Receiver:
    """Noise and display settings."""

    noise: float  # rms of complex electronic noise re unit reflector
    white: float  # level of white [dB] re unit reflector, gain included
    dynamic_range: float  # [dB]
    gamma: float
    seed: wp.uint32


@wp.func
def noise_row(seed: wp.uint32, line: int, use: int, table: int, samples: int) -> int:
    """Where in the noise table the row of `line` starts."""
    return int(hash_key(seed, line, 0, use) % wp.uint32(table - samples))


@wp.func
def rim(line: wp.array(dtype=wp.vec2), pulse: wp.array(dtype=float), n: int) -> wp.vec2:
    """Convolved value at either end of a line."""
    value = pulse[0] * line[n]
    for t in range(1, pulse.shape[0]):
        if n >= t:
            value += pulse[t] * line[n - t]
        if n + t < line.shape[0]:
            value += pulse[t] * line[n + t]
    return value


@wp.kernel(enable_backward=False)
def receive(
    first: int,
    texture: wp.array2d(dtype=wp.vec2),
    coherent: wp.array2d(dtype=wp.vec2),
    incoherent: wp.array2d(dtype=wp.vec2),
    coherent_weight: float,
    incoherent_weight: float,
    pulse: wp.array(dtype=float),
    noise: wp.array(dtype=wp.vec2),
    receiver: Receiver,
    iq: wp.array2d(dtype=wp.vec2),
):
    """Convolve the texture with the pulse; add noise, and the echoes of accumulated passes.

    `pulse` is the symmetric envelope from its middle on, at least five samples.
    """
    i, c = wp.tid()
    i = i + first
    samples = iq.shape[1]
    begin = c * CHUNK_
    stop = wp.min(begin + CHUNK_, samples)
    half = pulse.shape[0] - 1
    line = texture[i]
    out = iq[i]
    row = noise_row(receiver.seed, i, 11, noise.shape[0], samples)
    p0 = pulse[0]
    p1 = pulse[1]
    p2 = pulse[2]
    p3 = pulse[3]
    p4 = pulse[4]
    level = receiver.noise
    low = wp.clamp(half, begin, stop)
    high = wp.clamp(samples - half, low, stop)
    for n in range(begin, low):
        out[n] = level * noise[row + n] + rim(line, pulse, n)
    for n in range(low, high):
        value = (
            level * noise[row + n]
            + p0 * line[n]
            + p1 * (line[n - 1] + line[n + 1])
            + p2 * (line[n - 2] + line[n + 2])
            + p3 * (line[n - 3] + line[n + 3])
            + p4 * (line[n - 4] + line[n + 4])
        )
        for t in range(5, half + 1):
            value += pulse[t] * (line[n - t] + line[n + t])
        out[n] = value
    for n in range(high, stop):
        out[n] = level * noise[row + n] + rim(line, pulse, n)
    if coherent_weight > 0.0:
        for n in range(begin, stop):
            out[n] += coherent_weight * coherent[i, n] + incoherent_weight * incoherent[i, n]


@wp.kernel(enable_backward=False)
def clutter_power(
    first: int,
    iq: wp.array2d(dtype=wp.vec2),
    gas: wp.array2d(dtype=float),
    haze: float,
    ring_level: float,
    ring_fade: float,
    near: wp.array(dtype=float),
    sums: wp.array2d(dtype=float),
    power: wp.array2d(dtype=float),
):
    """Near-field clutter and ring-down of line `i`, and its own power for the haze."""
    i = first + wp.tid()
    tail = float(0.0)
    for c in range(power.shape[1]):
        total = float(0.0)
        for t in range(STEP_):
            n = c * STEP_ + t
            if n < iq.shape[1]:
                tail = tail * ring_fade
                if n < gas.shape[1]:  # one column where the scene holds no gas
                    tail += gas[i, n]
                v = iq[i, n]
                total += v[0] * v[0] + v[1] * v[1]
        power[i, c] = near[c] + ring_level * tail
        sums[i, c] = haze * total / float(STEP_)


@wp.kernel(enable_backward=False)
def add_clutter(
    first: int,
    sums: wp.array2d(dtype=float),
    power: wp.array2d(dtype=float),
    reach: int,
    stride: int,
    noise: wp.array(dtype=wp.vec2),
    seed: wp.uint32,
    iq: wp.array2d(dtype=wp.vec2),
):
    """Add speckled clutter: the line's own plus haze from the neighbours (:eq:`clutter`)."""
    i, c = wp.tid()
    i = i + first
    lines = iq.shape[0]
    samples = iq.shape[1]
    spread = float(0.0)
    share = float(0.0)
    for k in range(-reach, reach + 1):
        j = i + stride * k
        if j >= 0 and j < lines:
            w = 1.0 / (1.0 + float(k * k) / 16.0)
            share += w
            spread += w * sums[j, c]
    level = wp.sqrt(power[i, c] + spread / share)
    if level > 1.0e-7:
        row = noise_row(seed, i, 12, noise.shape[0], samples)
        next_row = noise_row(seed, i + 1, 12, noise.shape[0], samples)
        for t in range(STEP_):
            n = c * STEP_ + t
            if n < samples:
                iq[i, n] += level * 0.70710678 * (noise[row + n] + noise[next_row + n])


@wp.kernel(enable_backward=False)
def add_look(
    first: int,
    iq: wp.array2d(dtype=wp.vec2),
    look_sample: wp.array(dtype=float),
    look_shift: wp.array(dtype=float),
    number: int,
    looks: int,
    total: wp.array2d(dtype=wp.vec2),
):
    """Add the envelope of look `number` at the samples of the first one (:eq:`compounding`).

    Sample n of line i lies at `look_sample[n]` of line i + `look_shift[n]` of this look. The
    sum comes with the weight of the looks that reach a sample, and the last look divides by it.
    """
    i, c = wp.tid()
    i = i + first
    lines = iq.shape[0]
    samples = iq.shape[1]
    for n in range(c * CHUNK_, wp.min((c + 1) * CHUNK_, samples)):
        line = float(i) + look_shift[n]
        at = wp.clamp(look_sample[n], 0.0, float(samples) - 1.001)
        weight = wp.clamp((wp.min(line, float(lines - 1) - line) + 0.5) / RIM, 0.0, 1.0)
        if number == 0:
            weight = 1.0
            total[i, n] = wp.vec2(0.0, 0.0)
        if look_sample[n] > float(samples):
            weight = 0.0
        if weight > 0.0:
            line = wp.clamp(line, 0.0, float(lines) - 1.001)
            j = int(line)
            k = int(at)
            u = line - float(j)
            v = at - float(k)
            near = wp.lerp(wp.length(iq[j, k]), wp.length(iq[j, k + 1]), v)
            far = wp.lerp(wp.length(iq[j + 1, k]), wp.length(iq[j + 1, k + 1]), v)
            total[i, n] += weight * wp.vec2(wp.lerp(near, far, u), 1.0)
        if number == looks - 1:
            total[i, n] = wp.vec2(total[i, n][0] / total[i, n][1], 0.0)


@wp.func
def log2_near(x: float) -> float:
    """Base-2 logarithm of a positive number to 3e-5, from its bits (0.0001 dB)."""
    bits = wp.cast(x, wp.int32)
    m = wp.cast((bits & MANTISSA) | ONE, wp.float32) - 1.0
    p = m * (1.4418259 + m * (-0.7086827 + m * (0.4154241 + m * (-0.1944256 + m * 0.0458868))))
    return float((bits >> 23) - 127) + p


@wp.kernel(enable_backward=False)
def compress(
    first: int,
    iq: wp.array2d(dtype=wp.vec2),
    tgc: wp.array(dtype=float),
    receiver: Receiver,
    attenuation: wp.array2d(dtype=float),
    polar: wp.array2d(dtype=wp.vec2),
):
    """Envelope, TGC, log compression and gray map (:eq:`compression`).

    The attenuation map is laid beside the image, to be scan-converted in one go.
    """
    i, c = wp.tid()
    i = i + first
    begin = c * CHUNK_
    line = iq[i]
    map_line = attenuation[i]
    out = polar[i]
    rate = 3.010299957 / receiver.dynamic_range  # 10 log10 by way of log2
    for n in range(begin, wp.min(begin + CHUNK_, polar.shape[1])):
        v = line[n]
        offset = 1.0 + (tgc[n] - receiver.white) / receiver.dynamic_range
        y = wp.clamp(offset + rate * log2_near(v[0] * v[0] + v[1] * v[1] + 1.0e-30), 0.0, 1.0)
        if receiver.gamma != 1.0:
            y = wp.pow(y, receiver.gamma)
        out[n] = wp.vec2(y, map_line[n])


@wp.kernel(enable_backward=False)
def smooth_lines(
    first: int,
    polar: wp.array2d(dtype=wp.vec2),
    kernel: wp.array(dtype=float),
    out: wp.array2d(dtype=wp.vec2),
):
    """Axial smoothing of the compressed image before scan conversion."""
    i, c = wp.tid()
    i = i + first
    begin = c * CHUNK_
    last = polar.shape[1] - 1
    half = kernel.shape[0] / 2
    for n in range(begin, wp.min(begin + CHUNK_, last + 1)):
        total = wp.vec2(0.0, 0.0)
        for t in range(kernel.shape[0]):
            total += kernel[t] * polar[i, wp.clamp(n + t - half, 0, last)]
        out[i, n] = total

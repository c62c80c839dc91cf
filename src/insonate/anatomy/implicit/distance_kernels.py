"""Signed distances of compiled shapes, point by point."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = [
    "GROW",
    "INTERSECT",
    "PUSH",
    "RIPPLE",
    "ROW",
    "SECTION",
    "STACK",
    "SUBTRACT",
    "UNION",
    "UNION_LEAF",
    "distances",
    "evaluate",
    "gradients",
    "slope",
]

PUSH, UNION_LEAF, UNION, INTERSECT, SUBTRACT, GROW, RIPPLE = range(7)
#: Steps that may go on elsewhere; the step after them, a `TARGET`, says where.
SKIP_UNION, SKIP_SUBTRACT, RECALL, STORE, TARGET = range(7, 12)
#: Numbers in a row of the table of primitives, and in a section of a sweep.
ROW, SECTION = 24, 14
#: Depth of the stack; deeper expressions than anatomy ever needs.
_DEEP = 64
#: Distances that can be kept for a point, each with the number of the point that it is of.
REGISTERS = 2000
#: Scratch of a thread: stack, registers, their points, and number and place of the last point.
_VALUES, _POINTS, _LAST = _DEEP, _DEEP + REGISTERS, _DEEP + 2 * REGISTERS
STACK = _LAST + 4
#: Share of a distance to a box that a shape inside it is surely away.
_SURE = 0.9
#: Step of differences [mm]; distances are good to 1e-12.
_DELTA = 1e-5
_FAR = 1e9


@njit(cache=True)
def _ellipse_root(r0: float, z0: float, z1: float, g: float) -> float:
    """Root of (r0 z0 / (s + r0))^2 + (z1 / (s + 1))^2 = 1 by Newton from the left."""
    n0 = r0 * z0
    s = z1 - 1.0
    if g >= 0.0:
        s = max(s, n0 - r0)
    for _ in range(40):
        p, q = n0 / (s + r0), z1 / (s + 1.0)
        value = p * p + q * q - 1.0
        if value < 1e-13:
            break
        slope_ = -2.0 * (p * p / (s + r0) + q * q / (s + 1.0))
        s -= value / slope_
    return s


@njit(cache=True)
def _ellipse(x: float, y: float, a: float, b: float) -> float:
    """Signed distance to an ellipse with semi-axes `a` and `b`."""
    return _ellipsoid(x, y, 0.0, a, b, min(a, b))


@njit(cache=True)
def _ellipsoid(x: float, y: float, z: float, a: float, b: float, c: float) -> float:
    """Exact signed distance to an ellipsoid (:eq:`ellipsoid-foot`)."""
    x, y, z = abs(x), abs(y), abs(z)
    a2, b2, c2 = a * a, b * b, c * c
    least = min(a2, min(b2, c2))
    inside = x * x / a2 + y * y / b2 + z * z / c2 < 1.0
    t = max(-a2 + a * x, max(-b2 + b * y, -c2 + c * z))
    if t <= -least * (1.0 - 1e-12):  # on a plane of symmetry, deep inside
        t = -least * (1.0 - 1e-12)
    for _ in range(60):
        u, v, w = a * x / (t + a2), b * y / (t + b2), c * z / (t + c2)
        value = u * u + v * v + w * w - 1.0
        if value < 1e-12:
            break
        slope_ = -2.0 * (u * u / (t + a2) + v * v / (t + b2) + w * w / (t + c2))
        t -= value / slope_
    # What Newton cannot reach: the foot lies off the plane of the shortest axis.
    px, py, pz = a2 * x / (t + a2), b2 * y / (t + b2), c2 * z / (t + c2)
    left = 1.0 - (px / a) ** 2 - (py / b) ** 2 - (pz / c) ** 2
    if left > 1e-9:
        rise = math.sqrt(left)
        if least == a2:
            px = math.sqrt(px * px + a2 * rise * rise)
        elif least == b2:
            py = math.sqrt(py * py + b2 * rise * rise)
        else:
            pz = math.sqrt(pz * pz + c2 * rise * rise)
    d = math.sqrt((x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2)
    return -d if inside else d


@njit(cache=True)
def _round_cone(x: float, y: float, z: float, length: float, ra: float, rb: float) -> float:
    """Signed distance to the hull of two balls on the z axis, centred between them."""
    r = math.sqrt(x * x + y * y)
    h = z + 0.5 * length
    if length <= abs(ra - rb):  # one ball holds the other
        if ra >= rb:
            return math.sqrt(r * r + h * h) - ra
        return math.sqrt(r * r + (h - length) ** 2) - rb
    b = (ra - rb) / length
    a = math.sqrt(1.0 - b * b)
    k = -r * b + h * a
    if k < 0.0:
        return math.sqrt(r * r + h * h) - ra
    if k > a * length:
        return math.sqrt(r * r + (h - length) ** 2) - rb
    return r * a + h * b - ra


@njit(cache=True)
def _box(x: float, y: float, z: float, a: float, b: float, c: float, r: float) -> float:
    qx, qy, qz = abs(x) - a + r, abs(y) - b + r, abs(z) - c + r
    ox, oy, oz = max(qx, 0.0), max(qy, 0.0), max(qz, 0.0)
    out = math.sqrt(ox * ox + oy * oy + oz * oz)
    return out + min(max(qx, max(qy, qz)), 0.0) - r


@njit(cache=True)
def _section(tables, i: int, j: int, w: float, x: float, y: float, z: float):
    """Place in the section between rows `i` and `j` at share `w`, and its semi-axes."""
    along = cross = 0.0
    norm_u = norm_v = 0.0
    offset = (
        x - tables[i] - w * (tables[j] - tables[i]),
        y - tables[i + 1] - w * (tables[j + 1] - tables[i + 1]),
        z - tables[i + 2] - w * (tables[j + 2] - tables[i + 2]),
    )
    for k in range(3):
        u = tables[i + 3 + k] + w * (tables[j + 3 + k] - tables[i + 3 + k])
        v = tables[i + 6 + k] + w * (tables[j + 6 + k] - tables[i + 6 + k])
        norm_u += u * u
        norm_v += v * v
        along += u * offset[k]
        cross += v * offset[k]
    a = tables[i + 12] + w * (tables[j + 12] - tables[i + 12])
    b = tables[i + 13] + w * (tables[j + 13] - tables[i + 13])
    return along / math.sqrt(norm_u), cross / math.sqrt(norm_v), a, b


@njit(cache=True)
def _sweep(tables, first: int, count: int, cap0: float, cap1: float, x: float, y: float, z: float):
    """Distance to elliptic sections along a curve (`shape.sweep`), with half-ellipsoid ends."""
    best = _FAR
    previous = 0.0
    for n in range(count):
        i = first + SECTION * n
        h = (
            (x - tables[i]) * tables[i + 9]
            + (y - tables[i + 1]) * tables[i + 10]
            + (z - tables[i + 2]) * tables[i + 11]
        )
        if n > 0 and (h > 0.0) != (previous > 0.0):
            w = previous / (previous - h)
            along, cross, a, b = _section(tables, i - SECTION, i, w, x, y, z)
            best = min(best, _ellipse(along, cross, a, b))
        previous = h
        # the ends, beyond which the curve does not go: which side is "beyond" depends on the
        # direction in which the curve runs through its sections
        if n == 0 or n == count - 1:
            other = i + SECTION if n == 0 else i - SECTION
            way = (
                (tables[other] - tables[i]) * tables[i + 9]
                + (tables[other + 1] - tables[i + 1]) * tables[i + 10]
                + (tables[other + 2] - tables[i + 2]) * tables[i + 11]
            )
            if h * way <= 0.0:
                along, cross, a, b = _section(tables, i, i, 0.0, x, y, z)
                best = min(best, _ellipsoid(along, cross, h, a, b, cap0 if n == 0 else cap1))
    return best


@njit(cache=True)
def _spline(t: float, n: int) -> float:
    """Weight of node `n`, 0 to 3, of a cubic B-spline at share `t` of a cell."""
    if n == 0:
        return (1.0 - t) ** 3 / 6.0
    if n == 1:
        return (3.0 * t**3 - 6.0 * t**2 + 4.0) / 6.0
    if n == 2:
        return (-3.0 * t**3 + 3.0 * t**2 + 3.0 * t + 1.0) / 6.0
    return t**3 / 6.0


@njit(cache=True)
def _lattice(tables, first: int, step: float, counts, x: float, y: float, z: float) -> float:
    """Spline through nodes of a lattice around the origin; beyond it the way to it is added."""
    i, s, gx = _cell(x / step, counts[0])
    j, t, gy = _cell(y / step, counts[1])
    k, u, gz = _cell(z / step, counts[2])
    total = 0.0
    for c in range(4):
        row = 0.0
        for b in range(4):
            line = 0.0
            start = first + ((k + c) * counts[1] + j + b) * counts[0] + i
            for a in range(4):
                line += _spline(s, a) * tables[start + a]
            row += _spline(t, b) * line
        total += _spline(u, c) * row
    gap = (gx * gx + gy * gy + gz * gz) * step * step
    return total if gap == 0.0 else math.sqrt(max(total, 0.0) ** 2 + gap)


@njit(cache=True)
def _cell(at: float, count: int):
    """First of the four nodes around a place, the share of its cell, and how far outside."""
    u = at + 0.5 * (count - 1)
    inner = min(max(u, 1.0), count - 2.000001)
    low = int(inner)
    return low - 1, inner - low, u - inner


@njit(cache=True)
def _leaf(primitives, tables, p: int, px: float, py: float, pz: float) -> float:
    kind = int(primitives[p, 0])
    dx, dy, dz = px - primitives[p, 1], py - primitives[p, 2], pz - primitives[p, 3]
    x = primitives[p, 4] * dx + primitives[p, 5] * dy + primitives[p, 6] * dz
    y = primitives[p, 7] * dx + primitives[p, 8] * dy + primitives[p, 9] * dz
    z = primitives[p, 10] * dx + primitives[p, 11] * dy + primitives[p, 12] * dz
    s0, s1, s2, s3 = (
        primitives[p, 13],
        primitives[p, 14],
        primitives[p, 15],
        primitives[p, 16],
    )
    if kind == 0:
        if s3 != 0.0:
            x /= 1.0 + s3 * min(max(y / s1, -1.0), 1.0)
        return _ellipsoid(x, y, z, s0, s1, s2)
    if kind == 1:
        return _round_cone(x, y, z, s0, s1, s2)
    if kind == 2:
        return _box(x, y, z, s0, s1, s2, s3)
    if kind == 3:
        return z
    first = int(primitives[p, 21])
    if kind == 4:
        return _sweep(tables, first, int(primitives[p, 22]), s0, s1, x, y, z)
    return _lattice(tables, first, s0, (int(s1), int(s2), int(s3)), x, y, z)


@njit(cache=True)
def _smooth_least(a: float, b: float, k: float) -> float:
    """Minimum whose crease is filled over `k` (:eq:`smooth-minimum`)."""
    if k <= 0.0:
        return min(a, b)
    h = max(k - abs(a - b), 0.0) / k
    return min(a, b) - 0.25 * h * h * k


@njit(cache=True)
def _bump(primitives, p: int, px: float, py: float, pz: float) -> float:
    """Smooth bumps between -1 and 1 that do not repeat soon."""
    dx, dy, dz = px - primitives[p, 1], py - primitives[p, 2], pz - primitives[p, 3]
    k, q = primitives[p, 13], primitives[p, 14]
    x = k * (primitives[p, 4] * dx + primitives[p, 5] * dy + primitives[p, 6] * dz)
    y = k * (primitives[p, 7] * dx + primitives[p, 8] * dy + primitives[p, 9] * dz)
    z = k * (primitives[p, 10] * dx + primitives[p, 11] * dy + primitives[p, 12] * dz)
    one = math.sin(x + 0.37 * z + q) * math.sin(y - 0.29 * x + 1.3 * q)
    two = math.sin(z + 0.41 * y + 2.1 * q)
    three = math.sin(0.53 * (x + y) - 0.61 * z + 0.7 * q)
    return 0.5 * one + 0.3 * two + 0.2 * three


@njit(cache=True)
def evaluate(code, value, primitives, tables, start, shape, x, y, z, stack) -> float:
    """Signed distance of compiled shape number `shape` at a point [mm].

    Args:
        code: of the program, as `value`, `primitives`, `tables`, `start`.
        value: see `Program`.
        primitives: see `Program`.
        tables: see `Program`.
        start: see `Program`.
        shape: its number.
        x: of the point [mm], as `y`, `z`.
        y: [mm].
        z: [mm].
        stack: `STACK` numbers, zeros at first; it may go on to the next point as it is.
    """
    if (
        stack[_LAST] == 0.0
        or x != stack[_LAST + 1]
        or y != stack[_LAST + 2]
        or z != stack[_LAST + 3]
    ):
        stack[_LAST] += 1.0
        stack[_LAST + 1], stack[_LAST + 2], stack[_LAST + 3] = x, y, z
    top, i, end = -1, start[shape], start[shape + 1]
    while i < end:
        op, p, v = code[i, 0], code[i, 1], value[i]
        i += 1
        if op == PUSH:
            top += 1
            stack[top] = _leaf(primitives, tables, p, x, y, z)
        elif op == UNION_LEAF:
            dx, dy, dz = x - primitives[p, 1], y - primitives[p, 2], z - primitives[p, 3]
            gap = stack[top] + v + primitives[p, 23]
            if gap > 0.0 and dx * dx + dy * dy + dz * dz < gap * gap:
                d = _leaf(primitives, tables, p, x, y, z)
                stack[top] = _smooth_least(stack[top], d, v)
        elif op <= SUBTRACT:
            top -= 1
            stack[top] = _joined(op, stack[top], stack[top + 1], v)
        elif op <= RIPPLE:
            stack[top] += v * (-1.0 if op == GROW else _bump(primitives, p, x, y, z))
        elif op == STORE:
            stack[_VALUES + p] = stack[top]
            stack[_POINTS + p] = stack[_LAST]
        elif _goes_on(primitives, op, p, v, x, y, z, top, stack):
            i += 1
        else:
            top += int(op == RECALL)
            i = code[i, 1]
    return stack[0]


@njit(cache=True)
def _goes_on(primitives, op, p, v, x, y, z, top, stack):
    """Whether what a jump could pass over has to be worked out."""
    if op == RECALL:
        stack[top + 1] = stack[_VALUES + p]
        return stack[_POINTS + p] != stack[_LAST]
    gap = _SURE * _beyond(primitives, p, x, y, z)
    return gap <= 0.0 or gap < v + (stack[top] if op == SKIP_UNION else -stack[top])


@njit(cache=True)
def _joined(op: int, a: float, b: float, blend: float) -> float:
    if op == UNION:
        return _smooth_least(a, b, blend)
    if op == INTERSECT:
        return -_smooth_least(-a, -b, blend)
    return -_smooth_least(-a, b, blend)


@njit(cache=True)
def _beyond(primitives, p: int, x: float, y: float, z: float) -> float:
    """How far a point is outside of a box along the axis where it is farthest."""
    gap = max(primitives[p, 1] - x, x - primitives[p, 4])
    gap = max(gap, max(primitives[p, 2] - y, y - primitives[p, 5]))
    return max(gap, max(primitives[p, 3] - z, z - primitives[p, 6]))


@njit(cache=True)
def slope(code, value, primitives, tables, start, shape, x, y, z, here, stack, out) -> None:
    """Gradient of the distance into `out` `(3,)`, by differences from the distance `here`."""
    out[0] = evaluate(code, value, primitives, tables, start, shape, x + _DELTA, y, z, stack)
    out[1] = evaluate(code, value, primitives, tables, start, shape, x, y + _DELTA, z, stack)
    out[2] = evaluate(code, value, primitives, tables, start, shape, x, y, z + _DELTA, stack)
    for k in range(3):
        out[k] = (out[k] - here) / _DELTA


@njit(cache=True, nogil=True)
def distances(code, value, primitives, tables, start, shape, points, out) -> None:
    """Signed distance of one shape at `points` `(points, 3)`, into `out` `(points,)` [mm]."""
    stack = np.zeros(STACK)
    for i in range(len(points)):
        out[i] = evaluate(
            code, value, primitives, tables, start, shape,
            points[i, 0], points[i, 1], points[i, 2], stack,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def gradients(code, value, primitives, tables, start, shape, points, out) -> None:
    """Slope of one shape's distance at `points` `(points, 3)`, into `out` `(points, 3)`."""
    stack = np.zeros(STACK)
    for i in range(len(points)):
        here = evaluate(
            code, value, primitives, tables, start, shape,
            points[i, 0], points[i, 1], points[i, 2], stack,
        )  # fmt: skip
        slope(
            code, value, primitives, tables, start, shape,
            points[i, 0], points[i, 1], points[i, 2], here, stack, out[i],
        )  # fmt: skip

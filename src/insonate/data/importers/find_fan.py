"""Finding the fan of images that do not say where it is.

What is not background, over the frames of a sequence, is cleaned of writing; its left and right
edges hold two straight lines, which meet at the apex; its upper and lower edges hold two arcs
around the apex. Both are found robustly, since shadows, text and rulers spoil edges, and then
fitted together. If the lines are upright, the image is a rectangle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from insonate.data.importers.fan import Area, Fan, Rectangle, bounds
from insonate.data.importers.source import Box

__all__ = ["Content", "find_area"]

#: Gray values above the background that count as content; the fit that agrees best is kept.
LEVELS = (1, 4, 10)
#: Least share that a fan and what was found have in common, of both together.
AGREEMENT = 0.7
#: Largest share of the content that may lie outside.
CUT_OFF = 0.02
#: Frames of a sequence that are looked at.
ENOUGH = 10_000
#: Rows or columns that suffice to tell parts of an image from writing.
COARSE = 240
#: Least distance of two opposite sides of a rectangle from the image's, as a share of its size.
MARGIN = 0.02
#: Most that a fan may lean to a side, as a share of its angle.
LOPSIDED = 0.5
#: Sides that are nearer to upright are those of a rectangle [rad].
UPRIGHT = math.radians(2.0)
#: Least part of an arc that must be seen, for its radius to be known.
SEEN = 0.3
#: How far an edge may lie from a side and still count to it [pixels].
NEAR = 1.5
_SMALLEST = 24  # pixels, of a side of what can be found

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Content:
    """Counts how often every pixel of a sequence differs from the background."""

    def __init__(self) -> None:
        self.frames = 0
        self.counts: NDArray[np.uint16] | None = None

    def add(self, image: NDArray[np.uint8]) -> None:
        """Count a frame `(rows, columns)`, of the size of the first; no more than are needed."""
        if self.frames >= ENOUGH:
            return
        above = np.abs(image.astype(np.int16) - background(image))
        if self.counts is None:
            self.counts = np.zeros((len(LEVELS), *image.shape), np.uint16)
        for k, level in enumerate(LEVELS):
            self.counts[k] += above >= level
        self.frames += 1

    def masks(self) -> list[NDArray[Any]]:
        """What is content in at least a third of the frames, for each level."""
        if self.counts is None:
            return []
        least = max(-(-self.frames // 3), 1)
        return [np.greater_equal(self.counts[k], least) for k in range(len(LEVELS))]


def background(image: NDArray[np.uint8]) -> int:
    """The commonest gray value of the upper corners of an image `(rows, columns)`.

    No fan reaches there. It is 0 if none is common.
    """
    rows, columns = max(image.shape[0] // 8, 1), max(image.shape[1] // 12, 1)
    corners = np.concatenate([image[:rows, :columns].ravel(), image[:rows, -columns:].ravel()])
    counts = np.bincount(corners, minlength=256)
    return int(counts.argmax()) if counts.max() > 0.4 * corners.size else 0


def find_area(content: Content) -> Area | None:
    """The fan or rectangle of a sequence; None if there is none that can be trusted."""
    found = [each for each in map(_candidate, content.masks()) if each is not None]
    best = max(found, key=lambda each: each.agreement, default=None)
    if best is None or best.agreement < AGREEMENT:
        return None
    if isinstance(best.area, Rectangle):
        return best.area
    better = _together(best.area, best.edges)
    return better if _agreement(better, best.clean) >= best.agreement - 0.01 else best.area


@dataclass(frozen=True)
class _Candidate:
    """An area, how well it agrees with the content that it was found from, and that."""

    agreement: float
    area: Area
    edges: _Edges
    clean: Bools


def _candidate(mask: Bools) -> _Candidate | None:
    clean, thick = _without_writing(mask)
    if clean.sum() < _SMALLEST**2:
        return None
    edges = _edges(clean)
    area = _rough(clean, edges)
    if area is None or _beside(area, thick) > CUT_OFF * clean.sum() or _is_doubtful(area, mask):
        return None
    return _Candidate(_agreement(area, clean), area, edges, clean)


def _is_doubtful(area: Area, mask: Bools) -> bool:
    """True for a lopsided fan, and a rectangle of which neither pair of sides is in the image."""
    if isinstance(area, Fan):
        return abs(area.left + area.right) > LOPSIDED * (area.right - area.left)
    (rows, columns), box = mask.shape, area.bounds
    upright = min(box.left, columns - box.right) > MARGIN * columns
    level = min(box.top, rows - box.bottom) > MARGIN * rows
    return not (upright or level)


def _without_writing(mask: Bools) -> tuple[Bools, Bools]:
    """The largest connected part of what is thicker than writing, without holes; and all of it.

    The parts are found coarsely, the edges are those of the mask.
    """
    step = max(min(mask.shape) // COARSE, 1)
    small = mask[::step, ::step]
    reach = max(min(small.shape) // 60, 2)
    dense = _share(small, reach) > 0.5
    thick = _share(dense, reach) > 1.0 - 1e-4
    labelled: Any = ndimage.label(thick)  # parts and their number
    parts, count = labelled
    if not count:
        return np.zeros_like(mask), np.zeros_like(mask)
    core = parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())
    grown = mask & _enlarged(_share(core, 3 * reach) > 1e-6, step, mask.shape)
    return _between(grown, 0) & _between(grown, 1), _enlarged(thick, step, mask.shape)


def _enlarged(mask: Bools, step: int, shape: tuple[int, ...]) -> Bools:
    return mask.repeat(step, 0).repeat(step, 1)[: shape[0], : shape[1]]


def _beside(area: Area, thick: Bools) -> int:
    """Pixels that are thicker than writing left and right of an area: it would cut them off."""
    mask = area.mask(*thick.shape)
    box = bounds(mask)
    outside = thick & (mask == 0)
    return int(outside[box.top : box.bottom].sum())


def _share(mask: Bools, reach: int) -> NDArray[Any]:
    """Share of what is true in a square around every pixel, that far to each side."""
    return ndimage.uniform_filter(mask.astype(np.float32), 2 * reach + 1)


def _between(mask: Bools, axis: int) -> Bools:
    """All from the first to the last that is true, along an axis."""
    before = np.logical_or.accumulate(mask, axis=axis)
    after = np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis=axis), axis)
    return np.logical_and(before, after)


@dataclass(frozen=True)
class _Edges:
    """First and last pixels of content, by row and by column; not those at the image's border."""

    left: Floats  # (n, 2): column, row
    right: Floats
    top: Floats
    bottom: Floats
    all: Floats  # left and right, with those at the border


def _edges(mask: Bools) -> _Edges:
    rows, columns = mask.shape
    across, down = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    first, last = mask.argmax(1)[across], columns - 1 - mask[:, ::-1].argmax(1)[across]
    upper, lower = mask.argmax(0)[down], rows - 1 - mask[::-1].argmax(0)[down]

    def points(column: NDArray, row: NDArray, keep: NDArray, shift: tuple[float, float]) -> Floats:
        both = np.stack([column, row], axis=1)[keep].astype(np.float64)
        return both + shift  # from the pixel's centre to its outer side

    return _Edges(
        points(first, across, first > 0, (-0.5, 0.0)),
        points(last, across, last < columns - 1, (0.5, 0.0)),
        points(down, upper, upper > 0, (0.0, -0.5)),
        points(down, lower, lower < rows - 1, (0.0, 0.5)),
        np.concatenate([points(c, across, c >= 0, (0.0, 0.0)) for c in (first, last)]),
    )


def _rough(mask: Bools, edges: _Edges) -> Area | None:
    left, right = _side(edges.left), _side(edges.right)
    if _upright(left) and _upright(right):
        return _rectangle(mask)
    if left is None or right is None:
        return None
    return _fan(edges, left, right)


def _upright(line: tuple[float, float] | None) -> bool:
    return line is None or abs(math.atan(line[0])) < UPRIGHT


def _agreement(area: Area, mask: Bools) -> float:
    """Share in common, of both together; 0 if the area would cut content off."""
    inside = area.mask(*mask.shape).astype(bool)
    common = int((mask & inside).sum())
    if common < (1.0 - CUT_OFF) * mask.sum():
        return 0.0
    return common / int((mask | inside).sum())


def _side(points: Floats) -> tuple[float, float] | None:
    """Slope and offset of the line column = slope * row + offset that most edges lie on."""
    if len(points) < _SMALLEST:
        return None
    column, row = points.T
    pick = np.unique(np.linspace(0, len(points) - 1, 30).astype(int))
    i, j = np.triu_indices(len(pick), k=5)
    a, b = pick[i], pick[j]
    slope = (column[b] - column[a]) / (row[b] - row[a])
    offset = column[a] - slope * row[a]
    scale = np.hypot(slope, 1.0)[:, None]
    away = np.abs(slope[:, None] * row + offset[:, None] - column) / scale
    best = int((away < NEAR).sum(1).argmax())
    line = slope[best], offset[best]
    for _ in range(3):
        near = np.abs(line[0] * row + line[1] - column) / math.hypot(line[0], 1.0) < NEAR
        if near.sum() < max(_SMALLEST // 2, 0.1 * len(points)):
            return None
        line = tuple(np.polyfit(row[near], column[near], 1))
    return float(line[0]), float(line[1])


def _fan(edges: _Edges, left: tuple[float, float], right: tuple[float, float]) -> Fan | None:
    """The fan between two sides; a face or an end that the image cuts off is left open."""
    if right[0] - left[0] < 1e-3:  # they do not meet above
        return None
    row = (left[1] - right[1]) / (right[0] - left[0])
    start = Fan(left[0] * row + left[1], row, 0.0, 1.0, math.atan(left[0]), math.atan(right[0]))
    farthest = float(start.polar(edges.all[:, 0], edges.all[:, 1])[0].max()) + 1.0
    lower = _arc(start, edges.bottom)
    end = float(np.quantile(lower, 0.95)) if len(lower) else 0.0
    outer = _seen(start, lower[lower > end - 3.0 * NEAR]) or farthest
    upper = _arc(start, edges.top)
    upper = upper[upper < 0.7 * outer]
    inner = _seen(start, upper[np.abs(upper - _commonest(upper)) < 2.0 * NEAR]) or 0.0
    return Fan(start.column, start.row, inner, outer, start.left, start.right)


def _arc(fan: Fan, points: Floats) -> Floats:
    """Radii of those points that lie between the sides, well inside."""
    radius, angle = fan.polar(points[:, 0], points[:, 1])
    margin = 0.03 * (fan.right - fan.left)
    return radius[(angle > fan.left + margin) & (angle < fan.right - margin)]


def _seen(fan: Fan, radii: Floats) -> float | None:
    """The radius of an arc, if enough of it is to be seen: an edge a column, where there is."""
    if len(radii) < _SMALLEST // 4:
        return None
    radius = float(np.median(radii))
    columns = radius * (math.sin(fan.right) - math.sin(fan.left))
    return radius if len(radii) > SEEN * columns else None


def _commonest(values: Floats) -> float:
    """The value that most others are near to; 0 if there are none."""
    if not len(values):
        return 0.0
    near = np.abs(values[:, None] - values[None, :: max(len(values) // 200, 1)]) < 2.0 * NEAR
    best = near[:, near.sum(0).argmax()]
    return float(np.median(values[best]))


def _together(rough: Fan, edges: _Edges) -> Fan:
    """All six numbers from all edges that belong to the rough fan."""
    best = np.array([rough.column, rough.row, rough.left, rough.right, rough.inner, rough.outer])
    for reach in (3.0 * NEAR, NEAR):
        near = _belonging(_as_fan(best), edges, reach)
        if sum(map(len, near)) < _SMALLEST:
            break
        best = optimize.least_squares(
            lambda p, near=near: _away(p, near)[0],
            best,
            jac=lambda p, near=near: _away(p, near)[1],  # type: ignore[arg-type]
            loss="soft_l1",
            x_scale=[1.0, 1.0, 1e-3, 1e-3, 1.0, 1.0],
        ).x
    return _as_fan(best)


def _as_fan(p: Floats) -> Fan:
    column, row, left, right, inner, outer = map(float, p)
    return Fan(column, row, max(inner, 0.0), outer, left, right)


def _away(p: Floats, near: list[Floats]) -> tuple[Floats, Floats]:
    """Distances of edges from where they should be, and their derivatives by the six numbers."""
    distances, derivatives = [], []
    for k, points in enumerate(near):
        across, down = points[:, 0] - p[0], points[:, 1] - p[1]
        by = np.zeros((len(points), 6))
        if k < 2:  # a side
            sine, cosine = math.sin(p[2 + k]), math.cos(p[2 + k])
            distances.append(across * cosine - down * sine)
            by[:, 0], by[:, 1], by[:, 2 + k] = -cosine, sine, -across * sine - down * cosine
        else:  # an arc
            radius = np.maximum(np.hypot(across, down), 1e-9)
            distances.append(radius - p[2 + k])
            by[:, 0], by[:, 1], by[:, 2 + k] = -across / radius, -down / radius, -1.0
        derivatives.append(by)
    return np.concatenate(distances), np.concatenate(derivatives)


def _belonging(fan: Fan, edges: _Edges, reach: float) -> list[Floats]:
    """Edge points of the left and right sides, of the face and of the depth."""
    kept = []
    for side, points in ((fan.left, edges.left), (fan.right, edges.right)):
        across, down = points[:, 0] - fan.column, points[:, 1] - fan.row
        away = np.abs(across * math.cos(side) - down * math.sin(side))
        kept.append(points[away < reach])
    margin = 0.02 * (fan.right - fan.left)
    ends = (fan.inner, edges.top), (fan.outer, edges.bottom)
    for end, points in ends:
        radius, angle = fan.polar(points[:, 0], points[:, 1])
        between = (angle > fan.left + margin) & (angle < fan.right - margin)
        kept.append(points[between & (np.abs(radius - end) < reach)])
    return kept


def _rectangle(mask: Bools) -> Rectangle | None:
    """The box of those rows and columns that are filled for the most part."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    down = np.flatnonzero(box.mean(1) > 0.5) + rows[0]
    across = np.flatnonzero(box.mean(0) > 0.5) + columns[0]
    if len(down) < _SMALLEST or len(across) < _SMALLEST:
        return None
    return Rectangle(Box(int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1))

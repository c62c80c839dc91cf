"""Finding the fan of images that do not say where it is.

What is not background, over the frames of a sequence, is cleaned of writing; its left and right
edges hold two straight lines, which meet at the apex; its upper and lower edges hold two arcs
around the apex. Both are found robustly, since shadows, text and rulers spoil edges, and then
fitted together. If the lines are upright, the image is a rectangle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from insonate.data.importers.fan import Area, Fan, Rectangle
from insonate.data.importers.source import Box

__all__ = ["Content", "find_area"]

#: Gray values above the background that count as content; the fit that agrees best is kept.
LEVELS = (1, 4, 10)
#: Least share that a fan and what was found have in common, of both together.
AGREEMENT = 0.85
#: Largest share of the content that may lie outside.
CUT_OFF = 0.02
#: Sides that are nearer to upright are those of a rectangle [rad].
UPRIGHT = math.radians(2.0)
#: How far an edge may lie from a side and still count to it [pixels].
NEAR = 1.5
_SMALLEST = 24  # pixels, of a side of what can be found

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Content:
    """Counts how often every pixel of a sequence differs from the background."""

    def __init__(self) -> None:
        self.frames = 0
        self.counts: NDArray[np.int32] | None = None

    def add(self, image: NDArray[np.uint8]) -> None:
        """Count a frame `(rows, columns)`, of the size of the first."""
        above = np.abs(image.astype(np.int16) - background(image))
        if self.counts is None:
            self.counts = np.zeros((len(LEVELS), *image.shape), np.int32)
        for k, level in enumerate(LEVELS):
            self.counts[k] += above >= level
        self.frames += 1

    def masks(self) -> list[Bools]:
        """What is content in at least a third of the frames, for each level."""
        if self.counts is None:
            return []
        least = max(-(-self.frames // 3), 1)
        return [counts >= least for counts in self.counts]


def background(image: NDArray[np.uint8]) -> int:
    """The commonest gray value, or 0 if none is common."""
    counts = np.bincount(image.ravel(), minlength=256)
    return int(counts.argmax()) if counts.max() > 0.05 * image.size else 0


def find_area(content: Content) -> Area | None:
    """The fan or rectangle of a sequence; None if there is none that can be trusted."""
    found: list[tuple[float, Area, _Edges]] = []
    for mask in content.masks():
        clean = _without_writing(mask)
        if clean.sum() < _SMALLEST**2:
            continue
        edges = _edges(clean)
        area = _rough(clean, edges)
        if area is not None:
            found.append((_agreement(area, clean), area, edges))
    if not found:
        return None
    agreement, area, edges = max(found, key=lambda each: each[0])
    if agreement < AGREEMENT:
        return None
    return _together(area, edges) if isinstance(area, Fan) else area


def _without_writing(mask: Bools) -> Bools:
    """The largest connected part of what is thicker than writing, filled."""
    thick = max(min(mask.shape) // 60, 2)
    dense = ndimage.uniform_filter(mask.astype(np.float32), 2 * thick + 1) > 0.5
    parts, count = ndimage.label(ndimage.binary_opening(dense, iterations=thick))
    if not count:
        return np.zeros_like(mask)
    sizes = np.bincount(parts.ravel())[1:]
    core = parts == 1 + int(sizes.argmax())
    grown = ndimage.binary_dilation(core, iterations=2 * thick)
    return ndimage.binary_fill_holes(mask & grown)  # type: ignore[return-value]


@dataclass(frozen=True)
class _Edges:
    """First and last pixels of content, by row and by column; not those at the image's border."""

    left: Floats  # (n, 2): column, row
    right: Floats
    top: Floats
    bottom: Floats


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
    pick = np.unique(np.linspace(0, len(points) - 1, 40).astype(int))
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
    if right[0] - left[0] < 1e-3:  # they do not meet above
        return None
    row = (left[1] - right[1]) / (right[0] - left[0])
    start = Fan(left[0] * row + left[1], row, 0.0, 1.0, math.atan(left[0]), math.atan(right[0]))
    upper, lower = _arc(start, edges.top), _arc(start, edges.bottom)
    outer = _deepest(lower)
    if outer is None:
        return None
    upper = upper[upper < 0.7 * outer]
    inner = _commonest(upper) if len(upper) >= _SMALLEST // 2 else 0.0
    return Fan(start.column, start.row, inner, outer, start.left, start.right)


def _arc(fan: Fan, points: Floats) -> Floats:
    """Radii of those points that lie between the sides, well inside."""
    if not len(points):
        return np.zeros(0)
    radius, angle = fan.polar(points[:, 0], points[:, 1])
    margin = 0.03 * (fan.right - fan.left)
    return radius[(angle > fan.left + margin) & (angle < fan.right - margin)]


def _commonest(values: Floats) -> float:
    """The value that most others are near to."""
    near = np.abs(values[:, None] - values[None, :: max(len(values) // 200, 1)]) < 2.0 * NEAR
    best = near[:, near.sum(0).argmax()]
    return float(np.median(values[best]))


def _deepest(radii: Floats) -> float | None:
    """Where the content ends: what lies above ends at shadows, nothing lies below."""
    if len(radii) < _SMALLEST // 2:
        return None
    high = np.quantile(radii, 0.95)
    return float(np.median(radii[radii > high - 3.0 * NEAR]))


def _together(rough: Fan, edges: _Edges) -> Fan:
    """All six numbers from all edges that belong to the rough fan."""

    def residuals(p: Floats, near: list[Floats]) -> Floats:
        fan = Fan(*p)
        out = []
        for side, points in zip((fan.left, fan.right), near[:2], strict=True):
            across, down = points[:, 0] - fan.column, points[:, 1] - fan.row
            out.append(across * math.cos(side) - down * math.sin(side))
        for radius, points in zip((fan.inner, fan.outer), near[2:], strict=True):
            out.append(fan.polar(points[:, 0], points[:, 1])[0] - radius)
        return np.concatenate(out)

    best = np.array([rough.column, rough.row, *rough._rest()])
    for reach in (3.0 * NEAR, NEAR):
        near = _belonging(Fan(*best), edges, reach)
        if sum(map(len, near)) < _SMALLEST:
            break
        best = optimize.least_squares(
            residuals, best, args=(near,), loss="soft_l1", x_scale=[1, 1, 1, 1, 1e-3, 1e-3]
        ).x
    return Fan(*(float(value) for value in best))


def _belonging(fan: Fan, edges: _Edges, reach: float) -> list[Floats]:
    """Edge points of the left and right sides, of the face and of the depth."""
    kept = []
    for side, points in ((fan.left, edges.left), (fan.right, edges.right)):
        across, down = points[:, 0] - fan.column, points[:, 1] - fan.row
        away = np.abs(across * math.cos(side) - down * math.sin(side))
        kept.append(points[away < reach])
    margin = 0.02 * (fan.right - fan.left)
    for end, points in ((fan.inner, edges.top), (fan.outer, edges.bottom)):
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

"""Regions of an ultrasound image, as DICOM describes them: where, and how large a pixel is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from insonate.data.importers.source import Box

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["Region", "tissue_regions"]

TWO_D, TISSUE, CENTIMETRES = 1, 1, 3  # RegionSpatialFormat, RegionDataType, units
#: How far a region may reach beyond the image, as some makers count to one past the last [pixels].
BEYOND = 2
_LARGEST = 10.0  # mm, of a pixel


@dataclass(frozen=True)
class Region:
    """An area of tissue in an image.

    Attributes:
        box: in the image.
        spacing: of rows and columns [mm]; None if not said.
        origin: lateral and depth of the image's pixel (0, 0) from the middle of the probe's
            face [mm]; None if no reference pixel is given.
    """

    box: Box
    spacing: tuple[float, float] | None
    origin: tuple[float, float] | None


def tissue_regions(dataset: Dataset, rows: int, columns: int) -> list[Region]:
    """Two-dimensional regions of tissue, each once; none if they do not fit the image.

    An image that was made smaller after it was described has regions that do not fit: then none
    of their numbers can be trusted.
    """
    found: list[Region] = []
    for item in dataset.get("SequenceOfUltrasoundRegions") or ():
        if (_get(item, "RegionSpatialFormat"), _get(item, "RegionDataType")) != (TWO_D, TISSUE):
            continue
        box = _box(item)
        if box is None or box.right > columns + BEYOND or box.bottom > rows + BEYOND:
            return []
        box = box.within(rows, columns)
        if not (box.rows and box.columns):
            return []
        if not any(_overlap(box, other.box) for other in found):
            found.append(_region(item, box))
    return found


def _box(item: Dataset) -> Box | None:
    names = ("MinX0", "MinY0", "MaxX1", "MaxY1")
    left, top, right, bottom = (_get(item, f"RegionLocation{name}") for name in names)
    if left is None or top is None or right is None or bottom is None:
        return None
    if not (0 <= left < right and 0 <= top < bottom):
        return None
    return Box(int(left), int(top), int(right) + 1, int(bottom) + 1)


def _region(item: Dataset, box: Box) -> Region:
    units = _get(item, "PhysicalUnitsXDirection"), _get(item, "PhysicalUnitsYDirection")
    across, down = (_get(item, f"PhysicalDelta{axis}") for axis in "XY")
    if units != (CENTIMETRES, CENTIMETRES) or not across or not down:
        return Region(box, None, None)
    spacing = abs(down) * 10.0, abs(across) * 10.0
    if max(spacing) > _LARGEST or min(spacing) < 1e-4:
        return Region(box, None, None)
    return Region(box, spacing, _origin(item, box, spacing))


def _origin(item: Dataset, box: Box, spacing: tuple[float, float]) -> tuple[float, float] | None:
    """The reference pixel is counted from the region's corner; its value is in cm."""
    column, row = (_get(item, f"ReferencePixel{axis}0") for axis in "XY")
    if column is None or row is None or max(abs(column), abs(row)) > 1e5:
        return None
    x, y = (_get(item, f"ReferencePixelPhysicalValue{axis}") or 0.0 for axis in "XY")
    return (
        10.0 * x - (box.left + column) * spacing[1],
        10.0 * y - (box.top + row) * spacing[0],
    )


def _overlap(a: Box, b: Box) -> bool:
    """True if more than a tenth of the smaller one is in both."""
    rows = min(a.bottom, b.bottom) - max(a.top, b.top)
    columns = min(a.right, b.right) - max(a.left, b.left)
    common = max(rows, 0) * max(columns, 0)
    return common > 0.1 * min(a.rows * a.columns, b.rows * b.columns)


def _get(item: Any, name: str) -> float | None:
    value = item.get(name)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

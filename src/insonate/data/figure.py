"""One picture of a frame for people: every image of it, with millimetres and names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from insonate.data.files import replacing
from insonate.data.palette import label_colors
from insonate.sim.frame import Frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["write_figure"]

MOST_NAMES = 14  # in the legend, the largest regions


def write_figure(
    frame: Frame, path: str | os.PathLike[str], title: str | None = None
) -> list[Path]:
    """Write an overview: B-mode with axes in mm, labels with names, attenuation and shadow.

    Args:
        frame: to show.
        path: of the PNG file.
        title: above the B-mode image; the probe and the seed when None.

    Returns:
        The file.

    Raises:
        InputError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15.0, 7.6))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        3, 2, width_ratios=(3.2, 1), left=0.05, right=0.86, top=0.94, bottom=0.08, wspace=0.04
    )
    probe = frame.probe
    bmode = figure.add_subplot(grid[:, 0])
    _gray(bmode, frame, frame.bmode)
    bmode.set_title(title or f"{probe.name}, {probe.frequency:g} MHz, seed {frame.seed}")
    bmode.set_xlabel("lateral [mm]")
    bmode.set_ylabel("depth [mm]")
    _labels(figure.add_subplot(grid[0, 1]), frame)
    for row, (image, name) in enumerate(
        [(frame.attenuation, "attenuation, integral"), (frame.shadow, "shadow: beam lost")], start=1
    ):
        axis = figure.add_subplot(grid[row, 1])
        _gray(axis, frame, image)
        axis.set_title(name, fontsize=10)
        axis.set_axis_off()
    with replacing(path) as beside:
        figure.savefig(beside, dpi=100, format="png")
    return [Path(path)]


def _extent(frame: Frame) -> tuple[float, float, float, float]:
    """Left, right, bottom and top edge of the image, probe frame [mm]."""
    rows, columns = frame.bmode.shape
    left, top = (value - frame.spacing / 2.0 for value in frame.origin)
    return left, left + columns * frame.spacing, top + rows * frame.spacing, top


def _gray(axis: Axes, frame: Frame, image: NDArray[np.float32]) -> None:
    # antialiased: a panel has fewer pixels than the image, and skipping would alias speckle
    extent = _extent(frame)
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="antialiased")


def _labels(axis: Axes, frame: Frame) -> None:
    from matplotlib.patches import Patch

    colors = label_colors(len(frame.region_names))
    axis.imshow(colors[frame.labels], extent=_extent(frame), interpolation="nearest")
    axis.set_title("labels", fontsize=10)
    axis.set_axis_off()
    area = np.bincount(frame.labels.ravel(), minlength=len(colors))
    present = [int(label) for label in np.argsort(-area, kind="stable") if label and area[label]]
    patches = [
        Patch(color=tuple((colors[label] / 255.0).tolist()), label=frame.region_names[label])
        for label in present[:MOST_NAMES]
    ]
    if len(present) > MOST_NAMES:
        patches.append(Patch(color="none", label=f"and {len(present) - MOST_NAMES} more"))
    if patches:
        beside = (1.02, 1.0)
        axis.legend(handles=patches, fontsize=8, loc="upper left", bbox_to_anchor=beside)

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
LARGE = 9.5  # inches that a look needs


def write_figure(
    frame: Frame, path: str | os.PathLike[str], title: str | None = None
) -> list[Path]:
    """Write an overview: B-mode with axes in mm, labels with names, attenuation and shadow.

    Looks stand beside the simulated image, on the same axes.

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

    large = 1 + len(frame.looks)
    figure = Figure(figsize=(15.0 + LARGE * len(frame.looks), 7.6))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        3, large + 1, width_ratios=(*[3.2] * large, 1), left=0.05, right=0.86, top=0.94,
        bottom=0.08, wspace=0.04,
    )  # fmt: skip
    probe = frame.probe
    images = {title or f"{probe.name}, {probe.frequency:g} MHz, seed {frame.seed}": frame.bmode}
    images |= {f"{name}: translated by a network": image for name, image in frame.looks.items()}
    for column, (words, image) in enumerate(images.items()):
        axis = figure.add_subplot(grid[:, column], title=words, xlabel="lateral [mm]")
        _gray(axis, frame, image)
        axis.tick_params(labelleft=not column)
    figure.axes[0].set_ylabel("depth [mm]")
    _labels(figure.add_subplot(grid[0, large]), frame)
    for row, (image, name) in enumerate(
        [(frame.attenuation, "attenuation, integral"), (frame.shadow, "shadow: beam lost")], start=1
    ):
        axis = figure.add_subplot(grid[row, large])
        axis.set_title(name, fontsize=10)
        axis.set_axis_off()
        _gray(axis, frame, image)
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

"""Figures of a whole dataset: gray values, sizes of regions, and where the poses lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insonate.data.dataset import Dataset
from insonate.data.files import replacing
from insonate.data.looking.skin import skin_points
from insonate.data.palette import label_colors
from insonate.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["gray_values", "region_shares", "write_histograms", "write_poses"]

MOST_REGIONS = 30
MOST_OUTLINES = 150
#: Ticks of the longest axis, and the shortest axis as a share of it.
MOST_TICKS, SHORTEST = 6, 0.2


def write_histograms(
    where: str | os.PathLike[str], path: str | os.PathLike[str], frames: int = 500
) -> Path:
    """Write histograms of gray values within the mask, and of the sizes of regions.

    Args:
        where: folder or URL of a dataset.
        path: of the PNG file.
        frames: at most so many are read, spread evenly.

    Raises:
        InputError: no frames, or the file cannot be written.
    """
    dataset, chosen = _chosen(where, frames)
    labelled = "labels" in dataset.layout.images
    figure = _figure(15.0 if labelled else 8.0, 6.4)
    axes = figure.subplots(1, 2 if labelled else 1, squeeze=False)[0]
    _draw_gray(axes[0], dataset, chosen)
    if labelled:
        _draw_regions(axes[1], dataset, chosen)
    figure.suptitle(f"{Path(str(where)).name}: {len(chosen)} of {len(dataset):,} frames")
    return _save(figure, path)


def gray_values(dataset: Dataset, name: str, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many pixels within the mask have each gray value, `(256,)`.

    Args:
        dataset: to read.
        name: of an array of images.
        chosen: indices into the dataset, `(frames,)`.
    """
    counts, masked = np.zeros(256, np.int64), "mask" in dataset.layout.images
    for index in chosen.tolist():
        image = dataset.raw(name, index)
        values = image[dataset.raw("mask", index) > 0] if masked else image.ravel()
        counts += np.bincount(values, minlength=256)
    return counts


def region_shares(dataset: Dataset, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the mask, or else of the image, that every label covers, `(frames, 256)`.

    Args:
        dataset: to read.
        chosen: indices into the dataset, `(frames,)`.
    """
    shares, masked = np.zeros((len(chosen), 256)), "mask" in dataset.layout.images
    for row, index in enumerate(chosen.tolist()):
        labels = dataset.raw("labels", index)
        if masked:
            labels = labels[dataset.raw("mask", index) > 0]
        shares[row] = np.bincount(labels.ravel(), minlength=256) / max(labels.size, 1)
    return shares


def write_poses(
    where: str | os.PathLike[str], path: str | os.PathLike[str], skin: bool = False
) -> Path:
    """Write a picture of where the images lie in the world, from two sides.

    Args:
        where: folder or URL of a dataset.
        path: of the PNG file.
        skin: show the first patient only, with points on her skin; she is built anew.

    Raises:
        InputError: no frame has a pose, there is no skin to draw, or the file cannot be written.
    """
    dataset = Dataset(where)
    pose = dataset.column("pose")[dataset.frames]
    posed = np.flatnonzero(np.isfinite(pose).all(axis=(1, 2)))
    if not len(posed):
        raise InputError(f"{where}: no frame has a pose")
    around = np.zeros((0, 3))
    if skin:
        patient = dataset.column("patient")[dataset.frames]
        posed = posed[patient[posed] == patient[posed[0]]]
        around = skin_points(dataset.metadata(int(posed[0])))
    few = posed[np.unique(np.linspace(0, len(posed) - 1, MOST_OUTLINES).round().astype(int))]
    outlines = [_outline(dataset, int(index)) for index in few]
    figure = _figure(15.0, 7.4)
    names, group = _groups(dataset, posed)
    near = _near(around, np.concatenate(outlines))
    for dimensions, view in ((3, {"projection": "3d", "proj_type": "ortho"}), (2, {})):
        axes: Any = figure.add_subplot(1, 2, 4 - dimensions, **view)
        if len(near):  # nothing, too, would be scattered around 0
            axes.scatter(*near[:, :dimensions].T, color="#d9a98a", s=1.5, alpha=0.5, linewidths=0)
        flat = [outline[:, :dimensions] for outline in outlines]
        _draw_poses(axes, pose[posed, :dimensions, 3], flat, group, names)
        limits = _limits(np.concatenate([pose[posed, :3, 3], *outlines, near]))
        _draw_axes(axes, limits[:dimensions])
        if dimensions == 3:
            axes.view_init(15.0, -70.0)
            if names:
                axes.legend(fontsize=8, loc="upper left")
    whose = " of one patient" if skin else ""
    figure.suptitle(f"{Path(str(where)).name}: poses of {len(posed):,} frames{whose}")
    return _save(figure, path)


def _near(points: NDArray[np.float64], images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points `(points, 3)` not far above or below what images reach [mm]."""
    low, high = images[:, 2].min() - 40.0, images[:, 2].max() + 40.0
    return points[(points[:, 2] > low) & (points[:, 2] < high)]


def _chosen(where: str | os.PathLike[str], frames: int) -> tuple[Dataset, NDArray[np.int64]]:
    """A dataset and indices of frames spread evenly over it."""
    if frames < 1:
        raise InputError(f"frames: expected at least 1, got {frames}")
    dataset = Dataset(where)
    if not len(dataset):
        raise InputError(f"{where}: no complete frames")
    spread = np.linspace(0, len(dataset) - 1, min(frames, len(dataset)))
    return dataset, np.unique(spread.round().astype(np.int64))


def _figure(width: float, height: float) -> Any:
    """An empty figure, width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: str | os.PathLike[str]) -> Path:
    with replacing(path) as beside:
        figure.savefig(beside, dpi=100, format="png")
    return Path(path)


def _draw_gray(axes: Axes, dataset: Dataset, chosen: NDArray[np.int64]) -> None:
    highest = 0.0
    for name in ("bmode", "bmode_fast"):
        if name in dataset.layout.images:
            counts = gray_values(dataset, name, chosen)
            share = 100.0 * counts / max(counts.sum(), 1)
            said = f"mean {share @ np.arange(256) / 100.0:.0f}"
            said += f", {share[0]:.1f} % black, {share[255]:.1f} % white"
            axes.step(np.arange(256), share, where="mid", label=f"{name}: {said}")
            highest = max(highest, float(share[1:255].max()))  # the ends are said in words
    axes.set(xlabel="gray value", ylabel="share of pixels within the mask [%]", xlim=(-1, 256))
    axes.set_ylim(0.0, 1.1 * highest or 1.0)
    axes.legend()


def _draw_regions(axes: Axes, dataset: Dataset, chosen: NDArray[np.int64]) -> None:
    """A bar a region: quartiles of its size where it is seen, and in how many frames it is."""
    shares = 100.0 * region_shares(dataset, chosen)
    seen = (shares > 0.0).sum(axis=0)
    order = [k for k in np.argsort(-seen, kind="stable").tolist() if k and seen[k]]
    order = order[:MOST_REGIONS]
    names, colors = dataset.attributes.regions, label_colors(256) / 255.0
    for row, label in enumerate(order):
        low, middle, high = np.percentile(shares[shares[:, label] > 0.0, label], (5, 50, 95))
        axes.plot([low, high], [row, row], color=colors[label], linewidth=6.0, alpha=0.6)
        axes.plot([middle], [row], "o", color=colors[label], markeredgecolor="black")
    axes.set_yticks(range(len(order)), [_region(names, k, seen[k], len(chosen)) for k in order])
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("share of the mask where it is seen [%]: 5 % to 95 % of frames, median")
    axes.grid(axis="x", alpha=0.3)


def _region(names: tuple[str, ...], label: int, seen: int, frames: int) -> str:
    name = names[label] if label < len(names) else f"label {label}"
    return f"{name.replace('_', ' ')}  {100.0 * seen / frames:.0f} %"


def _outline(dataset: Dataset, index: int) -> NDArray[np.float64]:
    """Corners of an image in the world, the first one twice, `(5, 3)` [mm]; a point if unknown."""
    matrix = dataset.image_to_world(index)
    if not np.isfinite(matrix).all():
        return np.repeat(dataset.raw("pose", index)[None, :3, 3], 5, axis=0)
    right, bottom = dataset.layout.columns - 1, dataset.layout.rows - 1
    corners = [(0, 0), (right, 0), (right, bottom), (0, bottom), (0, 0)]
    return np.array([(matrix @ [column, row, 0.0, 1.0])[:3] for column, row in corners])


def _groups(dataset: Dataset, posed: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    """What poses are coloured by: planes if there are some, or else sequences."""
    plane = dataset.column("plane")[dataset.frames][posed]
    planes = dataset.attributes.planes
    if planes and (plane >= 0).any():
        return [*(name.replace("_", " ") for name in planes), "no plane"], np.where(
            (plane >= 0) & (plane < len(planes)), plane, len(planes)
        )
    sequence = dataset.column("sequence")[dataset.frames][posed]
    _, group = np.unique(sequence, return_inverse=True)
    return [], group.ravel()


def _draw_poses(
    axes: Any,
    places: NDArray[np.float64],
    outlines: list[NDArray[np.float64]],
    group: NDArray[np.int64],
    names: list[str],
) -> None:
    """Points and outlines of two or three coordinates."""
    for outline in outlines:
        axes.plot(*outline.T, color="0.6", linewidth=0.5, alpha=0.6)
    for k in np.unique(group).tolist():
        color = label_colors(k + 2)[k + 1] / 255.0
        label = names[k] if k < len(names) else None
        axes.scatter(*places[group == k].T, color=[color], s=12, label=label)


def _draw_axes(axes: Any, limits: NDArray[np.float64]) -> None:
    """Axes of equal scale, and so few ticks that their labels stay apart."""
    from matplotlib.ticker import MaxNLocator

    axes.set(xlabel="x, left [mm]", ylabel="y, posterior [mm]", xlim=limits[0], ylim=limits[1])
    sides = limits[:, 1] - limits[:, 0]
    along = [axes.xaxis, axes.yaxis]
    if len(limits) == 3:
        axes.set(zlabel="z, cranial [mm]", zlim=limits[2])
        axes.set_box_aspect(sides, zoom=0.85)  # room for labels, whose distance goes by the box
        along.append(axes.zaxis)
    else:
        axes.set_aspect("equal")
        axes.grid(alpha=0.3)
    for axis, side in zip(along, sides, strict=True):
        if len(limits) == 3:
            axis.labelpad = 12.0 * np.sqrt(sides.max() / sides.min())
        axis.set_tick_params(labelsize=8)
        axis.set_major_locator(MaxNLocator(max(2, round(MOST_TICKS * side / sides.max()))))


def _limits(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ends of the axes around points `(n, 3)`, none much shorter than the longest `(3, 2)` [mm]."""
    low, high = points.min(axis=0), points.max(axis=0)
    longest = max(float((high - low).max()), 1.0)
    half = np.maximum(1.05 * (high - low), SHORTEST * 1.05 * longest) / 2.0
    middle = (low + high) / 2.0
    return np.stack([middle - half, middle + half], axis=1)

"""A patient at a glance: from outside, cut open, in numbers, and her standard planes."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from insonate.anatomy.contact import press
from insonate.anatomy.patient import Patient
from insonate.anatomy.scene_spec import View
from insonate.data.files import replacing
from insonate.data.ground_truth import biometry
from insonate.data.portrait import Camera, cut_open, from_outside
from insonate.scene import Scene
from insonate.sim import Frame, Settings, Simulator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

__all__ = [
    "crop_around",
    "cut_picture",
    "outside_picture",
    "plane_settings",
    "render_planes",
    "write_patient_figure",
]

_COLUMNS = 4
#: Height of the portraits and of a row of planes [inches].
_TOP, _ROW = 6.9, 2.95
_RED = "#d03c2e"
#: How the camera looks at the front, and at the cut [shares of left, posterior, cranial].
_FRONT, _SIDE = (-0.42, 0.88, -0.20), (-0.90, 0.40, -0.16)


def plane_settings(rows: int = 480) -> Settings:
    """Those of `Settings.scanner`, at the size of a figure's part.

    Args:
        rows: of the image [pixels].
    """
    scanner = Settings.scanner()
    return scanner.replace(display=dataclasses.replace(scanner.display, rows=rows))


def render_planes(
    patient: Patient,
    names: Sequence[str] | None = None,
    settings: Settings | None = None,
    seed: int = 1,
    device: str = "cpu",
) -> Iterator[tuple[str, Frame]]:
    """Standard planes of a patient, each with the skin pressed onto the probe.

    Args:
        patient: built if she was not.
        names: of views; all when None, and those that cannot be seen are left out.
        settings: `plane_settings()` when None; the TGC sliders are set for each plane.
        seed: of scatterers, rays and noise.
        device: "cpu", "cuda" or "cuda:1".
    """
    scene, chosen = patient.scene(), settings or plane_settings()
    for name in patient.views if names is None else names:
        if name in patient.views:
            view = patient.views[name]
            probe, pose = view.load_probe(), view.pose()
            here = chosen if view.press else chosen.replace(clutter=None)  # no skin before it
            simulator = Simulator(press(scene, probe, pose), probe, here, device=device)
            simulator.even_tgc(pose, seed)
            yield name, simulator.frame(pose, seed)


def crop_around(
    frame: Frame, middle: NDArray[np.float64], reach: float, size: int
) -> NDArray[np.uint8]:
    """What lies around a point of the image plane, `(size, size)`.

    Args:
        frame: an image.
        middle: in the world, `(3,)` [mm].
        reach: half the side of the square [mm].
        size: of the result [pixels].
    """
    column, row = (np.linalg.inv(frame.image_to_world()) @ [*middle, 1.0])[:2]
    half = reach / frame.spacing
    left, top, side = round(column - half), round(row - half), round(2.0 * half)
    cut = Image.fromarray(frame.image()).crop((left, top, left + side, top + side))
    return np.array(cut.resize((size, size), Image.Resampling.LANCZOS))


def write_patient_figure(
    patient: Patient, path: str | os.PathLike[str], settings: Settings | None = None
) -> list[Path]:
    """Write a picture of a patient from outside and cut open, with her standard planes.

    Args:
        patient: built if she was not.
        path: of the PNG file.
        settings: of the standard planes; `plane_settings()` when None.

    Returns:
        The file.

    Raises:
        InputError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(patient.views) // _COLUMNS)
    figure = Figure(figsize=(16.0, _TOP + _ROW * rows), facecolor="white")
    canvas = FigureCanvasAgg(figure)
    parts: Any = figure.subfigures(2, 1, height_ratios=(_TOP, max(_ROW * rows, 0.01)))
    _portraits(parts[0], patient)
    for index, (name, frame) in enumerate(render_planes(patient, settings=settings)):
        axes = parts[1].add_subplot(rows, _COLUMNS, index + 1)
        _plane(axes, frame, f"{index + 1}  {name.replace('_', ' ')}")
    if rows:
        high = _ROW * rows
        parts[1].subplots_adjust(0.01, 0.1 / high, 0.99, 1.0 - 0.3 / high, 0.02, 0.12)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    with replacing(path) as beside:
        picture.save(beside, format="PNG")
    return [Path(path)]


def outside_picture(scene: Scene) -> tuple[NDArray[np.uint8], Camera]:
    """The mother from her front left, `(rows, columns, 3)`, and the camera."""
    low, high = scene.bounds()
    middle = 0.5 * (low.astype(np.float64) + high)
    camera = Camera(middle, _unit(_FRONT), 1.06 * float((high - low)[2]))
    return from_outside(scene, camera), camera


def cut_picture(scene: Scene) -> tuple[NDArray[np.uint8], Camera]:
    """The mother cut through the middle of her uterus, `(rows, columns, 3)`, and the camera."""
    label = scene.labels.get("amniotic_fluid", 0)
    fluid = scene.vertices[scene.faces[(scene.pairs == label).any(axis=1)]].reshape(-1, 3)
    low, high = (corner.astype(np.float64) for corner in (fluid.min(axis=0), fluid.max(axis=0)))
    middle = 0.5 * (low + high)
    camera = Camera(middle, _unit(_SIDE), 1.5 * float(np.linalg.norm((high - low)[1:])))
    return cut_open(scene, camera, middle, (1.0, 0.0, 0.0)), camera


def _portraits(figure: SubFigure, patient: Patient) -> None:
    """Outside, cut open, and in numbers."""
    scene = patient.scene()
    grid = figure.add_gridspec(1, 3, width_ratios=(1.0, 1.0, 0.75), wspace=0.02)
    grid.update(left=0.005, right=0.99, top=0.94, bottom=0.01)
    outside, cut, numbers = (figure.add_subplot(grid[0, k]) for k in range(3))
    picture, camera = outside_picture(scene)
    outside.imshow(picture)
    for index, view in enumerate(patient.views.values()):
        _mark_probe(outside, camera, view, str(index + 1))
    outside.set_title(f"{patient.name}, with the probe's places")
    cut.imshow(cut_picture(scene)[0])
    cut.set_title("cut open, fetus whole")
    for axes in (outside, cut, numbers):
        axes.set_axis_off()
    numbers.text(0.0, 0.98, _words(patient, scene), family="monospace", fontsize=10.5, va="top")


def _mark_probe(axes: Axes, camera: Camera, view: View, name: str) -> None:
    """A bar where the probe's face lies, with its number."""
    pose = view.pose()
    ends = [camera.pixel(pose[:3, 3] + side * 22.0 * pose[:3, 0]) for side in (-1.0, 1.0)]
    (x0, y0), (x1, y1) = ends
    axes.plot([x0, x1], [y0, y1], color=_RED, linewidth=3.0, solid_capstyle="round")
    style = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": _RED}
    axes.text(x1, y1, name, fontsize=8, ha="center", va="center", bbox=style)


def _words(patient: Patient, scene: Scene) -> str:
    """Parameters and biometry in lines."""
    filled, sizes = patient.parameters, biometry(patient)
    lines = [
        f"gestational age  {_age(filled.gestational_age)}",
        f"seed             {filled.seed}",
        f"presentation     {filled.presentation}, back {filled.back}",
        f"placenta         {filled.placenta}",
        f"amniotic fluid   index {patient.truth['amniotic_fluid_index']:.0f} mm",
        f"mother           fat {filled.fat:.0f} mm, bladder {filled.bladder_volume:.0f} ml",
        f"triangles        {scene.triangles:,}",
        "",
        f"{filled.law:<12}   mm  centile",
    ]
    for measure in ("BPD", "OFD", "HC", "AC", "FL"):
        entry = sizes[measure]
        lines.append(f"{measure:<8}  {entry['value']:7.1f}  {entry['centile']:7.0f}")
    lines.append(f"weight    {sizes['EFW']['value']:7.0f} g {sizes['EFW']['centile']:6.0f}")
    findings = [f"  {k.replace('_', ' ')}: {v:g}" for k, v in filled.findings.items()]
    return "\n".join([*lines, "", "findings", *(findings or ["  none"])])


def _age(weeks: float) -> str:
    days = round(weeks * 7)
    return f"{days // 7} weeks" + (f" {days % 7} days" if days % 7 else "")


def _plane(axes: Axes, frame: Frame, title: str) -> None:
    axes.imshow(frame.bmode, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    axes.set_title(title, fontsize=11)
    axes.set_axis_off()


def _unit(vector: Sequence[float]) -> NDArray[np.float64]:
    return np.array(vector) / np.linalg.norm(vector)

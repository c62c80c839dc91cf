"""Runs side by side on chosen frames, as one picture and as a page."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from insonate.data.files import replacing
from insonate.errors import InputError
from insonate.evaluation.candidates import RunCandidate
from insonate.evaluation.evaluate import Machine, open_runs, silent
from insonate.evaluation.held_out import same_data, trained_on
from insonate.evaluation.plan import Plan, Progress
from insonate.evaluation.report.page import document, picture_of, section, strip_html, svg_html
from insonate.evaluation.settings import EvaluationSettings
from insonate.evaluation.strips import Panel, Strip, make_strips

__all__ = ["check_picture", "compare", "draw_strips", "write_comparison"]

MOST = 64  # frames
_GAP, _LINE = 8, 18  # pixels
_PAPER, _INK, _SOFT, _FRAME = (16, 18, 22), (230, 232, 235), (152, 161, 173), (255, 196, 87)


def compare(
    folders: Sequence[Path],
    where: str,
    frames: Sequence[int] = (),
    settings: EvaluationSettings | None = None,
    machine: Machine | None = None,
    names: Sequence[str] = (),
    zoom: int = 0,
    progress: Progress = silent,
) -> list[Strip]:
    """Whole frames translated by every run, beside the untranslated input and the target.

    Args:
        folders: of the runs.
        where: folder or URL of a dataset of pairs.
        frames: numbers of frames, of whatever split; spread over the split when there are none.
        settings: whose split, unit and number of frames count; four of the split test when None.
        machine: that runs are loaded to.
        names: of the runs; those of the folders when there are none.
        zoom: side of the window that is enlarged [pixels], where the untranslated image is
            furthest from the target; 0 is none.
        progress: shows how far it is.

    Raises:
        InputError: no runs, a run without a checkpoint, data without arrays that are needed,
            frames that are not there, or a window that is no part of a frame.
    """
    settings = settings or EvaluationSettings(frames=4)
    count = len(frames) or settings.frames or MOST
    if count > MOST:
        raise InputError(f"frames: expected at most {MOST}, got {count}")
    runs = open_runs(folders, where, machine or Machine(), names)
    needed = [name for run in runs for name in run.about["inputs"]]
    chosen = dataclasses.replace(settings, frames=None if frames else count)
    plan = Plan(where, chosen, needed, frames or None)
    if zoom and not 8 <= zoom <= min(plan.shape):
        raise InputError(f"--zoom: expected 8 to {min(plan.shape)} pixels, got {zoom}")
    numbers = list(frames) or plan.numbers.tolist()
    strips = make_strips(plan, runs, numbers, progress, zoom)
    return [_with_warnings(strip, runs, plan) for strip in strips]


def _with_warnings(strip: Strip, runs: Sequence[RunCandidate], plan: Plan) -> Strip:
    """The strip, with the names of runs that were trained on the frame."""
    seen = [
        run.name for run in runs if same_data(run, plan) and strip.frame in trained_on(run, plan)
    ]
    if not seen:
        return strip
    return dataclasses.replace(strip, about=f"{strip.about}; trained on by {', '.join(seen)}")


def check_picture(path: Path) -> None:
    """See that a path names a PNG file, which the page beside it does not replace.

    Args:
        path: of the picture.

    Raises:
        InputError: another ending.
    """
    if path.suffix.lower() != ".png":
        raise InputError(f"--out: expected a file that ends with .png, got {path}")


def write_comparison(
    strips: Sequence[Strip], path: Path, width: int = 320, curves: Sequence[tuple[str, bytes]] = ()
) -> list[Path]:
    """Write a PNG file of all strips, and a page beside it with the same name.

    Args:
        strips: one a row.
        path: of the PNG file.
        width: of each picture in it [pixels].
        curves: drawings with their titles, as SVG, for the page.

    Raises:
        InputError: too narrow, not a PNG file, or a file cannot be written.
    """
    if not 64 <= width <= 2048:
        raise InputError(f"--width: expected 64 to 2048 pixels, got {width}")
    check_picture(path)
    page = path.with_suffix(".html")
    parts = [f"<header><h1>{len(strips)} frames side by side</h1></header>"]
    parts += [strip_html(strip) for strip in strips]
    if curves:
        drawn = "".join(svg_html(svg, title) for title, svg in curves)
        parts.append(section("Training", f'<div class="plots">{drawn}</div>'))
    with replacing(path) as beside:
        draw_strips(strips, width).save(beside, format="PNG")
    with replacing(page) as beside:
        beside.write_text(document("Comparison", parts), encoding="utf-8")
    return [path, page]


def draw_strips(strips: Sequence[Strip], width: int) -> Image.Image:
    """One picture of all strips, each picture in it so many pixels wide."""
    rows = [_draw_strip(strip, width) for strip in strips]
    sheet = Image.new(
        "RGB", (max(row.width for row in rows), sum(row.height for row in rows) + _GAP), _PAPER
    )
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def _draw_strip(strip: Strip, width: int) -> Image.Image:
    cells = [_draw_panel(panel, width, strip.zoom) for panel in strip.panels]
    high = max(cell.height for cell in cells)
    row = Image.new("RGB", (len(cells) * (width + _GAP) + _GAP, high + _LINE + 2 * _GAP), _PAPER)
    about = f"frame {strip.frame}  {strip.about}"
    ImageDraw.Draw(row).text((_GAP, _GAP), about, fill=_SOFT, font=_font())
    for k, cell in enumerate(cells):
        row.paste(cell, (_GAP + k * (width + _GAP), _LINE + 2 * _GAP))
    return row


def _draw_panel(panel: Panel, width: int, zoom: Any) -> Image.Image:
    """Name, picture, line below, and the enlarged window."""
    whole = _scaled(panel.image, width)
    high = whole.height + 2 * _LINE
    cell = Image.new("RGB", (width, high + (width + _GAP if zoom else 0)), _PAPER)
    draw = ImageDraw.Draw(cell)
    draw.text((0, 0), _fitting(panel.name, width), fill=_INK, font=_font(13))
    cell.paste(whole, (0, _LINE))
    draw.text((0, _LINE + whole.height + 2), _fitting(panel.caption, width), _SOFT, _font())
    if zoom is not None:
        scale = width / panel.image.shape[1]
        corners = (zoom.column, zoom.row, zoom.column + zoom.columns, zoom.row + zoom.rows)
        left, top, right, bottom = (round(scale * at) for at in corners)
        draw.rectangle((left, _LINE + top, right - 1, _LINE + bottom - 1), outline=_FRAME)
        cell.paste(_scaled(zoom.cut(panel.image), width), (0, high))
    return cell


def _scaled(image: NDArray[np.uint8], width: int) -> Image.Image:
    picture = picture_of(image, width)
    if picture.width < width:
        size = (width, max(round(picture.height * width / picture.width), 1))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return picture.convert("RGB")


def _fitting(text: str, width: int) -> str:
    """As much of a text as fits."""
    while text and _font(13).getlength(text) > width:
        text = text[:-2] + "\u2026"
    return text


def _font(size: int = 11) -> Any:
    return ImageFont.load_default(size)

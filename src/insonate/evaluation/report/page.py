"""Pieces of a page that stands alone: no script, no network, everything within one file."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from insonate.data.dataset import Window
from insonate.evaluation.strips import Panel, Strip
from insonate.evaluation.tables import Table

__all__ = [
    "Html", "card", "data_uri", "definitions", "document", "picture_of", "section", "strip_html",
    "svg_html", "table_html",
]  # fmt: skip

Html = str
#: Wider pictures are made smaller; larger ones are kept as JPEG [pixels].
_WIDEST, _MOST = 720, 200_000
#: Panels of a strip that stand in one row; more are shared by two.
_ACROSS = 6


def document(title: str, body: Iterable[Html]) -> Html:
    """A whole page."""
    style = resources.files("insonate.evaluation.report").joinpath("style.css")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{style.read_text('utf-8')}</style>",
            "</head><body>",
            *body,
            "</body></html>\n",
        ]
    )


def section(title: str, *parts: Html) -> Html:
    """A part of a page under its head."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def card(head: str, value: str, under: str) -> Html:
    """A number that is read first."""
    return (
        f'<div class="card"><span>{escape(head)}</span><b>{escape(value)}</b>'
        f"<span>{escape(under)}</span></div>"
    )


def table_html(table: Table) -> Html:
    """A table with its groups of columns."""
    firsts = {sum(len(subs) for _, subs in table.heads[:k]) for k in range(len(table.heads))}
    heads = "".join(
        f'<th class="group" colspan="{len(subs)}">{escape(head)}</th>' for head, subs in table.heads
    )
    subs = [sub for _, subs in table.heads for sub in subs]
    under = "".join(f"<th{_group(k in firsts)}>{escape(sub)}</th>" for k, sub in enumerate(subs))
    rows = []
    for name, cells in table.rows:
        shown = "".join(
            f'<td class="{"best " if c.best else ""}{"group" if k in firsts else ""}">'
            f"{escape(c.text)}</td>"
            for k, c in enumerate(cells)
        )
        rows.append(f"<tr><th>{escape(name)}</th>{shown}</tr>")
    second = f"<tr><th></th>{under}</tr>" if any(subs) else ""
    about = "".join(f'<p class="about">{escape(line)}</p>' for line in table.about)
    return (
        f'<div class="wide"><table><thead><tr><th></th>{heads}</tr>{second}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{about}"
    )


def _group(first: bool) -> str:
    return ' class="group"' if first else ""


def definitions(said: Mapping[str, Any]) -> Html:
    """Names and values."""
    pairs = (f"<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>" for k, v in said.items())
    return f"<dl>{''.join(pairs)}</dl>"


def strip_html(strip: Strip, title: str = "") -> Html:
    """A frame with all its panels, and the enlarged window of each."""
    rows = [strip.panels]
    if strip.zoom is not None:
        rows.append([_enlarged(panel, strip.zoom) for panel in strip.panels if not panel.is_map])
    count = len(strip.panels)
    across = f'style="--across:{count if count <= _ACROSS else -(-count // 2)}"'
    shown = (f'<div class="panels" {across}>{"".join(map(_panel_html, r))}</div>' for r in rows)
    head = f"{escape(title)} " if title else ""
    return (
        f'<div class="strip"><h3>{head}frame {strip.frame} <span>{escape(strip.about)}</span></h3>'
        f"{''.join(shown)}</div>"
    )


def _enlarged(panel: Panel, window: Window) -> Panel:
    return Panel(panel.name, window.cut(panel.image), "enlarged")


def _panel_html(panel: Panel) -> Html:
    return (
        f"<figure><b>{escape(panel.name)}</b>"
        f'<img alt="{escape(panel.name)}" src="{data_uri(panel.image)}">'
        f"<figcaption>{escape(panel.caption)}&nbsp;</figcaption></figure>"
    )


def data_uri(image: NDArray[np.uint8]) -> str:
    """A picture `(rows, columns)` or `(rows, columns, 3)` as an address that holds it."""
    shown = picture_of(image, _WIDEST)
    kind = "JPEG" if shown.width * shown.height > _MOST else "PNG"
    out = io.BytesIO()
    shown.save(out, kind, **({"quality": 90} if kind == "JPEG" else {"optimize": True}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


def picture_of(image: NDArray[np.uint8], widest: int) -> Image.Image:
    """A picture of an array, no wider than so many pixels."""
    picture = Image.fromarray(np.ascontiguousarray(image))
    if picture.width <= widest:
        return picture
    size = (widest, max(round(picture.height * widest / picture.width), 1))
    return picture.resize(size, Image.Resampling.LANCZOS)


def svg_html(svg: bytes, about: str) -> Html:
    """A drawing."""
    held = base64.b64encode(svg).decode()
    return f'<img alt="{escape(about)}" src="data:image/svg+xml;base64,{held}">'


def matrix_html(
    title: str, names: Sequence[str], cells: Mapping[tuple[str, str], tuple[float, str, str]]
) -> Html:
    """Every candidate of a row beside that of a column.

    Args:
        title: above.
        names: of the candidates.
        cells: by row and column: strength from -1, worse, to 1, better; text; line below.
    """
    heads = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = []
    for row in names:
        shown = "".join(_matrix_cell(cells.get((row, column))) for column in names)
        rows.append(f"<tr><th>{escape(row)}</th>{shown}</tr>")
    return (
        f"<div><h3>{escape(title)}</h3>"
        f'<div class="wide"><table class="matrix"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></div>"
    )


def _matrix_cell(cell: tuple[float, str, str] | None) -> Html:
    if cell is None:
        return '<td class="same"></td>'
    strength, text, below = cell
    color = "--good" if strength > 0 else "--bad"
    style = f"background:rgba(var({color}),{0.55 * abs(strength):.2f})"
    return f'<td style="{style}">{escape(text)}<small>{escape(below)}</small></td>'

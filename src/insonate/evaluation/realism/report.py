"""The report of an evaluation of realism: one page with tables, drawings and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from insonate.config import to_plain
from insonate.data.files import replacing
from insonate.evaluation.measures import Measure
from insonate.evaluation.realism.results import SIMULATED, Realism
from insonate.evaluation.realism.tables import content_table, realism_table, reals_in_words
from insonate.evaluation.report.figures import draw_distributions
from insonate.evaluation.report.page import (
    Html,
    card,
    definitions,
    document,
    section,
    strip_html,
    svg_html,
    table_html,
)
from insonate.evaluation.report.report import run_html, significance_matrix
from insonate.evaluation.strips import Strip

__all__ = ["chosen_by_content", "write_realism_report"]

_WAY = {"higher": "higher is better", "lower": "lower is better", "one": "1 is best"}
_MEASURED = (
    "Simulated frames are translated whole. SSIM is that between a frame and its translation, "
    "over its content, and falls with every change of texture, wanted or not. Distances are "
    "those of sets of images to real ones, and know nothing of content. The last row has real "
    "images beside other real ones: what the estimators make of no difference. Runs that are known "
    "to have been trained on these frames were refused; where a note says that this is open, it is."
)


def chosen_by_content(found: Realism, count: int = 2) -> list[int]:
    """Numbers of the frames with the worst, middle and best content, averaged over the runs.

    Args:
        found: to be shown.
        count: of each, at most.
    """
    name = found.columns[0].name
    rows = [row for row in found.rows if row.is_run]
    means = np.mean([np.nan_to_num(row.values[name]) for row in rows], axis=0)
    order = np.array(found.data["simulated"]["frames"])[np.argsort(means, kind="stable")].tolist()
    middle = max((len(order) - count) // 2, 0)
    chosen = [*order[-count:][::-1], *order[middle : middle + count], *order[:count]]
    return sorted(set(chosen)) if count else []


def write_realism_report(
    found: Realism, path: Path, strips: Sequence[Strip] = (), title: str = ""
) -> Path:
    """Write one HTML file that needs no other.

    Args:
        found: to be shown.
        path: of the file.
        strips: pictures of frames.
        title: of the page; of the data when empty.

    Raises:
        InputError: it cannot be written.
    """
    title = title or _title(found)
    parts = [_head(found, title), _tables(found), _distributions(found), _significance(found)]
    if strips:
        about = "<p>Whole frames, with the content SSIM of each translation below it.</p>"
        parts.append(section("Pictures", about, *(strip_html(strip) for strip in strips)))
    parts.append(_how(found))
    with replacing(path) as beside:
        beside.write_text(document(title, parts), encoding="utf-8")
    return path


def _title(found: Realism) -> str:
    names = [row.name for row in found.rows if row.is_run]
    what = names[0] if len(names) == 1 else f"{len(names)} runs"
    return f"{what} beside {Path(str(found.data['real']['data'])).name}"


def _head(found: Realism, title: str) -> Html:
    made = found.made_with
    under = (
        f"{len(found.data['simulated']['frames'])} simulated frames, split "
        f"{found.settings.split}; {made.get('date', '')}, insonate {made.get('insonate', '')}"
        f"{', commit ' + str(made['commit']) if 'commit' in made else ''}"
    )
    cards = "".join(_card(found, measure) for measure in found.measured)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in found.notes)
    return (
        f'<header><h1>{escape(title)}</h1><p class="soft">{escape(under)}</p>'
        f'<p class="soft">{escape(reals_in_words(found))}</p>'
        f'<div class="cards">{cards}</div>{notes}</header>'
    )


def _card(found: Realism, measure: Measure) -> Html:
    """The best run of a column, and what the untranslated simulation has."""
    scores = {row.name: found.score(row, measure) for row in found.rows}
    best = next(iter(found.best(measure)), None)
    score = None if best is None else scores[best]
    if best is None or score is None:
        return ""
    simulated = scores[SIMULATED]
    beside = "" if simulated is None else f", simulated {measure.text(simulated.summary().mean)}"
    return card(measure.title, measure.text(score.summary().mean), f"{best}{beside}")


def _tables(found: Realism) -> Html:
    columns = found.measured
    said = {measure.title: f"{measure.about}; {_WAY[measure.better]}" for measure in columns}
    about = f"<details><summary>What the columns are</summary>{definitions(said)}</details>"
    return section(
        "Realism", f"<p>{_MEASURED}</p>", table_html(realism_table(found)),
        f"<h3>{escape(content_table(found).title)}</h3>", table_html(content_table(found)), about,
    )  # fmt: skip


def _distributions(found: Realism) -> Html:
    drawings = []
    for column in (*found.columns, *found.sweeps):
        values = {row.name: row.values[column.name] for row in found.rows if row.values}
        if all(np.isfinite(of).any() for of in values.values()):
            drawings.append(svg_html(draw_distributions(column, values), column.title))
    about = (
        '<p class="about">Bars are quartiles, dots medians, strokes means; 1 to 99 % are shown.</p>'
    )
    return section("Distributions", f'<div class="plots">{"".join(drawings)}</div>', about)


def _significance(found: Realism) -> Html:
    names = [row.name for row in found.rows if row.values]
    shown = "".join(
        significance_matrix(found.differences, names, column, "frame") for column in found.columns
    )
    about = (
        "<p>Paired Wilcoxon signed-rank tests over frames, two-sided, of the row against the "
        "column. The number is the effect, 1 if the row is better in every frame; below it p, "
        "corrected for all pairs (Holm). Frames of one patient are not independent, so p is a "
        "lower bound. Distances of sets have intervals instead.</p>"
    )
    return section("Significance", about, f'<div class="matrices">{shown}</div>')


def _how(found: Realism) -> Html:
    data = {
        f"{side}: {key}": value
        for side in ("simulated", "real", "segmenter", "sweeps")
        for key, value in found.data[side].items()
        if key != "frames"
    }
    keys = {
        measure.title: ", ".join(sorted({s.key for row in found.rows
                                         if (s := found.score(row, measure)) is not None}))
        for measure in found.measured
    }  # fmt: skip
    return section(
        "How it was made",
        "<h3>Protocol</h3>", definitions(to_plain(found.settings)),
        "<h3>Data</h3>", definitions(data),
        "<h3>Made with</h3>", definitions(found.made_with),
        "<h3>Runs</h3>", *(run_html(row.name, row.about) for row in found.rows if row.is_run),
        "<h3>Keys of the scores</h3>",
        '<p class="about">Numbers with different keys cannot be compared.</p>', definitions(keys),
    )  # fmt: skip

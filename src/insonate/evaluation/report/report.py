"""The report of an evaluation: one page with tables, significance, drawings and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from insonate.config import to_plain
from insonate.data.files import replacing
from insonate.evaluation.candidates import LOW_QUALITY
from insonate.evaluation.differences import Difference, frame_means
from insonate.evaluation.measures import Measure
from insonate.evaluation.report.figures import draw_distributions
from insonate.evaluation.report.page import (
    Html,
    card,
    definitions,
    document,
    matrix_html,
    section,
    strip_html,
    svg_html,
    table_html,
)
from insonate.evaluation.results import Evaluation
from insonate.evaluation.significance import p_text
from insonate.evaluation.strips import Strip
from insonate.evaluation.tables import place_table, quality_table

__all__ = ["chosen_frames", "run_html", "significance_matrix", "write_report"]

#: Corrected p below which a difference counts.
LEVEL = 0.05


def chosen_frames(found: Evaluation, count: int = 2) -> list[tuple[str, int]]:
    """The worst, middle and best frames by SSIM, averaged over the runs; at most so many each.

    Returns:
        What they are, and their numbers, each once.
    """
    runs = [row for row in found.rows if row.name != LOW_QUALITY] or list(found.rows)
    frames = np.array([patch.frame for patch in found.patches])
    means = sum(frame_means(row.values["ssim"], frames) for row in runs)
    order = np.unique(frames)[np.argsort(np.asarray(means), kind="stable")].tolist()
    middle = max((len(order) - count) // 2, 0)
    groups = {
        "best": order[-count:][::-1],
        "median": order[middle : middle + count],
        "worst": order[:count],
    }
    found_once: dict[int, str] = {}
    for what, numbers in groups.items():
        for number in numbers:
            found_once.setdefault(number, what)
    return [(what, number) for number, what in found_once.items()]


def write_report(
    found: Evaluation, path: Path, strips: Sequence[tuple[str, Strip]] = (), title: str = ""
) -> Path:
    """Write one HTML file that needs no other.

    Args:
        found: to be shown.
        path: of the file.
        strips: pictures of frames, with what they are.
        title: of the page; of the data when empty.

    Raises:
        InputError: it cannot be written.
    """
    title = title or _title(found)
    parts = [_head(found, title), _tables(found), _distributions(found), _significance(found)]
    if strips:
        parts.append(_pictures(strips))
    parts.append(_how(found))
    with replacing(path) as beside:
        beside.write_text(document(title, parts), encoding="utf-8")
    return path


def _title(found: Evaluation) -> str:
    names = [row.name for row in found.rows if row.name != LOW_QUALITY]
    what = names[0] if len(names) == 1 else f"{len(names)} runs"
    return f"{what} on {Path(str(found.data['data'])).name}"


def _head(found: Evaluation, title: str) -> Html:
    data, made = found.data, found.made_with
    under = (
        f"{len(found.patches)} patches of {len(data['frames'])} frames, split "
        f"{found.settings.split}; {made.get('date', '')}, insonate {made.get('insonate', '')}"
        f"{', commit ' + str(made['commit']) if 'commit' in made else ''}"
    )
    shown = (m for m in (*found.measures, *found.distances) if m.short)
    cards = "".join(_card(found, measure) for measure in shown)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in found.notes)
    return (
        f'<header><h1>{escape(title)}</h1><p class="soft">{escape(under)}</p>'
        f'<div class="cards">{cards}</div>{notes}</header>'
    )


def _card(found: Evaluation, measure: Measure) -> Html:
    """The best candidate of a column, and what the untranslated input has."""
    scores = {row.name: found.score(row, measure) for row in found.rows}
    means = {name: score.summary().mean for name, score in scores.items() if score is not None}
    best = next((name for name in found.best(measure)), None)
    if best is None:
        return ""
    under = "" if best == LOW_QUALITY else f", low quality {measure.text(means[LOW_QUALITY])}"
    return card(measure.title, measure.text(means[best]), f"{best}{under}")


def _tables(found: Evaluation) -> Html:
    quality = section(
        "Quality", table_html(quality_table(found, full=True)), _about(found, quality=True)
    )
    if not found.places:
        return quality
    places = section(
        "Shadows and anatomy",
        "<p>Where in the frame: whether shadows come out, and the borders and levels of regions."
        "</p>",
        table_html(place_table(found)),
        _about(found, quality=False),
    )
    return quality + places


def _about(found: Evaluation, quality: bool) -> Html:
    columns = (*found.measures, *found.distances) if quality else found.places
    said = {measure.title: f"{measure.about}; {_WAY[measure.better]}" for measure in columns}
    return f"<details><summary>What the columns are</summary>{definitions(said)}</details>"


_WAY = {"higher": "higher is better", "lower": "lower is better", "one": "1 is best"}


def _distributions(found: Evaluation) -> Html:
    drawings = []
    for measure in (*found.measures, *found.places):
        values = {row.name: row.values[measure.name] for row in found.rows}
        if not all(np.isfinite(of).any() for of in values.values()):
            continue
        drawings.append(svg_html(draw_distributions(measure, values), measure.title))
    about = (
        '<p class="about">Bars are quartiles, dots medians, strokes means; 1 to 99 % are shown.</p>'
    )
    return section("Distributions", f'<div class="plots">{"".join(drawings)}</div>', about)


def _significance(found: Evaluation) -> Html:
    by = "frame" if found.settings.whole else "patch"
    first = "".join(_matrix(found, measure, by) for measure in found.measures)
    frames = "".join(
        _matrix(found, measure, "frame")
        for measure in (*(() if found.settings.whole else found.measures), *found.places)
    )
    about = (
        "<p>Paired Wilcoxon signed-rank tests, two-sided, of the candidate in a row against that "
        "in a column. The number is the effect, the matched-pairs rank biserial correlation: 1 if "
        "the row is better in every pair. Below it p, corrected for all pairs of candidates "
        f"(Holm); n.s. is p of {LEVEL:g} or more.</p>"
    )
    caution = (
        "<p>Patches of a frame are not independent of each other, which makes p of the papers' "
        "test too small. By frames, each with the mean of its patches:</p>"
    )
    parts = [about, f'<div class="matrices">{first}</div>']
    if frames:
        parts += ["" if found.settings.whole else caution, f'<div class="matrices">{frames}</div>']
    return section("Significance", *parts)


def significance_matrix(
    differences: Sequence[Difference], names: Sequence[str], measure: Measure, by: str
) -> Html:
    """Every candidate against every other in one measure; nothing if it was not tested.

    Args:
        differences: of all measures.
        names: of the candidates.
        measure: that is shown.
        by: patch or frame.
    """
    cells: dict[tuple[str, str], tuple[float, str, str]] = {}
    for d in differences:
        if d.measure == measure.name and d.by == by:
            sure = d.holm < LEVEL
            below = f"p {p_text(d.holm)}" if sure else "n.s."
            for pair, effect in (
                ((d.first, d.second), d.effect),
                ((d.second, d.first), -d.effect),
            ):
                cells[pair] = (effect if sure else 0.0, f"{effect:+.2f}", below)
    if not cells:
        return ""
    return matrix_html(f"{measure.title}, by {by}", names, cells)


def _matrix(found: Evaluation, measure: Measure, by: str) -> Html:
    names = [row.name for row in found.rows]
    return significance_matrix(found.differences, names, measure, by)


def _pictures(strips: Sequence[tuple[str, Strip]]) -> Html:
    about = (
        "<p>Whole frames, translated whole; best, median and worst by the mean SSIM of the runs. "
        "PSNR and SSIM below a picture are of its whole fan.</p>"
    )
    return section("Pictures", about, *(strip_html(strip, what) for what, strip in strips))


def _how(found: Evaluation) -> Html:
    data = {k: v for k, v in found.data.items() if k != "frames"}
    parts = [
        "<h3>Protocol</h3>", definitions(to_plain(found.settings)),
        "<h3>Data</h3>", definitions(data),
        "<h3>Made with</h3>", definitions(found.made_with),
        "<h3>Runs</h3>", *(run_html(row.name, row.about) for row in found.rows if row.about),
        "<h3>Keys of the scores</h3>",
        '<p class="about">Numbers with different keys cannot be compared.</p>',
        definitions(_keys(found)),
    ]  # fmt: skip
    return section("How it was made", *parts)


def run_html(name: str, about: Any) -> Html:
    """What is known of a run, folded, with its recipe."""
    short = {k: about.get(k) for k in ("method", "step", "weights", "inputs", "folder")}
    short["inputs"] = ", ".join(about.get("inputs", ()))
    versions = about.get("versions") or {}
    short |= {f"trained with {k}": versions[k] for k in ("commit", "device") if k in versions}
    return (
        f"<details><summary>{escape(name)}</summary>{definitions(short)}"
        f"<pre>{escape(str(about.get('recipe', '')))}</pre></details>"
    )


def _keys(found: Evaluation) -> dict[str, str]:
    keys = {}
    for measure in found.columns:
        scores = (found.score(row, measure) for row in found.rows)
        keys[measure.title] = ", ".join(sorted({score.key for score in scores if score}))
    return keys

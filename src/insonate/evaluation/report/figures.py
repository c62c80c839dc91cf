"""Drawings of a report: how values are distributed, how losses fell."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insonate.evaluation.measures import Measure

__all__ = ["COLORS", "draw_curves", "draw_distributions", "svg_of"]

#: Of candidates in order; the untranslated input is gray.
COLORS = ("#8a94a0", "#d08c3c", "#4f8fc0", "#1d7f7a", "#b0567a", "#7a6bb5", "#6f8f3d", "#444c56")
_INK, _SOFT = "#1d2430", "#5b6675"
Curve = tuple[Sequence[float], Sequence[float]]


def draw_distributions(measure: Measure, values: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Density of the values of every candidate with quartiles and mean, as SVG.

    Args:
        measure: that was taken.
        values: by candidate `(n,)`, in the measure's own unit; NaN is left out.
    """
    names = list(values)
    figure, axes = _figure(5.2, 0.7 + 0.36 * len(names))
    for place, name in enumerate(names):
        shown = values[name][np.isfinite(values[name])] * measure.scale
        if len(shown):
            _draw_density(axes, len(names) - 1 - place, shown, COLORS[place % len(COLORS)])
    axes.set_yticks(range(len(names)), reversed(names), parse_math=False)
    axes.set_xlabel(f"{measure.title}, {_WORDS[measure.better]}", parse_math=False)
    axes.grid(axis="x", alpha=0.25)
    return svg_of(figure)


_WORDS = {"higher": "higher is better", "lower": "lower is better", "one": "1 is best"}


def _draw_density(axes: Any, place: float, values: NDArray[np.float64], color: str) -> None:
    low, first, middle, third, high = np.percentile(values, (1, 25, 50, 75, 99))
    at = np.linspace(low, high, 120)
    width = max(0.9 * values.std() * len(values) ** -0.2, 1e-9)
    # of at most so many values, evenly picked from the sorted ones
    some = np.sort(values)[np.linspace(0, len(values) - 1, min(len(values), 800)).astype(int)]
    density = np.exp(-0.5 * ((at[:, None] - some) / width) ** 2).mean(1)
    if high > low:
        density *= 0.42 / density.max()
        axes.fill_between(at, place - density, place + density, color=color, alpha=0.35, lw=0)
    axes.plot([first, third], [place, place], color=color, lw=5, solid_capstyle="round")
    axes.plot([middle], [place], "o", color="white", ms=4, zorder=3)
    axes.plot([values.mean()], [place], "|", color=_INK, ms=11, mew=1.2, zorder=4)


def draw_curves(title: str, curves: Mapping[str, Curve]) -> bytes:
    """A curve of every run over steps of training, as SVG.

    Args:
        title: of the vertical axis.
        curves: by run: steps and values.
    """
    figure, axes = _figure(5.2, 2.8)
    for number, (run, (steps, values)) in enumerate(curves.items()):
        color = COLORS[(number + 1) % len(COLORS)]
        axes.plot(steps, values, color=color, lw=1.3, marker="." if len(steps) < 30 else "",
                  label=run)  # fmt: skip
    axes.set_xlabel("step")
    axes.set_ylabel(title, parse_math=False)
    axes.grid(alpha=0.25)
    for text in axes.legend(fontsize=7, frameon=False).get_texts():
        text.set_parse_math(False)
    return svg_of(figure)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    """An empty figure, width and height in inches, and its axes."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_SOFT)
    axes.tick_params(colors=_SOFT, labelcolor=_INK, labelsize=8)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)
    return figure, axes


def svg_of(figure: Any) -> bytes:
    """A figure as SVG with letters as letters, the same every time."""
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "insonate"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return out.getvalue()

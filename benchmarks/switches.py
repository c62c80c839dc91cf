"""What each choice of docs/reproducibility.rst changes: ConPres trained with one switch turned.

    python benchmarks/switches.py --data simulated.zarr --real real.zarr --out out/switches
    python benchmarks/switches.py ... --steps 500 --only up_order reinject --seeds 0 1 2
    python benchmarks/switches.py ... --docs    the table in docs/reproducibility.rst is rewritten

Runs that are there already are not trained again, and those that were stopped go on. All are
measured on the same held-out frames; one that diverges is told in its row.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from insonate.errors import InputError
from insonate.evaluation.evaluate import Machine
from insonate.evaluation.realism import Beside, Realism, RealismSettings, evaluate_realism
from insonate.evaluation.realism.results import SIMULATED
from insonate.recipe import Recipe, load_recipe
from insonate.recipe.experiment import train
from report import REPOSITORY, commit, machine, where

RECIPE = REPOSITORY / "recipes" / "conpres-tiny.yaml"
DOCS = REPOSITORY / "docs" / "reproducibility.rst"
BEGIN, END = ".. switches:begin", ".. switches:end"
#: Columns of the table; the first is better when it is higher, the second when it is lower.
COLUMNS = ("content_ssim", "kid")


@dataclass(frozen=True)
class Switch:
    """One choice, turned.

    Attributes:
        choice: its number in docs/reproducibility.rst; empty if it is no choice of ours.
        changes: of the recipe, by name.
    """

    choice: str
    changes: Mapping[str, str]

    @property
    def words(self) -> str:
        """The changes as one would write them."""
        return ", ".join(f"{name} {value}" for name, value in self.changes.items())


def _one(choice: str, name: str, value: str) -> Switch:
    return Switch(choice, {name: value})


#: As the recipe is, then by the order of the choices.
AS_IT_IS = "as-it-is"
SWITCHES = {
    AS_IT_IS: Switch("", {}),
    "flip": _one("C2", "batches.flip", "false"),
    "labels": _one("C3", "method.labels", "onehot"),
    "reinject": _one("C4", "method.reinject", "true"),
    "up_order": _one("C6", "method.up_order", "upsample_conv"),
    "padding": _one("C7", "method.padding", "zeros"),
    "class_head": _one("C9", "method.class_head", "gap"),
    "nce_first": _one("C10", "method.nce_first", "stem"),
    "gan_loss": _one("C11", "method.gan_loss", "bce"),
    "nce_sum": _one("C12", "method.nce_sum", "true"),
    "nce_reduction": _one("C12", "method.nce_reduction", "sum"),
    "consistent_when": _one("C14", "method.consistent_when", "both_real"),
    "consistent_as": _one("C14", "method.consistent_as", "drawn"),
    "focus": _one("C15", "method.focus", "0"),
    "clip": _one("C16", "training.clip", "1"),
    "lr": Switch("C17", {"method.adam.lr": "2e-4", "method.discriminator_adam.lr": "2e-4"}),
    "size": _one("C18", "batches.size", "1"),
    "cycle": _one("", "method.cycle", "10"),
    "consistency": _one("", "method.consistency", "0"),
    "classification": _one("", "method.classification", "0"),
    "nce": _one("", "method.nce", "0"),
    "masks": _one("", "method.masks", "none"),
    "ema": _one("", "training.ema", "0"),
}


def recipe_of(switch: Switch, steps: int | None, seed: int) -> Recipe:
    """The recipe with a switch turned; its schedule, in epochs, fits its steps and batches."""
    changes = {**switch.changes, "training.seed": str(seed)}
    recipe = load_recipe(RECIPE, list(changes.items()))
    training = recipe.training
    steps = steps or training.steps
    share = steps / training.steps * recipe.batches.size / load_recipe(RECIPE).batches.size
    schedule = training.schedule
    if schedule.kind == "linear":
        hold, decay = (max(1, round(share * each)) for each in (schedule.hold, schedule.decay))
        schedule = dataclasses.replace(schedule, hold=hold, decay=decay)
    every = min(training.checkpoint_every, steps)
    training = dataclasses.replace(
        training, steps=steps, schedule=schedule, checkpoint_every=every, validate_every=steps
    )
    return dataclasses.replace(recipe, training=training)


def trained(given: argparse.Namespace) -> tuple[dict[str, Path], dict[str, str]]:
    """Folders of runs by name, and what went wrong with others."""
    runs, failed = {}, {}
    for seed in given.seeds:
        for name in given.only:
            run, out = f"{name}-{seed}", given.out / f"{name}-{seed}"
            recipe = recipe_of(SWITCHES[name], given.steps, seed)
            try:
                train(recipe, given.data, out, given.real, given.device, silent=given.json)
                runs[run] = out
            except InputError as error:
                if "diverged" not in str(error):
                    raise
                failed[run] = str(error).split(";")[0]
    return runs, failed


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """What `--json` prints: settings, and by switch and seed what was found or went wrong."""
    on = machine(given.device)
    runs, failed = trained(given)
    settings = RealismSettings(frames=given.frames, real_frames=given.frames)
    found = evaluate_realism(
        list(runs.values()), given.data, Beside(given.real, steps=0), settings,
        Machine(given.device), list(runs),
    )  # fmt: skip
    steps = recipe_of(SWITCHES[AS_IT_IS], given.steps, 0).training.steps
    return {
        "commit": commit(), "machine": on, "steps": steps, "seeds": given.seeds,
        "names": given.only, "failed": failed, "simulated": len(found.data["simulated"]["frames"]),
        "real": len(found.data["real"]["frames"]), "window": found.data["window"],
        "features": settings.features,
        "columns": {c.name: [c.title, c.digits] for c in found.measured if c.name in COLUMNS},
        "scores": {row.name: _scores(found, row.name) for row in found.rows},
    }  # fmt: skip


def _scores(found: Realism, name: str) -> dict[str, float]:
    """Means of a row in the columns of the table, in their units."""
    row = next(row for row in found.rows if row.name == name)
    scores = {c: found.score(row, c) for c in found.measured if c.name in COLUMNS}
    return {c.name: c.scale * float(s.values.mean()) for c, s in scores.items() if s}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    heads, *rows = _rows(result)
    lines = [_about(result), "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def restructured(result: dict[str, Any]) -> str:
    """The result as reStructuredText, for the docs."""
    lines = [_about(result), "", ".. list-table::", "   :header-rows: 1", ""]
    for row in _rows(result):
        lines += [f"   {'* -' if not number else '  -'} {cell}" for number, cell in enumerate(row)]
    return "\n".join(lines)


def _about(result: dict[str, Any]) -> str:
    seeds = len(result["seeds"])
    said = "mean and range of seeds" if seeds > 1 else "one seed"
    return (
        f"conpres-tiny, {result['steps']:,} steps, {said} "
        f"({', '.join(map(str, result['seeds']))}); {result['simulated']} simulated and "
        f"{result['real']} real held-out frames, windows of {result['window']} pixels, features "
        f"{result['features']}. {where(result['machine'])}, commit {result['commit']}."
    )


def _rows(result: dict[str, Any]) -> list[list[str]]:
    """Cells by row: heads, the untranslated simulation, the recipe as it is, every switch."""
    columns, scores, failed = result["columns"], result["scores"], result["failed"]

    def cells(runs: Sequence[str]) -> list[str]:
        found = [scores[run] for run in runs if run in scores]
        return [
            _cell([each[name] for each in found if name in each], digits)
            for name, (_, digits) in columns.items()
        ]

    rows = [["choice", "changed", *(title for title, _ in columns.values())]]
    rows.append(["", "untranslated", *cells([SIMULATED])])
    for name in result["names"]:
        switch, runs = SWITCHES[name], [f"{name}-{seed}" for seed in result["seeds"]]
        words = [switch.words or "as it is", *(failed[run] for run in runs if run in failed)]
        rows.append([switch.choice, "; ".join(words), *cells(runs)])
    return rows


def _cell(values: Sequence[float], digits: int) -> str:
    if not values:
        return "n/a"
    around = f" ({min(values):.{digits}f} to {max(values):.{digits}f})" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{around}"


def write_docs(text: str) -> None:
    """Put a table between the marks of docs/reproducibility.rst."""
    whole = DOCS.read_text(encoding="utf-8")
    if BEGIN not in whole or END not in whole:
        raise SystemExit(f"{DOCS.name}: the marks '{BEGIN}' and '{END}' are missing")
    before, rest = whole.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    DOCS.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="dataset of simulated frames")
    parser.add_argument("--real", required=True, help="dataset of real frames")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--steps", type=int, default=None, help="of a run; the recipe's if none")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=SWITCHES, default=list(SWITCHES))
    parser.add_argument("--frames", type=int, default=None, help="of each dataset, at most so many")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--docs", action="store_true", help="rewrite the table in the docs")
    given = parser.parse_args()
    try:
        result = measure(given)
    except InputError as error:
        raise SystemExit(f"switches: {error}") from error
    print(json.dumps(result) if given.json else table(result))
    if given.docs:
        write_docs(restructured(result))


if __name__ == "__main__":
    main()

"""Whether a fetus is as large as the growth formula says, measured on its triangles.

    python benchmarks/biometry.py                 a table, every week from 14 to 40
    python benchmarks/biometry.py --law hadlock   by another law
    python benchmarks/biometry.py --json          one JSON object
    python benchmarks/biometry.py --readme        the summary in README.md is rewritten

The fetus is the median one; its skin, head and legs are meshed alone, and sections and lines
through the triangles are measured as a sonographer would (`insonate.anatomy.patient.measure`).
Ends with an error if BPD, OFD, AC or FL deviate by more than 1 %, or HC by more than 2 %.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace

from insonate.anatomy.fetus.body import fetal_landmarks, fetal_outline, fetal_planes
from insonate.anatomy.fetus.head import head_groups
from insonate.anatomy.fetus.limbs import limb_groups
from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.fetus.settle import settle
from insonate.anatomy.implicit import Group, Part
from insonate.anatomy.implicit.mesh import mesh_groups
from insonate.anatomy.patient.measure import measure_surfaces
from insonate.anatomy.patient.parameters import Parameters, fetal_plan, fill
from insonate.biometry import LAWS, load_law
from report import write_table

MEASURES = ("BPD", "OFD", "HC", "AC", "FL")
#: Largest error allowed [%].
ALLOWED = {"BPD": 1.0, "OFD": 1.0, "HC": 2.0, "AC": 1.0, "FL": 1.0}
#: Spacing of the lattice over the abdomen's radius.
SPACING = 0.04


def median_fetus(weeks: float, law: str) -> Plan:
    """The fetus whose measures are all at the fiftieth centile, its limbs settled."""
    head = ("HC",) if law == "hadlock" else ("BPD", "OFD")
    centiles = {measure: 50.0 for measure in (*head, "AC", "FL")}
    given = Parameters(gestational_age=weeks, law=law, centiles=centiles, flexion=0.5)
    return settle(fetal_plan(fill(given)))


def measure_fetus(plan: Plan) -> dict[str, float]:
    """Calipers [mm] on a fetus of which only what is measured has been meshed."""
    skin = Group("skin", "outside", (Part("fetal_skin", fetal_outline(plan, "skin")),))
    legs = [group for group in limb_groups(plan) if group.name.startswith("fetal_leg")]
    inner = [replace(g, inside="fetal_skin", fineness=0.7 * g.fineness) for g in legs] + [
        replace(g, inside=g.inside.replace("fetal_soft_tissue", "fetal_skin"))
        for g in head_groups(plan)
    ]
    surfaces = mesh_groups((skin, *inner), SPACING * plan.sizes.trunk_radius)
    return measure_surfaces(surfaces, fetal_planes(plan), fetal_landmarks(plan))


def row(weeks: float, law: str) -> dict[str, dict[str, float]]:
    """Formula [mm], mesh [mm] and error [%] by measure."""
    found = measure_fetus(median_fetus(weeks, law))
    if law == "hadlock":  # who measured from the outer to the inner table
        found["BPD"] = found["BPD_inner"]
    measures = [m for m in MEASURES if law != "hadlock" or m != "OFD"]  # he gave none
    expected = {m: load_law(law).mean(m, weeks) for m in measures}
    return {
        m: {
            "formula": round(expected[m], 2),
            "mesh": round(found[m], 2),
            "error": round(100.0 * (found[m] / expected[m] - 1.0), 2),
        }
        for m in measures
    }


def worst(rows: dict[float, dict[str, dict[str, float]]]) -> dict[str, tuple[float, float]]:
    """By measure the error that is largest [%], and the week where it is."""
    return {
        m: max(((r[m]["error"], week) for week, r in rows.items()), key=lambda e: abs(e[0]))
        for m in next(iter(rows.values()))
    }


def table(rows: dict[float, dict[str, dict[str, float]]]) -> str:
    """Formula / mesh [mm] and error [%], a line for each week."""
    measures = next(iter(rows.values()))
    lines = ["| weeks | " + " | ".join(measures) + " |", "|---" * (len(measures) + 1) + "|"]
    for week, measured in rows.items():
        cells = [
            f"{m['formula']:.1f} / {m['mesh']:.1f} ({m['error']:+.2f} %)" for m in measured.values()
        ]
        lines.append(f"| {week:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(rows: dict[float, dict[str, dict[str, float]]], law: str) -> str:
    """One line for the README."""
    errors = ", ".join(f"{m} {e:+.2f} % (week {week:g})" for m, (e, week) in worst(rows).items())
    first, last = min(rows), max(rows)
    return (
        f"Largest deviation of the meshes from the formulas of {LAWS[law].source.split(':')[0]}, "
        f"weeks {first:g} to {last:g}: {errors}."
    )


def run(weeks: Iterable[float], law: str, quiet: bool) -> dict[float, dict[str, dict[str, float]]]:
    rows = {}
    for week in weeks:
        rows[week] = row(week, law)
        if not quiet:
            print(table({week: rows[week]}).splitlines()[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--readme", action="store_true", help="rewrite the summary in README.md")
    parser.add_argument("--law", default="intergrowth", choices=list(LAWS))
    parser.add_argument("--weeks", type=float, nargs="*", default=[float(w) for w in range(14, 41)])
    options = parser.parse_args()
    rows = run(options.weeks, options.law, options.json)
    if options.readme:
        write_table("biometry", summary(rows, options.law))
    if options.json:
        print(json.dumps({"law": options.law, "weeks": rows, "worst": worst(rows)}))
    else:
        print(summary(rows, options.law))
    missed = [m for m, (error, _) in worst(rows).items() if abs(error) > ALLOWED[m]]
    if missed:
        sys.exit(f"more than allowed: {', '.join(missed)}")


if __name__ == "__main__":
    main()

"""The table of realism in the README: seeds of one recipe are one row."""

import argparse
import dataclasses
import sys
from pathlib import Path

import pytest
from realism_data import make_real, make_simulated

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from evaluated import make_run, tiny

import realism


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    data, real = make_simulated(folder / "s.zarr"), make_real(folder / "r.zarr")
    training = tiny().training
    runs = [
        make_run(data, folder / f"m-{seed}", training=dataclasses.replace(training, seed=seed))
        for seed in (1, 2)
    ]
    runs.append(make_run(data, folder / "msa-1", "MSA"))
    given = argparse.Namespace(
        data=data, real=real, runs=runs, names=[], sweep=None, segmenter=None, segmenter_steps=0,
        features="random", frames=None, real_frames=None, device="cpu", out=None,
    )  # fmt: skip
    return realism.measure(given)


def test_seeds_of_one_recipe_are_one_row(measured):
    found, _ = measured
    names = {name: [row.name for row in rows] for name, rows in realism.groups(found.rows).items()}
    assert names == {
        "simulated": ["simulated"], "m": ["m-1", "m-2"], "msa-1": ["msa-1"],
        "real (other half)": ["real (other half)"],
    }  # fmt: skip


def test_the_table_has_medians_and_factors(measured):
    found, result = measured
    lines = realism.table(found, result).splitlines()
    row = next(line for line in lines if line.startswith("| m (2 seeds) |"))
    means = sorted(found.score(r, found.distances[0]).values.mean() for r in found.rows[1:3])
    text = found.distances[0].text
    assert f"{text(sum(means) / 2)} ({text(means[0])} to {text(means[1])})" in row
    assert "10 held-out simulated frames of 64 x 80 pixels beside 10" in lines[0]
    assert lines[-1].startswith("Nearer to real images than the simulation: m: FID, random ")
    assert "msa-1: " in lines[-1]

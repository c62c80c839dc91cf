"""The table of the README: names of runs, and the line on shadows and anatomy."""

import argparse
import sys
from pathlib import Path

import pytest
from evaluated import make_pairs, make_run

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import quality


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quality")
    data = make_pairs(folder / "pairs.zarr")
    names = {"l2h-m-tiny": "M", "l2h-ms-tiny": "MS", "l2h-msa-tiny": "MSA", "mine": "MSA"}
    runs = [make_run(data, folder / name, inputs) for name, inputs in names.items()]
    given = argparse.Namespace(data=data, runs=runs, names=[], frames=None, device="cpu", out=None)
    return quality.measure(given)


def test_unknown_runs_keep_the_names_of_their_folders(measured):
    found, _ = measured
    assert [row.name for row in found.rows] == [
        "low quality", "L2H, M", "L2H, MS", "L2H, MSA", "mine"
    ]  # fmt: skip


def test_it_ends_with_shadows_and_anatomy(measured):
    found, result = measured
    last = quality.table(found, result).splitlines()[-1]
    assert last.startswith("Shadows and anatomy of L2H, MSA, beside L2H, M: in shadow ")
    # these small frames have too few regions for the levels of regions
    for words in ("; beside L2H, MS: in shadow ", "level in shadow ", "at borders "):
        assert words in last
    (test,) = [d for d in found.differences if (d.measure, d.first, d.second)
               == ("shadow_level", "L2H, M", "L2H, MSA")]  # fmt: skip
    sure = f"p {test.holm:.0e}" if test.holm < 0.05 else "not significant"
    assert f"level in shadow {-test.difference:+.2f} ({sure})" in last

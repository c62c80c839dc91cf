"""A real patient from the command line, of less detail: built once, kept, rendered, measured."""

import json

import numpy as np
import pytest
from PIL import Image

from insonate.cli import main

SMALL = ["--set", "display.rows=240", "--set", "probe.scanlines=128", "--format", "png"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of the patient that ships, at less detail."""
    out = tmp_path_factory.mktemp("patient")
    words = ["patient", "--ga", "22", "--seed", "7", "--detail", "250000", "--no-preview"]
    assert main([*words, "--format", "none", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def known(folder):
    return json.loads((folder / "patient.json").read_text())


def test_a_patient_has_about_the_triangles_that_were_asked_for(known):
    assert 180_000 < known["triangles"]["total"] < 350_000
    assert known["triangles"]["fetus"] > 0.4 * known["triangles"]["total"]


def test_a_patient_is_within_the_centiles(known):
    for measure in ("BPD", "OFD", "HC", "AC", "FL"):
        assert 1.0 < known["biometry"][measure]["centile"] < 99.0, measure


@pytest.mark.parametrize("view", ["transthalamic", "abdominal_circumference", "femur"])
def test_a_plane_of_the_demo_shows_what_defines_it(folder, known, tmp_path, view):
    words = ["render", str(folder / "patient.json"), "--view", view, "--out", str(tmp_path)]
    assert main([*words, *SMALL]) == 0
    regions = json.loads((tmp_path / "frames.json").read_text())["regions"]
    with Image.open(tmp_path / "labels.png") as image:
        seen = {regions[label] for label in np.unique(np.asarray(image))}
    names = [name for name in known["views"] if name in (view, f"{view}_left", f"{view}_right")]
    missing = [sorted(set(known["planes"][name]["shows"]) - seen) for name in names]
    assert [] in missing
    with Image.open(tmp_path / "bmode.png") as image:
        assert 10.0 < np.asarray(image).mean() < 120.0


def test_a_film_moves_and_is_the_same_again(folder, tmp_path):
    words = ["render", str(folder / "patient.json"), "--film", "0.12"]
    for name in ("one", "two"):
        assert main([*words, *SMALL, "--out", str(tmp_path / name)]) == 0
    films = [
        [path.read_bytes() for path in sorted((tmp_path / name / "bmode").iterdir())]
        for name in ("one", "two")
    ]
    assert len(films[0]) == 3 == len(set(films[0]))
    assert films[0] == films[1]

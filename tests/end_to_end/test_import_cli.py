"""`insonate import` as a user runs it: a folder of pictures, HC18 as it stands, DICOM."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from insonate.cli import main
from insonate.data.dataset import Dataset

pytest.importorskip("zarr")
DATA = Path(__file__).parents[2].parent / "shared" / "data"
HC18 = DATA / "hc18"
hc18 = pytest.mark.skipif(not HC18.exists(), reason="real data are not here")


def some_of_hc18(folder, every):
    """A part of HC18, laid out as it stands."""
    with (HC18 / "index.csv").open(newline="") as file:
        head, *rows = list(csv.reader(file))
    rows = rows[::every]
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
        for name in (row[0] for row in rows):
            if (HC18 / kind / f"{name}.png").exists():
                shutil.copy(HC18 / kind / f"{name}.png", folder / kind)
    with (folder / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def check_hc18(data, rows):
    """Spacing, circumference and labels of every frame against table and masks."""
    assert len(data) == len(rows)
    assert data.attributes.regions == ("background", "fetal_head", "unlabelled")
    for k in range(len(data)):
        said = data.metadata(k)
        row = rows[said["name"]]
        labels, (down, across) = data.raw("labels", k), data.raw("spacing", k)
        if not row["full_pixel_mm"]:
            assert np.isnan([down, across]).all()
            assert labels[: said["crop"][3], : said["crop"][2]].min() == 2
            continue
        full = float(row["full_pixel_mm"]) * float(row["full_width_px"])
        assert across == pytest.approx(full / float(row["width_px"]))
        assert said["head_circumference_mm"] == float(row["head_circumference_mm"])
        # the ellipse that the mask shows has the circumference that the table says
        at = np.argwhere(labels == 1) * [down, across]
        a, b = 2.0 * np.sqrt(np.linalg.eigvalsh(np.cov(at.T)))
        h = ((a - b) / (a + b)) ** 2
        around = np.pi * (a + b) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))  # Ramanujan
        # some heads reach beyond the picture, which cuts their masks
        assert around < 1.03 * said["head_circumference_mm"]
        assert around > 0.85 * said["head_circumference_mm"]


@hc18
def test_a_part_of_hc18(tmp_path, capsys):
    rows = some_of_hc18(tmp_path / "hc18", every=60)
    out = tmp_path / "hc18.zarr"
    assert (
        main(["import", str(tmp_path / "hc18"), "--out", str(out), "--licence", "CC BY 4.0"]) == 0
    )
    said = capsys.readouterr().out
    assert "taken for HC18" in said
    assert "split by patient, none is in two splits" in said
    data = Dataset(out)
    check_hc18(data, rows)
    assert data.attributes.licence == "CC BY 4.0"
    assert data.attributes.provenance == "HC18"


@hc18
@pytest.mark.slow
def test_hc18_as_it_stands(tmp_path):
    out = tmp_path / "hc18.zarr"
    assert main(["import", str(HC18), "--out", str(out)]) == 0
    data = Dataset(out)
    assert len(data) == 1135
    with (HC18 / "index.csv").open(newline="") as file:
        check_hc18(data, {row["name"]: row for row in csv.DictReader(file)})
    patients = {}
    for k in range(len(data)):
        patients.setdefault(data.metadata(k)["patient"], set()).add(int(data.raw("split", k)))
    assert all(len(splits) == 1 for splits in patients.values())


@hc18
def test_the_same_picture_small_and_full_has_the_same_millimetres(tmp_path):
    """The table speaks of the full image: a spacing that is not scaled would be off by 2.26."""
    rows = some_of_hc18(tmp_path / "hc18", every=200)
    assert main(["import", str(tmp_path / "hc18"), "--out", str(tmp_path / "a.zarr"),
                 "--size", "120x177"]) == 0  # fmt: skip
    data = Dataset(tmp_path / "a.zarr")
    for k in range(len(data)):
        row = rows[data.metadata(k)["name"]]
        if row["full_pixel_mm"]:
            _, _, columns, _ = data.metadata(k)["crop"]
            wide = data.raw("spacing", k)[1] * np.flatnonzero(data.raw("mask", k).any(0))[-1]
            part = columns / float(row["width_px"])
            full = float(row["full_pixel_mm"]) * float(row["full_width_px"])
            assert wide <= 1.01 * part * full
            assert wide > 0.8 * part * full


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--crop", "1,2,3"], "--crop: expected auto, none or X,Y,W,H"),
        (["--crop", "1,2,0,5"], "--crop: expected auto, none or X,Y,W,H"),
        (["--size", "0x5"], "--size: expected ROWSxCOLUMNS"),
        (["--size", "20000x20000"], "rows: expected 1 to 16384"),
        (["--shares", "0.5", "0.1", "0.1"], "shares: expected numbers from 0 that sum to 1"),
        (["--split", "patient"], "--split patient: not known for 1 of 1 frames"),
        (["--largest", "0"], "--largest: expected 1 to 1000 megapixels"),
        (["--mask", "nowhere"], "--mask nowhere: no such folder"),
    ],
)
def test_bad_words_end_in_one_line(tmp_path, capsys, words, said):
    (tmp_path / "in").mkdir()
    Image.fromarray(np.full((20, 30), 9, np.uint8)).save(tmp_path / "in" / "a.png")
    out = tmp_path / "out.zarr"
    assert main(["import", str(tmp_path / "in"), "--out", str(out), *words]) != 0
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_what_is_there_is_not_overwritten(tmp_path, capsys):
    Image.fromarray(np.full((20, 30), 9, np.uint8)).save(tmp_path / "a.png")
    words = ["import", str(tmp_path / "a.png"), "--out", str(tmp_path / "out.zarr")]
    assert main(words) == 0
    assert main(words) != 0
    assert "exists already" in capsys.readouterr().err
    assert len(Dataset(tmp_path / "out.zarr")) == 1


def test_help_imports_nothing_heavy():
    program = (
        "import sys, insonate.cli.import_data\n"
        "print([m for m in ('zarr', 'pydicom', 'SimpleITK', 'scipy', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr

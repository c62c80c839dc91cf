"""Pages and pictures: they stand alone, hold what was measured, and escape every name."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from evaluated import COLUMNS, ROWS, make_pairs, make_run
from PIL import Image

from insonate.data.dataset import Window
from insonate.errors import InputError
from insonate.evaluation import EvaluationSettings, compare, evaluate, write_comparison
from insonate.evaluation.curves import read_curves, training_curves
from insonate.evaluation.measures import Measure
from insonate.evaluation.report import chosen_frames, write_report
from insonate.evaluation.report.figures import draw_curves, draw_distributions
from insonate.evaluation.report.page import data_uri
from insonate.evaluation.strips import worst_window

NAME = 'M <b onclick="x">&'


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("pairs") / "pairs.zarr")


@pytest.fixture(scope="module")
def run(data):
    return make_run(data, Path(data).parent / "m")


@pytest.fixture(scope="module")
def found(data, run):
    return evaluate([run], data, EvaluationSettings(crop=32), names=(NAME,))


class Reader(HTMLParser):
    """What is open and was never closed, what a page fetches, and its words."""

    EMPTY = ("meta", "img", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.tags, self.words = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def test_the_report_stands_alone(found, data, run, tmp_path):
    frames = chosen_frames(found, 1)
    strips = compare([run], data, [n for _, n in frames], names=(NAME,), zoom=16)
    named = [(what, strip) for (what, _), strip in zip(frames, strips, strict=True)]
    path = write_report(found, tmp_path / "report.html", named, "A <title>")
    text = path.read_text(encoding="utf-8")
    page = Reader(text)
    assert page.open == []
    assert "script" not in page.tags
    assert page.addresses
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", text)
    assert NAME in page.words
    assert "A <title>" in page.words
    score = found.score(found.rows[1], found.measures[0])
    assert f"{score.summary().mean:.2f}" in page.words
    # best, median, worst: low, run, target, labels, attenuation, and three enlarged
    assert page.tags.count("figure") == len(frames) * 8
    assert "KID-random" in page.words
    assert "fidelity: 100.0" in page.words  # the recipe


def test_best_median_and_worst(found):
    frames = np.array([patch.frame for patch in found.patches])
    fake = {8: 0.9, 9: 0.2, 10: 0.5, 11: 0.7}
    values = dict(found.rows[1].values) | {"ssim": np.array([fake[n] for n in frames])}
    rows = [found.rows[0], dataclasses.replace(found.rows[1], values=values)]
    changed = dataclasses.replace(found, rows=rows)
    assert chosen_frames(changed, 1) == [("best", 8), ("median", 10), ("worst", 9)]
    assert [n for _, n in chosen_frames(changed, 2)] == [8, 11, 10, 9]


def test_a_comparison(data, run, tmp_path):
    strips = compare([run], data, frames=(0, 9), names=("M",), zoom=16)
    assert [strip.frame for strip in strips] == [0, 9]
    assert strips[0].about == "train, patient 0; trained on by M"
    assert strips[1].about == "test, patient 4"
    names = [panel.name for panel in strips[0].panels]
    assert names == ["low quality", "M", "target", "labels", "attenuation"]
    assert strips[0].panels[2].caption == ""
    assert re.fullmatch(r"\d+\.\d\d dB, SSIM -?\d+\.\d %", strips[0].panels[0].caption)
    png, page = write_comparison(strips, tmp_path / "new" / "c.png", width=100)
    with Image.open(png) as picture:
        assert picture.width == 5 * 108 + 8
        assert picture.height > 2 * (100 * ROWS // COLUMNS + 100)
    assert Reader(page.read_text(encoding="utf-8")).open == []


@pytest.mark.parametrize("name", ["c.html", "c.jpg", "c"])
def test_only_png_files(name, tmp_path):
    with pytest.raises(InputError, match=r"--out: expected a file that ends with \.png, got .*c"):
        write_comparison([], tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_frames_are_spread_over_the_split(data, run):
    strips = compare([run], data, settings=EvaluationSettings(frames=2))
    assert [strip.frame for strip in strips] == [8, 11]


def test_the_window_is_where_the_input_is_furthest_off():
    low, target = np.zeros((40, 50), np.uint8), np.zeros((40, 50), np.uint8)
    target[22:30, 31:39] = 200
    low[:, :8] = 255  # outside of the fan
    fan = np.ones((40, 50), bool)
    fan[:, :8] = False
    window = worst_window({"low quality": low, "target": target}, fan, 8)
    assert window == Window(22, 31, 8, 8)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"frames": (99,)}, "frames: expected 0 to 11"),
        ({"frames": range(65)}, "frames: expected at most 64, got 65"),
        ({"zoom": 70}, "--zoom: expected 8 to 64 pixels, got 70"),
    ],
)
def test_what_cannot_be_compared(data, run, given, words):
    with pytest.raises(InputError, match=words):
        compare([run], data, **given)


def test_curves_are_those_of_the_log(run):
    curves = read_curves(run)
    steps, values = curves["losses generator.fidelity"]
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert steps == [1.0, 2.0]
    assert values[0] == lines[0]["losses"]["generator.fidelity"]
    drawn = dict(training_curves([run], ["M"]))
    assert drawn.keys() == curves.keys()
    assert b"losses generator.fidelity" in drawn["losses generator.fidelity"]


@pytest.mark.parametrize("name", ["a$x^$b", "$\\frac{$", "$1$"])
def test_names_are_no_formulas(name):
    measure = Measure(name="x", title="X $^$", better="higher")
    assert name.encode() in draw_distributions(measure, {name: np.linspace(0.0, 1.0, 50)})
    assert name.encode() in draw_curves("losses $^$", {name: ([1.0, 2.0], [3.0, 4.0])})


def test_a_log_that_is_broken(tmp_path):
    with pytest.raises(InputError, match=r"log\.jsonl: no log to draw curves of"):
        read_curves(tmp_path)
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1, "losses": {"a": 2.0}}\n{"step": 2, "lo')
    assert read_curves(tmp_path) == {"losses a": ([1.0], [2.0])}  # one that is being written
    log.write_text('{"step": 1}\n[]\n{"step": 2}\n')
    with pytest.raises(InputError, match="line 2: expected JSON with a step"):
        read_curves(tmp_path)


def test_drawings_are_the_same_every_time():
    measure = Measure(name="x", title="X", better="higher")
    values = {"a": np.linspace(0.0, 1.0, 50), "b": np.array([0.5, np.nan, 0.5]),
              "c": np.array([np.nan])}  # fmt: skip
    first, second = (draw_distributions(measure, values) for _ in range(2))
    assert first == second
    assert b"higher is better" in first


def test_pictures_come_back():
    import base64
    import io

    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    kind, held = data_uri(gray).split(",")
    assert kind == "data:image/png;base64"
    np.testing.assert_array_equal(Image.open(io.BytesIO(base64.b64decode(held))), gray)
    assert data_uri(np.zeros((600, 900), np.uint8)).startswith("data:image/jpeg")

"""The two real scenes show what a sonographer looks for; they need the shared data."""

import os
import runpy
from pathlib import Path

import numpy as np
import pytest

from insonate import load_probe, load_scene
from insonate.anatomy import check_scene, views
from insonate.sim.settings import Settings
from insonate.sim.simulator import Simulator

ROOT = Path(__file__).parents[2]
SCENES = ROOT / "recipes" / "scenes"
DATA = Path(os.environ.get("INSONATE_DATA") or ROOT.parent / "shared" / "data")

pytest.importorskip("pyvista")
pytest.importorskip("trimesh")
pytest.importorskip("SimpleITK")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (DATA / "meshes" / "hra-female").is_dir(), reason="no shared data"),
]


def settings(view):
    return runpy.run_path(str(ROOT / "examples" / "real_scenes.py"))["settings"](view, 300)


@pytest.fixture(scope="module")
def fetal_frame():
    path = SCENES / "fetal_head.yaml"
    view = views(path)["transventricular"]
    simulator = Simulator(load_scene(path, DATA), view.load_probe(), settings("transventricular"))
    return simulator.frame(view.pose(), seed=1)


@pytest.fixture(scope="module")
def abdomen():
    path = SCENES / "female_abdomen.yaml"
    scene = load_scene(path, DATA)

    def frame(title, **changes):
        view = views(path)[title]
        simulator = Simulator(scene, view.load_probe(), settings(title).replace(**changes))
        return simulator.frame(view.pose(), seed=1)

    return frame


def level(frame, region, where=None):
    """Median gray of a region, 0 to 1."""
    mine = frame.labels == frame.region_names.index(region)
    mine = mine if where is None else mine & where
    assert mine.sum() > 20
    return float(np.median(frame.bmode[mine]))


@pytest.mark.parametrize("name", ["female_abdomen", "fetal_head"])
def test_the_doctor_finds_nothing_wrong(name):
    report = check_scene(SCENES / f"{name}.yaml", DATA)
    assert report.ok, report.text()
    assert report.leaks == ()
    assert report.provenance


def test_fetal_head(fetal_frame):
    frame = fetal_frame
    rows, columns = frame.bmode.shape
    x = np.arange(columns)[None, :] - columns / 2
    middle = np.broadcast_to(np.abs(x) < 0.06 * columns, (rows, columns))
    fluid = level(frame, "amniotic_fluid", middle)
    assert fluid < 0.1
    assert level(frame, "ventricles") < 0.1
    assert level(frame, "white_matter", middle) > fluid + 0.05
    assert level(frame, "choroid_plexus") > level(frame, "white_matter") + 0.15
    skull = (frame.labels == frame.region_names.index("skull")) & middle
    near, far = (frame.bmode[half & skull].max() for half in _halves(skull))
    assert near > 0.6
    assert far > 0.5


def _halves(mask):
    row = np.arange(mask.shape[0])[:, None]
    cut = row[mask.any(axis=1)].mean()
    return np.broadcast_to(row < cut, mask.shape), np.broadcast_to(row >= cut, mask.shape)


def test_liver_and_kidney(abdomen):
    frame = abdomen("liver_kidney")
    liver = level(frame, "liver")
    assert 0.2 < liver < 0.7
    assert level(frame, "kidney_cortex") < liver
    assert level(frame, "kidney_sinus") > level(frame, "kidney_cortex") + 0.1
    assert level(frame, "kidney_medulla") < level(frame, "kidney_cortex")
    assert level(frame, "hepatic_veins") < liver - 0.15
    rib = frame.labels == frame.region_names.index("ribs")
    assert frame.shadow[-40:, np.flatnonzero(rib.any(axis=0))[0] - 60].max() > 0.5


def test_bladder_and_uterus(abdomen):
    frame = abdomen("bladder_uterus")
    # Black by itself; the haze and clutter of the example make it dark, not unnaturally black.
    pure = abdomen("bladder_uterus", haze=None, clutter=None)
    assert level(pure, "urine") < 0.05
    urine = level(frame, "urine")
    assert 0.02 < urine < 0.15
    assert level(frame, "bladder_wall") > 0.3
    assert level(frame, "endometrium") > level(frame, "myometrium") + 0.05
    fat = frame.labels == frame.region_names.index("mesenteric_fat")
    wet = (frame.labels == frame.region_names.index("urine")).any(axis=0)
    deep = np.arange(frame.bmode.shape[0])[:, None] > 0.7 * frame.bmode.shape[0]
    behind, beside = fat & deep & wet, fat & deep & ~wet
    assert np.median(frame.bmode[behind]) > np.median(frame.bmode[beside]) + 0.08


def test_both_probes_fit_in_both_scenes(fetal_frame):
    path = SCENES / "fetal_head.yaml"
    view = views(path)["transthalamic"]
    simulator = Simulator(load_scene(path, DATA), load_probe("paper_convex"), Settings.fast())
    assert simulator.frame(view.pose(), seed=2).mask.any()
    assert fetal_frame.labels.max() < len(fetal_frame.region_names)


def test_the_uterine_cavity_is_labelled(abdomen):
    # a stripe of 8 by 30 mm; an unfilled cavity would be the fat around the organs
    frame = abdomen("bladder_uterus")
    area = (frame.labels == frame.region_names.index("endometrium")).sum() * frame.spacing**2
    assert 60 < area < 300
    assert level(frame, "endometrium") > level(frame, "myometrium")

"""What users meet of the gynaecological patient: names, commands, exports."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import insonate
from insonate.anatomy import find_view, is_patient, load_scene, views
from insonate.anatomy.gynaecology import GynaecologyPatient
from insonate.anatomy.implicit import Group, Part, sphere
from insonate.anatomy.implicit.mesh import mesh_groups
from insonate.anatomy.scene_file import GYNAECOLOGY
from insonate.cli import main
from insonate.errors import InputError

EXAMPLE = Path(__file__).parents[2] / "examples" / "ovary_masks.py"


@pytest.fixture
def unbuilt(monkeypatch):
    """Nobody is built."""

    def build(_):
        raise AssertionError("built")

    monkeypatch.setattr(GynaecologyPatient, "surfaces", property(build))


def test_views_are_named_without_a_build(unbuilt):
    vaginal, abdominal = (views(name) for name in GYNAECOLOGY)
    assert set(vaginal) == {"uterus_sagittal", "uterus_transverse", "ovary_left", "ovary_right"}
    assert {view.probe for view in vaginal.values()} == {"endocavity"}
    assert "uterus_transabdominal" in abdominal
    assert {view.probe for view in abdominal.values()} == {"c5_2v"}
    assert find_view("gynaecology", "ovary") == vaginal["ovary_left"]
    with pytest.raises(InputError, match="unknown view 'ovary_lft'; did you mean 'ovary_left'"):
        find_view("gynaecology", "ovary_lft")


def test_nothing_is_pressed(unbuilt):
    assert not any(is_patient(name) for name in GYNAECOLOGY)  # only their skin yields
    assert not any(view.press for name in GYNAECOLOGY for view in views(name).values())


def test_scene_list_and_errors_know_the_names(unbuilt, capfd):
    assert main(["scene", "list"]) == 0
    out = capfd.readouterr().out
    for name, examination in GYNAECOLOGY.items():
        assert re.search(rf"^{name} .*{examination}", out, re.MULTILINE)
    with pytest.raises(InputError, match="did you mean 'gynaecology'"):
        load_scene("gynecology")


def test_the_scene_is_kept_for_the_next_time(tmp_path, monkeypatch):
    monkeypatch.setenv("INSONATE_CACHE", str(tmp_path))
    built = []
    ovary = Part("ovary_left", sphere((0, 0, 0), 10.0))
    fat = Part("peritoneal_fat", sphere((0, 0, 0), 20.0))

    def build(_):
        built.append(1)
        return mesh_groups(
            [Group("fat", "outside", (fat,)), Group("ovary", "peritoneal_fat", (ovary,))], 4.0
        )

    monkeypatch.setattr(GynaecologyPatient, "surfaces", property(build))
    first, again = (load_scene("gynaecology") for _ in range(2))
    assert len(built) == 1
    other = load_scene("gynaecology_transabdominal")
    assert len(built) == 2
    assert first.name == again.name == other.name == "gynaecology_0"
    assert first.regions == again.regions
    np.testing.assert_array_equal(first.vertices, again.vertices)
    np.testing.assert_array_equal(first.pairs, again.pairs)


def test_she_comes_with_the_package_but_her_compiler_only_when_asked_for():
    code = (
        "import sys, insonate, insonate.cli.commands\n"
        "print('numba' in sys.modules, 'insonate.anatomy.gynaecology' in sys.modules)\n"
        "from insonate import GynaecologyPatient\n"
        "print(GynaecologyPatient(age=41).age)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "41"]
    with pytest.raises(AttributeError, match="no attribute 'GynecologyPatient'"):
        _ = insonate.GynecologyPatient


@pytest.mark.slow
def test_the_left_ovary_is_rendered_with_its_follicles(tmp_path):
    words = ["render", "gynaecology", "--view", "ovary_left", "--format", "png", "nifti"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert "endocavity" in (tmp_path / "frames.json").read_text()
    assert "follicle_left_1" in (tmp_path / "labels.txt").read_text()
    view = find_view("gynaecology", "ovary_left")
    simulator = insonate.Simulator(
        load_scene("gynaecology"), view.load_probe(), insonate.Settings.fast()
    )
    masks = runpy.run_path(str(EXAMPLE))["masks"](simulator.frame(view.pose(), seed=1), "left")
    assert sum(name.startswith("follicle_left_") for name in masks) >= 2
    assert all(not (mask & ~masks["ovary_left"]).any() for mask in masks.values())

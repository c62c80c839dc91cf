"""What users meet of a patient: commands, files, exports. A stub stands for her anatomy."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from insonate.anatomy import load_scene, press, views
from insonate.anatomy.findings import FINDINGS
from insonate.anatomy.implicit import Group, Part, ellipsoid, sphere
from insonate.anatomy.implicit.mesh import mesh_groups
from insonate.anatomy.mesh_files import read_meshes
from insonate.anatomy.patient import Parameters, Patient, patient_file
from insonate.anatomy.patient.parameters import RANGES, fill
from insonate.anatomy.patient.patient_file import read_parameters
from insonate.anatomy.patient.record import Record
from insonate.anatomy.planes import Plane
from insonate.anatomy.scene_spec import View
from insonate.cli import main
from insonate.data import patient_figure
from insonate.data.ground_truth import biometry, ground_truth, truth_unit
from insonate.data.meshes import region_surface, write_plys
from insonate.data.portrait import Camera, cut_open, from_outside
from insonate.errors import InputError
from insonate.imaging import Display
from insonate.scene import Region
from insonate.sim import Settings, Simulator

SMALL = ["--set", "probe.scanlines=32", "--set", "display.rows=64", "--format", "png"]
DOCS = (Path(__file__).parents[2] / "docs" / "patient.rst").read_text("utf-8")
FINDINGS_DOCS = (Path(__file__).parents[2] / "docs" / "findings.rst").read_text("utf-8")
SKIN, SAC, HEAD = 80.0, 55.0, 25.0  # radii [mm]
TRUTH = {
    "hc": 195.0, "bpd_outer_outer": 55.0, "bpd_outer_inner": 54.0, "ofd": 68.0, "ac": 170.0,
    "femur_length": 38.0, "amniotic_fluid_index": 140.0, "rectus": 8.0, "nothing": float("nan"),
    "placenta_volume": 350.0,
}  # fmt: skip


def groups():
    """A mother like an onion, and a fetus that is a head in a lake."""
    skull, brain = ellipsoid((5, 0, 0), (HEAD, HEAD, HEAD)), sphere((5, 0, 0), HEAD - 4.0)
    head = (Part("fetal_skull", skull), Part("fetal_brain", brain))
    return (
        Group("skin", "outside", (Part("skin", sphere((0, 0, 0), SKIN)),)),
        Group("wall", "skin", (Part("myometrium", sphere((0, 0, 0), SAC + 8)),)),
        Group("sac", "myometrium", (Part("amniotic_fluid", sphere((0, 0, 0), SAC)),)),
        Group("fetus", "amniotic_fluid", head, fineness=0.4),
    )


SURFACES = mesh_groups(groups(), 4.0)


def stub(given: Parameters) -> Record:
    """A patient of whom a head plane and the right femur can be seen."""
    plane = Plane(np.array([5.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    filled = fill(given)
    front = View(at=(0, -SKIN, 0), aim=(0, 0, 0), press=True, depth=120.0, about="front")
    side = View(at=(0, -SKIN, 0), aim=(5, 0, 0), roll=90.0, press=True, depth=120.0)
    return Record(
        parameters=filled,
        posture=None,
        matrix=np.eye(4),
        surfaces=SURFACES,
        planes=dict.fromkeys(("lips", "transthalamic", "femur_left", "femur_right"), plane),
        views={"femur_right": side, "transthalamic": front},
        landmarks={"cavum": np.array([5.0, -3.0, 0.0])},
        truth=dict(TRUTH),
    )


@pytest.fixture(autouse=True)
def patients(monkeypatch):
    """No anatomy is built here; what was asked for is kept."""
    asked = []

    def load(given):
        asked.append(given)
        return stub(given)

    monkeypatch.setattr("insonate.anatomy.patient.patient.load_record", load)
    small = Settings.fast(display=Display(rows=64))
    monkeypatch.setattr(patient_figure, "plane_settings", lambda rows=64: small)
    patient_file._kept.cache_clear()
    yield asked
    patient_file._kept.cache_clear()


def refuse(capfd, words, message):
    assert main([str(word) for word in words]) == 2
    out, err = capfd.readouterr()
    assert re.fullmatch(r"insonate: [^\n]+\n", err), err
    assert re.search(message, err), err
    assert out == ""


# --- insonate patient ---


def make(folder, *words):
    return main(["patient", "--out", str(folder), *words])


def test_patient_command_writes_everything(tmp_path, capfd):
    assert make(tmp_path, "--ga", "24.5", "--finding", "hydronephrosis=9", "--format", "both") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "patient.json, patient.glb, preview.png, meshes/ (5 files)" in out
    assert re.search(r"patient [\d.]+ s, ply [\d.]+ s, glb [\d.]+ s, preview [\d.]+ s", out)
    names = {path.name for path in (tmp_path / "meshes").iterdir()}
    regions = {"skin", "myometrium", "amniotic_fluid", "fetal_skull", "fetal_brain"}
    assert names == {f"{name}.ply" for name in regions}
    with Image.open(tmp_path / "preview.png") as picture:
        assert min(picture.size) > 500
        assert np.asarray(picture).std() > 10.0


def constant(name):
    raise AssertionError(f"{name} is no JSON")


def test_patient_ground_truth_is_strict_json_and_whole(tmp_path):
    assert make(tmp_path, "--no-preview", "--format", "none", "--finding", "cleft_lip=3") == 0
    text = (tmp_path / "patient.json").read_text()
    content = json.loads(text, parse_constant=constant)
    assert set(content) <= set(patient_file.RECORD_KEYS)
    assert content["truth"]["nothing"] == {"value": None, "unit": "mm"}
    assert content["truth"]["placenta_volume"]["unit"] == "ml"
    assert None not in content["parameters"].values()
    assert content["parameters"]["placenta"] in DOCS
    found = content["findings"][0]
    assert (found["name"], found["degree"], found["unit"]) == ("cleft_lip", 3.0, "mm")
    assert (found["truth"], found["planes"]) == ("cleft_lip", ["lips"])
    seen = {name: plane["can_be_seen"] for name, plane in content["planes"].items()}
    assert seen == {name: name in content["views"] for name in content["planes"]}
    np.testing.assert_allclose(
        content["views"]["transthalamic"]["pose"], stub(Parameters()).views["transthalamic"].pose()
    )
    assert [r["label"] for r in content["regions"]] == list(range(6))
    assert content["regions"][4]["tissue"]["speed_of_sound"] > 1500
    fetus = content["triangles"]["fetus"]
    assert fetus == content["groups"]["fetus"]["triangles"]
    assert content["triangles"]["total"] == len(SURFACES.faces)
    assert list(tmp_path.iterdir()) == [tmp_path / "patient.json"]


def test_patient_options_reach_the_parameters(tmp_path, patients):
    words = "--ga 30 --seed 4 --law hadlock --centile AC=3 --centile BPD=60 --presentation breech"
    words += " --back left --flexion 0.2 --limb-flexion 0.4 --placenta fundal --afi 120"
    words += " --contraction 0.3 --fat 20 --rectus 9 --bladder 200"
    words += " --finding short_femur=0.6 --detail 70000"
    assert make(tmp_path, "--no-preview", "--format", "none", *words.split()) == 0
    given = patients[-1]
    assert given == Parameters(
        30.0, 4, "hadlock", {"AC": 3.0, "BPD": 60.0}, 1, "breech", "left", 0.2, 0.4, "fundal",
        120.0, 0.3, 20.0, 9.0, 200.0, {"short_femur": 0.6}, 70_000,
    )  # fmt: skip
    assert read_parameters(tmp_path / "patient.json") == given


def test_patient_file_is_a_start_and_options_win(tmp_path, patients):
    path = tmp_path / "start.yaml"
    path.write_text("gestational_age: 30\nfat: 12\nfindings: {cleft_lip: 2}\n")
    words = ["--file", str(path), "--fat", "25", "--finding", "fibroid=40"]
    assert make(tmp_path / "out", "--no-preview", "--format", "none", *words) == 0
    found = {"cleft_lip": 2.0, "fibroid": 40.0}
    assert patients[-1] == Parameters(30.0, fat=25.0, findings=found)


def test_patient_lists(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["patient", "--list-findings"]) == 0
    out = capfd.readouterr().out
    assert all(name in out for name in FINDINGS)
    assert main(["patient", "--list-views"]) == 0
    out = capfd.readouterr().out
    assert re.search(r"transthalamic +0,-80,0 +c5_2v +120", out)
    assert re.search(r"femur_left +cannot be seen", out)
    assert main(["scene", "list"]) == 0
    assert capfd.readouterr().out.splitlines()[1].startswith("patient ")
    assert list(tmp_path.iterdir()) == []


def test_help_tells_the_defaults(capfd):
    with pytest.raises(SystemExit):
        main(["patient", "--help"])
    words = " ".join(capfd.readouterr().out.replace("│", " ").split())
    default = Parameters()
    for value in (default.gestational_age, default.seed, default.law, default.detail):
        assert f"({value:g})" in words if isinstance(value, float) else f"({value})" in words
    assert f"{default.detail:,}".replace(",", " ") in DOCS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--ga 12", "gestational_age: expected 14 to 40 weeks, got 12"),
        ("--ga 41", "expected 14 to 40 weeks"),
        ("--ga nan", "expected 14 to 40 weeks"),
        ("--ga many", "--ga"),
        ("--fat -3", "fat: expected 4 to 60 mm, got -3"),
        ("--fetuses 2", "fetuses: expected 1 .*twins"),
        ("--detail 5", "detail: expected 60000 to "),
        ("--seed -1", "seed: expected a whole number from 0"),
        ("--law hadlok", "law: unknown 'hadlok'; did you mean 'hadlock'"),
        ("--placenta anteror", "placenta: unknown 'anteror'; did you mean 'anterior'"),
        ("--finding cleft_lip=90", "cleft_lip: expected 1 to 8 mm .*got 90"),
        ("--finding cleft_lip=nan", "cleft_lip: expected 1 to 8 mm"),
        ("--finding cleft_lp=3", "unknown finding 'cleft_lp'; did you mean 'cleft_lip'"),
        ("--finding cleft_lip", "--finding cleft_lip: expected NAME=NUMBER"),
        ("--centile BPD=often", "--centile BPD=often: expected NAME=NUMBER"),
        ("--centile BDP=50", "centiles: unknown 'BDP'; did you mean 'BPD'"),
        ("--centile BPD=100", "centiles: BPD: expected 0.1 to 99.9"),
        ("--centile HC=50 --centile BPD=50", "HC sets BPD and OFD"),
        ("--file none.yaml", "none.yaml: no such patient file"),
        ("--format obj", "invalid choice 'obj'"),
    ],
)
def test_patient_bad_words_end_in_one_line(tmp_path, monkeypatch, capfd, words, message):
    monkeypatch.chdir(tmp_path)
    refuse(capfd, ["patient", *words.split()], message)
    assert list(tmp_path.iterdir()) == []


# --- patient files ---


@pytest.mark.parametrize("wrap", ["{}", "patient: {}"])
def test_patient_file_gives_parameters(tmp_path, wrap):
    body = "{gestational_age: 30, seed: 5, centiles: {AC: 5}, placenta: anterior, rectus: null}"
    (tmp_path / "p.yaml").write_text(wrap.format(body))
    expected = Parameters(30.0, 5, centiles={"AC": 5.0}, placenta="anterior")
    assert read_parameters(tmp_path / "p.yaml") == expected
    assert load_scene(tmp_path / "p.yaml").name == "patient_30w_5"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.json", "{", "not JSON"),
        ("p.json", "[" * 100_000, "not JSON"),
        ("p.json", "[1]", "expected parameters and values, got list"),
        ("p.json", '{"seed": 3, "sede": 4}', "unknown parameter 'sede'; did you mean 'seed'"),
        ("p.json", '{"patient": {"sed": 4}}', "unknown parameter 'sed'; did you mean 'seed'"),
        ("p.json", '{"patient": {}, "vews": {}}', "unknown key 'vews'; did you mean 'views'"),
        ("p.json", '{"patient": 3}', "patient: expected parameters and values, got int"),
        ("p.json", '{"gestational_age": 12}', "p.json: gestational_age: expected 14 to 40 weeks"),
        ("p.json", '{"gestational_age": "22"}', "gestational_age: expected a number, got '22'"),
        ("p.json", '{"gestational_age": NaN}', "gestational_age: expected a number"),
        ("p.json", '{"gestational_age": null}', "gestational_age: expected a number"),
        ("p.json", '{"fat": 1' + "0" * 400 + "}", "fat: expected a number"),
        ("p.json", '{"seed": 1.5}', "seed: expected a whole number, got 1.5"),
        ("p.json", '{"fat": true}', "fat: expected a number, got True"),
        ("p.json", '{"law": 3}', "law: expected a word, got 3"),
        ("p.json", '{"findings": [1]}', "findings: expected parameters and values"),
        ("p.json", '{"findings": {"fibroid": "big"}}', "fibroid: expected a number, got 'big'"),
        ("p.json", '{"findings": {"fibroid": 500}}', "fibroid: expected 5 to 100 mm"),
        ("p.json", " " * 5_000_000, "larger than 4 MB"),
        ("p.yaml", "patient: !!python/object/apply:os.system [ls]", "not YAML"),
        ("p.yaml", "gestational_age: 22\nparts: []", "unknown parameter 'parts'"),
    ],
)
def test_patient_file_refuses(tmp_path, capfd, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_parameters(tmp_path / name)
    assert name in str(caught.value)
    out = tmp_path / "out"
    refuse(capfd, ["render", tmp_path / name, "--out", out], r"\.(json|yaml).*: ")
    assert not out.exists()


# --- insonate render ---


def test_render_patient_shows_the_transthalamic_plane_first(tmp_path):
    assert list(views("patient")) == ["transthalamic", "femur_right"]
    assert main(["render", "patient", "--out", str(tmp_path), *SMALL]) == 0
    record = json.loads((tmp_path / "frames.json").read_text())
    view = views("patient")["transthalamic"]
    np.testing.assert_allclose(record["poses"], [view.pose()])
    assert record["probe"]["depth"] == view.depth
    assert record["scene"] == "patient_22w_7"


def test_render_patient_presses_her_skin_onto_the_probe_at_every_pose(tmp_path):
    pose = views("patient")["transthalamic"].pose()
    poses = [pose, pose.copy()]
    poses[1][2, 3] += 15.0  # mm
    (tmp_path / "poses.json").write_text(json.dumps([p.tolist() for p in poses]))
    words = ["--pose", str(tmp_path / "poses.json"), "--depth", "120", *SMALL]
    assert main(["render", "patient", "--out", str(tmp_path / "a"), *words]) == 0
    view = views("patient")["transthalamic"]
    probe = view.load_probe().replace(scanlines=32)
    settings = Settings.fast(display=Display(rows=64))
    for shot, at in enumerate(poses):
        pressed = press(load_scene("patient"), probe, at)
        frame = Simulator(pressed, probe, settings).frame(at, 1, shot=shot)
        with Image.open(tmp_path / "a" / "bmode" / f"{shot:04d}.png") as image:
            np.testing.assert_array_equal(np.asarray(image), frame.image())
    assert (pressed.vertices != load_scene("patient").vertices).any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("qa --film 1", "--film: 'qa' is not a patient"),
        ("patient --film 0", "--film: expected up to 60 s, got 0"),
        ("patient --film nan", "--film: expected up to 60 s, got nan"),
        ("patient --film 61", "--film: expected up to 60 s, got 61"),
    ],
)
def test_a_film_of_what_does_not_live_or_end_is_refused(tmp_path, capfd, words, message):
    refuse(capfd, ["render", *words.split(), "--out", tmp_path / "out"], message)
    assert not (tmp_path / "out").exists()


def test_render_a_patient_from_her_record(tmp_path, patients):
    assert make(tmp_path, "--no-preview", "--format", "none", "--ga", "31", "--fat", "20") == 0
    words = ["render", str(tmp_path / "patient.json"), "--view", "femur", *SMALL]
    assert main([*words, "--out", str(tmp_path / "femur")]) == 0
    assert patients[-1] == Parameters(31.0, fat=20.0)
    poses = json.loads((tmp_path / "femur" / "frames.json").read_text())["poses"]
    np.testing.assert_allclose(poses, [stub(Parameters()).views["femur_right"].pose()])


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ("lips", "view 'lips' cannot be seen from .* skin; .*: transthalamic, femur_right"),
        ("femur_left", "view 'femur_left' cannot be seen"),
        ("femr_right", "unknown view 'femr_right'; did you mean 'femur_right'"),
    ],
)
def test_render_patient_says_what_can_be_seen(tmp_path, capfd, view, message):
    refuse(capfd, ["render", "patient", "--view", view, "--out", tmp_path / "out"], message)
    assert not (tmp_path / "out").exists()


# --- meshes ---


def volume(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    return float((np.cross(a, b) * c).sum() / 6.0)


def ball(radius):
    return 4.0 / 3.0 * np.pi * radius**3


@pytest.mark.parametrize("kind", ["ply", "glb"])
def test_meshes_are_closed_and_outward_and_in_their_place(tmp_path, kind):
    pytest.importorskip("trimesh")
    assert make(tmp_path, "--no-preview", "--format", kind) == 0
    found = sorted((tmp_path / "meshes").glob("*.ply")) if kind == "ply" else []
    meshes = [read_meshes(path)[0] for path in found] or read_meshes(tmp_path / "patient.glb")
    volumes = {mesh.name: volume(mesh) for mesh in meshes}
    expected = {
        "skin": ball(SKIN) - ball(SAC + 8),
        "myometrium": ball(SAC + 8) - ball(SAC),
        "amniotic_fluid": ball(SAC) - ball(HEAD),
        "fetal_skull": ball(HEAD) - ball(HEAD - 4),
        "fetal_brain": ball(HEAD - 4),
    }
    assert volumes == pytest.approx(expected, rel=0.03)
    brain = next(mesh for mesh in meshes if mesh.name == "fetal_brain")
    np.testing.assert_allclose(brain.vertices.mean(axis=0), [5, 0, 0], atol=0.2)


def test_region_normals_point_out():
    scene = Patient().scene()
    fluid = region_surface(scene, scene.labels["amniotic_fluid"])
    inner = np.linalg.norm(fluid.vertices - [5, 0, 0], axis=1) < HEAD + 2
    outward = (fluid.normals * (fluid.vertices - [5, 0, 0])).sum(axis=1) > 0
    np.testing.assert_array_equal(outward, ~inner)
    np.testing.assert_allclose(np.linalg.norm(fluid.normals, axis=1), 1.0, atol=1e-5)


def test_a_region_without_a_surface_has_no_file(tmp_path):
    scene = Patient().scene()
    lost = Region("fetal_lens", scene.regions[1].tissue)
    scene = dataclasses.replace(scene, regions=(*scene.regions, lost))
    assert len(region_surface(scene, len(scene.regions) - 1).faces) == 0
    assert len(write_plys(scene, tmp_path)) == 5


def test_meshes_are_the_same_bytes_again(tmp_path):
    for name in ("a", "b"):
        assert make(tmp_path / name, "--no-preview", "--format", "both") == 0
    for path in (tmp_path / "a").rglob("*.*"):
        again = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == again.read_bytes()


# --- pictures ---


CAMERA = Camera(np.zeros(3), np.array([-1.0, 0.0, 0.0]), 200.0, shape=(100, 100))


def test_a_picture_from_outside_shows_skin_on_white():
    picture = from_outside(Patient().scene(), CAMERA).astype(int)
    assert (picture[0, 0] == 255).all()
    skin = (np.abs(picture - 255).max(axis=2) > 0).mean()
    assert skin == pytest.approx(np.pi * SKIN**2 / 200.0**2, rel=0.08)  # the ball, in perspective


def test_a_cut_shows_layers_fluid_and_the_whole_fetus():
    picture = cut_open(Patient().scene(), CAMERA, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0)).astype(int)
    wall, muscle, head = picture[50, 50 - 36], picture[50, 50 - 29], picture[50, 50]
    assert wall.tolist() == pytest.approx([226, 180, 154], abs=2)
    assert muscle.tolist() == pytest.approx([196, 108, 104], abs=2)
    assert head[0] > head[2]  # bone, not fluid
    assert np.abs(head - picture[50, 50 - 20]).max() > 20


def test_a_camera_knows_where_points_are():
    np.testing.assert_allclose(CAMERA.pixel((0, 0, 0)), [50, 50])
    np.testing.assert_allclose(CAMERA.pixel((0, 0, 50.0)), [50, 25])
    np.testing.assert_allclose(CAMERA.pixel((0, 50.0, 0)), [75, 50])


# --- numbers and words ---


def test_biometry_follows_the_law_that_was_asked_for():
    outer, inner = biometry(Patient()), biometry(Patient(law="hadlock"))
    assert (outer["BPD"]["value"], inner["BPD"]["value"]) == (55.0, 54.0)
    assert inner["BPD"]["median"] != outer["BPD"]["median"]
    assert outer["HC"]["centile"] == pytest.approx(50.0, abs=40.0)
    assert 300.0 < outer["EFW"]["value"] < 700.0


@pytest.mark.parametrize(
    ("name", "unit"),
    [("hc", "mm"), ("placenta_volume", "ml"), ("heart_axis_degrees", "degrees"),
     ("cord_vessels", "count"), ("cord_coiling", "turns in 10 mm")],
)  # fmt: skip
def test_units_of_true_values(name, unit):
    assert truth_unit(name) == unit


def test_ground_truth_counts_what_the_scene_has():
    patient = Patient()
    content = ground_truth(patient, patient.scene())
    assert sum(region["triangles"] for region in content["regions"]) == 2 * len(SURFACES.faces)


def test_docs_list_every_parameter_range_and_finding():
    for name, finding in FINDINGS.items():
        row = FINDINGS_DOCS.split(f"   * - ``{name}``\n")[1].split("   * - ")[0]
        assert f"- {finding.low:g} to {finding.high:g} " in row, name
        assert f"``{finding.planes[0]}``" in row, name
        assert f"``{finding.truth}``" in row or "as above" in row, name
    for name, (low, high, _) in RANGES.items():
        row = next(line for line in DOCS.splitlines() if line.startswith(f"``{name}``"))
        if name != "detail":
            assert f"{low:g} to {high:g}" in row, name
    assert all(f"``{name}``" in DOCS for name in Parameters.__dataclass_fields__)
    assert all(f"``{key}``" in DOCS for key in ground_truth(Patient(), Patient().scene())
               if key not in ("insonate", "name", "about"))  # fmt: skip


def test_patient_comes_with_the_package_but_its_compiler_only_when_asked_for():
    code = (
        "import sys, insonate, insonate.cli.commands\n"
        "print('numba' in sys.modules, 'insonate.anatomy.patient' in sys.modules)\n"
        "from insonate import Patient\n"
        "print(Patient(gestational_age=30).gestational_age)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "30.0"]

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import insonate
from insonate.acoustics import load_tissues
from insonate.anatomy import load_scene
from insonate.anatomy.solids import sphere
from insonate.cli import main
from insonate.cli.overrides import override
from insonate.cli.placement import anterior_pose
from insonate.cli.render import Clock
from insonate.errors import InputError
from insonate.geometry import look_at
from insonate.imaging import Display
from insonate.probe import Probe, load_probe
from insonate.scene import Body, assemble
from insonate.sim import Settings, Simulator

SIZES = {"probe.scanlines": 32, "probe.samples": 1024, "display.rows": 64}
ROWS = Display(rows=64)
SMALL = ["--depth", "40", *(w for k, v in SIZES.items() for w in ("--set", f"{k}={v}"))]


def render(out, *words):
    return main(["render", "layers", "--out", str(out), *SMALL, *words])


def poses_of(out):
    return np.array(json.loads((out / "frames.json").read_text())["poses"])


def read(path):
    with Image.open(path) as image:
        return np.array(image)


def test_cli_renders_what_the_python_lines_render(tmp_path, capfd):
    assert render(tmp_path, "--format", "png", "--seed", "3", "--set", "rays=4") == 0
    captured = capfd.readouterr()
    probe = load_probe("c5_2v").replace(depth=40.0, scanlines=32, samples=1024)
    settings = Settings.fast(rays=4)
    settings = settings.replace(display=type(settings.display)(rows=64))
    pose = look_at((0, 0, 0), (0, 10, 0))
    frame = Simulator(load_scene("layers"), probe, settings).frame(pose, seed=3)
    np.testing.assert_array_equal(read(tmp_path / "bmode.png"), frame.image())
    np.testing.assert_array_equal(read(tmp_path / "labels.png"), frame.labels)
    np.testing.assert_allclose(poses_of(tmp_path), [pose], atol=1e-12)
    assert f"{tmp_path}: " in captured.out
    assert "1 frame in " in captured.out
    assert captured.err == ""


def test_cli_aims_in_millimetres_and_degrees(tmp_path):
    words = ["--at", "-5,0,2", "--aim", "-5,30,12", "--roll", "30", "--format", "png"]
    assert render(tmp_path, *words) == 0
    expected = look_at((-5, 0, 2), (-5, 30, 12), np.radians(30.0))
    np.testing.assert_allclose(poses_of(tmp_path), [expected], atol=1e-12)


def test_cli_sweep_from_its_own_record(tmp_path, capfd):
    poses = [look_at((x, 0, 0), (x, 10, 0)).tolist() for x in (-4.0, 0.0, 4.0)]
    (tmp_path / "poses.json").write_text(json.dumps(poses))
    words = ["--format", "png", "mha", "--pose"]
    assert render(tmp_path / "a", *words, str(tmp_path / "poses.json")) == 0
    assert render(tmp_path / "b", *words, str(tmp_path / "a" / "frames.json")) == 0
    assert "3 frames, " in capfd.readouterr().out
    names = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len([name for name in names if name.parts[0] == "bmode"]) == 3
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_cli_passes_are_those_of_python(tmp_path):
    words = ["--format", "png", "--set", "rays=4", "--seed", "2", "--passes"]
    for passes in ("1", "3"):
        assert render(tmp_path / passes, *words, passes) == 0
    probe = load_probe("c5_2v").replace(depth=40.0, scanlines=32, samples=1024)
    simulator = Simulator(load_scene("layers"), probe, Settings.fast(rays=4, display=ROWS))
    frame = simulator.frame(look_at((0, 0, 0), (0, 10, 0)), seed=2, passes=3)
    np.testing.assert_array_equal(read(tmp_path / "3" / "bmode.png"), frame.image())
    assert (read(tmp_path / "1" / "bmode.png") != frame.image()).any()
    assert json.loads((tmp_path / "3" / "frames.json").read_text())["passes"] == 3


def test_cli_record_says_what_was_rendered(tmp_path):
    assert render(tmp_path, "--format", "png", "--set", "haze=-40", "--seed", "5") == 0
    record = json.loads((tmp_path / "frames.json").read_text())
    assert (record["scene"], record["quality"], record["seeds"]) == ("layers", "fast", [5])
    settings = record["settings"]
    settings["display"] = Display(**settings["display"])
    assert Settings(**settings) == Settings.fast(haze=-40.0, display=ROWS)
    assert Probe(**record["probe"]).depth == 40.0


def test_cli_fine_differs_from_fast_in_rays_only(tmp_path):
    for quality in ("fast", "fine"):
        assert render(tmp_path / quality, "--quality", quality, "--format", "png") == 0
    fast, fine = (read(tmp_path / q / "labels.png") for q in ("fast", "fine"))
    np.testing.assert_array_equal(fast, fine)
    assert (read(tmp_path / "fast/bmode.png") != read(tmp_path / "fine/bmode.png")).any()


def test_cli_asks_for_patience_while_a_scene_is_built(tmp_path, capsys, monkeypatch):
    def slow(*_):
        time.sleep(0.3)
        raise InputError("end of the test")

    monkeypatch.setattr("insonate.cli.placement.PATIENCE", 0.05)
    monkeypatch.setattr("insonate.anatomy.load_scene", slow)
    assert render(tmp_path) == 2
    first, last = capsys.readouterr().err.splitlines()
    assert first == "insonate: building the scene; it is kept for the next time"
    assert last == "insonate: end of the test"


def test_cli_shows_a_progress_bar_to_a_person(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(Clock(iter("abc"), 3)) == ["a", "b", "c"]
    assert "3/3" in capsys.readouterr().err
    list(Clock(iter("a"), 1))
    assert capsys.readouterr().err == ""


def test_cli_times_leave_start_up_out():
    clock = Clock([], 3)
    clock.times = [900.0, 20.0, 30.0]
    assert clock.report() == "3 frames, 25.0 ms per frame (the first 900 ms, start-up included)"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["probe", "list"], ["c5_2v", "3.57", "74.6", "paper_convex"]),
        (["probe", "show", "c5_2v"], ["field_of_view", "74.6", "degrees"]),
        (["tissue", "list"], ["liver_adult", "1585", *load_tissues()]),
        (["tissue", "show", "liver_adult"], ["speed_of_sound", "m/s", "source"]),
        (["scene", "list"], ["qa", "wires"]),
        (["scene", "check", "wires"], ["wires", "triangles"]),
    ],
)
def test_cli_lists(tmp_path, monkeypatch, capsys, words, parts):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    out = capsys.readouterr().out
    assert [part for part in parts if part not in out] == []


def test_cli_every_property_of_a_tissue_has_its_own_unit(capsys):
    main(["tissue", "show", "liver_adult"])
    lines = capsys.readouterr().out.splitlines()
    units = {words[0]: words[2] for line in lines if len(words := line.split(maxsplit=2)) == 3}
    expected = {"density": "kg/m3", "attenuation": "dB/(cm MHz^n)", "modulation_scale": "mm"}
    assert {name: units[name] for name in expected} == expected
    assert "kappa" not in units


def test_cli_scene_check_writes_a_preview(tmp_path, capsys):
    pytest.importorskip("pyvista")
    path = tmp_path / "new" / "preview.png"
    assert main(["scene", "check", "wires", "--out", str(path)]) == 0
    assert read(path).std() > 1.0
    assert capsys.readouterr().out.endswith(f"preview: {path}\n")


def test_cli_scene_check_writes_a_preview_unasked(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pyvista")
    monkeypatch.chdir(tmp_path)
    assert main(["scene", "check", "wires"]) == 0
    assert capsys.readouterr().out.endswith("preview: out/wires_preview.png\n")
    assert read(tmp_path / "out" / "wires_preview.png").std() > 1.0


def test_cli_scene_check_reports_where_nothing_can_be_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("insonate.cli.scene.find_spec", lambda name: None)
    assert main(["scene", "check", "wires"]) == 0
    out = capsys.readouterr().out
    assert "triangles" in out
    assert "preview: not drawn" in out
    assert list(tmp_path.iterdir()) == []


def test_cli_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"insonate {insonate.__version__}\n"


def test_cli_help_loads_nothing_heavy():
    """What takes seconds to import is imported when it is needed (how long: benchmarks)."""
    heavy = ("numba", "scipy", "matplotlib", "SimpleITK", "pydicom", "pyvista", "vtk", "torch")
    code = (
        "import sys\nfrom insonate.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "render" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_cli_starts_without_drawing_and_medical_libraries():
    code = (
        "import sys, insonate.cli.commands, insonate.data; "
        "print([m for m in ('matplotlib', 'SimpleITK', 'pydicom', 'pyvista') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cli_ends_quietly_when_its_reader_has_gone():
    code = "import sys; from insonate.cli import main; sys.exit(main(['tissue', 'list']))"
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as pipe:
        done = subprocess.run([sys.executable, "-c", code], stdout=pipe, stderr=subprocess.PIPE)
    assert done.stderr == b""


# --- typed overrides ---


def changed(*words):
    return override(Settings.fast(), load_probe("c5_2v"), words)


def test_cli_set_reads_values_by_type():
    settings, probe = changed(
        "rays=8", "noise_level=none", "haze=-45", "keep_iq=true", "branching=stochastic",
        "display.gain=-3.5", "display.tgc=1,2,3,4,5,6,7,8", "probe.samples=4096", "rays=9",
    )  # fmt: skip
    assert (settings.rays, settings.noise_level, settings.haze) == (9, None, -45.0)
    assert settings.keep_iq is True
    assert settings.branching == "stochastic"
    assert settings.display.gain == -3.5
    assert settings.display.tgc == (1, 2, 3, 4, 5, 6, 7, 8)
    assert probe.samples == 4096


def test_cli_set_takes_angles_in_degrees():
    _, probe = changed("probe.field_of_view=60")
    assert probe.field_of_view == pytest.approx(np.pi / 3)


def test_cli_set_nothing_changes_nothing():
    assert changed() == (Settings.fast(), load_probe("c5_2v"))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("rays", "expected NAME=VALUE"),
        ("rays=many", "--set rays: expected a whole number, got 'many'"),
        ("rays=2.5", "--set rays: expected a whole number"),
        ("rays=0", "rays: expected 1 to 4096, got 0"),
        ("haze=nan", "--set haze: expected a finite number"),
        ("keep_iq=maybe", "--set keep_iq: expected true or false"),
        ("branching=both", "--set branching: expected dominant or stochastic"),
        ("ray=8", "--set ray: no such setting; did you mean 'rays'"),
        ("display=8", "--set display: no such setting"),
        ("display.gian=8", "--set display.gian: no such setting; did you mean 'gain'"),
        ("displya.gain=8", "--set displya.gain: unknown group; did you mean 'display'"),
        ("display.tgc=1,2", "tgc: expected 8 sliders"),
        ("probe.colour=red", "--set probe.colour: no such setting"),
    ],
)
def test_cli_set_refuses(word, message):
    with pytest.raises(InputError) as caught:
        changed(word)
    assert message in str(caught.value)


# --- where the probe goes when nothing is said ---


@pytest.mark.parametrize("offset", [(0.0, 0.0, 0.0), (12.0, -40.0, 7.0)])
def test_cli_probe_sits_on_the_front_of_the_body(offset):
    tissues = load_tissues()
    solid = sphere((0, 0, 0), 30.0)
    body = Body("ball", solid.vertices + np.float32(offset), solid.faces, tissues["liver_adult"])
    pose = anterior_pose(assemble([body], tissues["gel"]))
    np.testing.assert_allclose(pose[:3, 3], np.add(offset, (0, -30, 0)), atol=0.3)
    np.testing.assert_allclose(pose[:3, 2], (0, 1, 0), atol=1e-12)


def test_cli_probe_sits_on_the_skin_not_on_the_highest_point():
    """A hump beside the middle is higher than the place where the probe goes."""
    tissues = load_tissues()
    ball, hump = sphere((0, 0, 0), 30.0), sphere((20, -25, 0), 10.0)
    bodies = [
        Body("ball", ball.vertices, ball.faces, tissues["liver_adult"]),
        Body("hump", hump.vertices, hump.faces, tissues["liver_adult"]),
    ]
    scene = assemble(bodies, tissues["gel"])
    assert scene.bounds()[0][1] == pytest.approx(-35.0, abs=0.3)
    assert anterior_pose(scene)[1, 3] == pytest.approx(-30.0, abs=0.3)

import numpy as np
import pytest
import yaml

from insonate.anatomy import check_scene, load_scene, preview
from insonate.anatomy.check import unbalanced_edges
from insonate.errors import InputError
from insonate.geometry import look_at
from insonate.probe import load_probe
from insonate.scene import Scene

trimesh = pytest.importorskip("trimesh")
pytest.importorskip("pyvista")


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("INSONATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INSONATE_DATA", str(tmp_path))
    ball = trimesh.creation.icosphere(3, 0.02)
    ball.update_faces(ball.triangles_center[:, 2] < 0.017)
    ball.export(tmp_path / "bowl.stl")


def write(tmp_path, tissue="liver_adult", **changes):
    content = {
        "name": "bowl",
        "licence": "CC0",
        "outside": "water_37C",
        "resolve": {"spacing": 2.0},
        "parts": [{"name": "bowl", "file": "bowl.stl", "tissue": tissue}],
    }
    path = tmp_path / "scene.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}))
    return path


def test_report_says_units_extent_holes_and_licence(tmp_path):
    report = check_scene(write(tmp_path))
    assert report.ok
    (part,) = report.parts
    assert (part.units, part.guessed) == ("m", True)
    assert part.open_edges > 0
    assert part.extent[0] == pytest.approx(40, abs=0.5)
    assert report.leaks == ()
    text = report.text()
    for expected in ("units m (guessed)", "open edges", "liver_adult", "CC0", "closed by winding"):
        assert expected in text


def test_every_tissue_without_a_match_is_listed(tmp_path):
    path = write(tmp_path, tissue="livr_adult", outside="watr_37C")
    report = check_scene(path)
    assert not report.ok
    assert len(report.problems) == 2
    assert "did you mean 'liver_adult'" in report.text()
    assert "did you mean 'water_37C'" in report.text()


def test_a_missing_file_is_a_problem_not_a_traceback(tmp_path):
    (tmp_path / "bowl.stl").unlink()
    report = check_scene(write(tmp_path))
    assert "bowl.stl" in report.problems[0]
    assert "cannot be used" in report.text()


def test_built_in_scenes_can_be_checked():
    report = check_scene("qa")
    assert report.ok
    assert report.triangles == load_scene("qa").triangles
    with pytest.raises(InputError, match="unknown scene"):
        check_scene("nothing_like_it")


def test_a_leak_is_found(tmp_path):
    scene = load_scene(write(tmp_path))
    assert unbalanced_edges(scene) == {}
    torn = Scene(scene.vertices, scene.faces[1:], scene.pairs[1:], scene.regions)
    assert unbalanced_edges(torn) == {"outside": 3, "bowl": 3}
    flipped = scene.faces.copy()
    flipped[0] = flipped[0][::-1]
    turned = Scene(scene.vertices, flipped, scene.pairs, scene.regions)
    assert unbalanced_edges(turned) == {"outside": 3, "bowl": 3}


@pytest.mark.filterwarnings("ignore")
def test_preview_is_a_picture_with_the_fan_in_it(tmp_path):
    from PIL import Image

    scene = load_scene(write(tmp_path))
    out = tmp_path / "preview.png"
    preview(scene, load_probe("c5_2v").replace(depth=80.0), look_at([0, -25, 0], [0, 0, 0]), out)
    pixels = np.asarray(Image.open(out).convert("RGB")).astype(int)
    assert pixels.shape == (560, 720, 3)
    assert (pixels == 255).all(axis=-1).mean() > 0.2
    yellow = (pixels[..., 0] > 200) & (pixels[..., 2] < pixels[..., 0] - 15)
    assert yellow.mean() > 0.02
    assert [p.name for p in tmp_path.glob("*.png")] == ["preview.png"]
    with pytest.raises(InputError, match="rigid"):
        preview(scene, load_probe("c5_2v"), np.eye(4) * 2.0, out)

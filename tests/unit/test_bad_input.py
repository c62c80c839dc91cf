"""Bad input at the command line: one line on standard error, status 2, nothing half-written."""

import json
import re
import struct

import numpy as np
import pytest

from insonate.cli import main
from insonate.geometry import look_at

SMALL = ["--depth", "40", "--set", "probe.scanlines=32", "--set", "probe.samples=1024"]
SMALL += ["--set", "display.rows=64", "--format", "png"]
TETRAHEDRON = "v 0 0 0\nv 40 0 0\nv 0 40 0\nv 0 0 40\n"
FACES = "f 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n"


def refuse(capfd, words, message):
    """Run a command that must fail with one line; the message may stand in a report."""
    status = main([str(word) for word in words])
    out, err = capfd.readouterr()
    assert status == 2
    assert re.fullmatch(r"insonate: [^\n]+\n", err), err
    assert "Traceback" not in err
    assert re.search(message, out + err), out + err


def everything(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Expected one of {render, render-dataset, import, train, translate, export-onnx, "),
        (["rendr"], "Unrecognized options: rendr"),
        (["render"], "SCENE"),
        (["render", "layers", "--quality", "best"], "invalid choice 'best' .*'fast', 'fine'"),
        (["render", "layers", "--format", "tiff"], "invalid choice 'tiff'"),
        (["render", "layers", "--seed", "one"], "--seed"),
        (["render", "layrs"], "layrs.*did you mean 'layers'"),
        (["render", "none.yaml"], r"none\.yaml: no such scene file"),
        (["render", "layers", "--probe", "c5_2w"], "unknown probe 'c5_2w'; did you mean 'c5_2v'"),
        (["render", "layers", "--view", "tpo"], "unknown view 'tpo'; did you mean 'top'"),
        (["render", "layers", "--device", "tpu"], "device: no 'tpu' here; found: cpu"),
        (["tissue", "show", "livr_adult"], "unknown tissue 'livr_adult'; .*'liver_adult'"),
        (["probe", "show", "c5"], "unknown probe 'c5'"),
        (["scene", "check", "layrs"], "layrs.*did you mean 'layers'"),
    ],
)
def test_bad_input_names(tmp_path, monkeypatch, capfd, words, message):
    monkeypatch.chdir(tmp_path)
    refuse(capfd, words, message)
    assert everything(tmp_path) == []


def test_bad_input_gpu_that_is_not_there(tmp_path, capfd):
    import warp as wp

    device = f"cuda:{wp.get_cuda_device_count()}"  # one more than there are
    words = ["render", "layers", "--out", tmp_path / "out", "--device", device]
    refuse(capfd, words, f"device: no '{device}' here; found: cpu")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--depth", "0"], "probe 'c5_2v': depth must be above 0, got 0"),
        (["--depth", "-5"], "probe 'c5_2v': depth must be above 0, got -5"),
        (["--depth", "nan"], "probe 'c5_2v': depth: expected a finite number, got nan"),
        (["--set", "probe.frequency=0"], "frequency must be above 0, got 0"),
        (["--set", "probe.frequency=-3"], "frequency must be above 0, got -3"),
        (["--set", "probe.samples=512"], "samples: 512 over 150 mm .* IQ Nyquist limit"),
        (["--depth", "400"], "samples: 3072 over 400 mm .* IQ Nyquist limit"),
        (["--passes", "0"], "--passes: expected at least 1, got 0"),
        (["--set", "rays=0"], "rays: expected 1 to 4096, got 0"),
        (["--set", "display.dynamic_range=5"], "dynamic_range: expected 10 to 120 dB, got 5"),
        (["--set", "raise=8"], "no such setting; did you mean 'rays'"),
        (["--at", "0,0,0"], "--at and --aim: expected both or neither"),
        (["--aim", "0,0,0"], "--at and --aim: expected both or neither"),
        (["--at", "0,0", "--aim", "0,1,0"], "--at: expected x,y,z in mm, .* got '0,0'"),
        (["--at", "0,0,0", "--aim", "0,inf,0"], "--aim: expected x,y,z in mm"),
        (["--at", "1,2,3", "--aim", "1,2,3"], "'at' and 'aim' are the same point"),
        (["--at", "0,0,0", "--aim", "0,1,0", "--roll", "nan"], "--roll: expected an angle"),
        (["--at", "0,0,0", "--aim", "0,1,0", "--view", "top"], "expected one way to put"),
        (["--pose", "none.json"], r"none\.json: cannot be read \(No such file"),
        (["--pose", "poses.mat"], r"poses\.mat: poses are read from \.json"),
    ],
)
def test_bad_input_numbers(tmp_path, monkeypatch, capfd, words, message):
    monkeypatch.chdir(tmp_path)
    refuse(capfd, ["render", "layers", *words], message)
    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: 1.1 * m, "pose 1: expected a rigid matrix"),
        (lambda m: m @ np.diag([-1.0, 1, 1, 1]), "pose 1: expected a rotation, .* mirrors"),
        (lambda m: np.where(np.eye(4) > 0, np.nan, m), "pose 1: expected finite numbers"),
        (lambda m: m[:3, :3], "pose 1: expected a 4x4"),
    ],
)
def test_bad_input_poses(tmp_path, capfd, change, message):
    good = look_at((0, 0, 0), (0, 10, 0))
    path = tmp_path / "poses.json"
    path.write_text(json.dumps([good.tolist(), change(good).tolist()]))
    refuse(capfd, ["render", "layers", "--pose", path, "--out", tmp_path / "out"], message)
    assert everything(tmp_path) == [path]


def scene_file(folder, mesh, content, tissue="liver_adult", method="nested"):
    if content is not None:
        (folder / mesh).write_bytes(content if isinstance(content, bytes) else content.encode())
    text = f"""
name: test
resolve: {{method: {method}, spacing: 4.0}}
parts:
  - {{name: organ, file: {mesh}, units: mm, tissue: {tissue}}}
"""
    (folder / "scene.yaml").write_text(text)
    return folder / "scene.yaml"


def ply(vertex_count, faces):
    """A binary PLY whose vertices are all NaN."""
    head = "ply\nformat binary_little_endian 1.0\n"
    head += f"element vertex {vertex_count}\n" + "".join(f"property float {c}\n" for c in "xyz")
    head += f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    body = struct.pack("<3f", *[float("nan")] * 3) * vertex_count
    return head.encode() + body + b"".join(struct.pack("<B3i", 3, *face) for face in faces)


@pytest.mark.parametrize("command", [["render"], ["scene", "check"]])
@pytest.mark.parametrize(
    ("mesh", "content", "message"),
    [
        ("organ.obj", None, r"scene\.yaml: no file 'organ\.obj' in the data folder"),
        ("organ.obj", TETRAHEDRON, r"organ\.obj.*(empty|no triangles)"),
        ("organ.obj", TETRAHEDRON.replace("40", "nan") + FACES, r"organ.*NaN"),
        ("organ.ply", ply(4, [(0, 1, 2), (0, 2, 3)]), r"organ.*NaN"),
        ("organ.stl", b"solid", r"organ\.stl"),
        ("organ.glb", b"glTF\x02\x00\x00\x00", r"organ\.glb"),
        ("organ.vtp", b"<VTKFile", r"organ\.vtp"),
        ("organ.doc", b"hello", r"organ\.doc"),
    ],
)
def test_bad_input_meshes(tmp_path, capfd, command, mesh, content, message):
    scene = scene_file(tmp_path, mesh, content)
    before = everything(tmp_path)
    words = [*command, scene]
    words += ["--out", tmp_path / "out"] if command == ["render"] else []
    refuse(capfd, words, message)
    assert everything(tmp_path) == before


def test_bad_input_tissue_of_a_scene(tmp_path, capfd):
    scene = scene_file(tmp_path, "organ.obj", TETRAHEDRON + FACES, tissue="livr_adult")
    words = ["render", scene, "--out", tmp_path / "out"]
    refuse(capfd, words, r"scene\.yaml.*'livr_adult'.*did you mean 'liver_adult'")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "unreadable|not YAML"),
        (b"a: [", "not YAML"),
        (b"[1, 2]", "expected keys and values"),
        (b"nmae: x", "unknown key 'nmae'; did you mean 'name'"),
        (b"", "expected keys and values"),
        (b"!!python/object/apply:os.system [ls]", "not YAML"),
    ],
)
def test_bad_input_scene_files(tmp_path, capfd, content, message):
    (tmp_path / "scene.yaml").write_bytes(content)
    refuse(capfd, ["render", tmp_path / "scene.yaml", "--out", tmp_path / "out"], message)


def test_bad_input_scene_that_is_a_folder(tmp_path, capfd):
    (tmp_path / "scene.yaml").mkdir()
    refuse(capfd, ["render", tmp_path / "scene.yaml", "--out", tmp_path / "out"], r"scene\.yaml")


def test_bad_input_probe_inside_bone(tmp_path, capfd):
    scene = scene_file(tmp_path, "organ.obj", TETRAHEDRON + FACES, tissue="cortical_bone_adult")
    words = ["render", scene, "--at", "8,8,8", "--aim", "8,30,8", "--probe", "phased_p4"]
    words += ["--out", tmp_path / "out"]
    refuse(capfd, words, r"the probe is inside 'organ' \(cortical_bone_adult\)")
    assert not list((tmp_path / "out").rglob("*.*"))


@pytest.mark.parametrize(
    ("at", "aim"), [("0,-500,0", "0,-600,0"), ("0,-100,0", "0,0,0"), ("5000,0,0", "5000,10,0")]
)
def test_bad_input_probe_outside_the_body(tmp_path, capfd, at, aim):
    words = ["render", "layers", "--at", at, "--aim", aim, "--out", tmp_path / "out"]
    refuse(capfd, words, "the probe is outside the body")
    assert not list((tmp_path / "out").rglob("*.*"))


def test_bad_input_output_folder_cannot_be_made(tmp_path, capfd):
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        words = ["render", "layers", *SMALL, "--out", out]
        refuse(capfd, words, "file(/below)?: not a folder that can be written")
    assert (tmp_path / "file").read_text() == "kept"


def test_bad_input_preview_that_cannot_be_written(tmp_path, capfd):
    (tmp_path / "file").write_text("kept")
    words = ["scene", "check", "layers", "--out", tmp_path / "file" / "preview.png"]
    refuse(capfd, words, "not a folder that can be written")


def test_bad_input_disk_full_in_a_sweep(tmp_path, capfd, monkeypatch):
    """Files finished before stay whole; nothing half-written lies beside them."""
    poses = [look_at((x, 0, 0), (x, 10, 0)).tolist() for x in (0.0, 1.0, 2.0)]
    (tmp_path / "poses.json").write_text(json.dumps(poses))
    replace, calls = __import__("os").replace, []

    def full(*paths):
        calls.append(paths)
        if len(calls) > 7:
            raise OSError(28, "No space left on device")
        replace(*paths)

    monkeypatch.setattr("os.replace", full)
    words = ["render", "layers", *SMALL, "--pose", tmp_path / "poses.json", "--out"]
    refuse(capfd, [*words, tmp_path / "out"], r"cannot be written \(No space left on device\)")
    written = everything(tmp_path / "out")
    assert len(written) == 7
    assert all(path.suffix == ".png" and not path.name.startswith(".") for path in written)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "out of memory: fewer rays, layers or triangles are needed"),
        (MemoryError("Unable to allocate 9 TiB"), "out of memory: Unable to allocate 9 TiB"),
        (KeyboardInterrupt(), "interrupted"),
        (OSError(5, "Input/output error", "disk"), "disk: Input/output error"),
    ],
)
def test_bad_input_from_the_machine(tmp_path, capfd, monkeypatch, error, message):
    def fail(*_):
        raise error

    monkeypatch.setattr("insonate.anatomy.load_scene", fail)
    refuse(capfd, ["render", "layers", "--out", tmp_path / "out"], message)


def test_bad_input_more_rays_than_memory(tmp_path, capfd, monkeypatch):
    """The engine's own allocation fails: the line says what to reduce."""

    def fail(*_):
        raise RuntimeError("Failed to allocate 9000000000 bytes on device 'cpu'")

    monkeypatch.setattr("insonate.sim.look.Buffers", fail)
    refuse(capfd, ["render", "layers", "--out", tmp_path / "out"], "out of memory.*fewer rays")

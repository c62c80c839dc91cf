import json
import sys

import numpy as np
import pytest
from synthetic_frame import make_frame, sweep

from insonate.data import FORMATS, write_frames
from insonate.data.files import make_folder, replacing
from insonate.errors import InputError
from insonate.geometry.pose_file import read_poses


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def break_off(path, error):
    with replacing(path) as beside:
        beside.write_text("half")
        raise error


def test_writers_replace_only_when_the_block_ends_well(tmp_path):
    path = tmp_path / "deep" / "a.nii.gz"
    with replacing(path) as beside:
        assert beside.name.endswith(".nii.gz")
        beside.write_text("old")
    with pytest.raises(KeyError):
        break_off(path, KeyError())
    assert path.read_text() == "old"
    assert files(tmp_path) == ["deep/a.nii.gz"]


def test_writers_name_the_file_when_the_disk_is_full(tmp_path):
    with pytest.raises(InputError, match=r"a\.txt: cannot be written \(No space left"):
        break_off(tmp_path / "a.txt", OSError(28, "No space left on device"))
    assert files(tmp_path) == []


def test_writers_refuse_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match=f"^{folder}: not a folder that can be written"):
            make_folder(folder)


def test_writers_all_formats_of_one_frame(tmp_path):
    pytest.importorskip("SimpleITK")
    pytest.importorskip("pydicom")
    paths = write_frames([make_frame()], tmp_path, FORMATS)
    assert all(path.is_file() for path in paths)
    kinds = ["attenuation", "bmode", "figure", "labels", "mask", "shadow"]
    others = ["bmode.dcm", "bmode.igs.mha", "frames.json", "labels.igs.mha", "labels.nii.gz"]
    assert files(tmp_path) == sorted([f"{kind}.png" for kind in kinds] + [*others, "labels.txt"])


def test_writers_number_the_images_of_a_sweep(tmp_path):
    paths = write_frames((frame for frame in sweep(2)), tmp_path, ["png", "figure"])
    kinds = ["attenuation", "bmode", "figure", "labels", "mask", "shadow"]
    expected = [f"{kind}/{index:04d}.png" for kind in kinds for index in range(2)]
    assert files(tmp_path) == sorted([*expected, "frames.json"])
    assert {path.name for path in paths} == {*kinds, "frames.json"}


def test_writers_record_can_be_rendered_again(tmp_path):
    frames = sweep(3)
    write_frames(frames, tmp_path, [], notes={"scene": "mine"})
    for pose, frame in zip(read_poses(tmp_path / "frames.json"), frames, strict=True):
        np.testing.assert_array_equal(pose, frame.pose)
    record = json.loads((tmp_path / "frames.json").read_text())
    assert record["regions"] == ["outside", "liver", "kidney"]
    assert record["seeds"] == [0, 1, 2]
    assert record["scene"] == "mine"
    assert record["probe"]["name"] == "c5_2v"
    np.testing.assert_allclose(record["image_to_probe"], frames[0].image_to_probe())


def test_writers_refuse_unknown_formats_before_rendering(tmp_path):
    def frames():
        raise AssertionError("rendered")
        yield

    with pytest.raises(InputError, match="unknown format 'dicm'; did you mean 'dicom'"):
        write_frames(frames(), tmp_path / "out", ["png", "dicm"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "module"), [("nifti", "SimpleITK"), ("dicom", "pydicom")])
def test_writers_name_the_extra_that_is_missing(tmp_path, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf'{module} is not installed.*"insonate\[medical\]"'):
        write_frames([make_frame()], tmp_path, [name])


@pytest.mark.parametrize("name", FORMATS)
def test_writers_leave_nothing_half_written(tmp_path, monkeypatch, name):
    """The rename fails, as it would when the disk vanishes: nothing stays, old files live."""
    pytest.importorskip("SimpleITK")
    pytest.importorskip("pydicom")
    write_frames([make_frame()], tmp_path, [name])
    before = {path: (tmp_path / path).read_bytes() for path in files(tmp_path)}
    assert len(before) >= 2

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(InputError, match=r"cannot be written \(Input/output error\)"):
        write_frames([make_frame(seed=9)], tmp_path, [name])
    assert {path: (tmp_path / path).read_bytes() for path in files(tmp_path)} == before


def test_writers_leave_sequences_out_when_a_sweep_breaks_off(tmp_path):
    pytest.importorskip("SimpleITK")
    pytest.importorskip("pydicom")

    def frames():
        yield make_frame()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_frames(frames(), tmp_path, ["mha", "nifti", "dicom"])
    assert files(tmp_path) == []

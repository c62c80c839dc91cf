import gzip
import struct

import numpy as np
import pytest
from synthetic_frame import make_frame, sweep

from insonate.data import NiftiLabels
from insonate.errors import InputError

sitk = pytest.importorskip("SimpleITK")


def write(frames, folder):
    writer = NiftiLabels(folder)
    for frame in frames:
        writer.add(frame)
    return writer.save()


def read(path):
    """Voxels `[k, j, i]` and the sform (voxel to RAS mm), straight from the bytes."""
    data = gzip.decompress(path.read_bytes())
    shape = struct.unpack_from("<8h", data, 40)[1:4]
    assert struct.unpack_from("<h", data, 254)[0] > 0, "sform is not set"
    sform = np.array(struct.unpack_from("<12f", data, 280)).reshape(3, 4)
    start = int(struct.unpack_from("<f", data, 108)[0])
    return np.frombuffer(data, np.uint8, int(np.prod(shape)), start).reshape(shape[::-1]), sform


def test_nifti_voxel_lies_at_its_world_position_in_ras(tmp_path):
    frame = make_frame()
    path, _ = write([frame], tmp_path)
    voxels, sform = read(path)
    np.testing.assert_array_equal(voxels[0], frame.labels)
    for row, column in [(0, 0), (23, 0), (0, 31), (17, 5)]:
        ras = sform @ [column, row, 0, 1]
        x, y, z = frame.coordinates()[row, column]
        np.testing.assert_allclose(ras, [-x, -y, z], atol=1e-3)


def test_nifti_simpleitk_sees_lps(tmp_path):
    frame = make_frame()
    image = sitk.ReadImage(str(write([frame], tmp_path)[0]))
    at = image.TransformIndexToPhysicalPoint((5, 17, 0))
    np.testing.assert_allclose(at, frame.coordinates()[17, 5], atol=1e-3)


@pytest.mark.parametrize("step", [2.0, -2.0])
def test_nifti_parallel_sweep_is_one_volume(tmp_path, step):
    frames = sweep(4, step)
    paths = write(frames, tmp_path)
    assert [path.name for path in paths] == ["labels.nii.gz", "labels.txt"]
    image = sitk.ReadImage(str(paths[0]))
    assert image.GetSize() == (32, 24, 4)
    assert image.GetSpacing()[2] == pytest.approx(2.0)
    for frame in frames:  # label value is the frame's number
        index = image.TransformPhysicalPointToIndex(frame.coordinates()[9, 3].tolist())
        assert index[:2] == (3, 9)
        assert image[index] == frame.labels[9, 3] == frame.seed


def test_nifti_fan_of_frames_is_one_file_each(tmp_path):
    from insonate.geometry import look_at

    poses = [look_at([0, 0, 0], [0, 50, z]) for z in (-10, 0, 10)]
    frames = [make_frame(pose, seed=index) for index, pose in enumerate(poses)]
    paths = write(frames, tmp_path)
    assert [path.name for path in paths[:3]] == [f"000{index}.nii.gz" for index in range(3)]
    for frame, path in zip(frames, paths, strict=False):
        at = sitk.ReadImage(str(path)).TransformIndexToPhysicalPoint((5, 17, 0))
        np.testing.assert_allclose(at, frame.coordinates()[17, 5], atol=1e-3)


def test_nifti_uneven_sweep_is_not_stacked(tmp_path):
    frames = sweep(3)
    pose = frames[2].pose.copy()
    pose[:3, 3] += 0.5 * pose[:3, 1]
    assert len(write([*frames[:2], make_frame(pose)], tmp_path)) == 4


def test_nifti_names_regions_for_itk_snap(tmp_path):
    *_, names = write([make_frame()], tmp_path)
    lines = [line for line in names.read_text().splitlines() if not line.startswith("#")]
    assert [line.split('"')[1] for line in lines] == ["outside", "liver", "kidney"]
    assert [int(line.split()[0]) for line in lines] == [0, 1, 2]


def test_nifti_refuses_to_be_empty(tmp_path):
    with pytest.raises(InputError, match="no frames"):
        NiftiLabels(tmp_path).save()

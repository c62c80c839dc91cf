import os
import re
from pathlib import Path

import numpy as np
import pytest
from synthetic_frame import make_frame, sweep

from insonate.data import MhaSequence
from insonate.errors import InputError

sitk = pytest.importorskip("SimpleITK")
ROOT = Path(__file__).parents[2]
REAL = Path(os.environ.get("INSONATE_DATA", ROOT.parent / "shared" / "data")) / "tracked"


def write(frames, path, **options):
    sequence = MhaSequence(path, **options)
    for frame in frames:
        sequence.add(frame)
    return sequence.save()[0]


def header(path):
    text = path.read_bytes().split(b"ElementDataFile")[0].decode("ascii")
    return dict(line.split(" = ", 1) for line in text.strip().split("\n"))


def matrix(text):
    return np.array(text.split(), float).reshape(4, 4)


def test_mha_pixels_come_back_through_simpleitk(tmp_path):
    frames = sweep(3)
    path = write(frames, tmp_path / "sweep.igs.mha")
    image = sitk.ReadImage(str(path))
    assert image.GetSize() == (32, 24, 3)
    assert image.GetSpacing() == (1, 1, 1)
    expected = np.stack([frame.image() for frame in frames])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), expected)


@pytest.mark.parametrize(("dtype", "factor"), [(np.uint8, 1), (np.uint16, 200)])
def test_mha_labels_keep_their_numbers(tmp_path, dtype, factor):
    labels = (np.arange(24 * 32).reshape(24, 32) % 251 * factor).astype(dtype)
    path = write([make_frame(labels=labels)] * 2, tmp_path / "labels.igs.mha", image="labels")
    read = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    np.testing.assert_array_equal(read, np.stack([labels, labels]))
    assert read.dtype == dtype


def test_mha_transforms_take_a_pixel_to_its_world_position(tmp_path):
    frames = sweep(3)
    fields = header(write(frames, tmp_path / "sweep.igs.mha"))
    row, column = 17, 5
    for index, frame in enumerate(frames):
        chain = [
            matrix(fields[f"Seq_Frame{index:04d}_{name}Transform"])
            for name in ("ProbeToReference", "ImageToProbe")
        ]
        at = chain[0] @ chain[1] @ [column, row, 0, 1]
        np.testing.assert_allclose(at[:3], frame.coordinates()[row, column], atol=1e-4)
        direct = matrix(fields[f"Seq_Frame{index:04d}_ImageToReferenceTransform"])
        np.testing.assert_allclose(direct, chain[0] @ chain[1], atol=1e-7)


def test_mha_reference_is_lps_and_says_so(tmp_path):
    fields = header(write([make_frame()], tmp_path / "one.igs.mha"))
    flip = matrix(fields["Seq_Frame0000_ReferenceToRasTransform"])
    np.testing.assert_array_equal(flip @ [1, 2, 3, 1], [-1, -2, 3, 1])


def test_mha_time_stamps_follow_the_rate(tmp_path):
    fields = header(write(sweep(3), tmp_path / "sweep.igs.mha", rate=25.0))
    times = [float(fields[f"Seq_Frame{index:04d}_Timestamp"]) for index in range(3)]
    assert times == [0.0, 0.04, 0.08]


def test_mha_same_frames_same_bytes(tmp_path):
    one, two = (write(sweep(2), tmp_path / name) for name in ("a.igs.mha", "b.igs.mha"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the recorded sweeps in shared/data")
@pytest.mark.parametrize("name", ["liver-sweep.igs.mha", "plus/SpinePhantomFreehand.igs.mha"])
def test_mha_has_the_fields_of_recorded_sweeps(tmp_path, name):
    """Every kind of field that PLUS itself writes is there, with the same status words."""
    with open(REAL / name, "rb") as file:
        text = file.read(200_000).split(b"ElementDataFile")[0].decode("latin-1")
    # tracked tools differ from rig to rig: any transform counts as a transform
    kinds = {_kind(line.split(" = ")[0]) for line in text.strip().split("\n") if " = " in line}
    ours = {_kind(key) for key in header(write(sweep(2), tmp_path / "sweep.igs.mha"))}
    assert kinds - ours <= {"ConvexApexPixel"}
    assert {"Frame_Transform", "Frame_TransformStatus", "Frame_Timestamp"} <= kinds & ours


def _kind(key):
    key = re.sub(r"^Seq_Frame\d{4}_", "Frame_", key.strip())
    return re.sub(r"^Frame_\w+?To\w+?Transform", "Frame_Transform", key)


def test_mha_refuses_frames_of_another_size(tmp_path):
    sequence = MhaSequence(tmp_path / "sweep.igs.mha")
    sequence.add(make_frame())
    with pytest.raises(InputError, match=r"sweep\.igs\.mha: frame 1 is"):
        sequence.add(make_frame(rows=25))


def test_mha_refuses_to_be_empty_or_timeless(tmp_path):
    with pytest.raises(InputError, match="no frames"):
        MhaSequence(tmp_path / "sweep.igs.mha").save()
    with pytest.raises(InputError, match="rate must be above 0 Hz"):
        MhaSequence(tmp_path / "sweep.igs.mha", rate=0.0)
    assert list(tmp_path.iterdir()) == []

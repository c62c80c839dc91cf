import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from insonate.data.importers import Imported, Options, Skipped, open_source
from insonate.data.importers.volume_file import read_volume
from insonate.errors import InputError

sitk = pytest.importorskip("SimpleITK")
pydicom = pytest.importorskip("pydicom")

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "fetal-mri"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="no real data here")
SIZE = (7, 6, 5)  # i, j, k
SPACING = (0.5, 0.7, 1.1)  # mm
TURN = Rotation.from_euler("zyx", [10, -15, 20], degrees=True).as_matrix()
ORIGIN = (12.0, -30.0, 44.0)  # mm


def volume(dtype=np.int16, turn=TURN):
    """Every voxel has a value of its own; the corners are the extremes."""
    image = sitk.GetImageFromArray(np.arange(np.prod(SIZE)).reshape(SIZE[::-1]).astype(dtype))
    image.SetSpacing(SPACING)
    image.SetDirection(np.asarray(turn).ravel().tolist())
    image.SetOrigin(ORIGIN)
    return image


def write(image, path):
    sitk.WriteImage(image, str(path), useCompression=True)
    return path


def frames_of(path, **options):
    source = open_source(path, Options(**options))
    items = list(source)
    assert len(source) == len(items)
    return source, [item for item in items if isinstance(item, Imported)]


def world(frame):
    (down, across), (x, z) = frame.spacing, frame.origin
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[2, 1], matrix[1, 2] = across, down, -across
    matrix[:, 3] = [x, 0.0, z, 1.0]
    return frame.pose @ matrix


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd", "mha", "mhd"])
@pytest.mark.parametrize("axis", [None, "axial", "coronal", "sagittal"])
def test_every_pixel_lies_where_its_voxel_does(tmp_path, ending, axis):
    image = volume(np.uint8)
    source, frames = frames_of(write(image, tmp_path / f"v.{ending}"), axis=axis)
    assert source.kind == "volume"
    values = sitk.GetArrayFromImage(image)
    seen = []
    for frame in frames:
        rows, columns = frame.image.shape
        for row, column in [(0, 0), (rows - 1, 1), (2, columns - 1)]:
            at = (world(frame) @ [column, row, 0, 1])[:3]
            i, j, k = np.round(image.TransformPhysicalPointToContinuousIndex(at.tolist()), 3)
            assert (i, j, k) == (round(i), round(j), round(k))
            assert frame.image[row, column] == values[int(k), int(j), int(i)]
        seen.append(frame.metadata["position"])
    steps = {None: 1.1, "axial": 1.1, "coronal": 0.7, "sagittal": 0.5}
    assert np.allclose(np.diff(seen), steps[axis], atol=1e-3)  # away from feet, front or right
    assert frames[1].metadata["slices"] == len(frames)


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, -1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
def test_planes_are_as_on_a_screen_however_they_are_stored(tmp_path, flips, order):
    turn = np.eye(3)[:, order] * flips
    if np.linalg.det(turn) < 0:
        turn[:, 2] *= -1
    path = write(volume(np.uint8, turn), tmp_path / "v.nii")
    expected = {  # x and z of the pose: to the right and down on the screen, in LPS
        "axial": ([1, 0, 0], [0, 1, 0]),
        "coronal": ([1, 0, 0], [0, 0, -1]),
        "sagittal": ([0, 1, 0], [0, 0, -1]),
    }
    for axis, (right, down) in expected.items():
        _, frames = frames_of(path, axis=axis)
        assert np.allclose(frames[0].pose[:3, [0, 2]].T, [right, down], atol=1e-6)


def test_intensities_are_scaled_by_percentiles_and_that_is_said(tmp_path):
    values = np.random.default_rng(1).normal(1000, 50, (40, 40, 40))
    values[3, 4, 5], values[7, 8, 9], values[0] = 1e6, np.nan, np.inf
    image = sitk.GetImageFromArray(values.astype(np.float32))
    source, frames = frames_of(write(image, tmp_path / "v.mha"))
    stack = np.stack([frame.image for frame in frames])
    low, high = (1000 + 50 * z for z in (-2.576, 2.576))
    expected = np.clip((1040.0 - low) / (high - low), 0, 1) * 255
    at = np.abs(values[1:][: len(stack)] - 1040.0) < 0.5
    assert abs(stack[at].mean() - expected) < 4
    assert (stack == 255).mean() < 0.02
    (note,) = source.notes
    assert re.search(r"v.mha: intensities from 8\d\d\.?\d* to 11\d\d\.?\d* became 0 to 255", note)
    source, frames = frames_of(write(volume(np.uint8), tmp_path / "w.nii"))
    assert source.notes == ()
    assert frames[0].image.max() == 41  # as it was


def test_blank_slices_are_skipped(tmp_path):
    image = volume(np.uint8)
    image[:, :, 2] = 7
    items = list(open_source(write(image, tmp_path / "v.nii")))
    assert [type(item) for item in items] == [Imported, Imported, Skipped, Imported, Imported]
    assert items[2].reason == "blank slice"


def test_labels_come_along(tmp_path):
    path = write(volume(), tmp_path / "v.nii.gz")
    labels = volume() > 100
    mask = write(sitk.Cast(labels, sitk.sitkFloat32) * 2, tmp_path / "m.nii.gz")
    (tmp_path / "labels.txt").write_text('0 0 0 0 0 0 0 "outside"\n2 255 0 0 1 1 1 "cortex"\n')
    source, frames = frames_of(path, mask=mask, axis="coronal")
    assert source.regions == ("outside", "region_1", "cortex")
    for frame in frames:
        assert frame.labels.shape == frame.image.shape
        assert set(np.unique(frame.labels)) <= {0, 2}
        assert frame.image[frame.labels == 2].min() >= frame.image[frame.labels == 0].max()


def other_place():
    image = volume(np.uint8)
    image.SetOrigin([12.0, -29.0, 44.0])
    return image


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (lambda: volume()[1:], r"labels of 6 x 6 x 5 for v\.nii of 7 x 6 x 5"),
        (other_place, r"lies up to 1 mm beside v\.nii"),
        (lambda: volume() * 3, "labels from 0 to 627; expected 0 to 255"),
        (lambda: volume() - 5, "labels from -5 to 204; expected 0 to 255"),
        (lambda: sitk.Cast(volume(), sitk.sitkFloat32) * 0.3, "found fractions"),
    ],
)
def test_masks_that_do_not_fit(tmp_path, mask, says):
    path = write(volume(), tmp_path / "v.nii")
    with pytest.raises(InputError, match=says):
        open_source(path, Options(mask=write(mask(), tmp_path / "m.nii")))


def test_axes_and_places_that_are_not_known(tmp_path):
    path = write(volume(np.uint8), tmp_path / "v.nii")
    with pytest.raises(InputError, match="did you mean 'axial'"):
        open_source(path, Options(axis="axail"))
    bare = tmp_path / "v.nrrd"
    header = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 7 6 5\nencoding: raw\n\n"
    bare.write_bytes(header.encode() + bytes(range(210)))
    source, frames = frames_of(bare)
    assert frames[2].pose is None
    assert "says nothing of its place" in source.notes[0]
    with pytest.raises(InputError, match="expected no axis"):
        open_source(bare, Options(axis="axial"))


@pytest.mark.parametrize("ending", ["nrrd", "mha", "nii", "nii.gz"])
def test_volumes_read_as_the_library_reads_them(tmp_path, ending):
    for dtype in (np.int16, np.uint16, np.float32):
        image = volume(dtype)
        found = read_volume(write(image, tmp_path / f"v.{ending}"), 10**6, 1000)
        assert np.array_equal(found.values, sitk.GetArrayFromImage(image))
        assert np.allclose(found.geometry.steps, TURN * SPACING, atol=1e-5)
        assert np.allclose(found.geometry.origin, ORIGIN, atol=1e-4)


@pytest.mark.parametrize("ending", ["nrrd", "mha", "nii", "nii.gz"])
def test_truncated_volumes_are_refused(tmp_path, ending):
    random = np.random.default_rng(1).integers(0, 30_000, (9, 30, 30)).astype(np.int16)
    path = write(sitk.GetImageFromArray(random), tmp_path / f"v.{ending}")
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(InputError, match=r"truncated|announced|ends after"):
        open_source(path)


def test_sizes_that_are_too_large_are_refused_before_anything_is_allocated(tmp_path):
    path = write(volume(np.uint8), tmp_path / "v.nii")
    raw = bytearray(path.read_bytes())
    raw[42:48] = np.array([30_000, 30_000, 30_000], "<i2").tobytes()
    path.write_bytes(raw)
    with pytest.raises(InputError, match="30000 x 30000 x 30000 voxels; expected at most"):
        open_source(path)
    raw[42:48] = np.array([700, 600, 500], "<i2").tobytes()
    path.write_bytes(gzip.compress(raw))
    path = path.rename(tmp_path / "v.nii.gz")
    with pytest.raises(InputError, match="210000000 voxels of 8 bits announced, but"):
        open_source(path)


def write_series(folder, count=4, modality="MR", step=2.5, patient="DOE^JANE"):
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

    folder.mkdir(exist_ok=True)
    for k in range(count):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = f"1.2.{k + 1}"
        file = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        file.SOPClassUID, file.SOPInstanceUID = MRImageStorage, f"1.2.{k + 1}"
        file.Modality, file.PatientID, file.SeriesInstanceUID = modality, patient, "1.2.3"
        file.ImagePositionPatient = [1.0, 2.0, 3.0 + step * k]
        file.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        file.PixelSpacing = [0.8, 0.6]  # rows, columns
        file.Rows, file.Columns, file.SamplesPerPixel = 5, 6, 1
        file.PhotometricInterpretation = "MONOCHROME2"
        file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 16, 15, 0
        file.RescaleSlope, file.RescaleIntercept = 2, -100
        file.PixelData = (np.arange(30, dtype=np.uint16) + 100 * k).tobytes()
        file.save_as(folder / f"DOE_{9 - k}.dcm", enforce_file_format=True)
    return folder


def test_a_dicom_series_is_a_volume_without_a_name(tmp_path):
    source, frames = frames_of(write_series(tmp_path / "DOE_JANE"))
    assert len(frames) == 4
    for k, frame in enumerate(frames):
        assert frame.spacing == pytest.approx((0.8, 0.6))
        assert np.allclose(world(frame)[:3, 3], [1, 2, 3 + 2.5 * k])
        assert frame.metadata["position"] == pytest.approx(3 + 2.5 * k)
        assert "DOE" not in str(frame.metadata) + frame.patient + frame.sequence + frame.plane
    assert "DOE" not in source.provenance + "".join(source.notes)
    assert frames[0].image.mean() < frames[3].image.mean()
    assert "from -98.81 to 556.81" in source.notes[0]  # rescaled as the tags say: -100 to 558


def test_series_that_do_not_stack(tmp_path):
    folder = write_series(tmp_path / "s", 5)
    (folder / "DOE_7.dcm").unlink()
    with pytest.raises(InputError, match="not evenly spaced"):
        open_source(folder)


def change(path, **tags):
    file = pydicom.dcmread(path)
    for name, content in tags.items():
        setattr(file, name, content)
    file.save_as(path)


def reasons(frames):
    return {item.reason: item.frames for item in frames if isinstance(item, Skipped)}


def test_a_broken_slice_is_skipped_and_the_others_are_kept(tmp_path):
    folder = write_series(tmp_path / "s", 4)
    raw = (folder / "DOE_9.dcm").read_bytes()  # the first one
    (folder / "DOE_9.dcm").write_bytes(raw[:-20])
    (folder / "DOE_5.dcm").write_bytes(raw[:132] + b"broken")
    source = open_source(folder)
    frames = list(source)
    assert len(frames) == len(source) == 5
    assert [f.metadata["position"] for f in frames if isinstance(f, Imported)] == [5.5, 8.0, 10.5]
    assert sum(reasons(frames).values()) == 2


def test_a_series_that_does_not_stack_does_not_cost_the_others(tmp_path):
    folder = write_series(tmp_path / "s", 5)
    for k in (5, 6):
        change(folder / f"DOE_{k}.dcm", SeriesInstanceUID="1.2.4")
    write_series(tmp_path / "t", 4)
    for k in (6, 8, 9):
        path = folder / f"t{k}.dcm"
        (tmp_path / f"t/DOE_{k}.dcm").rename(path)
        change(path, SeriesInstanceUID="1.2.5")
    frames = list(open_source(folder))
    assert sum(isinstance(item, Imported) for item in frames) == 5
    assert reasons(frames) == {"slices are not evenly spaced": 3}


def test_slices_are_checked_before_they_are_decoded(tmp_path, monkeypatch):
    folder = write_series(tmp_path / "s", 4)
    path = folder / "DOE_9.dcm"
    jpeg = b"\xff\xd8\xff\xc0\x00\x0b\x08\x75\x30\x75\x30\x01\x01\x11\x00\xff\xd9\x00"
    file = pydicom.dcmread(path)
    file.PixelData = pydicom.encaps.encapsulate([jpeg])  # claims 30000 x 30000 pixels
    file["PixelData"].is_undefined_length = True
    file.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    file.save_as(path)
    frames = list(open_source(folder))
    assert reasons(frames) == {"compressed image of another size than its header says": 1}


def test_inverted_slices_are_turned(tmp_path):
    plain, inverted = (write_series(tmp_path / name, 3) for name in "pi")
    for path in inverted.iterdir():
        change(path, PhotometricInterpretation="MONOCHROME1")
    (_, ours), (_, turned) = frames_of(plain), frames_of(inverted)
    for a, b in zip(ours, turned, strict=True):
        assert np.abs(255 - a.image.astype(int) - b.image).max() <= 1


def test_slices_behind_links_out_of_the_folder_are_skipped(tmp_path):
    folder = write_series(tmp_path / "s", 4)
    (folder / "DOE_9.dcm").rename(tmp_path / "elsewhere.dcm")
    (folder / "DOE_9.dcm").symlink_to(tmp_path / "elsewhere.dcm")
    frames = list(open_source(folder))
    assert reasons(frames) == {"link out of the folder": 1}
    assert len(frames) == 4


def check(path):
    """Only InputError, or slices that are sound."""
    try:
        frames = [item for item in open_source(path) if isinstance(item, Imported)]
    except InputError:
        return
    for frame in frames:
        assert frame.image.dtype == np.uint8
        assert frame.pose is None or np.isfinite(frame.pose).all()


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd", "mha"])
@given(data=st.data())
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mutated_volumes_are_read_or_refused(tmp_path, ending, data):
    raw = bytearray(write(volume(), tmp_path / f"v.{ending}").read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"broken.{ending}"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    check(path)


@given(data=st.data())
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mutated_series_are_read_or_refused(tmp_path, data):
    folder = write_series(tmp_path / "s", 3)
    path = folder / "DOE_8.dcm"
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(132, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(140, len(raw)))])
    check(folder)


@needs_real
@pytest.mark.parametrize(
    ("week", "axis", "slices", "kept"), [("GA22_notoperated", "axial", 155, 65),
                                         ("GA34_operated", "sagittal", 135, 103)],
)  # fmt: skip
def test_the_atlas_with_its_parcellation(week, axis, slices, kept):
    folder = REAL / f"atlas-{week}"
    options = {"mask": folder / "parcellation.nii.gz", "axis": axis}
    source, frames = frames_of(folder / "srr.nii.gz", **options)
    assert (len(source), len(frames)) == (slices, kept)
    assert len(source.regions) == 9
    labelled = np.concatenate([frame.labels[frame.labels > 0] for frame in frames])
    assert set(np.unique(labelled)) <= set(range(1, 9))
    reference = sitk.ReadImage(str(folder / "srr.nii.gz"))
    middle = frames[len(frames) // 2]
    row, column = np.unravel_index(middle.image.argmax(), middle.image.shape)
    at = (world(middle) @ [column, row, 0, 1])[:3].tolist()
    value = reference[reference.TransformPhysicalPointToIndex(at)]
    assert value > np.percentile(sitk.GetArrayViewFromImage(reference), 95)


@needs_real
def test_stacks_of_a_whole_uterus():
    for run in (1, 3):
        path = REAL / "mialsrtk" / f"sub-01_run-{run}_T2w.nii.gz"
        mask = REAL / "mialsrtk" / f"sub-01_run-{run}_T2w_desc-brain_mask.nii.gz"
        source, frames = frames_of(path, mask=mask, patient=r"sub-\d+")
        assert len(frames) == 22
        assert {frame.patient for frame in frames} == {"sub-01"}
        assert frames[0].spacing == pytest.approx((1.125, 1.125))
        assert source.regions == ("background", "region_1")
        positions = [frame.metadata["position"] for frame in frames]
        assert np.allclose(np.diff(positions), 3.3, atol=1e-3)

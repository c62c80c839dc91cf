import numpy as np
import pytest
from synthetic_frame import SPACING, make_frame, sweep

from insonate.data import DicomFile
from insonate.errors import InputError

pydicom = pytest.importorskip("pydicom")


def write(frames, path, **options):
    file = DicomFile(path, **options)
    for frame in frames:
        file.add(frame)
    return pydicom.dcmread(file.save()[0])


def test_dicom_single_frame(tmp_path):
    frame = make_frame()
    dataset = write([frame], tmp_path / "a.dcm")
    assert dataset.SOPClassUID.name == "Ultrasound Image Storage"
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert "NumberOfFrames" not in dataset
    np.testing.assert_array_equal(dataset.pixel_array, frame.image())


@pytest.mark.parametrize("columns", [32, 33])  # an odd number of bytes must be padded
def test_dicom_sweep(tmp_path, columns):
    frames = [make_frame(rows=23, columns=columns, seed=seed) for seed in range(3)]
    dataset = write(frames, tmp_path / "a.dcm", rate=25.0)
    assert dataset.SOPClassUID.name == "Ultrasound Multi-frame Image Storage"
    assert dataset.NumberOfFrames == 3
    assert dataset.FrameTime == 40.0
    assert dataset.FrameIncrementPointer == pydicom.tag.Tag("FrameTime")
    expected = np.stack([frame.image() for frame in frames])
    np.testing.assert_array_equal(dataset.pixel_array, expected)


def test_dicom_measures_in_cm_from_the_face_of_the_probe(tmp_path):
    frame = make_frame()
    (region,) = write([frame], tmp_path / "a.dcm").SequenceOfUltrasoundRegions
    assert region.RegionSpatialFormat == 1
    assert region.PhysicalUnitsXDirection == region.PhysicalUnitsYDirection == 3
    assert region.PhysicalDeltaX == pytest.approx(SPACING / 10)
    column, row = 5, 17  # position in cm as the standard defines it
    across, down = column - region.ReferencePixelX0, row - region.ReferencePixelY0
    x = region.ReferencePixelPhysicalValueX + across * region.PhysicalDeltaX
    y = region.ReferencePixelPhysicalValueY + down * region.PhysicalDeltaY
    probe = frame.image_to_probe() @ [column, row, 0, 1]
    np.testing.assert_allclose([10 * x, 10 * y], probe[[0, 2]], atol=1e-9)
    # the reference pixel is the one nearest to the middle of the face
    assert abs(region.ReferencePixelPhysicalValueX) <= region.PhysicalDeltaX / 2
    assert abs(region.ReferencePixelPhysicalValueY) <= region.PhysicalDeltaY / 2
    assert (region.RegionLocationMaxX1, region.RegionLocationMaxY1) == (31, 23)


def test_dicom_pixel_spacing_in_mm(tmp_path):
    assert write([make_frame()], tmp_path / "a.dcm").PixelSpacing == [SPACING, SPACING]


def test_dicom_names_no_patient_and_says_simulated(tmp_path):
    dataset = write([make_frame()], tmp_path / "a.dcm")
    assert dataset.PatientName == "Insonate^Simulated"
    assert dataset.ImageType[0] == "DERIVED"
    assert dataset.SyntheticData == "YES"
    for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber"):
        assert dataset[keyword].value in ("", None)
    assert "InstitutionName" not in dataset
    assert "OperatorsName" not in dataset


def test_dicom_identifiers_follow_from_content(tmp_path):
    def uids(frames, name):
        dataset = write(frames, tmp_path / name)
        return [dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID]

    one, again = uids([make_frame()], "a.dcm"), uids([make_frame()], "b.dcm")
    assert one == again
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    moved = make_frame().pose.copy()
    moved[0, 3] += 1.0
    others = [uids([make_frame(seed=2)], "c.dcm"), uids([make_frame(moved)], "d.dcm")]
    everything = [*one, *others[0], *others[1]]
    assert len(set(everything)) == 9
    assert all(pydicom.uid.UID(uid).is_valid for uid in everything)


def test_dicom_elements_are_valid(tmp_path):
    """Every value meets its value representation, and what a US image must hold is there."""
    with pydicom.config.strict_reading():
        dataset = write(sweep(2), tmp_path / "a.dcm")
        str(dataset)
    required = (
        "PatientID ReferringPhysicianName StudyID Modality SeriesNumber Manufacturer "
        "InstanceNumber PatientOrientation SamplesPerPixel PhotometricInterpretation Rows "
        "Columns BitsAllocated BitsStored HighBit PixelRepresentation LossyImageCompression "
        "FrameTime FrameIncrementPointer SequenceOfUltrasoundRegions"
    )
    assert [name for name in required.split() if name not in dataset] == []


def test_dicom_read_by_a_second_library(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    frames = sweep(3)
    write(frames, tmp_path / "a.dcm")
    image = sitk.ReadImage(str(tmp_path / "a.dcm"))
    expected = np.stack([frame.image() for frame in frames])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), expected)


def test_dicom_refuses_mixed_sizes_and_nothing(tmp_path):
    file = DicomFile(tmp_path / "a.dcm")
    with pytest.raises(InputError, match="no frames"):
        file.save()
    file.add(make_frame())
    with pytest.raises(InputError, match=r"a\.dcm: frame 1 is"):
        file.add(make_frame(rows=30))
    assert list(tmp_path.iterdir()) == []

"""Ultrasound DICOM in: gray pixels, geometry, no identity, and nothing that crashes."""

from __future__ import annotations

import functools
import io
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_frame import SPACING, make_frame

from insonate.data import DicomFile
from insonate.data.dataset import Dataset
from insonate.data.importers import Imported, Options, Skipped, import_source, open_source
from insonate.data.importers.codestream import codestream_size
from insonate.data.importers.dicom import DicomFiles
from insonate.data.importers.source import Box
from insonate.data.importers.us_regions import tissue_regions
from insonate.errors import InputError

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("zarr")
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "dicom"
real = pytest.mark.skipif(not REAL.exists(), reason="real data are not here")
SECRETS = ("Doe", "Ann", "1234", "19800101", "20200102", "1.2.840.99", "Clinic", "Roe")


def ultrasound(pixels, path, **changes):
    """A file with all that must not come through."""
    one = pixels.ndim == (3 if pixels.shape[-1] == 3 else 2)
    frames = 1 if one else len(pixels)
    made = pydicom.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.SOPClassUID = pydicom.uid.UltrasoundImageStorage
    made.SOPInstanceUID, made.StudyInstanceUID = "1.2.840.99.1", "1.2.840.99.2"
    made.PatientName, made.PatientID, made.PatientBirthDate = "Doe^Ann", "1234", "19800101"
    made.StudyDate, made.InstitutionName, made.OperatorsName = "20200102", "Clinic", "Roe"
    made.Modality, made.Manufacturer = "US", "Maker"
    colour = pixels.shape[-1] == 3 and pixels.ndim > 2
    made.SamplesPerPixel = 3 if colour else 1
    made.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        made.PlanarConfiguration = 0
    made.Rows, made.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    if frames > 1:
        made.NumberOfFrames = frames
    bits = pixels.dtype.itemsize * 8
    made.BitsAllocated, made.BitsStored, made.HighBit = bits, bits, bits - 1
    made.PixelRepresentation = 0
    made.PixelData = pixels.tobytes()
    for name, value in changes.items():
        setattr(made, name, value)
    made.save_as(path, enforce_file_format=True)
    return path


def region(box, kind=1, **changes):
    item = pydicom.Dataset()
    item.RegionSpatialFormat, item.RegionDataType = 1, kind
    item.RegionLocationMinX0, item.RegionLocationMinY0 = box.left, box.top
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box.right - 1, box.bottom - 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.02, 0.03
    for name, value in changes.items():
        setattr(item, name, value)
    return item


def frames(path, **options):
    return [i for i in DicomFiles(path, Options(**options)) if isinstance(i, Imported)]


def reasons(path, **options):
    return [i.reason for i in DicomFiles(path, Options(**options)) if isinstance(i, Skipped)]


NOISE = np.random.default_rng(0).integers(1, 255, (90, 120)).astype(np.uint8)


def test_no_identity_comes_through_and_its_place_in_the_picture_is_cut(tmp_path):
    image = NOISE.copy()
    image[:20] = 0
    image[4:12, ::3] = 255  # a name
    box = Box(10, 20, 110, 90)
    (tmp_path / "Doe_Ann").mkdir()
    path = tmp_path / "Doe_Ann" / "Ann1234.dcm"
    ultrasound(image, path, SequenceOfUltrasoundRegions=[region(box)])
    report = import_source(open_source(path.parent), tmp_path / "out.zarr")
    data = Dataset(tmp_path / "out.zarr")
    np.testing.assert_array_equal(data.raw("bmode", 0), image[20:90, 10:110])
    np.testing.assert_allclose(data.raw("spacing", 0), [0.3, 0.2])
    assert data.metadata(0)["maker"] == "Maker"
    said = json.dumps([data.metadata(0), vars(data.attributes) | {"tissues": None}], default=str)
    everything = said + "".join(report.lines())
    assert not [secret for secret in SECRETS if secret in everything]
    for file in (tmp_path / "out.zarr").rglob("*"):
        text = file.read_bytes() if file.is_file() else b""
        assert not [secret for secret in SECRETS if secret.encode() in text], file
    assert any("replaced by random ones" in line for line in report.lines())


def test_without_an_area_a_frame_is_left_out_unless_whole_images_are_wanted(tmp_path):
    path = ultrasound(NOISE, tmp_path / "a.dcm")
    with pytest.raises(InputError, match="no ultrasound area found, and names may be burned in"):
        import_source(open_source(path), tmp_path / "out.zarr")
    report = import_source(open_source(path), tmp_path / "out.zarr", crop="none")
    assert report.frames == 1
    assert any("look at the images before you pass them on" in line for line in report.lines())


def test_our_own_files_come_back(tmp_path):
    file = DicomFile(tmp_path / "a.dcm")
    wanted = [make_frame(seed=seed) for seed in range(3)]
    for frame in wanted:
        file.add(frame)
    file.save()
    got = frames(tmp_path / "a.dcm")
    assert len(got) == 3
    for frame, expected in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(frame.image, expected.image())
        assert frame.spacing == pytest.approx((SPACING, SPACING))
        assert frame.origin == pytest.approx(expected.origin, abs=1e-6)
    assert len({frame.sequence for frame in got}) == 1


def test_two_images_on_one_screen_are_two_frames(tmp_path):
    left, right = Box(0, 10, 60, 90), Box(60, 10, 120, 90)
    doppler, curve = region(Box(70, 20, 90, 40), kind=2), region(left, RegionSpatialFormat=3)
    found = [region(left), region(right), doppler, curve, region(left)]
    path = ultrasound(NOISE, tmp_path / "a.dcm", SequenceOfUltrasoundRegions=found)
    got = frames(path)
    assert [frame.area for frame in got] == [left, right]
    assert len({frame.sequence for frame in got}) == 2


def test_regions_of_an_image_that_was_made_smaller_are_not_trusted(tmp_path):
    box = Box(0, 0, 240, 180)
    path = ultrasound(NOISE, tmp_path / "a.dcm", SequenceOfUltrasoundRegions=[region(box)])
    source = DicomFiles(path, Options())
    (frame,) = source
    assert isinstance(frame, Imported)
    assert frame.area is None
    assert frame.spacing is None
    assert any("their pixel size is not known" in note for note in source.notes)


def test_reference_pixels_are_counted_from_the_region():
    box = Box(10, 20, 110, 90)
    item = region(
        box, ReferencePixelX0=50, ReferencePixelY0=-4, ReferencePixelPhysicalValueX=0.0,
        ReferencePixelPhysicalValueY=0.1,
    )  # fmt: skip
    (got,) = tissue_regions(made_of(item), 90, 120)
    assert got.spacing == pytest.approx((0.3, 0.2))
    assert got.origin == pytest.approx((-60 * 0.2, 1.0 - 16 * 0.3))


@pytest.mark.parametrize(
    "changes",
    [{"PhysicalUnitsXDirection": 4}, {"PhysicalDeltaX": 0.0}, {"PhysicalDeltaY": float("nan")}],
)
def test_a_pixel_size_that_is_none_is_not_taken_for_one(changes):
    (got,) = tissue_regions(made_of(region(Box(0, 0, 50, 50), **changes)), 90, 120)
    assert got.spacing is None
    assert got.origin is None


def made_of(*items):
    made = pydicom.Dataset()
    made.SequenceOfUltrasoundRegions = list(items)
    return made


def test_monochrome_1_is_turned_and_sixteen_bits_become_eight(tmp_path):
    ultrasound(NOISE, tmp_path / "a.dcm", PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(frames(tmp_path / "a.dcm")[0].image, 255 - NOISE)
    deep = NOISE.astype(np.uint16) * 16
    ultrasound(deep, tmp_path / "b.dcm", BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(frames(tmp_path / "b.dcm")[0].image, NOISE)


def test_colour_is_made_gray_and_counted(tmp_path):
    image = np.dstack([NOISE] * 3)
    image[:9] = [255, 0, 0]
    source = DicomFiles(ultrasound(image, tmp_path / "a.dcm"), Options())
    (frame,) = source
    assert isinstance(frame, Imported)
    assert frame.metadata["colour"] == 0.1
    assert (frame.image[:9] == 76).all()
    np.testing.assert_array_equal(frame.image[9:], NOISE[9:])
    assert any(note.startswith("1 frames have colour") for note in source.notes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Modality": "CT"}, "not ultrasound"),
        ({"NumberOfFrames": 0}, "without frames"),
        ({"NumberOfFrames": 10_000}, "shorter than its header says"),
        ({"NumberOfFrames": 200_000}, "more frames than allowed"),
        ({"Rows": 60_000, "Columns": 60_000}, "larger than allowed"),
        ({"Rows": 0}, "without pixels"),
        ({"BitsAllocated": 32}, "pixels of an unknown kind"),
        ({"SamplesPerPixel": 7}, "pixels of an unknown kind"),
    ],
)
def test_bad_files_are_skipped_with_a_reason(tmp_path, changes, reason):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = ultrasound(NOISE, tmp_path / "a.dcm", **changes)
        assert reasons(path) == [reason]


def test_what_is_no_dicom_is_skipped_in_a_folder_and_refused_alone(tmp_path):
    whole = ultrasound(NOISE, tmp_path / "a.dcm").read_bytes()
    (tmp_path / "b.dcm").write_bytes(whole[:5000])
    (tmp_path / "c.dcm").write_bytes(b"no DICOM at all")
    (tmp_path / "notes.txt").write_text("not even tried")
    outside = tmp_path.parent / f"{tmp_path.name}.outside.dcm"
    outside.write_bytes(whole)
    (tmp_path / "d.dcm").symlink_to(outside)
    assert len(frames(tmp_path)) == 1
    link, none, short = sorted(reasons(tmp_path))
    assert (link, none) == ("link out of the folder", "not DICOM")
    assert short in ("shorter than its header says", "without pixels")
    with pytest.raises(InputError, match="not something to import"):
        open_source(tmp_path / "c.dcm")


def test_deflated_files_are_not_inflated(tmp_path):
    path = ultrasound(NOISE, tmp_path / "a.dcm")
    read = pydicom.dcmread(path)
    read.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    read.save_as(path, enforce_file_format=True)
    assert reasons(path) == ["deflated DICOM, which is not read"]


def compressed(kind, image=NOISE, **options):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def encapsulated(stream, path, syntax):
    read = pydicom.dcmread(ultrasound(NOISE, path))
    read.file_meta.TransferSyntaxUID = syntax
    read.PixelData = pydicom.encaps.encapsulate([stream])
    read["PixelData"].is_undefined_length = True
    read.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize(
    ("kind", "syntax", "options"),
    [
        ("JPEG", "1.2.840.10008.1.2.4.50", {"quality": 95}),
        ("JPEG2000", "1.2.840.10008.1.2.4.90", {"no_jp2": True}),
    ],
)
def test_compressed_images_are_measured_before_they_are_decoded(tmp_path, kind, syntax, options):
    stream = compressed(kind, **options)
    assert codestream_size(stream) == NOISE.shape
    path = encapsulated(stream, tmp_path / "a.dcm", syntax)
    (frame,) = frames(path)
    assert np.abs(frame.image.astype(int) - NOISE).mean() < (8 if kind == "JPEG" else 0.5)
    larger = compressed(kind, np.tile(NOISE, (3, 3)), **options)
    encapsulated(larger, path, syntax)
    assert reasons(path) == ["compressed image of another size than its header says"]


@given(st.binary(max_size=200))
def test_any_bytes_have_a_size_or_none(raw):
    for start in (b"", b"\xff\xd8", b"\xff\x4f\xff\x51"):
        size = codestream_size(start + raw)
        assert size is None or len(size) == 2


#: Frames, whether their pixel size is known, and the middle of the face in the whole image.
EXPECTED = {
    "JPGLosslessP14SV1_1s_1f_8b.dcm": (1, True),
    "OBXXXX1A.dcm": (1, True),
    "OBXXXX1A_rle_2frame.dcm": (2, True),
    "US1_J2KR.dcm": (1, False),
    "color-px.dcm": (1, False),
    "examples_ybr_color.dcm": (30, False),
    "gdcm-US-ALOKA-16.dcm": (2, True),
}


@real
@pytest.mark.parametrize("name", EXPECTED)
def test_real_files_of_all_kinds(tmp_path, name):
    pytest.importorskip("openjpeg")
    pytest.importorskip("libjpeg")
    count, scaled = EXPECTED[name]
    report = import_source(open_source(REAL / name), tmp_path / "out.zarr")
    data = Dataset(tmp_path / "out.zarr")
    assert report.frames == len(data) == count
    assert not report.skipped
    for k in range(count):
        assert np.isfinite(data.raw("spacing", k)).all() == scaled
        assert data.metadata(k)["area"]["shape"] == (
            "rectangle" if name == "US1_J2KR.dcm" else "fan"
        )
        mask = data.raw("mask", k)
        assert 0.3 < mask.mean() <= 1.0
        assert data.raw("bmode", k)[mask > 0].std() > 5.0
        assert data.raw("bmode", k)[mask == 0].max(initial=0) == 0


@real
def test_the_real_files_name_nobody(tmp_path):
    import_source(open_source(REAL), tmp_path / "out.zarr")
    data = Dataset(tmp_path / "out.zarr")
    assert len(data) == 38
    said = json.dumps([data.metadata(k) for k in range(len(data))])
    for file in REAL.glob("*.dcm"):
        read = pydicom.dcmread(file, stop_before_pixels=True)
        for name in ("PatientName", "PatientID", "StudyDate", "StudyInstanceUID", "SOPInstanceUID"):
            value = str(read.get(name, "")).strip("^ ")
            assert len(value) < 4 or value not in said, (file.name, name)
    patient = data.column("patient")
    split = data.column("split")
    assert len(set(patient.tolist())) == 6  # two files are of one patient
    assert all(len(set(split[patient == p].tolist())) == 1 for p in set(patient.tolist()))


@real
def test_what_the_file_says_of_the_face_is_where_the_fan_is_found(tmp_path):
    """Reference pixel of the region and fitted fan, two ways to the same place."""
    import_source(open_source(REAL / "OBXXXX1A.dcm"), tmp_path / "out.zarr")
    data = Dataset(tmp_path / "out.zarr")
    area, spacing = data.metadata(0)["area"], data.raw("spacing", 0)
    said = -data.raw("origin", 0) / spacing[::-1]
    assert said == pytest.approx([area["column"], area["row"] + area["inner"]], abs=1.5)


@functools.cache
def small_files():
    """One small file of each kind, as bytes."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.dcm"
        plain = ultrasound(
            NOISE, path, SequenceOfUltrasoundRegions=[region(Box(5, 5, 100, 80))]
        ).read_bytes()
        colour = ultrasound(np.dstack([NOISE] * 3), path).read_bytes()
        jpeg = encapsulated(compressed("JPEG"), path, "1.2.840.10008.1.2.4.50").read_bytes()
        j2k = compressed("JPEG2000", no_jp2=True)
        return plain, colour, jpeg, encapsulated(j2k, path, "1.2.840.10008.1.2.4.90").read_bytes()


@given(st.data())
@settings(max_examples=200, deadline=5000)
def test_mutated_files_are_frames_or_counted(tmp_path_factory, data):
    raw = bytearray(data.draw(st.sampled_from(small_files())))
    for _ in range(data.draw(st.integers(1, 8))):
        end = 1600 if data.draw(st.booleans()) else len(raw)
        at = data.draw(st.integers(128, min(end, len(raw)) - 1))
        raw[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.mktemp("in") / "a.dcm"
    path.write_bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))])
    for item in DicomFiles(path, Options(pixels=1_000_000, frames=50)):
        assert isinstance(item, Skipped) or item.image.dtype == np.uint8

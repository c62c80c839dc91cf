import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from synthetic_frame import SPACING, sweep

from insonate.data import MhaSequence
from insonate.data.dataset import Dataset
from insonate.data.importers import Imported, Options, Skipped, import_source, open_source
from insonate.data.importers.posed_images import PosedImages
from insonate.data.importers.tracked import TrackedSequences, holds_sequences, sequence_poses
from insonate.errors import InputError

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "tracked"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="no real data here")

RIGID = "1 0 0 5 0 1 0 6 0 0 1 7 0 0 0 1"
IMAGE = "0.2 0 0 1 0 0 -0.3 2 0 0.3 0 3 0 0 0 1"  # columns to x, rows to z, no face in between


def pixels(count=3, rows=4, columns=6):
    return np.arange(count * rows * columns, dtype=np.uint8).reshape(count, rows, columns)


def fields(k, image_to_reference=IMAGE, status="OK", image="OK"):
    return {
        f"Seq_Frame{k:04d}_ImageToReferenceTransform": image_to_reference,
        f"Seq_Frame{k:04d}_ImageToReferenceTransformStatus": status,
        f"Seq_Frame{k:04d}_ImageStatus": image,
        f"Seq_Frame{k:04d}_Timestamp": f"{k / 20:.3f}",
    }


def write_mha(path, stack=None, frames=None, compressed=True, raw=None, cut=None, **changes):
    """A sequence as PLUS writes it; `changes` replace or (None) drop fields of the header."""
    stack = pixels() if stack is None else stack
    header = {
        "ObjectType": "Image", "NDims": "3", "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False", "CompressedData": str(compressed),
        "DimSize": f"{stack.shape[2]} {stack.shape[1]} {stack.shape[0]}",
        "ElementSpacing": "1 1 1", "ElementType": "MET_UCHAR",
        "UltrasoundImageOrientation": "MF",
    }  # fmt: skip
    for k in range(len(stack)):
        header |= fields(k, **((frames or {}).get(k, {})))
    header |= changes
    name = header.pop("ElementDataFile", "LOCAL")
    lines = [f"{key} = {value}\n" for key, value in header.items() if value is not None]
    data = stack.tobytes() if raw is None else raw
    data = (zlib.compress(data) if compressed else data)[:cut]
    text = "".join([*lines, f"ElementDataFile = {name}\n"]).encode()
    path.write_bytes(text + data if name == "LOCAL" else text)
    return path


def items_of(path, **options):
    source = open_source(path, Options(**options))
    first, second = list(source), list(source)
    assert [type(i) for i in first] == [type(i) for i in second]  # twice the same
    return first


def images(items):
    return [item for item in items if isinstance(item, Imported)]


def skipped(items):
    counts = Counter()
    for item in items:
        if isinstance(item, Skipped):
            counts[item.reason] += item.frames
    return dict(counts)


def world(frame):
    """Pixel to world, as `Dataset.image_to_world` has it."""
    (down, across), (x, z) = frame.spacing, frame.origin
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[2, 1], matrix[1, 2] = across, down, -across
    matrix[:, 3] = [x, 0.0, z, 1.0]
    return frame.pose @ matrix


@pytest.mark.parametrize("compressed", [True, False])
def test_frames_come_with_pixels_pose_and_time(tmp_path, compressed):
    path = write_mha(tmp_path / "a.igs.mha", compressed=compressed)
    found = items_of(path)
    assert len(found) == 3
    for k, frame in enumerate(found):
        assert np.array_equal(frame.image, pixels()[k])
        assert frame.metadata == {"file": "a.igs.mha", "frame": k, "time": k / 20}
        assert frame.spacing == pytest.approx((0.3, 0.2))
        expected = np.array([float(v) for v in IMAGE.split()]).reshape(4, 4)
        assert np.allclose(world(frame)[:, [0, 1, 3]], expected[:, [0, 1, 3]])


def test_what_we_write_comes_back_to_the_digit(tmp_path):
    frames = sweep(4)
    sequence = MhaSequence(tmp_path / "own.igs.mha")
    for frame in frames:
        sequence.add(frame)
    found = items_of(sequence.save()[0])
    assert len(found) == 4
    for frame, back in zip(frames, found, strict=True):
        assert np.array_equal(back.image, frame.image())
        assert np.allclose(back.pose, frame.pose, atol=1e-7)
        assert back.spacing == pytest.approx((SPACING, SPACING))
        assert back.origin == pytest.approx(frame.origin)
    labels = MhaSequence(tmp_path / "labels.igs.mha", image="labels")
    for frame in frames:
        labels.add(frame)
    labelled = items_of(sequence.path, mask=labels.save()[0], regions=("outside",))
    assert all(np.array_equal(b.labels, f.labels) for f, b in zip(frames, labelled, strict=True))
    source = open_source(sequence.path, Options(mask=labels.path, regions=("outside",)))
    assert source.regions == ("outside", "region_1", "region_2", "region_3")


def test_a_dataset_has_every_pixel_where_it_was(tmp_path):
    path = write_mha(tmp_path / "a.igs.mha", pixels(3, 30, 40))
    report = import_source(open_source(path), tmp_path / "a.zarr", crop="none")
    assert report.frames == 3
    found = Dataset(tmp_path / "a.zarr").coordinates(1)
    assert found[7, 9] == pytest.approx([0.2 * 9 + 1, 2.0, 0.3 * 7 + 3], abs=1e-5)


@pytest.mark.parametrize(
    ("code", "turned"),
    [("UF", np.s_[:, ::-1]), ("MN", np.s_[::-1]), ("UNA", np.s_[::-1, ::-1])],
)
def test_orientation_is_honoured(tmp_path, code, turned):
    path = write_mha(tmp_path / "a.igs.mha", UltrasoundImageOrientation=code)
    found = items_of(path)
    assert np.array_equal(found[1].image, pixels()[1][turned])
    assert np.allclose(world(found[1])[:3, 3], [1, 2, 3])  # the transform is of the turned image


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "INVALID"}, "tracking invalid"),
        ({"image": "INVALID"}, "image invalid"),
        ({"image_to_reference": IMAGE.replace("0.3", "nan")}, "tracking invalid"),
        ({"image_to_reference": "1 2 3"}, "tracking invalid"),
        ({"image_to_reference": "0 0 0 1 0 0 0 2 0 0 0 3 0 0 0 1"}, "not invertible"),
        ({"image_to_reference": "0.2 0.2 0 1 0 0.1 0 2 0 0 0.2 3 0 0 0 1"}, "right angle"),
    ],
)
def test_frames_without_a_place_are_skipped_and_counted(tmp_path, change, reason):
    found = items_of(write_mha(tmp_path / "a.igs.mha", frames={1: change}))
    assert [frame.metadata["frame"] for frame in images(found)] == [0, 2]
    ((said, count),) = skipped(found).items()
    assert (reason in said, count) == (True, 1)


def test_a_missing_transform_is_skipped_too(tmp_path):
    path = write_mha(tmp_path / "a.igs.mha", Seq_Frame0002_ImageToReferenceTransform=None)
    assert skipped(items_of(path)) == {"tracking invalid": 1}


def probe_tracked(tmp_path, **changes):
    gone = {f"Seq_Frame{k:04d}_ImageToReferenceTransform": None for k in range(3)}
    own = {f"Seq_Frame{k:04d}_ProbeToTrackerTransform": RIGID for k in range(3)}
    return write_mha(tmp_path / "a.igs.mha", **(gone | own | changes))


def write_xml(path, matrix=IMAGE):
    path.write_text(
        f'<P><CoordinateDefinitions><Transform From="Image" To="Probe" Matrix="{matrix}"/>'
        "</CoordinateDefinitions></P>"
    )
    return path


def test_without_a_calibration_there_is_no_pose_and_that_is_said(tmp_path):
    source = open_source(probe_tracked(tmp_path))
    frames = images(source)
    assert len(frames) == 3
    assert all(frame.pose is None and frame.spacing is None for frame in frames)
    assert "only ProbeToTracker; frames have no pose, for one ImageToProbe" in source.notes[0]


def test_a_calibration_places_the_image_and_replaces_the_files_own(tmp_path):
    calibration = write_xml(tmp_path / "c.xml")
    for more in ({}, {"Seq_Frame0000_ImageToProbeTransform": RIGID},
                 {"Seq_Frame0000_ImageToTrackerTransform": RIGID}):  # fmt: skip
        first = images(items_of(probe_tracked(tmp_path, **more), calibration=calibration))[0]
        assert np.allclose(world(first)[:3, 3], [6, 8, 10])
        assert first.spacing == pytest.approx((0.3, 0.2))


def test_a_calibration_of_another_marker_is_not_mixed_with_the_files_probe(tmp_path):
    calibration = write_xml(tmp_path / "c.xml")
    calibration.write_text(calibration.read_text().replace('"Probe"', '"Marker"'))
    upright = "0.9 0 0 0 0 0 -0.9 0 0 0.9 0 0 0 0 0 1"
    more = {"Seq_Frame0000_MarkerToTrackerTransform": RIGID,
            "Seq_Frame0000_ImageToProbeTransform": upright}  # fmt: skip
    first = images(items_of(probe_tracked(tmp_path, **more), calibration=calibration))[0]
    assert first.spacing == pytest.approx((0.3, 0.2))


def test_a_calibration_out_of_square_is_refused(tmp_path):
    calibration = write_xml(tmp_path / "c.xml", "0.2 0.2 0 1 0 0.1 0 2 0 0 0.2 3 0 0 0 1")
    with pytest.raises(InputError, match=r"c\.xml: ImageToProbe: image axes not at a right angle"):
        open_source(probe_tracked(tmp_path), Options(calibration=calibration))


def test_poses_of_the_probe_for_a_calibration(tmp_path):
    path = probe_tracked(tmp_path, Seq_Frame0001_ProbeToTrackerTransformStatus="INVALID")
    poses = sequence_poses(path)
    assert poses[1] is None
    assert np.allclose(poses[2][:3, 3], [5, 6, 7])
    with pytest.raises(InputError, match="no transforms from Needle"):
        sequence_poses(path, "Needle")


def test_pixels_in_a_file_beside(tmp_path):
    (tmp_path / "a.raw").write_bytes(pixels().tobytes())
    path = write_mha(tmp_path / "a.mhd", compressed=False, ElementDataFile="a.raw")
    assert np.array_equal(images(items_of(path))[2].image, pixels()[2])
    (tmp_path / "a.zraw").write_bytes(zlib.compress(pixels().tobytes()))
    path = write_mha(tmp_path / "a.mhd", CompressedData="True", ElementDataFile="a.zraw")
    assert np.array_equal(images(items_of(path))[2].image, pixels()[2])


def write_nrrd(path, data, encoding="gzip", **changes):
    header = {"type": "unsigned char", "dimension": "3", "sizes": "6 4 3",
              "kinds": "domain domain list", "encoding": encoding} | changes  # fmt: skip
    lines = ["NRRD0004", "# a comment", *(f"{name}: {value}" for name, value in header.items())]
    for k in range(3):
        lines += [f"{name}:={value}" for name, value in fields(k).items()]
    lines.append("UltrasoundImageOrientation:=UF")
    path.write_bytes("\n".join([*lines, "", ""]).encode() + data)
    return path


def test_a_list_of_volumes_of_one_slice_is_a_sequence(tmp_path):
    path = write_mha(tmp_path / "a.igs.mha", NDims="4", DimSize="6 4 1 3")
    assert np.array_equal(images(items_of(path))[2].image, pixels()[2])


def test_nrrd_sequences(tmp_path):
    import gzip

    path = write_nrrd(tmp_path / "a.nrrd", gzip.compress(pixels().tobytes()))
    for frame, expected in zip(images(items_of(path)), pixels(), strict=True):
        assert np.array_equal(frame.image, expected[:, ::-1])
        assert frame.spacing == pytest.approx((0.3, 0.2))
    colours = np.repeat(pixels()[..., None], 3, -1).tobytes()
    path = write_nrrd(
        tmp_path / "b.nrrd", colours, "raw", dimension="4", sizes="3 6 4 3",
        kinds="RGB-color domain domain list",
    )  # fmt: skip
    assert np.array_equal(images(items_of(path))[1].image, pixels()[1][:, ::-1])
    with pytest.raises(InputError, match="encoding: expected raw or gzip, got 'hex'"):
        TrackedSequences(write_nrrd(tmp_path / "c.nrrd", b"", "hex"), Options())


@pytest.mark.parametrize("name", ["/etc/hostname", "../a.raw", "b/../../a.raw", "", "a\0b", "link"])
def test_pixels_elsewhere_are_refused(tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "a.raw").write_bytes(pixels().tobytes())
    (folder / "link").symlink_to(tmp_path / "a.raw")
    path = write_mha(folder / "a.igs.mhd", compressed=False, ElementDataFile=name)
    with pytest.raises(InputError, match=r"expected a file in the header's folder|is no name"):
        TrackedSequences(path, Options())


@pytest.mark.parametrize("compressed", [True, False])
def test_a_truncated_file_gives_what_is_whole(tmp_path, compressed):
    stack = np.random.default_rng(1).integers(0, 255, (5, 40, 40), np.uint8)  # hardly shrinks
    path = write_mha(tmp_path / "a.igs.mha", stack, compressed=compressed, cut=4000)
    found = items_of(path)
    assert [np.array_equal(f.image, s) for f, s in zip(images(found), stack, strict=False)] == [
        True, True
    ]  # fmt: skip
    assert skipped(found) == {"the file ends early": 3}


def test_garbage_within_ends_the_sequence(tmp_path):
    stack = np.random.default_rng(1).integers(0, 255, (5, 40, 40), np.uint8)
    path = write_mha(tmp_path / "a.igs.mha", stack)
    raw = bytearray(path.read_bytes())
    raw[-3000:] = bytes(3000)
    path.write_bytes(raw)
    found = items_of(path)
    assert 1 <= len(images(found)) < 5
    assert sum(skipped(found).values()) + len(images(found)) == 5


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"DimSize": "6 4 0"}, "expected sizes from 1"),
        ({"DimSize": "6 4 -1"}, "DimSize: expected whole numbers"),
        ({"DimSize": "6 4"}, "more pixels than the 1 slices of 6 x 4"),
        ({"DimSize": "6 4 3 2"}, "DimSize: expected 2 or 3 of pixels, got 4"),
        ({"DimSize": "6 4 2"}, "more pixels than the 2 slices"),
        ({"DimSize": "5 4 3"}, "more pixels"),
        ({"DimSize": "7 4 3"}, "pixels for 2 of 3 slices of 7 x 4; the announced size is wrong"),
        ({"DimSize": "6 4 90000"}, "90000 announced, but"),
        ({"DimSize": "99999 99999 1"}, "expected at most 64000000 pixels"),
        ({"DimSize": "9000 7000 1000000"}, "expected at most 64000000 pixels"),
        ({"DimSize": "6 4 99999999999999999999"}, "DimSize: expected whole numbers"),
        ({"DimSize": None}, "expected a field 'DimSize'"),
        ({"ElementType": "MET_USHORT"}, "expected 8 bits a pixel, got uint16"),
        ({"ElementType": "MET_UCHAAR"}, "did you mean 'MET_UCHAR'"),
        ({"ElementNumberOfChannels": "7"}, "expected 1 or 3 numbers a pixel, got 7"),
        ({"UltrasoundImageOrientation": "XY"}, "UltrasoundImageOrientation 'XY'"),
        ({"UltrasoundImageType": "RF_IQ_LINE"}, "expected BRIGHTNESS, got RF_IQ_LINE"),
        ({"BinaryData": "False"}, "BinaryData: expected True"),
        ({"ElementDataFile": "LIST"}, "expected one file, got 'LIST'"),
        ({"ElementDataFile": "missing.raw"}, "which is missing"),
    ],
)
def test_headers_that_do_not_fit_end_in_one_line(tmp_path, changes, says):
    path = write_mha(tmp_path / "a.igs.mha", **changes)
    with pytest.raises(InputError, match=says) as caught:
        list(open_source(path))
    assert "\n" not in str(caught.value)


def test_what_is_no_sequence(tmp_path):
    path = tmp_path / "a.igs.mha"
    for content in (b"", b"\0" * 1000, b"hello\nworld", b"ObjectType = Image\n"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a MetaImage"):
            open_source(path)


def test_a_folder_skips_the_broken_and_tells_patients_apart(tmp_path):
    write_mha(tmp_path / "p1_a.igs.mha")
    write_mha(tmp_path / "p2_b.igs.mha", **{"DimSize": "5 4 3"})
    (tmp_path / "p3_c.igs.mha").write_bytes(b"nothing")
    assert holds_sequences(tmp_path)
    source = open_source(tmp_path, Options(patient=r"^(p\d)"))
    found = list(source)
    assert {(f.patient, f.sequence) for f in images(found)} >= {("p1", "p1_a.igs.mha")}
    assert skipped(found) == {"sequence cannot be read": 2}
    assert len(source.notes) == 2
    for path in (tmp_path, tmp_path / "p1_a.igs.mha"):
        with pytest.raises(InputError, match="no regular expression"):
            list(TrackedSequences(path, Options(patient="(")))


def test_sequences_behind_links_out_of_the_folder_are_skipped(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_mha(folder / "a.igs.mha")
    write_mha(tmp_path / "b.igs.mha")
    (folder / "b.igs.mha").symlink_to(tmp_path / "b.igs.mha")
    found = items_of(folder)
    assert {f.sequence for f in images(found)} == {"a.igs.mha"}
    assert skipped(found) == {"link out of the folder": 1}
    (folder / "a.igs.mha").unlink()
    assert not holds_sequences(folder)


def test_labels_that_do_not_fit(tmp_path):
    path = write_mha(tmp_path / "a.igs.mha")
    mask = write_mha(tmp_path / "m.igs.mha", pixels(2))
    with pytest.raises(InputError, match=r"labels of 6 x 4 x 2 for a\.igs\.mha of 6 x 4 x 3"):
        list(open_source(path, Options(mask=mask)))


SMALL = b"".join([pixels(2, 4, 6).tobytes()])


@given(st.data())
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mutated_files_are_imported_skipped_or_refused(tmp_path, data):
    seed = write_mha(tmp_path / "seed.igs.mha", compressed=data.draw(st.booleans()))
    raw = bytearray(seed.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.sampled_from(list(b"0123456789 .=-\n\0\xff/LUMN")))
    ending = data.draw(st.sampled_from([".mha", ".igs.mha", ".mhd", ".nrrd"]))
    path = tmp_path / f"broken{ending}"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    check_items(path)


def check_items(path):
    """Only InputError, or frames that are sound."""
    try:
        source = open_source(path)
        found = list(source)
    except InputError:
        return
    assert len(images(found)) <= len(source)
    for frame in images(found):
        assert frame.image.dtype == np.uint8
        assert frame.pose is None or np.isfinite(frame.pose).all()


@needs_real
@given(st.data())
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mutated_real_files_are_imported_skipped_or_refused(tmp_path, data):
    raw = bytearray((REAL / "plus" / "NwirePhantomFreehand.igs.mha").read_bytes())
    header = raw.index(b"ElementDataFile") + 24
    within = st.one_of(st.integers(0, 900), st.integers(0, header), st.integers(0, len(raw) - 1))
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(within)] = data.draw(st.integers(0, 255))
    path = tmp_path / "broken.igs.mha"
    path.write_bytes(raw[: data.draw(st.sampled_from([None, header, header + 90_000]))])
    check_items(path)


# what there is of real data -----------------------------------------------------------------


@needs_real
def test_the_liver_sweep():
    found = items_of(REAL / "liver-sweep.igs.mha")
    assert (len(images(found)), skipped(found)) == (109, {})
    for frame in images(found):
        assert frame.spacing == pytest.approx((0.31482, 0.31482), abs=2e-5)
    poses = np.stack([frame.pose for frame in images(found)])
    steps = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    assert steps.max() < 5.0  # mm from frame to frame: a hand, not a jump
    turn = np.arccos((np.trace(poses[0, :3, :3].T @ poses[-1, :3, :3]) - 1) / 2)
    assert 10 < np.degrees(turn) < 90


@needs_real
@pytest.mark.parametrize(
    ("name", "xml", "frames", "spacing"),
    [
        ("BoneUltrasound_L14", "BoneUltrasound_L14_config", 21, (0.0854, 0.0854)),
        ("SpinePhantomFreehand", "PlusDeviceSet_SpinePhantomFreehandReconstructionOnly", 21,
         (0.0790, 0.0854)),
        ("NwirePhantomFreehand",
         "PlusDeviceSet_NwirePhantomFreehand_vtkVolumeReconstructorTest2", 97, (0.0744, 0.0781)),
        ("UltrasonixCurvilinearScanConvertedData", None, 5, None),
        ("fCal_Test_Calibration_3NWires_fCal2.0", None, 190, None),
    ],
)  # fmt: skip
def test_sequences_of_plus(name, xml, frames, spacing):
    calibration = None if xml is None else REAL / "plus" / f"{xml}.xml"
    source = open_source(REAL / "plus" / f"{name}.igs.mha", Options(calibration=calibration))
    found = images(source)
    assert len(found) == frames
    for frame in found:
        if spacing is None:
            assert frame.pose is None
        else:
            assert frame.spacing == pytest.approx(spacing, abs=1e-4)


WIRES = [
    ((20, 0, 5), (20, 40, 5)), ((25, 0, 5), (45, 40, 5)), ((50, 0, 5), (50, 40, 5)),
    ((20, 0, 0), (20, 40, 0)), ((45, 0, 0), (25, 40, 0)), ((50, 0, 0), (50, 40, 0)),
]  # fmt: skip
PHANTOM = """0.9969 0.0038 -0.0782 -35.8004 0.0781 0.0057 0.9969 -124.7711
             0.0042 -1.0000 0.0054 -17.2 0 0 0 1"""


@needs_real
def test_wires_are_bright_where_the_transforms_put_them():
    """Known wires, cut by the image where tracking, calibration and orientation say."""
    folder = REAL / "plus"
    xml = "PlusDeviceSet_NwirePhantomFreehand_vtkVolumeReconstructorTest2.xml"
    source = open_source(folder / "NwirePhantomFreehand.igs.mha", Options(calibration=folder / xml))
    phantom = np.array([float(v) for v in PHANTOM.split()]).reshape(4, 4)
    off, mirrored = [], []
    for frame in images(source)[::8]:
        matrix = world(frame)
        for ends in WIRES:
            a, b = ((phantom @ [*end, 1.0])[:3] for end in ends)
            edges = np.stack([matrix[:3, 0], matrix[:3, 1], a - b], axis=1)
            u, v, along = np.linalg.solve(edges, a - matrix[:3, 3])
            if 0 <= along <= 1 and 200 < u < 640 and 90 < v < 520:
                off.append(brightest(frame.image, u, v))
                mirrored.append(brightest(frame.image[:, ::-1], u, v))
    assert len(off) > 50
    assert np.median(np.linalg.norm(off, axis=1)) * 0.076 < 0.6  # mm; it was calibrated to 0.51
    assert np.median(np.linalg.norm(mirrored, axis=1)) * 0.076 > 2.0


def brightest(image, u, v):
    """Where the brightest pixel near (u, v) is, from there."""
    window = image[int(v) - 40 : int(v) + 41, int(u) - 40 : int(u) + 41]
    row, column = np.unravel_index(window.argmax(), window.shape)
    return column - 40, row - 40


@needs_real
def test_images_with_poses(tmp_path):
    folder = REAL / "ultra-nerf-l2-simulated"
    found = items_of(folder)
    poses = np.load(folder / "poses.npy", allow_pickle=False)
    assert (len(images(found)), skipped(found)) == (100, {})
    assert [f.metadata["frame"] for f in found] == list(range(0, 200, 2))
    assert np.allclose(found[7].pose, poses[14], atol=1e-3)
    wide = write_xml(tmp_path / "c.xml", "0.3125 0 0 -40 0 0.27 0 0 0 0 0.3 0 0 0 0 1")
    placed = items_of(folder, calibration=wide)[7]
    assert placed.spacing == pytest.approx((0.27, 0.3125))
    assert np.allclose(world(placed)[:3, 3], (poses[14] @ [-40, 0, 0, 1])[:3], atol=0.02)


def posed_folder(tmp_path, poses, count=3):
    folder = tmp_path / "posed"
    folder.mkdir()
    for k in range(count):
        Image.fromarray(pixels()[k]).save(folder / f"{k}.png")
    if poses is not None:
        np.save(folder / "poses.npy", poses, allow_pickle=True)
    return folder


def test_poses_that_are_none_are_skipped(tmp_path):
    poses = np.tile(np.eye(4), (3, 1, 1))
    poses[0, 0, 0], poses[1, 2, 3] = 2.0, np.nan
    folder = posed_folder(tmp_path, poses)
    (folder / "2.png").write_bytes(b"no picture")
    reasons = skipped(items_of(folder))
    assert reasons.pop("tracking invalid") == 1
    assert reasons.pop("transform not rigid") == 1
    assert sum(reasons.values()) == 1


def test_images_behind_links_out_of_the_folder_are_skipped(tmp_path):
    folder = posed_folder(tmp_path, np.tile(np.eye(4), (3, 1, 1)))
    for name in ("1.png", "poses.npy"):
        (folder / name).rename(tmp_path / name)
    (folder / "1.png").symlink_to(tmp_path / "1.png")
    np.save(folder / "poses.npy", np.tile(np.eye(4), (3, 1, 1)))
    found = items_of(folder)
    assert (len(images(found)), skipped(found)) == (2, {"link out of the folder": 1})
    (folder / "poses.npy").unlink()
    (folder / "poses.npy").symlink_to(tmp_path / "poses.npy")
    with pytest.raises(InputError, match="got a link out of it"):
        open_source(folder)


def test_folders_that_do_not_fit_their_poses(tmp_path):
    folder = posed_folder(tmp_path, np.tile(np.eye(4), (2, 1, 1)))
    with pytest.raises(InputError, match="3 images and 2 poses; expected a pose for each"):
        open_source(folder)
    with pytest.raises(InputError, match="take no masks"):
        open_source(folder, Options(mask=folder))
    (folder / "2.png").unlink()
    for name in ("0.png", "1.png"):
        (folder / name).rename(folder / f"frame{name}")
    assert [item.metadata["frame"] for item in items_of(folder)] == [0, 1]


@pytest.mark.parametrize(
    "poses", [np.eye(4), np.zeros((2, 4, 4)), np.array([{}, 1]), np.zeros((3, 4, 4), complex)]
)
def test_files_of_poses_that_are_refused(tmp_path, poses):
    folder = posed_folder(tmp_path, poses)
    with pytest.raises(InputError):
        PosedImages(folder, Options())


def test_a_file_of_poses_that_promises_too_much(tmp_path):
    folder = posed_folder(tmp_path, None)
    (folder / "poses.npy").write_bytes(
        b"\x93NUMPY\x01\x00\x76\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (900000000000, 4, 4), }".ljust(117)
        + b"\n"
    )
    with pytest.raises(InputError, match="not a NumPy array of numbers"):
        PosedImages(folder, Options())

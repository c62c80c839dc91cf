import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from insonate.data.importers.plus import (
    PlacingError,
    chain,
    frame_transforms,
    is_rigid,
    path_to_world,
    place,
    read_configuration,
    turned_to_marked_far,
    write_configuration,
)
from insonate.data.importers.source import Box
from insonate.errors import InputError

PLUS = Path(__file__).parents[2].parent / "shared" / "data" / "tracked" / "plus"


def text(matrix):
    return " ".join(f"{value:.12g}" for value in np.ravel(matrix))


def rigid(seed):
    random = np.random.default_rng(seed)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    matrix[:3, 3] = random.normal(0, 100, 3)
    return matrix


def pixels_to_world(placed):
    """As `Dataset.image_to_world` has it."""
    (down, across), (x, z) = placed.spacing, placed.origin
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[2, 1], matrix[1, 2] = across, down, -across
    matrix[:, 3] = [x, 0.0, z, 1.0]
    return placed.pose @ matrix


@given(
    st.integers(0, 10_000), st.floats(0.01, 2), st.floats(0.01, 2), st.integers(2, 900),
    st.integers(2, 900),
)  # fmt: skip
@settings(deadline=None, max_examples=50)
def test_pixels_stay_where_the_transform_puts_them(seed, across, down, rows, columns):
    image_to_world = rigid(seed) @ np.diag([across, down, 1.0, 1.0])
    placed = place(image_to_world, rows, columns)
    assert is_rigid(placed.pose)
    assert placed.spacing == pytest.approx((down, across))
    pixels = np.array([[0, 0, 0, 1], [columns - 1, 0, 0, 1], [3, rows - 1, 0, 1]]).T
    assert np.allclose(pixels_to_world(placed) @ pixels, image_to_world @ pixels, atol=1e-8)
    middle = placed.pose @ [0, 0, 0, 1]  # the origin is in the middle of the first row
    assert np.allclose(middle, image_to_world @ [(columns - 1) / 2, 0, 0, 1], atol=1e-8)


def test_a_mirrored_third_axis_does_not_mirror_the_pose():
    image_to_world = rigid(3) @ np.diag([0.2, 0.3, -1.0, 1.0])
    assert np.linalg.det(place(image_to_world, 10, 10).pose[:3, :3]) == pytest.approx(1.0)


def sheared(degrees):
    angle = math.radians(degrees)
    matrix = np.eye(4) * [0.1, 0.1, 0.1, 1.0]
    matrix[:2, 1] = 0.1 * math.sin(angle), 0.1 * math.cos(angle)
    return rigid(1) @ matrix


def test_shear_is_shared_out_and_refused_if_large():
    placed = place(sheared(4.0), 400, 400)
    assert math.degrees(placed.shear) == pytest.approx(4.0)
    corners = np.array([[0, 0, 0, 1], [399, 0, 0, 1], [0, 399, 0, 1], [399, 399, 0, 1]]).T
    off = np.linalg.norm((pixels_to_world(placed) - sheared(4.0)) @ corners, axis=0)
    assert off.max() < 1.05 * math.radians(2.0) * 20 * math.sqrt(2)  # half of it, half an edge
    with pytest.raises(PlacingError, match="right angle"):
        place(sheared(6.0), 400, 400)


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1e4])
def test_pixels_of_no_size(scale):
    with pytest.raises(PlacingError, match="no sensible size"):
        place(np.diag([scale, 0.1, 0.1, 1.0]), 10, 10)


def test_transforms_are_found_by_their_names():
    fields = {
        "ProbeToTrackerTransform": text(rigid(1)),
        "ProbeToTrackerTransformStatus": "OK",
        "StylusTipToStylusTransform": text(rigid(2)),
        "ReferenceToTrackerTransform": text(rigid(3)),
        "ReferenceToTrackerTransformStatus": "INVALID",
        "NeedleToTrackerTransform": "1 0 0 nan 0 1 0 0 0 0 1 0 0 0 0 1",
        "Timestamp": "3.5",
    }
    found = frame_transforms(fields)
    assert set(found) == {
        ("Probe", "Tracker"), ("StylusTip", "Stylus"), ("Reference", "Tracker"),
        ("Needle", "Tracker"),
    }  # fmt: skip
    assert np.allclose(found["Probe", "Tracker"], rigid(1))
    assert found["Reference", "Tracker"] is None
    assert found["Needle", "Tracker"] is None


STEPS = [("Image", "Probe"), ("Probe", "Tracker"), ("Reference", "Tracker"), ("Stylus", "Tracker")]


def test_the_way_goes_over_inverses_to_the_best_world():
    assert path_to_world(STEPS) == ["Image", "Probe", "Tracker", "Reference"]
    assert path_to_world(STEPS[:2]) == ["Image", "Probe", "Tracker"]
    assert path_to_world(STEPS, "Stylus") == ["Image", "Probe", "Tracker", "Stylus"]
    assert path_to_world([*STEPS, ("Image", "Reference")]) == ["Image", "Reference"]
    assert path_to_world(STEPS[1:]) is None
    assert path_to_world([]) is None


def test_a_chain_is_the_product():
    calibration = rigid(1) @ np.diag([0.1, 0.2, 0.1, 1.0])
    transforms = {
        ("Image", "Probe"): calibration,
        ("Probe", "Tracker"): rigid(2),
        ("Reference", "Tracker"): rigid(3),
    }
    expected = np.linalg.inv(rigid(3)) @ rigid(2) @ calibration
    assert np.allclose(chain(path_to_world(transforms), transforms), expected)


@pytest.mark.parametrize(
    ("step", "matrix", "says"),
    [
        (("Probe", "Tracker"), None, "tracking invalid"),
        (("Probe", "Tracker"), np.diag([1, 1, 1.05, 1]), "not rigid"),
        (("Probe", "Tracker"), np.diag([1, 1, -1, 1]), "not rigid"),
        (("Reference", "Tracker"), np.zeros((4, 4)), "not rigid"),
        (("Image", "Probe"), np.diag([0.1, 0.1, 0, 1]), "not invertible"),
    ],
)
def test_what_cannot_be_relied_on_is_skipped(step, matrix, says):
    transforms = {("Image", "Probe"): np.diag([0.1, 0.1, 0.1, 1.0]),
                  ("Probe", "Tracker"): rigid(2), ("Reference", "Tracker"): rigid(3)}  # fmt: skip
    transforms[step] = matrix
    with pytest.raises(PlacingError, match=says):
        chain(["Image", "Probe", "Tracker", "Reference"], transforms)


IMAGE = np.array([[1, 2, 3], [4, 5, 6]])  # columns to the marked side, rows away


@pytest.mark.parametrize(
    ("code", "stored"),
    [
        ("MF", IMAGE), ("MFA", IMAGE), ("mf", IMAGE), ("UF", IMAGE[:, ::-1]),
        ("MN", IMAGE[::-1]), ("UN", IMAGE[::-1, ::-1]), ("FM", IMAGE.T),
        ("NU", IMAGE[::-1, ::-1].T), ("FU", IMAGE[:, ::-1].T), ("NM", IMAGE[::-1].T),
    ],
)  # fmt: skip
def test_orientation_codes(code, stored):
    assert np.array_equal(turned_to_marked_far(stored, code), IMAGE)


@pytest.mark.parametrize("code", ["", "M", "MM", "XF", "FF", "NN", "42"])
def test_codes_that_are_none(code):
    with pytest.raises(InputError, match="UltrasoundImageOrientation"):
        turned_to_marked_far(IMAGE, code)


def test_a_written_configuration_can_be_read(tmp_path):
    path = tmp_path / "calibration.xml"
    matrix = rigid(4) @ np.diag([0.1, 0.2, 0.1, 1.0])
    write_configuration(path, matrix, 0.3, "Transducer")
    found = read_configuration(path)
    assert np.allclose(found.transforms["Image", "Transducer"], matrix, atol=1e-6)
    assert found.area is None
    with pytest.raises(InputError, match="a name such as Probe"):
        write_configuration(path, matrix, 0.3, 'x" evil="')


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not XML"),
        (b"<a><b></a>", "not XML"),
        (b"<a/>", "CoordinateDefinitions"),
        (BOMB.encode(), "without DOCTYPE"),
        (BOMB.encode("utf-16"), "not XML"),
        (b"\xff\xfe\x00", "not XML"),
        (b'<a><CoordinateDefinitions><Transform From="Image" To="Probe" Matrix="1 2"/>'
         b"</CoordinateDefinitions></a>", "ImageToProbe: expected From, To and 16 numbers"),
    ],
)  # fmt: skip
def test_configurations_that_are_none(tmp_path, content, says):
    path = tmp_path / "config.xml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_configuration(path)


@pytest.mark.skipif(not PLUS.is_dir(), reason="no real data here")
def test_real_configurations():
    name = "PlusDeviceSet_NwirePhantomFreehand_vtkVolumeReconstructorTest2.xml"
    found = read_configuration(PLUS / name)
    assert set(found.transforms) == {("Phantom", "Reference"), ("Image", "Probe")}
    assert found.area == Box(167, 62, 167 + 495, 62 + 488)
    bone = read_configuration(PLUS / "BoneUltrasound_L14_config.xml")
    assert bone.area is None  # all of the image
    assert place(bone.transforms["Image", "Probe"], 616, 820).spacing == pytest.approx(
        (0.0854, 0.0854), abs=1e-4
    )


@pytest.mark.skipif(not PLUS.is_dir(), reason="no real data here")
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_broken_configurations_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "broken.xml"
    raw = bytearray((PLUS / "BoneUltrasound_L14_config.xml").read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(1, len(raw)))])
    try:
        found = read_configuration(path)
    except InputError:
        return
    assert all(np.isfinite(matrix).all() for matrix in found.transforms.values())

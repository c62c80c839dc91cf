import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from insonate.cli.calibrate import Calibrate
from insonate.data.importers.calibration import calibrate
from insonate.data.importers.pin_scan import read_pin_scan
from insonate.data.importers.plus import read_configuration
from insonate.errors import InputError

SPACING = (0.12, 0.15)  # rows, columns [mm]


def truth(random):
    """An ImageToProbe with pixels that are not square."""
    turn = Rotation.random(random_state=random.integers(2**31)).as_matrix()
    matrix = np.eye(4)
    matrix[:3, :3] = turn * [SPACING[1], SPACING[0], 0.13]
    matrix[:3, 3] = random.normal(0, 40, 3)
    return matrix


def pin_scan(seed=0, images=87, turned=40.0, tracking=0.0, picking=0.0):
    """Pixels, poses and the truth of a pinhead that is seen all over the image.

    Turned: degrees; tracking: error of poses [mm]; picking: of pixels.
    """
    random = np.random.default_rng(seed)
    image_to_probe, pin = truth(random), random.normal(0, 100, 3)
    pixels = random.uniform([50, 30], [750, 550], (images, 2))
    poses = np.tile(np.eye(4), (images, 1, 1))
    axis = random.normal(0, math.radians(turned), (images, 3))
    base = Rotation.random(random_state=seed)
    poses[:, :3, :3] = (Rotation.from_rotvec(axis) * base).as_matrix()
    seen = np.column_stack([pixels, np.zeros(images), np.ones(images)])
    on_probe = (seen @ image_to_probe.T)[:, :3]
    poses[:, :3, 3] = pin - np.einsum("nij,nj->ni", poses[:, :3, :3], on_probe)
    poses[:, :3, 3] += random.normal(0, tracking, (images, 3)) if tracking else 0.0
    return pixels + random.normal(0, picking, (images, 2)), poses, image_to_probe, pin


def worst(found, expected):
    """Largest distance over the corners of an 800 x 600 image [mm]."""
    corners = np.array([[0, 0, 0, 1], [799, 0, 0, 1], [0, 599, 0, 1], [799, 599, 0, 1]])
    return np.linalg.norm(corners @ (found - expected).T, axis=1).max()


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=20)
def test_a_scan_without_noise_is_solved_exactly(seed):
    pixels, poses, image_to_probe, pin = pin_scan(seed, images=12)
    found = calibrate(pixels, poses)
    assert worst(found.image_to_probe, image_to_probe) < 1e-5
    assert np.allclose(found.point, pin, atol=1e-5)
    assert found.spacing == pytest.approx(SPACING, rel=1e-6)
    assert found.residual < 1e-6
    assert np.linalg.det(found.image_to_probe[:3, :3]) > 0


@pytest.mark.parametrize("seed", range(4))
def test_noise_stays_within_the_uncertainty(seed):
    pixels, poses, image_to_probe, _ = pin_scan(seed, tracking=0.3, picking=2.0)
    found = calibrate(pixels, poses)
    noise = math.sqrt(3 * 0.3**2 + (2 * 0.15) ** 2 + (2 * 0.12) ** 2)
    assert found.residual == pytest.approx(noise, rel=0.15)
    assert worst(found.image_to_probe, image_to_probe) < 3.5 * found.uncertainty < 1.0
    assert found.used.mean() > 0.95


def test_uncertainty_says_how_far_off_results_are():
    scans = [pin_scan(seed, tracking=0.3) for seed in range(30)]
    found = [(calibrate(p, q), t) for p, q, t, _ in scans]
    errors = [worst(c.image_to_probe, t) for c, t in found]
    assert (
        0.4 < np.sqrt(np.mean(np.square(errors))) / np.mean([c.uncertainty for c, _ in found]) < 1.5
    )


def test_wrong_picks_are_found_and_left_out():
    pixels, poses, image_to_probe, _ = pin_scan(3, tracking=0.2)
    wrong = np.arange(0, 87, 5)
    pixels[wrong] += np.random.default_rng(1).uniform(60, 200, (len(wrong), 2))
    found = calibrate(pixels, poses)
    assert not found.used[wrong].any()
    assert found.used.sum() >= 67
    assert worst(found.image_to_probe, image_to_probe) < 0.5
    assert found.residuals[wrong].min() > 3.0


def only_moved():
    return pin_scan(1, turned=0.0, tracking=0.2)[:2]


def turned_about_one_axis():
    pixels, poses, image_to_probe, pin = pin_scan(1)
    angles = np.linspace(-1, 1, len(poses))
    poses[:, :3, :3] = Rotation.from_rotvec(np.outer(angles, [0, 0, 1])).as_matrix()
    seen = np.column_stack([pixels, np.zeros(len(pixels)), np.ones(len(pixels))])
    on_probe = (seen @ image_to_probe.T)[:, :3]
    poses[:, :3, 3] = pin - np.einsum("nij,nj->ni", poses[:, :3, :3], on_probe)
    return pixels, poses


def seen_in_one_place():
    pixels, poses, *_ = pin_scan(1)
    return 0.001 * pixels, poses


def seen_along_a_line():
    pixels, poses, *_ = pin_scan(1)
    return np.column_stack([pixels[:, 0], 0.5 * pixels[:, 0]]), poses


@pytest.mark.parametrize(
    ("scan", "says"),
    [
        (only_moved, "leaves the result open"),
        (turned_about_one_axis, "leaves the result open"),
        (seen_in_one_place, "along one line"),
        (seen_along_a_line, "along one line"),
    ],
)
def test_scans_that_cannot_tell_are_refused(scan, says):
    with pytest.raises(InputError, match=says):
        calibrate(*scan())


def test_what_is_no_scan():
    pixels, poses, *_ = pin_scan(1, images=10)
    with pytest.raises(InputError, match="at least 8 images of the pinhead, got 5"):
        calibrate(pixels[:5], poses[:5])
    with pytest.raises(InputError, match="a column, a row and a pose for every image"):
        calibrate(pixels[:9], poses)
    poses[4, 0, 0] = np.nan
    with pytest.raises(InputError, match="image 4: expected a rigid pose"):
        calibrate(pixels, poses)


def write_points(path, pixels, frames=None):
    frames = range(len(pixels)) if frames is None else frames
    rows = [f"{k},{u:.3f},{v:.3f}\n" for k, (u, v) in zip(frames, pixels, strict=True)]
    path.write_text("frame,column,row\n" + "".join(rows))
    return path


def test_the_command_writes_what_an_import_reads(tmp_path, capsys):
    pixels, poses, image_to_probe, _ = pin_scan(2, tracking=0.2)
    pixels[5] += 120.0
    np.save(tmp_path / "poses.npy", poses)
    out = tmp_path / "new" / "calibration.xml"
    Calibrate(write_points(tmp_path / "p.csv", pixels), tmp_path / "poses.npy", out=out).run()
    said = capsys.readouterr().out
    assert "86 images agree to 0.3" in said
    assert "1 left out as outliers, 0 without valid tracking" in said
    found = read_configuration(out).transforms["Image", "Probe"]
    assert worst(found, image_to_probe) < 0.5


def test_poses_come_from_a_tracked_sequence_too(tmp_path):
    pixels, poses, *_ = pin_scan(2, images=20)
    lines = ["NDims = 3", "DimSize = 1 1 20", "ElementType = MET_UCHAR", "BinaryData = True"]
    for k, pose in enumerate(poses):
        row = " ".join(f"{value:.12g}" for value in pose.ravel())
        lines.append(f"Seq_Frame{k:04d}_ProbeToTrackerTransform = {row}")
        status = "INVALID" if k == 3 else "OK"
        lines.append(f"Seq_Frame{k:04d}_ProbeToTrackerTransformStatus = {status}")
    path = tmp_path / "scan.igs.mha"
    path.write_bytes("\n".join([*lines, "ElementDataFile = LOCAL", ""]).encode() + bytes(20))
    numbers = [19, 3, 0, 1]
    points = write_points(tmp_path / "p.csv", pixels[numbers], numbers)
    found, at, untracked = read_pin_scan(points, path)
    assert untracked == 1
    assert np.allclose(found, pixels[[19, 0, 1]], atol=1e-3)
    assert np.allclose(at, poses[[19, 0, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "expected a column 'frame'"),
        ("frame,colum,row\n1,2,3\n", "expected a column 'column'; did you mean 'colum'"),
        ("frame,column,row\n1,2\n", "row 2: expected a frame"),
        ("frame,column,row\n1,nan,3\n", "row 2: expected a frame"),
        ("frame,column,row\n-1,2,3\n", "row 2: expected a frame"),
        ("frame,column,row\n1.5,2,3\n", "whole number as frame, got 1.5"),
        ("frame,column,row\n20,2,3\n", "frame 20; expected 0 to 19"),
        ("frame,column,row\n", "no image with valid tracking"),
        ("frame,column,row\n1,2,3\n2,3,4\n", "at least 8 images of the pinhead, got 2"),
    ],
)
def test_tables_that_cannot_be_used_are_named(tmp_path, content, says):
    np.save(tmp_path / "poses.npy", pin_scan(2, images=20)[1])
    (tmp_path / "p.csv").write_text(content)
    with pytest.raises(InputError, match=says) as caught:
        Calibrate(tmp_path / "p.csv", tmp_path / "poses.npy", out=tmp_path / "c.xml").run()
    assert "p.csv" in str(caught.value)
    assert not (tmp_path / "c.xml").exists()

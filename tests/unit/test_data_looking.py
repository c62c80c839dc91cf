import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from looked_at import COLUMNS, ROWS, make_dataset, sample
from PIL import Image

from insonate.data.dataset import Dataset
from insonate.data.looking import (
    check,
    info,
    info_words,
    write_histograms,
    write_poses,
    write_sheet,
)
from insonate.data.looking.figures import _limits, gray_values, region_shares
from insonate.data.looking.info import info_json
from insonate.data.looking.sheet import overlaid
from insonate.errors import InputError

zarr = pytest.importorskip("zarr")


@pytest.fixture
def where(tmp_path):
    return make_dataset(tmp_path / "data.zarr")


def test_info_counts(where):
    said = info(where)
    assert (said["frames"], said["complete"]) == (12, 12)
    assert said["splits"] == {"train": 4, "validation": 4, "test": 4}
    assert said["planes"] == {"long": 6, "short": 6}
    assert (said["patients"], said["sequences"], said["poses"]) == (3, 3, 12)
    assert said["spacing"] == [0.25, 0.5]
    on_disk = sum(file.stat().st_size for file in where.rglob("*") if file.is_file())
    assert said["bytes_total"] == on_disk
    assert json.loads(info_json(said)) == said


def test_info_in_words(where):
    words = info_words(info(where))
    for part in ("12; 24 x 20 pixels", "train 4", "long 6", "3: outside, liver, kidney", "CC0"):
        assert part in words
    assert "not written yet" not in words


def test_info_of_incomplete_and_hostile(tmp_path):
    where = make_dataset(tmp_path / "data.zarr", licence="a\x1b[2J\nb" + "x" * 500)
    group = zarr.open_group(where, mode="r+")
    group["complete"][5] = 0
    words = info_words(info(where))
    assert "11, 1 not written yet" in words
    assert "\x1b" not in words
    assert max(map(len, words.splitlines())) < 120


def test_info_of_url():
    where = make_dataset("memory://looking/data.zarr")
    said = info(where)
    assert said["complete"] == 12
    assert said["bytes"]["bmode"] > 12 * 200


def lines(where):
    return [str(finding) for finding in check(where)]


def test_sound_dataset(where):
    assert check(where) == []


def edit(k, **changes):
    return {k: changes}


def turned(scale):
    pose = sample(5)["pose"]
    pose[:3, 0] *= scale
    return pose


LABELS = sample(5)["labels"]
FULL = np.full((ROWS, COLUMNS), 9, np.uint8)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (edit(5, labels=LABELS + 1), "fault: labels beyond the 3 regions: 1 frame (5)"),
        (edit(5, mask=FULL), "fault: mask with values other than 0 and 1: 1 frame (5)"),
        (edit(5, mask=0 * FULL, bmode=0 * FULL, labels=0 * FULL), "fault: mask is empty: 1 fr"),
        (edit(5, bmode=FULL), "fault: bmode is not black outside the mask: 1 frame (5)"),
        (edit(5, pose=turned(1.01)), "fault: pose is not rigid: 1 frame (5)"),
        (edit(5, pose=turned(-1.0)), "fault: pose is not rigid: 1 frame (5)"),
        (edit(5, pose=turned(np.nan)), "fault: pose is not finite: 1 frame (5)"),
        (edit(5, spacing=[0.5, 0.0]), "fault: spacing is not positive: 1 frame (5)"),
        (edit(5, spacing=[0.5, np.nan]), "fault: spacing is not positive: 1 frame (5)"),
        (edit(5, origin=[np.inf, 0.0]), "fault: origin is not finite: 1 frame (5)"),
        (edit(5, plane=2), "fault: plane beyond the 2 that have names: 1 frame (5)"),
        (edit(5, split=-7), "fault: split beyond the 3 that have names: 1 frame (5)"),
        (edit(5, patient=-2), "fault: patient is below -1: 1 frame (5)"),
        (edit(5, split=2, sequence=-1), "fault: 1 patients in more than one split (patient 1)"),
        (edit(5, split=2, patient=-1), None),
        (edit(5, bmode=sample(4)["bmode"]), "remark: equal bmode: 2 frames (4, 5)"),
        (edit(5, bmode=sample(1)["bmode"]), "fault: equal bmode in different splits: 2 frames (1"),
        (edit(5, bmode=0 * FULL), "remark: bmode is of one gray value: 1 frame (5)"),
        (edit(5, labels=FULL // 9), "remark: labels reach outside the mask: 1 frame (5)"),
        (edit(5, pose=np.full((4, 4), np.nan), spacing=[np.nan] * 2, plane=-1), None),
    ],
)
def test_what_is_wrong_is_said(tmp_path, change, line):
    where = make_dataset(tmp_path / "data.zarr", change=change)
    found = lines(where)
    assert found == [] if line is None else any(each.startswith(line) for each in found), found


def test_sequence_in_two_splits(tmp_path):
    nobody = {k: {"patient": -1} for k in range(12)} | edit(5, patient=-1, split=0)
    found = lines(make_dataset(tmp_path / "data.zarr", change=nobody))
    assert found == ["fault: 1 sequences in more than one split (sequence 1)"]


def test_broken_files_are_found(where):
    file = where / "labels/c/1/0/0"
    file.write_bytes(file.read_bytes()[:-1])
    (where / "pose/c/2/0/0").unlink()
    (where / "split/c/0").write_bytes(b"nonsense")
    found = lines(where)
    assert "fault: labels cannot be read: 4 frames (4, 5, 6, 7)" in found
    assert "fault: pose cannot be read: 4 frames (8, 9, 10, 11)" in found
    assert any("split is broken" in line for line in found)


@given(which=st.integers(0, 10**6), place=st.integers(0, 10**6), value=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_mutated_files_never_crash_it(tmp_path_factory, which, place, value):
    where = tmp_path_factory.getbasetemp() / "mutated_looking.zarr"
    if not where.exists():
        make_dataset(where)
    files = sorted(file for file in where.rglob("*") if file.is_file())
    file = files[which % len(files)]
    whole = file.read_bytes()
    changed = bytearray(whole)
    changed[place % len(whole)] ^= value
    file.write_bytes(changed)
    try:
        with contextlib.suppress(InputError):
            check(where)
            info_words(info(where))
    finally:
        file.write_bytes(whole)


def test_remarks(tmp_path):
    where = make_dataset(tmp_path / "data.zarr", regions=(), licence="")
    zarr.open_group(where, mode="r+")["complete"][2:5] = 0
    assert lines(where) == [
        "remark: 3 frames are not complete, and not read",
        "remark: labels, but the attribute regions is empty",
        "remark: the attribute licence is empty",
    ]
    zarr.open_group(where, mode="r+")["complete"][:] = 0
    assert lines(where)[0] == "fault: no frame is complete"


def test_sheet(where, tmp_path):
    path = tmp_path / "sheet.png"
    assert write_sheet(where, path, count=5, width=64) == [0, 3, 6, 8, 11]
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape[1] > 2 * 64
    assert (np.ptp(pixels.astype(int), axis=-1) > 12).mean() > 0.05, "no colours"
    assert write_sheet(where, path, split="test", labels=False) == [8, 9, 10, 11]
    with Image.open(path) as sheet:
        assert np.ptp(np.asarray(sheet).astype(int), axis=-1).max() < 4


def test_overlay_leaves_the_background():
    bmode, labels = np.full((6, 6), 100, np.uint8), np.zeros((6, 6), np.uint8)
    labels[2:5, 2:5] = 1
    mixed = overlaid(bmode, labels)
    assert (mixed[labels == 0] == 100).all()
    assert (mixed[labels == 1] != 100).any(axis=-1).all()


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 500}, {"width": 3}, {"split": "tset"}])
def test_sheet_options(where, tmp_path, wrong):
    with pytest.raises(InputError):
        write_sheet(where, tmp_path / "sheet.png", **wrong)
    assert not (tmp_path / "sheet.png").exists()


def test_counted_by_hand(where):
    dataset, chosen = Dataset(where), np.array([0, 3])
    counts, shares = gray_values(dataset, "bmode", chosen), region_shares(dataset, chosen)
    inside = sample(0)["mask"] > 0
    values = np.concatenate([sample(k)["bmode"][inside] for k in (0, 3)])
    np.testing.assert_array_equal(counts, [(values == g).sum() for g in range(256)])
    assert shares[0, 1] == pytest.approx((sample(0)["labels"][inside] == 1).mean())
    assert shares[1, 2] == pytest.approx(30 / inside.sum())


def test_figures(where, tmp_path):
    for write in (write_histograms, write_poses):
        path = write(where, tmp_path / f"{write.__name__}.png")
        with Image.open(path) as picture:
            assert picture.width > 700
            assert np.asarray(picture.convert("L")).std() > 5


def test_axes_of_a_long_thin_sweep():
    points = np.array([[0.0, 5.0, 0.0], [300.0, 5.0, 4.0]])
    limits = _limits(points)
    sides = limits[:, 1] - limits[:, 0]
    assert sides.min() >= 0.2 * sides.max()
    assert (limits[:, 0] < points.min(axis=0)).all()
    assert (limits[:, 1] > points.max(axis=0)).all()


def test_figures_of_what_is_not_there(tmp_path):
    nowhere = {k: {"pose": np.full((4, 4), np.nan)} for k in range(12)}
    where = make_dataset(tmp_path / "data.zarr", change=nowhere, images=("bmode",), planes=())
    write_histograms(where, tmp_path / "h.png", frames=3)
    with pytest.raises(InputError, match="no frame has a pose"):
        write_poses(where, tmp_path / "p.png")


def test_poses_with_the_skin_around(tmp_path):
    from insonate.anatomy.phantoms import PHANTOMS
    from insonate.data.looking.skin import skin_points

    said = {"subject": {"kind": "scene", "scene": "qa"}}
    qa = {k: {"metadata": said} for k in range(12)}
    where = make_dataset(tmp_path / "data.zarr", change=qa)
    write_poses(where, tmp_path / "skin.png", skin=True)
    assert (tmp_path / "skin.png").exists()
    points = skin_points(said, count=400)
    assert points.shape == (400, 3)
    low, high = PHANTOMS["qa"]().bounds()
    assert ((points > low - 1e-3) & (points < high + 1e-3)).all()


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"subject": 3},
        {"subject": {"kind": "scene", "scene": "/etc/passwd"}},
        {"subject": {"kind": "scene", "scene": ["qa"]}},
        {"subject": {"kind": "pregnant", "shoe_size": 39}},
        {"subject": {"kind": "pregnant", "gestational_age": 400.0}},
        {"subject": {"kind": "gynaecology", "shoe_size": 39}},
    ],
)
def test_subjects_without_a_skin(said):
    from insonate.data.looking.skin import skin_points

    with pytest.raises(InputError):
        skin_points(said)

"""Exports, read back with other people's libraries."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from looked_at import COLUMNS, ROWS, make_dataset, sample
from PIL import Image

from insonate.data.dataset import Dataset
from insonate.data.export import FORMATS, export
from insonate.data.export.coco import run_lengths
from insonate.errors import InputError

pytest.importorskip("zarr")

SOME = {k: {"labels": np.full((ROWS, COLUMNS), 3, np.uint8)} for k in (2, 9)}
UNLABELLED = ("outside", "liver", "kidney", "unlabelled")


@pytest.fixture
def where(tmp_path):
    return make_dataset(tmp_path / "data.zarr")


@pytest.fixture
def partly(tmp_path):
    """Nobody labelled frames 2 and 9; frame 2 is padded."""
    SOME[2]["labels"][:3] = 0
    return make_dataset(tmp_path / "partly.zarr", change=SOME, regions=UNLABELLED)


def pixels(path):
    with Image.open(path) as image:
        return np.array(image)


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_png_pixels_and_table(where, tmp_path):
    said = export(where, tmp_path / "out", "png")
    assert said.startswith("12 frames in images, masks, fans")
    rows = table(tmp_path / "out/index.csv")
    assert len(rows) == 12
    for k, row in enumerate(rows):
        assert row["name"] == f"{k:07d}"
        assert (row["patient"], row["plane"]) == (str(k // 4), ("long", "short")[k % 2])
        assert row["split"] == ("train", "validation", "test")[k // 4]
        for folder, name in (("images", "bmode"), ("masks", "labels")):
            found = pixels(tmp_path / f"out/{folder}/{k:07d}.png")
            np.testing.assert_array_equal(found, sample(k)[name])
        assert pixels(tmp_path / f"out/fans/{k:07d}.png").max() == 255
    about = json.loads((tmp_path / "out/dataset.json").read_text())
    assert about["regions"] == ["outside", "liver", "kidney"]
    assert about["licence"] == "CC0"


def test_png_is_imported_again(partly, tmp_path):
    importers = pytest.importorskip("insonate.data.importers")
    importing = pytest.importorskip("insonate.data.importers.importing")
    opening = pytest.importorskip("insonate.data.importers.open")
    export(partly, tmp_path / "out", "png")
    source = importers.open_source(
        tmp_path / "out", opening.Options(regions=("outside", "liver", "kidney"))
    )
    importing.import_source(source, tmp_path / "again.zarr", crop="none")
    again, before = Dataset(tmp_path / "again.zarr"), Dataset(partly)
    assert len(again) == 12
    assert again.attributes.regions[1:3] == ("liver", "kidney")
    assert again.attributes.planes == ("long", "short")
    for k in range(12):
        np.testing.assert_allclose(again.raw("spacing", k), [0.5, 0.25])
        np.testing.assert_array_equal(again.raw("bmode", k), before.raw("bmode", k))
        assert again.raw("patient", k) == k // 4
        assert again.raw("plane", k) == k % 2
        if k not in SOME:
            np.testing.assert_array_equal(again.raw("labels", k), before.raw("labels", k))


def test_square_pixels_are_one_number(tmp_path):
    square = {k: {"spacing": [0.3, 0.3]} for k in range(12)}
    export(make_dataset(tmp_path / "d.zarr", change=square), tmp_path / "out", "png")
    row = table(tmp_path / "out/index.csv")[0]
    assert row["pixel_mm"] == "0.3"
    assert "full_pixel_mm" not in row


def test_nifti_lies_in_the_world(where, tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    said = export(where, tmp_path / "out", "nifti")
    assert said.startswith("12 frames in 3 volumes")
    dataset, rows = Dataset(where), table(tmp_path / "out/index.csv")
    assert len(rows) == 12
    for row in rows:
        k = int(row["name"])
        labels = sitk.ReadImage(str(tmp_path / "out/labels" / row["file"]))
        images = sitk.ReadImage(str(tmp_path / "out/images" / row["file"]))
        assert labels.GetSize() == (COLUMNS, ROWS, 4)
        assert labels.GetSpacing() == pytest.approx((0.25, 0.5, 2.0))
        slices = int(row["slice"])
        np.testing.assert_array_equal(
            sitk.GetArrayFromImage(labels)[slices], dataset.raw("labels", k)
        )
        np.testing.assert_array_equal(
            sitk.GetArrayFromImage(images)[slices], dataset.raw("bmode", k)
        )
        at = images.TransformIndexToPhysicalPoint((3, 17, slices))
        np.testing.assert_allclose(at, dataset.coordinates(k)[17, 3], atol=1e-3)


def test_nifti_of_loose_frames(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    loose = {k: {"sequence": -1} for k in range(12)}
    loose[3] |= {"pose": np.full((4, 4), np.nan)}
    loose[4] |= {"pose": np.full((4, 4), np.nan), "spacing": [np.nan, np.nan]}
    where = make_dataset(tmp_path / "d.zarr", change=loose)
    assert "12 volumes" in export(where, tmp_path / "out", "nifti")
    for k, spacing in ((3, (0.25, 0.5)), (4, (1.0, 1.0))):
        image = sitk.ReadImage(str(tmp_path / f"out/images/{k:07d}.nii.gz"))
        assert image.GetSpacing()[:2] == pytest.approx(spacing)
    image = sitk.ReadImage(str(tmp_path / "out/images/0000007.nii.gz"))
    at = image.TransformIndexToPhysicalPoint((3, 17, 0))
    np.testing.assert_allclose(at, Dataset(where).coordinates(7)[17, 3], atol=1e-3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pycocotools")
def test_coco_by_its_own_tools(partly, tmp_path, capsys):
    tools = pytest.importorskip("pycocotools.coco")
    from pycocotools import mask

    assert export(partly, tmp_path / "out", "coco").startswith("10 frames, 20 annotations of 2")
    seen = 0
    for split in ("train", "validation", "test"):
        coco = tools.COCO(str(tmp_path / f"out/annotations/instances_{split}.json"))
        for image in coco.loadImgs(coco.getImgIds()):
            k = int(image["file_name"][:7])
            stored = pixels(tmp_path / "out/images" / image["file_name"])
            np.testing.assert_array_equal(stored, sample(k)["bmode"])
            for note in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
                expected = sample(k)["labels"] == note["category_id"]
                np.testing.assert_array_equal(coco.annToMask(note), expected)
                packed = mask.frPyObjects(note["segmentation"], ROWS, COLUMNS)
                assert note["area"] == mask.area(packed)
                assert note["bbox"] == mask.toBbox(packed).tolist()
                seen += 1
        names = {c["id"]: (c["name"], c["supercategory"]) for c in coco.loadCats(coco.getCatIds())}
        assert names == {1: ("liver", "parenchyma"), 2: ("kidney", "tissue")}
    assert seen == 20
    capsys.readouterr()


@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_run_lengths(mask):
    lengths = run_lengths(mask)
    values = np.repeat(np.arange(len(lengths)) % 2, lengths)
    np.testing.assert_array_equal(values.reshape(mask.shape, order="F"), mask)
    assert all(length > 0 for length in lengths[1:])


def test_nnunet_layout(partly, tmp_path):
    out = tmp_path / "Dataset007_Ovary"
    export(partly, out, "nnunet")
    about = json.loads((out / "dataset.json").read_text())
    assert about["labels"] == {"background": 0, "liver": 1, "kidney": 2}
    assert about["file_ending"] == ".png"
    cases = sorted(path.name[:-4] for path in (out / "labelsTr").iterdir())
    assert cases == [f"{k:07d}" for k in (0, 1, 3, 4, 5, 6, 7)]
    assert about["numTraining"] == len(cases)
    assert sorted(p.name for p in (out / "imagesTr").iterdir()) == [f"{c}_0000.png" for c in cases]
    test = {path.name[:7] for path in (out / "imagesTs").iterdir()}
    assert test == {f"{k:07d}" for k in (2, 8, 9, 10, 11)}
    (fold,) = json.loads((out / "splits_final.json").read_text())
    assert fold == {"train": cases[:3], "val": cases[3:]}
    for case in cases:
        labels = pixels(out / "labelsTr" / f"{case}.png")
        assert labels.ndim == 2, "a palette would be read as colours"
        np.testing.assert_array_equal(labels, sample(int(case))["labels"])


def test_nnunet_ignores_pixels_that_nobody_labelled(tmp_path):
    names, some = ("outside", "unlabelled", "liver"), sample(0)["labels"]
    some = np.select([some == 1, some == 2], [2, 1], 0).astype(np.uint8)
    where = make_dataset(tmp_path / "d.zarr", change={0: {"labels": some}}, regions=names)
    export(where, tmp_path / "out", "nnunet")
    labels = json.loads((tmp_path / "out/dataset.json").read_text())["labels"]
    assert labels == {"background": 0, "liver": 1, "ignore": 2}
    found = pixels(tmp_path / "out/labelsTr/0000000.png")
    np.testing.assert_array_equal(found == 2, some == 1)
    np.testing.assert_array_equal(found == 1, some == 2)


def test_nnunet_counts_labels_without_gaps(tmp_path):
    names = ("outside", "never_seen", "kidney")
    some = {k: {"labels": 2 * (sample(k)["labels"] == 2).astype(np.uint8)} for k in range(12)}
    where = make_dataset(tmp_path / "d.zarr", change=some, regions=names)
    export(where, tmp_path / "out", "nnunet")
    assert json.loads((tmp_path / "out/dataset.json").read_text())["labels"] == {
        "background": 0,
        "kidney": 1,
    }
    np.testing.assert_array_equal(
        pixels(tmp_path / "out/labelsTr/0000001.png"), sample(1)["labels"] == 2
    )


def test_one_split(where, tmp_path):
    export(where, tmp_path / "out", "png", split="test")
    assert [row["split"] for row in table(tmp_path / "out/index.csv")] == ["test"] * 4


@pytest.mark.parametrize("layout", ["coco", "nnunet"])
def test_layouts_for_labels_want_some(tmp_path, layout):
    where = make_dataset(tmp_path / "d.zarr", images=("bmode", "mask"))
    with pytest.raises(InputError, match="no labels"):
        export(where, tmp_path / "out", layout)
    assert not list(tmp_path.glob("*out*")), "something is left"


def test_folders_are_whole_or_not_there(where, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("x")
    with pytest.raises(InputError, match="holds something"):
        export(where, tmp_path / "mine", "png")
    (tmp_path / "empty").mkdir()
    export(where, tmp_path / "empty", "png")
    with pytest.raises(InputError, match="did you mean 'nifti'"):
        export(where, tmp_path / "out", "nifty")

    def full(self, *args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    for layout in ("png", "coco", "nnunet"):
        assert layout in FORMATS
        with pytest.raises(InputError, match=r"out: cannot be written \(No space"):
            export(where, tmp_path / "out", layout)
    assert not list(tmp_path.glob("*out*")), "something is left"


def test_broken_frames_stop_it(where, tmp_path):
    (where / "bmode/c/1/0/0").write_bytes(b"")
    with pytest.raises(InputError, match="bmode of frame 4 is broken"):
        export(where, tmp_path / "out", "png")
    assert not list(tmp_path.glob("*out*"))

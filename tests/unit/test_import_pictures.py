"""Folders of pictures: whose a mask and a row are, what labels mean, and what is kept."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from picture_folders import NOISE, bring, save
from PIL import Image

from insonate.cli.import_data import ImportData
from insonate.data.dataset import Attributes, Dataset, Layout, create
from insonate.data.export.export import export
from insonate.data.importers import Imported, Options, import_source, open_source
from insonate.data.importers.images import ImageFolder
from insonate.data.importers.importing import UNLABELLED
from insonate.data.importers.picture import PictureError, read_labels
from insonate.errors import InputError

pytest.importorskip("zarr")


def white(value):
    """A mask of 60x80 in which so many rows are white."""
    mask = np.zeros((60, 80), np.uint8)
    mask[:value] = 255
    return mask


def items(folder, **options):
    """Frames by their file, and reasons by file of what is skipped."""
    source = ImageFolder(folder, Options(**options))
    frames, reasons = {}, {}
    for item in source:
        if isinstance(item, Imported):
            frames[item.metadata["file"]] = item
        else:
            reasons[item.where] = item.reason
    return source, frames, reasons


def rows_labelled(frame):
    return None if frame.labels is None else int(frame.labels[:, 0].sum())


def test_equal_names_in_several_folders_have_their_own_masks(tmp_path):
    for patient, rows in (("p1", 10), ("p2", 20)):
        save(tmp_path / "images" / patient / "img.png")
        save(tmp_path / "masks" / patient / "img_mask.png", white(rows))
    save(tmp_path / "images" / "p3" / "img.png")  # has none
    save(tmp_path / "images" / "p4" / "other.png")
    save(tmp_path / "masks" / "other.png", white(30))  # one name, one mask
    source, frames, reasons = items(tmp_path)
    assert {name: rows_labelled(frame) for name, frame in frames.items()} == {
        "p1/img.png": 10, "p2/img.png": 20, "p3/img.png": None, "p4/other.png": 30,
    }  # fmt: skip
    assert not reasons
    assert "0 masks have no image, 1 images have no mask" in source.notes


def test_a_mask_that_may_be_of_two_images_is_of_none(tmp_path):
    for patient in ("p1", "p2"):
        save(tmp_path / "images" / patient / "img.png")
    save(tmp_path / "images" / "twice.png")
    save(tmp_path / "masks" / "img.png", white(10))
    save(tmp_path / "masks" / "twice.png", white(10))
    save(tmp_path / "masks" / "twice_seg.png", white(20))
    _, frames, reasons = items(tmp_path)
    assert not frames
    assert reasons == dict.fromkeys(("p1/img.png", "p2/img.png", "twice.png"), "mask not unique")


def test_masks_of_no_image_are_refused_or_counted(tmp_path):
    save(tmp_path / "images" / "a.png")
    save(tmp_path / "masks" / "b.png", white(10))
    with pytest.raises(InputError, match="none of 1 masks has the name of an image"):
        ImageFolder(tmp_path, Options())
    save(tmp_path / "masks" / "a.png", white(10))
    assert "1 masks have no image, 0 images have no mask" in items(tmp_path)[0].notes


def test_a_row_of_the_table_is_of_one_image(tmp_path):
    for name in ("p1/img", "p2/img", "p3/shot", "p4/shot", "p5/one"):
        save(tmp_path / "in" / f"{name}.png")
    table = tmp_path / "i.csv"
    table.write_text("name,patient\np1/img,x\nshot,y\none,z\n")
    _, frames, reasons = items(tmp_path / "in", index=table)
    assert {name: frame.patient for name, frame in frames.items()} == {
        "p1/img.png": "x", "p2/img.png": "", "p5/one.png": "z",
    }  # fmt: skip
    assert reasons == dict.fromkeys(("p3/shot.png", "p4/shot.png"), "row of the table not unique")


@pytest.mark.parametrize(
    ("values", "numbers", "wanted"),
    [
        ([0, 3, 41], False, [0, 3, 41]),
        ([0, 1, 41, 255], True, [0, 1, 41, 255]),
        ([0] * 90 + [2] * 5 + [255] * 5, False, [0] * 90 + [2] * 5 + [255] * 5),  # 255 is void
        ([0] * 60 + [255] * 39 + [120], False, [0] * 60 + [1] * 39 + [0]),
        ([0, 255], False, [0, 1]),
    ],
)
def test_values_of_masks_are_labels_or_black_and_white(tmp_path, values, numbers, wanted):
    image = np.array([values], np.uint8)
    got = read_labels(save(tmp_path / "a.png", image), 1000, numbers=numbers)
    assert got.tolist() == [wanted]


def test_pixels_of_a_palette_are_labels(tmp_path):
    image = Image.fromarray(np.array([[0, 255]], np.uint8))
    image.putpalette(list(range(256)) * 3)
    image.save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png", 1000).tolist() == [[0, 255]]


def test_white_is_a_label_where_there_are_more_than_two_regions(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "a_mask.png", white(10))
    for regions, label in ((("none", "head"), 1), (("none", "head", "neck"), 255)):
        _, frames, _ = items(tmp_path, regions=regions)
        assert frames["a.png"].labels.max() == label


def test_gray_pictures_are_no_masks(tmp_path):
    with pytest.raises(PictureError, match="values that are no labels"):
        read_labels(save(tmp_path / "a.png", NOISE), 10_000)
    blurred = np.kron(white(30)[::10, ::10], np.ones((40, 40), np.uint8))
    assert read_labels(save(tmp_path / "b.jpg", blurred, quality=60), 100_000).max() == 1


@pytest.fixture
def exported(tmp_path):
    """A PNG export of four labelled frames, and the dataset."""
    regions = tuple(f"organ {k}" for k in range(50))
    layout = Layout(4, 6, 8, images=("bmode", "labels"))
    about = Attributes(regions=regions)
    splits = [2, 0, 0, 1]
    with create(tmp_path / "data.zarr", layout, about) as writer:
        samples = [
            {"bmode": np.full((6, 8), 50 + k, np.uint8), "split": splits[k], "metadata": {},
             "labels": np.where(np.arange(8) < 4, 0, 38 + k + np.zeros((6, 8))).astype(np.uint8)}
            for k in range(4)
        ]  # fmt: skip
        writer.write(0, samples)
    export(tmp_path / "data.zarr", tmp_path / "png", "png")
    return tmp_path / "png", Dataset(tmp_path / "data.zarr")


def test_an_export_comes_back_with_labels_regions_and_splits(exported, tmp_path):
    folder, first = exported
    report, again = bring(folder, tmp_path / "again.zarr", crop="none")
    for k in range(4):
        np.testing.assert_array_equal(again.raw("labels", k), first.raw("labels", k))
    assert again.attributes.regions == first.attributes.regions
    assert again.column("split").tolist() == [2, 0, 0, 1]
    assert report.splits == {"test": 1, "train": 2, "validation": 1}
    assert not report.skipped
    _, dealt = bring(folder, tmp_path / "b.zarr", crop="none", split_by="frame", shares=(1, 0, 0))
    assert dealt.column("split").tolist() == [0, 0, 0, 0]
    _, named = bring(folder, tmp_path / "c.zarr", Options(regions=("a", "b", "c")), crop="none")
    assert named.attributes.regions[:4] == ("a", "b", "c", "region_3")
    (folder / "masks" / "0000000.png").unlink()
    _, partly = bring(folder, tmp_path / "d.zarr", crop="none")
    assert partly.attributes.regions == (*first.attributes.regions, UNLABELLED)
    export(tmp_path / "d.zarr", tmp_path / "png2", "png")
    _, twice = bring(tmp_path / "png2", tmp_path / "e.zarr", crop="none")
    assert twice.attributes.regions == partly.attributes.regions
    np.testing.assert_array_equal(twice.raw("labels", 0), partly.raw("labels", 0))


@pytest.mark.parametrize("said", ['{"regions": 3}', '{"regions": [3]}', '{"regions": [""]}', "{"])
def test_a_broken_description_ends_in_one_line(exported, said):
    folder, _ = exported
    (folder / "dataset.json").write_text(said)
    with pytest.raises(InputError, match=r"dataset\.json") as error:
        ImageFolder(folder, Options())
    assert "\n" not in str(error.value)


def test_patients_that_the_table_divides_are_told(tmp_path):
    for k in range(3):
        save(tmp_path / "images" / f"{k}.png")
    (tmp_path / "index.csv").write_text("name,patient,split\n0,a,train\n1,a,test\n2,b,train\n")
    report, _ = bring(tmp_path, tmp_path / "out.zarr")
    assert any("table; 1 patients are in more than one" in note for note in report.notes)


def test_sixteen_bit_pages_are_made_darker_alike(tmp_path):
    pages = [Image.fromarray(np.full((60, 80), value, np.uint16)) for value in (200, 400, 3200)]
    pages[0].save(tmp_path / "a.tiff", save_all=True, append_images=pages[1:])
    _, data = bring(tmp_path, tmp_path / "out.zarr", crop="none")
    assert [int(data.raw("bmode", k)[0, 0]) for k in range(3)] == [12, 25, 200]
    assert data.metadata(0)["bits"] == 12


def test_pages_are_read_one_by_one(tmp_path):
    pages = [Image.fromarray(np.full((500, 500), k, np.uint8)) for k in range(40)]
    path = tmp_path / "a.tiff"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    next(iter(ImageFolder(tmp_path, Options())))  # imports
    tracemalloc.start()
    count = sum(1 for _ in ImageFolder(tmp_path, Options()))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 40
    assert most < 12 * 500 * 500


def test_files_of_another_kind_are_counted(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "deep").mkdir()
    for name in ("notes.doc", "deep/loop.avi", "index.csv", ".hidden"):
        (tmp_path / name).write_text("x")
    report, _ = bring(tmp_path, tmp_path / "out.zarr")
    assert report.skipped == {"another kind of file": 2}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calibration": "a.xml"}, "--calibration: not for images; expected --mask --index"),
        ({"axis": "axial"}, "--axis: not for images"),
    ],
)
def test_options_that_would_be_ignored_are_refused(tmp_path, options, said):
    save(tmp_path / "a.png")
    with pytest.raises(InputError, match=said):
        open_source(tmp_path, Options(**options))


@pytest.mark.parametrize("name", ["mask", "index", "patient", "calibration", "axis", "regions"])
def test_dicom_takes_no_options(tmp_path, name):
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(InputError, match=f"--{name}: not for ultrasound DICOM"):
        open_source(tmp_path, Options(**{name: ("x",)}))


def test_a_folder_is_not_named_and_files_are_if_not_anonymous(tmp_path, capsys):
    folder = tmp_path / "Jane Doe"
    for name in ("doe_1", "doe_2", "roe_1"):
        save(folder / "images" / f"{name}.png")
    (folder / "index.csv").write_text(
        "name,pixel_mm,plane,sequence,doctor\ndoe_1,0.5,femur,loop of doe,Who\n"
    )
    known = Options(patient="^([a-z]+)_")
    report, data = bring(folder, tmp_path / "a.zarr", known)
    assert data.attributes.provenance == "folder of pictures"
    assert data.metadata(0)["doctor"] == "Who"
    assert any("--anonymous drops them" in note for note in report.notes)
    ImportData(folder, str(tmp_path / "b.zarr"), patient="^([a-z]+)_", anonymous=True).run()
    data = Dataset(tmp_path / "b.zarr")
    assert data.column("patient").tolist() == [0, 0, 1]
    assert data.column("sequence").tolist() == [0, -1, -1]
    assert data.raw("spacing", 0).tolist() == [0.5, 0.5]
    assert data.attributes.planes == ("femur",)
    text = str([data.metadata(k) for k in range(3)]) + str(data.attributes)
    assert not any(word in text for word in ("doe", "roe", "Who", "Jane", "doctor"))
    assert data.metadata(2)["patient"] == "patient 1"
    assert "--anonymous drops them" not in capsys.readouterr().out


class Given:
    """A source that says a rectangle, a mask, or nothing of its frames."""

    kind, ultrasound, private, provenance = "test", True, False, "here"
    regions, notes = (), ()

    def __init__(self, frames, private=False):
        self.frames, self.private = frames, private

    def __len__(self):
        return len(self.frames)

    def __iter__(self):
        return iter(self.frames)


def test_what_is_kept_whole_and_why_is_told(tmp_path):
    from insonate.data.importers import Box

    framed = Imported(NOISE, area=Box(10, 10, 50, 50))
    masked = Imported(NOISE, mask=np.ones((60, 80), np.uint8))
    bare = Imported(NOISE)
    notes = import_source(Given([framed, masked, bare, bare]), tmp_path / "a.zarr").notes
    assert "2 frames are kept whole: no fan was found" in notes
    assert "1 frames are cut to the mask that they have" in notes
    found = import_source(Given([framed, bare], private=True), tmp_path / "b.zarr").notes
    assert any(note.startswith("1 frames are cut to the rectangle") for note in found)
    assert not any("mask that they" in note for note in found)


def test_a_single_sequence_is_told(tmp_path):
    frames = [Imported(NOISE, sequence="s"), Imported(NOISE, sequence="s")]
    report = import_source(Given(frames), tmp_path / "a.zarr")
    assert report.splits == {"train": 2}
    assert any("one sequence: all in one split; `insonate data" in note for note in report.notes)


def test_what_is_skipped_is_named_with_its_folder(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.png").write_text("x")
    with pytest.raises(InputError, match=r"nothing to import; .*\(deep/a\.png\)"):
        bring(tmp_path, tmp_path / "out.zarr")

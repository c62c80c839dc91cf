"""Folders of pictures: what comes in, what is skipped, and what is kept of it."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picture_folders import NOISE, bring, save
from PIL import Image

from insonate.data.dataset import Dataset
from insonate.data.importers import Box, Options, Skipped, import_source, open_source
from insonate.data.importers.fan import Fan
from insonate.data.importers.images import ImageFolder
from insonate.data.importers.importing import UNLABELLED
from insonate.errors import InputError

pytest.importorskip("zarr")


def test_a_folder_of_pictures_becomes_a_dataset(tmp_path):
    for name in ("b.png", "a.png", "deep/c.tiff"):
        save(tmp_path / "in" / name)
    report, data = bring(tmp_path / "in", tmp_path / "out.zarr")
    assert report.frames == len(data) == 3
    assert [data.metadata(k)["file"] for k in range(3)] == ["a.png", "b.png", "deep/c.tiff"]
    np.testing.assert_array_equal(data.raw("bmode", 2), NOISE)
    assert data.raw("mask", 0).all()
    assert "labels" not in data.layout.images
    assert np.isnan(data.raw("spacing", 0)).all()


def test_masks_of_a_folder_and_an_index_beside_images(tmp_path):
    root = tmp_path / "in"
    mask = np.zeros((60, 80), np.uint8)
    mask[20:30, 10:50] = 255
    save(root / "images" / "a.png")
    save(root / "images" / "b.png")
    save(root / "masks" / "a_mask.png", mask)
    (root / "index.csv").write_text(
        "file,patient,plane,full_pixel_mm,full_width_px,full_height_px,empty\n"
        "a.png,p1,femur,0.1,160,120,\nb.png,p2,head,x,,,\n../c.png,p3,head,,,,\n"
    )
    report, data = bring(root, tmp_path / "out.zarr")
    assert data.attributes.regions == ("background", "foreground", UNLABELLED)
    np.testing.assert_array_equal(data.raw("labels", 0), mask > 0)
    assert (data.raw("labels", 1) == 2).all()  # nothing is known of it
    np.testing.assert_allclose(data.raw("spacing", 0), 0.2)
    assert np.isnan(data.raw("spacing", 1)).all()
    assert data.attributes.planes == ("femur", "head")
    assert data.column("plane").tolist() == [0, 1]
    assert data.column("patient").tolist() == [0, 1]
    assert data.metadata(0)["plane"] == "femur"
    assert any("2 of 2 images" in note for note in report.notes)


def test_a_mask_beside_its_image(tmp_path):
    labels = np.zeros((60, 80), np.uint8)
    labels[:10], labels[10:20] = 1, 3
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "a_mask.png", labels)
    _, data = bring(tmp_path / "in", tmp_path / "out.zarr", Options(regions=("none", "skull")))
    assert len(data) == 1
    assert data.attributes.regions == ("none", "skull", "region_2", "region_3")
    np.testing.assert_array_equal(data.raw("labels", 0), labels)


def test_sixteen_bits_colour_and_transparency_become_gray(tmp_path):
    folder = tmp_path / "in"
    deep = np.full((60, 80), 0x0ABC, np.uint16)
    save(folder / "deep.png", deep)
    save(folder / "red.png", np.tile(np.array([200, 0, 0], np.uint8), (60, 80, 1)))
    clear = np.tile(np.array([255, 255, 255, 0], np.uint8), (60, 80, 1))
    save(folder / "clear.png", clear)
    _, data = bring(folder, tmp_path / "out.zarr", crop="none")
    assert (data.raw("bmode", 0) == 0).all()
    assert (data.raw("bmode", 1) == 0xAB).all()
    assert data.metadata(1)["bits"] == 12
    assert (data.raw("bmode", 2) == round(0.299 * 200)).all()
    assert data.metadata(2)["colour"] == 1.0


def test_pages_of_a_tiff_are_one_sequence(tmp_path):
    pages = [Image.fromarray(np.full((60, 80), 10 * k, np.uint8)) for k in range(4)]
    (tmp_path / "in").mkdir()
    pages[0].save(tmp_path / "in" / "loop.tiff", save_all=True, append_images=pages[1:])
    _, data = bring(tmp_path / "in", tmp_path / "out.zarr", crop="none")
    assert [int(data.raw("bmode", k)[0, 0]) for k in range(4)] == [0, 10, 20, 30]
    assert data.column("sequence").tolist() == [0, 0, 0, 0]
    assert len(set(data.column("split").tolist())) == 1


def test_what_cannot_be_used_is_skipped_and_counted(tmp_path):
    folder = tmp_path / "in"
    whole = save(folder / "images" / "whole.png").read_bytes()
    save(folder / "images" / "odd.png")
    save(folder / "images" / "colour.png")
    save(folder / "masks" / "odd.png", np.ones((60, 79), np.uint8))
    colours = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    save(folder / "masks" / "colour.png", colours)
    (folder / "images" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "images" / "empty.jpg").write_bytes(b"")
    (folder / "images" / "text.png").write_text("not a picture")
    (folder / "images" / "jpeg.png").write_bytes(encoded(NOISE, "JPEG"))  # it is one all the same
    save(folder / "images" / "large.png", np.zeros((300, 300), np.uint8))
    report, data = bring(folder, tmp_path / "out.zarr", Options(pixels=10_000))
    assert sorted(data.metadata(k)["file"] for k in range(len(data))) == ["jpeg.png", "whole.png"]
    assert report.skipped == Counter(
        {
            "broken or truncated picture": 1,
            "not a picture": 2,
            "mask of another size than its image": 1,
            "mask in colour": 1,
            "larger than allowed": 1,
        }
    )
    assert any("skipped 2: not a picture (empty.jpg)" in line for line in report.lines())


def encoded(image, kind):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda f: f.mkdir(), "not something to import"),
        (lambda f: None, "no such file or folder"),
        (lambda f: (f.mkdir(), (f / "a.png").write_text("x")), "nothing to import; 1 skipped"),
        (
            lambda f: (save(f / "images" / "a.png"), (f / "index.csv").write_text("size\n3\n")),
            "expected a column name",
        ),
        (
            lambda f: (save(f / "images" / "a.png"), (f / "index.csv").write_text("name\na\na\n")),
            "'a' is there twice",
        ),
        (
            lambda f: (save(f / "images" / "a.png"), (f / "index.csv").write_bytes(b"name\n\xff")),
            "not a table in CSV",
        ),
        (lambda f: (save(f / "images" / "a.png"), (f / "masks").mkdir()), "no masks in it"),
    ],
)
def test_bad_folders_end_in_one_line(tmp_path, make, said):
    make(tmp_path / "in")
    with pytest.raises(InputError, match=said) as error:
        import_source(open_source(tmp_path / "in"), tmp_path / "out.zarr")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.zarr").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(mask=Path("nowhere")), "--mask nowhere: no such folder"),
        (Options(index=Path("nowhere.csv")), "--index nowhere.csv: no such file"),
        (Options(patient="("), "--patient: not a regular expression"),
    ],
)
def test_bad_options_end_in_one_line(tmp_path, options, said):
    save(tmp_path / "a.png")
    with pytest.raises(InputError, match=said):
        ImageFolder(tmp_path, options)


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    save(tmp_path / "in" / "a.png")
    outside = save(tmp_path / "secret" / "b.png")
    (tmp_path / "in" / "b.png").symlink_to(outside)
    (tmp_path / "in" / "folder").symlink_to(outside.parent)
    items = list(ImageFolder(tmp_path / "in", Options()))
    assert [item.reason for item in items if isinstance(item, Skipped)] == [
        "link out of the folder"
    ]
    assert len(items) == 2


def test_frames_of_many_sizes_are_padded_or_resized(tmp_path):
    save(tmp_path / "in" / "a.png", NOISE)
    save(tmp_path / "in" / "b.png", NOISE[:30, :20])
    (tmp_path / "i.csv").write_text("name,pixel_mm\na,0.5\nb,0.5\n")
    options = Options(index=tmp_path / "i.csv")
    report, data = bring(tmp_path / "in", tmp_path / "padded.zarr", options, crop="none")
    assert report.size == (60, 80)
    np.testing.assert_array_equal(data.raw("bmode", 1)[:30, :20], NOISE[:30, :20])
    assert data.raw("mask", 1).sum() == 600
    assert data.raw("bmode", 1)[30:].max() == 0
    _, data = bring(tmp_path / "in", tmp_path / "r.zarr", options, crop="none", size=(40, 40))
    assert data.raw("mask", 0).sum() == 30 * 40
    assert data.raw("mask", 1).sum() == 40 * 27
    np.testing.assert_allclose(data.raw("spacing", 0), [1.0, 1.0])
    np.testing.assert_allclose(data.raw("spacing", 1), [0.375, 0.5 * 20 / 27])


def test_a_fan_is_cut_out_and_its_face_is_the_origin(tmp_path):
    fan = Fan(180.0, 10.0, 60.0, 250.0, -0.5, 0.5)
    noise = np.random.default_rng(0).integers(60, 255, (280, 400)).astype(np.uint8)
    image = noise * fan.mask(280, 400)
    image[2:14, 300:390:3] = 255  # a name
    save(tmp_path / "in" / "a.png", image)
    (tmp_path / "i.csv").write_text("name,pixel_mm\na,0.5\n")
    options = Options(index=tmp_path / "i.csv")
    report, data = bring(tmp_path / "in", tmp_path / "out.zarr", options)
    box = fan.box(280, 400)
    assert report.size == pytest.approx((box.rows, box.columns), abs=2)
    assert data.raw("bmode", 0)[0, -30:].max() == 0
    left, top, *_ = data.metadata(0)["crop"]
    assert data.raw("origin", 0) == pytest.approx(
        [(left - 180.0) * 0.5, (top - 70.0) * 0.5], abs=0.3
    )
    assert data.metadata(0)["area"]["inner"] == pytest.approx(60.0, abs=0.5)
    resized = import_source(
        ImageFolder(tmp_path / "in", options), tmp_path / "half.zarr",
        size=(report.size[0] // 2, report.size[1] // 2),
    )  # fmt: skip
    assert resized.frames == 1
    small = Dataset(tmp_path / "half.zarr")
    where = data.image_to_world(0), small.image_to_world(0)
    assert np.isnan(where[0]).all()  # no pose
    corner = small.raw("origin", 0) - small.raw("spacing", 0)[::-1] / 2.0
    whole = data.raw("origin", 0) - data.raw("spacing", 0)[::-1] / 2.0
    assert corner == pytest.approx(whole, abs=1e-9)  # the corner of the image stays where it is
    _, kept = bring(tmp_path / "in", tmp_path / "whole.zarr", crop="none")
    np.testing.assert_array_equal(kept.raw("bmode", 0), image)
    _, boxed = bring(tmp_path / "in", tmp_path / "box.zarr", crop=Box(100, 50, 300, 200))
    np.testing.assert_array_equal(boxed.raw("bmode", 0), image[50:200, 100:300])
    with pytest.raises(InputError, match="--crop lies outside the image of 400x280"):
        bring(tmp_path / "in", tmp_path / "no.zarr", crop=Box(500, 50, 600, 200))


def test_patients_are_found_in_names_and_never_divided(tmp_path):
    for patient in range(12):
        for shot in range(3):
            save(tmp_path / "in" / f"p{patient}_{shot}.png", NOISE[: 40 + shot])
    options = Options(patient=r"^(p\d+)_")
    report, data = bring(tmp_path / "in", tmp_path / "out.zarr", options, shares=(0.5, 0.25, 0.25))
    patient, split = data.column("patient"), data.column("split")
    assert len(set(patient.tolist())) == 12
    assert all(len(set(split[patient == p].tolist())) == 1 for p in range(12))
    assert report.splits == {"train": 18, "validation": 9, "test": 9}
    with pytest.raises(InputError, match="--split patient: not known for 36 of 36 frames"):
        bring(tmp_path / "in", tmp_path / "no.zarr", split_by="patient")


def test_metadata_is_cut_to_what_can_be_kept(tmp_path):
    save(tmp_path / "in" / "a.png")
    (tmp_path / "i.csv").write_text(f"name,long,short\na,{'x' * 9000},7\n")
    _, data = bring(tmp_path / "in", tmp_path / "out.zarr", Options(index=tmp_path / "i.csv"))
    assert data.metadata(0)["short"] == 7
    assert "long" not in data.metadata(0)


KINDS = {
    "a.png": encoded(NOISE, "PNG"),
    "b.jpg": encoded(NOISE, "JPEG"),
    "c.tiff": encoded(NOISE.astype(np.uint16), "TIFF"),
    "d.bmp": encoded(np.dstack([NOISE] * 3), "BMP"),
}


@st.composite
def mutated(draw, original):
    """Bytes of a file with some changed, cut, doubled or added."""
    raw = bytearray(original)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(min(len(raw) - 1, 600), 0)))
        raw[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=6))
    return bytes(raw[: draw(st.integers(len(raw) // 2, len(raw)))])


@given(st.data())
@settings(
    max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mutated_pictures_are_frames_or_counted(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("in")
    name = data.draw(st.sampled_from(sorted(KINDS)))
    (folder / name).write_bytes(data.draw(mutated(KINDS[name])))
    mask = data.draw(st.sampled_from(sorted(KINDS)))
    (folder / (name[0] + "_mask" + mask[1:])).write_bytes(data.draw(mutated(KINDS[mask])))
    for item in ImageFolder(folder, Options(pixels=100_000, frames=50)):
        assert isinstance(item, Skipped) or item.image.dtype == np.uint8


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@settings(max_examples=150, deadline=2000)
def test_any_table_is_read_or_refused(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("in")
    save(folder / "a.png")
    (folder / "i.csv").write_bytes(b"name,patient,pixel_mm\na,p,0.3\n" + text)
    try:
        items = list(ImageFolder(folder, Options(index=folder / "i.csv")))
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert len(items) == 1

"""Pictures and films through a run: what is beside them, where the fan is, what is refused."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("lightning_fabric")
sys.path.insert(0, str(Path(__file__).parent))
from synthetic_frame import make_frame
from translated import random_run, seeing_run

from insonate.data import write_png
from insonate.data.importers.fan import Fan
from insonate.errors import InputError
from insonate.translation import Translator, translate_pictures, translate_video
from insonate.translation.pictures import read_regions

ROWS, COLUMNS = 96, 128
FAN = Fan(64.0, -20.0, 26.0, 110.0, -0.6, 0.6)


def speckle(seed=0):
    """A fan of speckle on black, uint8 `(rows, columns)`."""
    image = 20 + np.random.default_rng(seed).rayleigh(60.0, (ROWS, COLUMNS))
    return np.clip(image, 1, 255).astype(np.uint8) * FAN.mask(ROWS, COLUMNS)


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


def shown(path):
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def plain():
    return Translator.load(random_run("M"))


@pytest.fixture(scope="module")
def full():
    return Translator.load(random_run("MSA"))


@pytest.fixture
def beside(tmp_path):
    """A frame as `insonate render --format png` writes it, and its files by array."""
    write_png(make_frame(rows=40, columns=48), tmp_path / "frame")
    names = ("labels", "attenuation", "mask")
    return {name: tmp_path / "frame" / f"{name}.png" for name in names}


def test_a_picture_whose_fan_is_found(plain, tmp_path):
    source = save(tmp_path / "a.png", speckle())
    assert translate_pictures(plain, source, tmp_path / "out.png", {}) == (1, 0)
    found = shown(tmp_path / "out.png")
    assert found.shape == (ROWS, COLUMNS)
    assert found.dtype == np.uint8
    fan = FAN.mask(ROWS, COLUMNS) > 0
    assert (found[fan] > 0).mean() > 0.9
    assert (found[~fan] > 0).mean() < 0.02


def test_the_same_as_from_arrays(plain, tmp_path):
    image, mask = speckle(), FAN.mask(ROWS, COLUMNS)
    source, fan = save(tmp_path / "a.png", image), save(tmp_path / "m.png", mask * 255)
    translate_pictures(plain, source, tmp_path / "out.png", {"mask": fan})
    values = np.where(mask > 0, image / 127.5 - 1.0, -1.0).astype(np.float32)
    given = {"bmode_fast": values[None, None], "mask": mask[None, None].astype(np.float32)}
    expected = np.round((plain.frames(given)[0, 0] + 1.0) * 127.5)
    np.testing.assert_array_equal(shown(tmp_path / "out.png"), expected)


def test_no_fan_is_told(plain, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 56), dtype=np.uint8)
    source = save(tmp_path / "a.png", noise)
    assert translate_pictures(plain, source, tmp_path / "out.png", {}) == (1, 1)
    assert (shown(tmp_path / "out.png") > 0).mean() > 0.9


def test_what_render_writes_is_read(full, beside, tmp_path):
    frame = make_frame(rows=40, columns=48)
    translate_pictures(full, tmp_path / "frame/bmode.png", tmp_path / "out.png", beside)
    expected = np.round(full(frame).bmode * 255.0)
    found = shown(tmp_path / "out.png")
    assert np.abs(found - expected).max() <= 2.0  # the frame is not rounded to 8 bits before
    assert not found[~frame.mask].any()


def test_attenuation_of_8_and_16_bits(full, beside, tmp_path):
    deep = shown(beside["attenuation"])
    coarse = save(tmp_path / "8.png", np.round(deep / 257.0).astype(np.uint8))
    for name, path in (("deep", beside["attenuation"]), ("coarse", coarse)):
        given = beside | {"attenuation": path}
        translate_pictures(full, tmp_path / "frame/bmode.png", tmp_path / f"{name}.png", given)
    deep, coarse = (shown(tmp_path / f"{n}.png").astype(int) for n in ("deep", "coarse"))
    assert np.abs(deep - coarse).max() <= 1


def test_labels_are_named_by_a_file(beside, tmp_path):
    said = tmp_path / "frame.json"
    said.write_text(json.dumps({"regions": ["outside", "kidney", "liver"]}))
    run, out = seeing_run(), tmp_path / "out.png"
    translator = Translator.load(run)
    labels = {"labels": beside["labels"], "mask": beside["mask"]}
    image = tmp_path / "frame/bmode.png"
    translate_pictures(translator, image, out, labels)
    translate_pictures(translator, image, out, labels, read_regions(said))
    before, after = (seen["labels"].numpy() for seen in run.method.seen)
    np.testing.assert_array_equal(after, np.array([0, 2, 1])[before])
    assert set(np.unique(before)) == {0, 1, 2}


def test_a_folder(plain, tmp_path):
    for k, name in enumerate(("a.png", "b/c.png", "d.bmp")):
        save(tmp_path / "in" / name, speckle(k)[: ROWS - k])
    (tmp_path / "in/readme.txt").write_text("no picture")
    (tmp_path / "in/out.png").symlink_to(save(tmp_path / "secret.png", speckle()))
    seen = []
    count, _ = translate_pictures(plain, tmp_path / "in", tmp_path / "out", {}, (), seen.append)
    assert count == 3
    assert seen == [1, 2, 3]
    made = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png")}
    assert made == {"a.png", "b/c.png", "d.png"}
    assert shown(tmp_path / "out/d.png").shape == (ROWS - 2, COLUMNS)


def test_a_folder_with_folders_beside(full, tmp_path):
    for k in range(2):
        write_png(make_frame(rows=40, columns=48, seed=k), tmp_path / "sweep", k)
    given = {name: tmp_path / "sweep" / name for name in ("labels", "attenuation", "mask")}
    assert translate_pictures(full, tmp_path / "sweep/bmode", tmp_path / "out", given) == (2, 0)
    assert (tmp_path / "out/0001.png").is_file()
    (tmp_path / "sweep/labels/0001.png").unlink()
    with pytest.raises(InputError, match=r"labels: no picture, or several, for 0001\.png"):
        translate_pictures(full, tmp_path / "sweep/bmode", tmp_path / "new", given)
    assert not (tmp_path / "new").exists()


def test_what_is_missing_is_named(full, tmp_path):
    source = save(tmp_path / "a.png", speckle())
    words = "mine: needs labels, attenuation beside the image; add --labels PATH --attenuation PATH"
    with pytest.raises(InputError, match=words):
        translate_pictures(full, source, tmp_path / "out.png", {})


def broken(path):
    save(path, speckle())
    path.write_bytes(path.read_bytes()[:300])
    return path


@pytest.mark.parametrize(
    ("make", "out", "words"),
    [
        (lambda p: p / "no.png", "o.png", "--image .*no.png: no such file or folder"),
        (broken, "o.png", "broken or truncated picture"),
        (lambda p: p.parent, "o", "no PNG, JPEG, TIFF or BMP pictures in it"),
        (lambda p: save(p, speckle()), "o.jpg", "--out .*: expected a name that ends in .png"),
        (lambda p: p.write_text("text") and p, "o.png", "not a picture"),
    ],
)
def test_pictures_that_cannot_be_used(plain, tmp_path, make, out, words):
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match=words) as error:
        translate_pictures(plain, make(tmp_path / "in/a.png"), tmp_path / out, {})
    assert "\n" not in str(error.value)
    assert not (tmp_path / out).exists()


def test_pictures_beside_of_the_wrong_kind(full, beside, tmp_path):
    image, out = tmp_path / "frame/bmode.png", tmp_path / "out.png"
    small = save(tmp_path / "small.png", np.zeros((40, 47), np.uint8))
    colour = save(tmp_path / "c.png", np.random.default_rng(0).integers(0, 255, (40, 48, 3), "u1"))
    many = save(tmp_path / "many.png", np.full((40, 48), 7, np.uint8))
    for change, words in (
        ({"labels": small}, "small.png: 40 x 47 pixels, expected 40 x 48"),
        ({"mask": small}, "small.png: 40 x 47 pixels"),
        ({"attenuation": small}, "small.png: 40 x 47 pixels"),
        ({"attenuation": colour}, "c.png: expected a gray picture of 8 or 16 bits"),
        ({"labels": colour}, "c.png: mask in colour"),
        ({"labels": many}, "labels without a region of the run"),
        ({"attenuation": tmp_path / "none.png"}, "no such file or folder"),
    ):
        with pytest.raises(InputError, match=words) as error:
            translate_pictures(full, image, out, beside | change)
        assert "\n" not in str(error.value)
    assert not out.exists()


def test_too_large(plain, tmp_path, monkeypatch):
    monkeypatch.setattr("insonate.translation.pictures.LARGEST", 1000)
    source = save(tmp_path / "a.png", speckle())
    with pytest.raises(InputError, match="larger than allowed"):
        translate_pictures(plain, source, tmp_path / "out.png", {})


def test_a_folder_keeps_what_was_translated_before_a_failure(plain, tmp_path):
    """As docs/translating.rst says; every file that is there is whole."""
    save(tmp_path / "in/a.png", speckle())
    (tmp_path / "in/b.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"b\.png"):
        translate_pictures(plain, tmp_path / "in", tmp_path / "out", {})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]
    assert shown(tmp_path / "out/a.png").shape == (ROWS, COLUMNS)


def test_nothing_that_is_read_is_written_over(plain, tmp_path):
    source, fan = save(tmp_path / "a.png", speckle()), save(tmp_path / "m.png", speckle())
    (tmp_path / "link.png").symlink_to(source)
    for k in range(2):
        save(tmp_path / f"in/{k}.{('bmp', 'png')[k]}", speckle(k))
    (tmp_path / "linked").symlink_to(tmp_path / "in")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    for image, out, beside in (
        (source, source, {}),
        (source, tmp_path / "link.png", {}),
        (source, fan, {"mask": fan}),
        (tmp_path / "in", tmp_path / "linked", {}),
        (tmp_path / "in", tmp_path, {"mask": save(tmp_path / "1.png", speckle())}),
    ):
        with pytest.raises(InputError, match="is read as well; expected another place") as error:
            translate_pictures(plain, image, out, beside)
        assert "\n" not in str(error.value)
    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "in/0.png").exists()


def test_twice_by_its_name(plain, tmp_path):
    for name in ("a.png", "a.bmp"):
        save(tmp_path / "in" / name, speckle())
    with pytest.raises(InputError, match="a is there twice, with different endings"):
        translate_pictures(plain, tmp_path / "in", tmp_path / "out", {})


@pytest.mark.parametrize("text", ["[1, 2]", "{}", '{"regions": "liver"}', "{", '{"regions": []}'])
def test_lists_of_regions_that_are_none(tmp_path, text):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"r\.json: ") as error:
        read_regions(path)
    assert "\n" not in str(error.value)


# --- films ---


def film(path, frames, codec, pixels, rate=12, **options):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="gray")))
        container.mux(stream.encode())
    return path


def frames_of(path):
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        images = [frame.to_ndarray(format="gray") for frame in container.decode(stream)]
        return images, float(stream.average_rate)


@pytest.fixture
def clip(tmp_path):
    """Seven frames without loss."""
    return film(tmp_path / "in.mkv", [speckle(k) for k in range(7)], "ffv1", "gray")


@pytest.mark.parametrize("ending", ["mkv", "avi", "mp4", "mov", "gif"])
def test_films(plain, clip, tmp_path, ending):
    seen, out, inside = [], tmp_path / f"new.{ending}", FAN.mask(ROWS, COLUMNS) > 0
    fan = save(tmp_path / "m.png", inside)
    assert translate_video(plain, clip, out, fan, batch=3, done=seen.append) == (7, True)
    assert seen == [3, 6, 7]
    images, rate = frames_of(out)
    assert len(images) == 7
    assert images[0].shape == (ROWS, COLUMNS)
    assert rate == pytest.approx(12.0, rel=0.1)
    for k in range(7):
        source = save(tmp_path / "one.png", speckle(k))
        translate_pictures(plain, source, tmp_path / "one_out.png", {"mask": fan})
        difference = np.abs(shown(tmp_path / "one_out.png").astype(float) - images[k])
        if ending in ("mp4", "mov"):
            assert difference[inside].mean() < 3.0
        else:
            assert difference.max() <= 1.0


def test_a_film_is_not_written_over(plain, clip):
    before = clip.read_bytes()
    with pytest.raises(InputError, match="is read as well; expected another place"):
        translate_video(plain, clip, clip.parent / "." / clip.name)
    assert clip.read_bytes() == before


def test_films_whose_fan_is_found(plain, clip, tmp_path):
    assert translate_video(plain, clip, tmp_path / "new.mkv") == (7, True)
    fan = FAN.mask(ROWS, COLUMNS) > 0
    for image in frames_of(tmp_path / "new.mkv")[0]:
        assert (image[~fan] > 0).mean() < 0.02


def test_odd_sizes_and_colours(plain, tmp_path):
    av = pytest.importorskip("av")
    images = [speckle(k)[:-1, :-1] for k in range(2)]
    source = film(tmp_path / "in.gif", images, "gif", "gray")
    out = tmp_path / "new.mp4"
    mask = save(tmp_path / "m.png", FAN.mask(ROWS, COLUMNS)[:-1, :-1])
    assert translate_video(plain, source, out, mask) == (2, True)
    assert frames_of(out)[0][0].shape == (ROWS, COLUMNS)  # mp4 knows even sizes only
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_films_without_a_fan(plain, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (2, 40, 48), dtype=np.uint8)
    source = film(tmp_path / "in.mkv", list(noise), "ffv1", "gray")
    assert translate_video(plain, source, tmp_path / "new.mkv") == (2, False)


def test_films_have_no_labels(full, clip, tmp_path):
    words = "mine: needs labels, attenuation, which films do not have"
    with pytest.raises(InputError, match=words):
        translate_video(full, clip, tmp_path / "new.mp4")


def test_a_list_of_other_files_is_no_film(plain, tmp_path, clip):
    """What FFmpeg would follow to other files or addresses is not opened."""
    lists = {
        "concat.mp4": f"ffconcat version 1.0\nfile {clip.name}\n",
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip.name}\n#EXT-X-ENDLIST\n",
        "text.mp4": "no film",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match="not a film that can be read") as error:
            translate_video(plain, tmp_path / name, tmp_path / "new.mp4")
        assert "\n" not in str(error.value)
    assert not (tmp_path / "new.mp4").exists()


def test_films_that_cannot_be_used(plain, clip, tmp_path, monkeypatch):
    out = tmp_path / "new.mp4"
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(clip.read_bytes()[:200])
    wrong = save(tmp_path / "m.png", np.ones((3, 4), np.uint8))
    for source, given, words in (
        (tmp_path / "no.mp4", {}, r"no.mp4: cannot be read \(No such file"),
        (cut, {}, "cut.mkv: "),
        (clip, {"out": tmp_path / "new.wmv"}, "expected a name that ends in .mp4, .mov"),
        (clip, {"mask": wrong}, "m.png: 3 x 4 pixels, expected 96 x 128"),
        (clip, {"batch": 0}, "--batch: expected at least 1"),
    ):
        with pytest.raises(InputError, match=words) as error:
            translate_video(plain, source, **({"out": out} | given))
        assert "\n" not in str(error.value)
    monkeypatch.setattr("insonate.translation.video.LARGEST", 1000)
    with pytest.raises(InputError, match="frames larger than 0 megapixels"):
        translate_video(plain, clip, out)
    assert not list(tmp_path.glob("*new*"))


def test_a_failure_leaves_no_film(plain, clip, tmp_path, monkeypatch):
    kept = tmp_path / "new.mkv"
    kept.write_text("was here before")
    calls = []

    def fail(arrays, first=0):
        calls.append(first)
        if len(calls) == 2:
            raise InputError("out of memory")
        return np.zeros((len(arrays["mask"]), 1, ROWS, COLUMNS), np.float32)

    monkeypatch.setattr(plain, "frames", fail)
    with pytest.raises(InputError, match="out of memory"):
        translate_video(plain, clip, kept)
    assert kept.read_text() == "was here before"
    assert not list(tmp_path.glob(".part*"))

import numpy as np
import pytest
from PIL import Image
from synthetic_frame import SPACING, make_frame

from insonate.data import label_colors, write_figure, write_png


def read(path):
    with Image.open(path) as image:
        return np.array(image)


def test_png_keeps_every_value(tmp_path):
    frame = make_frame()
    write_png(frame, tmp_path)
    images = {path.stem: read(path) for path in tmp_path.glob("*.png")}
    np.testing.assert_array_equal(images["bmode"], np.round(frame.bmode * 255))
    np.testing.assert_array_equal(images["labels"], frame.labels)
    np.testing.assert_array_equal(images["mask"], frame.mask)
    np.testing.assert_allclose(images["attenuation"] / 65535, frame.attenuation, atol=1e-5)
    assert images["attenuation"].dtype == np.uint16
    assert set(images) == {"bmode", "labels", "mask", "attenuation", "shadow"}


def test_png_labels_are_shown_in_their_colours(tmp_path):
    frame = make_frame()
    write_png(frame, tmp_path)
    with Image.open(tmp_path / "labels.png") as image:
        assert image.mode == "P"
        shown = np.array(image.convert("RGB"))
    np.testing.assert_array_equal(shown, label_colors(3)[frame.labels])


def test_png_of_as_many_regions_as_a_scene_can_have(tmp_path):
    labels = (np.arange(24 * 32) % 255).astype(np.uint8).reshape(24, 32)
    names = tuple(f"part {i}" for i in range(255))
    write_png(make_frame(labels=labels, region_names=names), tmp_path)
    np.testing.assert_array_equal(read(tmp_path / "labels.png"), labels)


def test_png_resolution_is_the_pixel_spacing(tmp_path):
    write_png(make_frame(), tmp_path)
    with Image.open(tmp_path / "bmode.png") as image:
        dpi = image.info["dpi"]
    assert 25.4 / dpi[0] == pytest.approx(SPACING, rel=1e-3)


def test_png_of_a_sweep_is_numbered(tmp_path):
    paths = write_png(make_frame(), tmp_path, index=7)
    assert tmp_path / "bmode" / "0007.png" in paths
    assert all(path.is_file() for path in paths)


def test_label_colours_differ_and_do_not_move():
    colors = label_colors(60)
    assert len(np.unique(colors, axis=0)) == 60
    np.testing.assert_array_equal(colors[:12], label_colors(12))
    np.testing.assert_array_equal(colors[0], 0)


def test_figure_shows_all_images_with_names(tmp_path):
    frame = make_frame(rows=240, columns=320)
    (path,) = write_figure(frame, tmp_path / "figure.png")
    picture = read(path)[..., :3].reshape(-1, 3)
    seen = {tuple(color) for color in picture.tolist()}
    assert tuple(label_colors(3)[1].tolist()) in seen
    assert tuple(label_colors(3)[2].tolist()) in seen
    assert len(picture) > 500_000


def test_figure_legend_lists_present_regions_only(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    names = []
    legend = Axes.legend

    def spy(self, *args, **kwargs):
        names.extend(patch.get_label() for patch in kwargs["handles"])
        return legend(self, *args, **kwargs)

    monkeypatch.setattr(Axes, "legend", spy)
    labels = make_frame().labels.copy()
    labels[labels == 2] = 1
    write_figure(make_frame(labels=labels), tmp_path / "figure.png")
    assert names == ["liver"]


def test_figure_axes_are_millimetres(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    extents = []
    imshow = Axes.imshow

    def spy(self, *args, **kwargs):
        extents.append(kwargs["extent"])
        return imshow(self, *args, **kwargs)

    monkeypatch.setattr(Axes, "imshow", spy)
    write_figure(make_frame(), tmp_path / "figure.png")
    # centre of pixel (0, 0) is at -6.3, -1.05; edges are half a pixel further out
    expected = (-6.5, -6.5 + 32 * SPACING, -1.25 + 24 * SPACING, -1.25)
    assert all(extent == pytest.approx(expected) for extent in extents)
    assert len(extents) == 4

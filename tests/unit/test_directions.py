"""Methods that know several domains, turned from one to another, on whatever can be translated."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("lightning_fabric")
pytest.importorskip("zarr")
sys.path.insert(0, str(Path(__file__).parent))
from packing import SAID
from safetensors.torch import load_file
from synthetic_frame import make_frame
from training_pairs import make_pairs
from translated import CONFIGS, REGIONS

from insonate.data.batches import Batch, Chance
from insonate.data.dataset import Attributes, Dataset, Layout, create
from insonate.errors import InputError
from insonate.methods import ConPresConfig, CycleGANConfig, SasanConfig
from insonate.methods.domains import UnpairedMethod
from insonate.recipe import Recipe, Run, load_run
from insonate.recipe.packed import WEIGHTS, pack
from insonate.translation import (
    OnnxTranslator,
    Translator,
    export_onnx,
    translate_dataset,
    translate_pictures,
    translate_video,
)


class Darker(UnpairedMethod):
    """Takes 0.25 off the image that it is given, whatever its domain."""

    generators, stride, adam = (), 8, {}

    def __init__(self, classes=3):
        ways = (("simulated", "real"), ("real", "simulated"), ("semantic", "real"),
                ("real", "semantic"))  # fmt: skip
        super().__init__(classes, "bmode", "joint", ways, semantic=True)

    def losses(self, batch):
        yield from ()

    def translate(self, batch):
        return self.given(batch).values - 0.25


def translator(source=None, to=None, regions=REGIONS):
    method = Darker(len(regions))
    method.turn(source, to)
    return Translator.load(Run(Recipe(CONFIGS["M"]), method, regions, 5, Path("runs/all")))


def test_what_it_says_of_itself():
    about = translator().about
    assert (about.source, about.to, about.look) == ("simulated", "real", "realistic")
    assert about.words().startswith("all (l2h, simulated to real, step 5, weights ")
    assert (about.image, about.inputs) == ("bmode", ("bmode", "mask"))
    about = translator("semantic").about
    assert (about.source, about.to, about.look) == ("semantic", "real", "")
    assert (about.image, about.beside) == ("labels", ("mask",))
    assert translator("real").about.look == ""


def test_real_images_need_no_labels(tmp_path):
    rng = np.random.default_rng(0)
    with create(str(tmp_path / "real.zarr"), Layout(1, 24, 30, ("bmode", "mask"), shard=1),
                Attributes()) as writer:  # fmt: skip
        image = rng.integers(0, 256, (24, 30)).astype(np.uint8)
        writer.write(0, [{"bmode": image, "mask": np.ones_like(image)}])
    out = str(tmp_path / "simulated.zarr")
    assert translate_dataset(translator("real"), str(tmp_path / "real.zarr"), out) == 1
    found = Dataset(out).raw("bmode", 0).astype(float)
    np.testing.assert_allclose(found, np.maximum(image - 0.25 * 127.5, 0), atol=0.51)
    assert "real to simulated" in Dataset(out).attributes.provenance


def test_semantic_images_are_labels_in_gray(tmp_path):
    """Regions 0 and 1 of two are -1 and 1 (section 6 of Tomar et al. 2021), here less 0.25."""
    data, out = make_pairs(tmp_path / "pairs.zarr"), str(tmp_path / "new.zarr")
    to_real = translator("semantic", regions=("outside", "disc"))
    assert translate_dataset(to_real, data, out, split="test") == 2
    before, after = Dataset(data, split="test"), Dataset(out)
    inside = before.raw("labels", 0) * before.raw("mask", 0)
    np.testing.assert_array_equal(after.raw("bmode", 0), np.where(inside > 0, 223, 0))
    np.testing.assert_array_equal(after.raw("labels", 0), before.raw("labels", 0))
    assert "bmode: labels translated by all (l2h, semantic to real" in after.attributes.provenance


def test_unknown_regions_of_semantic_images(tmp_path):
    data = make_pairs(tmp_path / "pairs.zarr")
    words = "pairs.zarr: regions that the run was not trained with: disc; expected"
    with pytest.raises(InputError, match=words):
        translate_dataset(translator("semantic"), data, str(tmp_path / "new.zarr"))
    with pytest.raises(InputError, match="--source: has no use with semantic images"):
        translate_dataset(translator("semantic"), data, str(tmp_path / "n.zarr"), source="bmode")
    assert not (tmp_path / "new.zarr").exists()


def test_a_picture_of_labels(tmp_path):
    labels = np.zeros((20, 28), np.uint8)
    labels[5:10, 4:9], labels[12:18, 10:20] = 1, 2
    Image.fromarray(labels).save(tmp_path / "labels.png")
    said = translate_pictures(
        translator("semantic"), tmp_path / "labels.png", tmp_path / "out.png", {}
    )
    assert said == (1, 1)  # of which no fan is known
    with Image.open(tmp_path / "out.png") as image:
        found = np.array(image)
    for label, value in ((1, 96), (2, 223)):  # -0.25 and 0.75 in 8 bits
        assert (found[labels == label] == value).all()
    assert not found[labels == 0].any()


def test_a_picture_of_labels_that_the_run_does_not_know(tmp_path):
    Image.fromarray(np.full((20, 28), 7, np.uint8)).save(tmp_path / "labels.png")
    with pytest.raises(InputError, match="labels without a region of the run; expected 0 to 2"):
        translate_pictures(
            translator("semantic"), tmp_path / "labels.png", tmp_path / "out.png", {}
        )
    assert not (tmp_path / "out.png").exists()


def test_films_show_no_labels(tmp_path):
    with pytest.raises(InputError, match="all: needs labels, which films do not have"):
        translate_video(translator("semantic"), tmp_path / "a.mp4", tmp_path / "b.mp4")


def test_a_frame_of_the_simulator_from_its_labels():
    frame = make_frame()
    found = translator("semantic")(frame).bmode
    np.testing.assert_allclose(found[frame.labels == 2], 0.875, atol=1e-6)
    np.testing.assert_allclose(found[frame.labels == 1], 0.375, atol=1e-6)


def run_of(config):
    """Of a method that knows several domains, as small as it can be."""
    torch.manual_seed(0)
    method = config.build(len(REGIONS)).eval()
    return Run(Recipe(config), method, REGIONS, 9, Path("runs/some"))


CYCLE = CycleGANConfig(width=4, blocks=1, discriminator_width=4, discriminator_layers=2)
SASAN = SasanConfig(width=4, attention_width=4, discriminator_width=4, maps=4)
CONPRES = ConPresConfig(
    width=4, blocks=1, discriminator_width=4, discriminator_layers=2, side=32, places=8,
    projection_width=4,
)  # fmt: skip


def test_one_direction_is_packed(tmp_path):
    """Neither the other generator nor the pool, which holds images of patients."""
    run = run_of(CYCLE)
    run.method.register_buffer("pool_real", torch.rand(2, 1, 8, 8))
    pack(run, tmp_path / "to_real", SAID)
    stored = load_file(tmp_path / "to_real" / WEIGHTS)
    assert {name.split(".")[0] for name in stored} == {"to_real"}
    found = load_run(tmp_path / "to_real")
    assert Translator.load(found).about.look == "realistic"
    assert load_run(tmp_path / "to_real", to="real").step == 9
    words = "holds no weights for real to simulated; it translates simulated to real"
    with pytest.raises(InputError, match=words):
        load_run(tmp_path / "to_real", source="real")
    run.method.turn("real", "simulated")
    pack(run, tmp_path / "back", SAID)
    about = Translator.load(tmp_path / "back").about
    assert (about.source, about.to, about.look) == ("real", "simulated", "")


@pytest.mark.parametrize("way", [("simulated", "real"), ("real", "simulated")])
@pytest.mark.parametrize("config", [CYCLE, SASAN])
def test_what_is_packed_is_all_that_translates(config, way):
    """Networks that are not packed are spoilt, and the translation is the same."""
    method = run_of(config).method
    method.turn(*way)
    mask, rng = torch.ones(1, 1, 32, 32), np.random.default_rng(0)
    image = torch.from_numpy(rng.uniform(-1, 1, (1, 1, 32, 32)).astype(np.float32))
    batch = Batch({"bmode": image, "mask": mask}, Chance(0, 0))
    before = method.translate(batch)
    for name, network in method.named_children():
        for weights in network.parameters() if name not in method.used else ():
            weights.data.fill_(torch.nan)
    assert torch.equal(method.translate(batch), before)
    for name in method.used:
        weights = next(iter(method.get_submodule(name).parameters()))
        kept = weights.data.clone()
        weights.data.fill_(torch.nan)
        assert method.translate(batch).isnan().any()
        weights.data.copy_(kept)


def test_a_network_of_all_directions_is_packed_once(tmp_path):
    run = run_of(CONPRES)
    pack(run, tmp_path / "small", SAID)
    mask, rng = np.ones((1, 1, 16, 24), np.float32), np.random.default_rng(0)
    arrays = {"bmode": rng.uniform(-1, 1, mask.shape).astype(np.float32), "mask": mask,
              "labels": rng.integers(0, 3, (1, 16, 24))}  # fmt: skip
    seen = []
    for way in (("simulated", "real"), ("semantic", "real"), ("real", "semantic")):
        run.method.turn(*way)
        exact = Translator.load(run).frames(arrays)
        packed = Translator.load(load_run(tmp_path / "small", source=way[0], to=way[1]))
        np.testing.assert_allclose(packed.frames(arrays), exact, atol=0.03)
        assert (packed.about.source, packed.about.to) == way
        seen.append(exact)
    assert np.abs(seen[0] - seen[1]).max() > 0.05
    assert np.abs(seen[0] - seen[2]).max() > 1e-4  # an untrained network hardly hears its class


@pytest.mark.slow
@pytest.mark.parametrize("way", [("simulated", "real"), ("semantic", "simulated")])
def test_a_direction_as_onnx(tmp_path, way):
    pytest.importorskip("onnx")
    run = run_of(CONPRES)
    run.method.turn(*way)
    about = export_onnx(run, tmp_path / "model.onnx")
    found = OnnxTranslator.open(tmp_path / "model.onnx").about
    assert found == about
    assert (found.source, found.to) == way
    assert found.image == ("labels" if way[0] == "semantic" else "bmode")


def test_a_way_that_there_is_not():
    words = "does not translate simulated to semantic; expected one of simulated to real, real to"
    with pytest.raises(InputError, match=words):
        translator("simulated", "semantic")

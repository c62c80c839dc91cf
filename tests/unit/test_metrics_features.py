"""Feature networks: random ones, TorchScript files, and Inception with the user's weights."""

import warnings

import numpy as np
import pytest
import torch
from speckle_field import gray

from insonate.errors import InputError
from insonate.metrics import InceptionFeatures, Kernel, RandomFeatures, TorchScriptFeatures
from insonate.metrics.inception_graph import Block, Inception, _blocks
from insonate.metrics.resize import resize_bilinear

#: Parameters of Inception-v3 below its classes, without the auxiliary head.
INCEPTION_PARAMETERS = 21_785_568


def random_weights(seed=0):
    """Weights of Inception that keep activations of the order of 1."""
    generator = torch.Generator().manual_seed(seed)
    weights = Inception().state_dict()
    for name, values in weights.items():
        if name.endswith("conv.weight"):
            fan_in = values[0].numel()
            values.normal_(0.0, (2.0 / fan_in) ** 0.5, generator=generator)
    return weights


def no_weights():
    """The names and shapes of the weights, all of one number, which is little to write."""
    with torch.device("meta"):
        shapes = {name: values.shape for name, values in Inception().state_dict().items()}
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(random_weights(), path)
    return path


def test_random_features_are_the_same_everywhere():
    """Golden: the weights come from a counter, so these numbers hold on every machine."""
    ramp = 4.0 * torch.arange(32.0)[:, None] + 3.0 * torch.arange(32.0)[None]
    values = RandomFeatures()(ramp[None])
    assert values.shape == (1, 256)
    assert values.dtype == torch.float32
    some = values[0, [0, 40, 100, 200, 255]]
    np.testing.assert_allclose(some, [2.88015, 1.00601, 0.23985, 0.11242, 0.17850], atol=1e-4)
    assert float(values.sum()) == pytest.approx(102.595, abs=0.01)


def test_random_features_of_another_seed_are_another_network():
    other, image = RandomFeatures(seed=1), gray(32, 1.0, 0)
    assert other.name != RandomFeatures().name
    assert not torch.allclose(RandomFeatures()(image), other(image))


def test_random_features_of_an_image_do_not_hang_on_the_others():
    extractor = RandomFeatures()
    images = gray(40, 1.0, 0, count=18)
    np.testing.assert_allclose(extractor(images)[17:], extractor(images[17:]), atol=1e-5)


def test_random_features_stay_of_the_order_of_one():
    values = RandomFeatures()(gray(64, 1.0, 0, count=4))
    for block in values.split((32, 64, 64, 96), dim=1):
        assert 0.1 < float(block.abs().mean()) < 5.0


def test_random_features_see_the_grain_of_speckle():
    """Distances to coarser speckle grow with the difference; to the same law they are nothing."""
    extractor = RandomFeatures()
    real = extractor(gray(48, 1.0, 0, count=24))
    found = []
    for sigma in (1.0, 1.2, 1.8):
        other = extractor(gray(48, sigma, 1000, count=24))
        found.append(Kernel(extractor, subsets=20).score(real, other).summary())
    assert abs(found[0].mean) < 2.0 * found[0].std
    assert found[1].mean > 5.0 * found[1].std
    assert found[2].mean > 5.0 * found[1].mean


def test_random_features_see_blur_more_than_brightness():
    """What a network without an adversary does to speckle is the larger change."""
    extractor = RandomFeatures()
    images = gray(48, 1.0, 0, count=24)
    blurred = torch.nn.functional.avg_pool2d(images[:, None], 3, 1, 1)[:, 0]
    real = extractor(images)
    distances = [Kernel(extractor, subsets=20).score(real, extractor(other)).summary().mean
                 for other in (blurred, 0.9 * images)]  # fmt: skip
    assert distances[0] > 3.0 * distances[1] > 0.0


def test_resize_is_that_of_the_first_tensorflow():
    """Row i is read at i rows / side: 4 to 8 repeats the last, 8 to 4 takes every second."""
    ramp = torch.arange(4.0).expand(1, 4, 4)
    assert resize_bilinear(ramp, 8)[0, 0].tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]
    finer = torch.arange(64.0).reshape(1, 8, 8)
    assert torch.equal(resize_bilinear(finer, 4), finer[:, ::2, ::2])
    assert torch.equal(resize_bilinear(finer, 8), finer)
    assert resize_bilinear(torch.zeros(2, 5, 9), 299).shape == (2, 299, 299)


def test_inception_has_the_parameters_of_inception():
    with torch.device("meta"):
        network = Inception()
    below = [p.numel() for n, p in network.named_parameters() if not n.startswith("fc.")]
    assert sum(below) == INCEPTION_PARAMETERS
    # One weight of a convolution and four of its normalisation for each of 94 units.
    names = {n for n in network.state_dict() if not n.endswith("num_batches_tracked")}
    assert len(names) == 94 * 5 + 2
    shapes = {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Conv2d_4a_3x3.bn.running_var": (192,),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_5d.branch_pool.conv.weight": (64, 288, 1, 1),
        "Mixed_6a.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
        "Mixed_6c.branch7x7dbl_4.conv.weight": (160, 160, 7, 1),
        "Mixed_6e.branch7x7_2.conv.weight": (192, 192, 1, 7),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7b.branch3x3_2b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch3x3dbl_3a.conv.weight": (384, 384, 1, 3),
        "fc.weight": (1008, 2048),
    }
    assert {n: tuple(network.state_dict()[n].shape) for n in shapes} == shapes


def test_inception_maps_have_the_known_sizes():
    with torch.device("meta"):
        network = Inception()
    image = torch.empty(1, 3, 299, 299, device="meta")
    assert network(image, "768").shape == (1, 768, 17, 17)
    assert network(image).shape == (1, 2048, 8, 8)


def test_averages_of_inception_leave_out_the_padding():
    """A constant stays constant through the pooled branch of an averaging block."""
    units, outputs, pool = _blocks()["Mixed_5b"]
    block = Block(192, units, outputs, pool).eval().requires_grad_(False)
    unit = block.get_submodule("branch_pool")
    unit.conv.weight.fill_(1.0)
    out = block(torch.ones(1, 192, 5, 5))[:, -32:]
    assert torch.allclose(out, out[:, :, 2:3, 2:3].expand_as(out))


@pytest.mark.parametrize(("layer", "dimension"), [("768", 768), ("2048", 2048)])
def test_inception_features_are_averages_of_the_maps(weights_file, layer, dimension):
    extractor = InceptionFeatures(weights_file, layer)
    images = gray(70, 2.0, 0, count=1)[:, :60]
    values = extractor(images)
    assert values.shape == (1, dimension)
    assert (extractor.dimension, extractor.layer, extractor.resize) == (dimension, layer, 299)
    network = Inception()
    network.load_state_dict(random_weights())
    resized = (resize_bilinear(images.float(), 299)[:, None].expand(-1, 3, -1, -1) - 128) / 128
    torch.testing.assert_close(values, network(resized, layer).mean((2, 3)))
    assert float(values.std()) > 1e-3


def test_weights_without_counts_of_batches_are_read(tmp_path):
    weights = {n: v for n, v in no_weights().items() if not n.endswith("num_batches_tracked")}
    assert len(weights) == 94 * 5 + 2
    torch.save(weights, tmp_path / "short.pth")
    assert InceptionFeatures(tmp_path / "short.pth").name.startswith("inception-")


def test_foreign_weights_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"missing\.pth: cannot be read: No such file"):
        InceptionFeatures(tmp_path / "missing.pth")
    (tmp_path / "text.pth").write_text("weights")
    with pytest.raises(InputError, match=r"text\.pth: expected a file of weights"):
        InceptionFeatures(tmp_path / "text.pth")
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"Conv2d_1a_3x3.conv.weight: missing"):
        InceptionFeatures(tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="expected tensors by name"):
        InceptionFeatures(tmp_path / "list.pth")
    weights = no_weights()
    torch.save({**weights, "AuxLogits.fc.weight": torch.zeros(1)}, tmp_path / "more.pth")
    with pytest.raises(InputError, match=r"AuxLogits.fc.weight: not of Inception-v3"):
        InceptionFeatures(tmp_path / "more.pth")
    classes = {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    torch.save({**weights, **classes}, tmp_path / "vision.pth")
    with pytest.raises(InputError, match=r"fc.weight: expected shape \(1008, 2048\)"):
        InceptionFeatures(tmp_path / "vision.pth")


class Harmful:
    def __reduce__(self):
        return (print, ("this must not run",))


def test_nothing_in_a_weights_file_is_run(tmp_path, capsys):
    torch.save({"conv": Harmful()}, tmp_path / "harmful.pth")
    with pytest.raises(InputError, match=r"harmful\.pth"):
        InceptionFeatures(tmp_path / "harmful.pth")
    assert capsys.readouterr().out == ""


def test_an_unknown_layer_is_refused(weights_file):
    with pytest.raises(InputError, match="expected 768 or 2048"):
        InceptionFeatures(weights_file, "192")  # type: ignore[arg-type]


class Maps(torch.nn.Module):
    """Mean and square of every channel, as maps of one pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean((2, 3), keepdim=True)
        return torch.cat((mean, mean * mean), 1)


class Channels(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def script(module, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(module), str(path))
    return path


def test_any_torchscript_network(tmp_path):
    extractor = TorchScriptFeatures(script(Maps(), tmp_path / "maps.pt"), resize=0)
    images = gray(24, 1.0, 0, count=3)
    mean = images.mean((1, 2)).float()
    expected = torch.stack([mean, mean, mean, mean**2, mean**2, mean**2], 1)
    torch.testing.assert_close(extractor(images), expected)
    assert extractor.dimension == 6
    other = TorchScriptFeatures(script(Channels(), tmp_path / "maps2.pt"), resize=32)
    assert other(images).shape == (3, 3)
    assert extractor.name != other.name


def test_what_is_no_network_is_refused(tmp_path):
    (tmp_path / "text.pt").write_text("no network")
    with pytest.raises(InputError, match="expected a TorchScript file"):
        TorchScriptFeatures(tmp_path / "text.pt")
    with pytest.raises(InputError, match="cannot be read"):
        TorchScriptFeatures(tmp_path / "missing.pt")
    linear = script(torch.nn.Linear(7, 2), tmp_path / "linear.pt")
    with pytest.raises(InputError, match=r"does not take \(1, 3, 299, 299\)"):
        TorchScriptFeatures(linear)


def test_images_too_small_for_random_features_are_refused():
    with pytest.raises(InputError, match="at least 16 pixels"):
        RandomFeatures()(torch.zeros(1, 15, 40))
    with pytest.raises(InputError, match="resize: expected 0 or at least 16"):
        RandomFeatures(resize=8)
    assert RandomFeatures()(torch.zeros(1, 16, 16)).isfinite().all()

"""Networks: sizes of the papers, second implementations, and what they refuse."""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional

from insonate.errors import InputError
from insonate.nets import PatchGAN, ResNet, TimedUNet, UNet, normal_weights
from insonate.nets.last import as_images

SMALL = {
    "unet": (lambda: UNet(3, 1, 4, 4), 16),
    "unet residual": (lambda: UNet(3, 1, 4, 4, residual=True), 16),
    "resnet": (lambda: ResNet(3, 1, 4, 2), 4),
    "timed": (lambda: TimedUNet(3, 1, (8, 16, 16)), 4),
}


def images(channels, rows=32, columns=48, count=2):
    return torch.rand(count, channels, rows, columns, generator=torch.Generator().manual_seed(1))


def grown(make):
    """A network whose output says something: what begins at 0 does not."""
    torch.manual_seed(0)
    network = make()
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0.0, 0.1)
    return network


def call(network, given):
    if isinstance(network, TimedUNet):
        return network(given, torch.linspace(0.2, 0.8, len(given)))
    return network(given)


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("make", "millions"),
    [
        (lambda: UNet(2), 54.404),
        (lambda: UNet(3), 54.406),  # 54.4055, which the specification rounds up
        (lambda: UNet(4), 54.407),
        (lambda: PatchGAN(5), 2.767),
        (lambda: ResNet(1), 11.366),
        (lambda: UNet(4, 1, 16, 6), 1.829),
        (lambda: TimedUNet(5), 4.233),
    ],
)
def test_parameters_of_the_papers(make, millions):
    with torch.device("meta"):
        assert round(count(make()) / 1e6, 3) == pytest.approx(millions, abs=5e-4 + 1e-9)


def test_patchgan_has_62_scores_a_side_at_512():
    with torch.device("meta"):
        assert PatchGAN(5)(torch.empty(1, 5, 512, 512)).shape == (1, 1, 62, 62)


@pytest.mark.parametrize(("layers", "field"), [(2, 16), (3, 34), (4, 70), (5, 142)])
def test_a_score_sees_a_patch(monkeypatch, layers, field):
    """Isola et al. 2017, appendix: 16, 34 (not in the paper), 70, 142 (286 of 6)."""
    monkeypatch.setattr(functional, "instance_norm", lambda values: values)  # it sees everything
    network = PatchGAN(1, 2, layers)
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)
    given = torch.ones(1, 1, 256, 256, requires_grad=True)
    scores = network(given)
    middle = scores.shape[-1] // 2
    (seen,) = torch.autograd.grad(scores[0, 0, middle, middle], given)
    rows, columns = (seen[0, 0].abs().sum(dim=d).count_nonzero().item() for d in (1, 0))
    assert (rows, columns) == (field, field)


def unet_from_the_inside(network, values, level=0):
    """The U-Net once more, as pix2pix builds it: a block around the next one."""
    depth = len(network.downs)
    down, up = network.downs[level], network.ups[depth - 1 - level]
    inner = down(values if level == 0 else torch.where(values > 0, values, 0.2 * values))
    if 0 < level < depth - 1:
        inner = normed(inner)
    if level < depth - 1:
        inner = unet_from_the_inside(network, inner, level + 1)
    raised = up(inner.clamp(min=0))
    return raised.tanh() if level == 0 else torch.cat([values, normed(raised)], dim=1)


def normed(values):
    """Every channel of every image by its own mean and deviation (Ulyanov et al. 2016)."""
    mean = values.mean(dim=(2, 3), keepdim=True)
    variance = values.var(dim=(2, 3), keepdim=True, unbiased=False)
    return (values - mean) / (variance + 1e-5).sqrt()


def test_unet_equals_one_that_is_built_from_the_inside():
    network, given = grown(lambda: UNet(3, 1, 4, 4)), images(3)
    torch.testing.assert_close(network(given), unet_from_the_inside(network, given))


def test_resnet_equals_its_layers_written_out():
    network, given = grown(lambda: ResNet(3, 1, 4, 1, padding="zeros")), images(3)
    convs = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    ups = [layer for layer in network.modules() if isinstance(layer, nn.ConvTranspose2d)]
    values = given
    for conv in convs[:3]:
        values = normed(conv(values)).relu()
    values = values + normed(convs[4](normed(convs[3](values)).relu()))
    for up in ups:
        values = normed(up(values)).relu()
    torch.testing.assert_close(network(given), convs[5](values).tanh())


@pytest.mark.parametrize("name", SMALL)
def test_size_is_kept_and_values_are_finite(name):
    make, stride = SMALL[name]
    network = grown(make)
    for rows, columns in [(32, 48), (2 * stride, 3 * stride)]:
        out = call(network, images(3, rows, columns))
        assert out.shape == (2, 1, rows, columns)
        assert out.isfinite().all()
        assert network.stride == stride


@pytest.mark.parametrize("name", SMALL)
def test_an_image_does_not_depend_on_its_neighbours_nor_on_training_mode(name):
    network, given = grown(SMALL[name][0]), images(3)
    together = call(network, given)
    alone = [
        network(one, torch.tensor([t])) if name == "timed" else network(one)
        for one, t in zip(given.split(1), (0.2, 0.8), strict=True)
    ]
    torch.testing.assert_close(together, torch.cat(alone))
    assert torch.equal(together, call(network.eval(), given))
    assert {key.rpartition(".")[2] for key in network.state_dict()} == {"weight", "bias"}


@pytest.mark.parametrize("name", [*SMALL, "patchgan"])
def test_bf16_and_channels_last_say_the_same(name):
    make = (lambda: PatchGAN(3, 8, 3)) if name == "patchgan" else SMALL[name][0]
    network, given = grown(make), images(3)
    exact = call(network, given)
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.testing.assert_close(call(last, given.to(memory_format=torch.channels_last)), exact)
    with torch.autocast("cpu", torch.bfloat16):
        rough = call(network, given)
    assert rough.float().sub(exact).square().mean().sqrt() < 0.05 * exact.std() + 0.01
    assert rough.dtype == (torch.bfloat16 if name == "patchgan" else torch.float32)


@pytest.mark.parametrize("name", ["unet residual", "resnet residual"])
def test_a_residual_generator_that_learned_nothing_gives_its_first_channel(name):
    network = (
        UNet(3, 1, 4, 4, residual=True) if "unet" in name else ResNet(3, 1, 4, 1, residual=True)
    )
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    given = 2 * images(3) - 1
    given[0, 0, 0, :2] = torch.tensor([-1.0, 1.0])
    assert torch.equal(network(given), given[:, :1])


def test_a_residual_generator_stays_in_range_and_can_leave_black():
    change = torch.tensor([-0.5, 0.5, -0.5, 0.5]).reshape(1, 1, 2, 2).requires_grad_()
    given = torch.tensor([-1.0, 1.0, 0.0, -1.0]).reshape(1, 1, 2, 2)
    out = as_images(change, given)
    torch.testing.assert_close(out.flatten(), torch.tensor([-1.0, 1.0, -0.5, -0.5]))
    out.sum().backward()
    assert (change.grad == 1).all()


def test_time_changes_what_a_timed_unet_says_and_nothing_does_at_the_start():
    given, network = images(3), TimedUNet(3, 1, (8, 16))
    assert not network(given, torch.ones(2)).any()
    network = grown(lambda: TimedUNet(3, 1, (8, 16)))
    early, late = (network(given, torch.full((2,), t)) for t in (0.1, 0.2))
    assert (early - late).abs().max() > 1e-3


def test_a_timed_unet_sees_windows_and_whole_images_alike():
    """Away from the edges of the window; a norm over the image would make them differ."""
    network, whole = grown(lambda: TimedUNet(3, 1, (8, 8))), images(3, 96, 96, count=1)
    whole[..., :24] = 5.0
    window, times = whole[..., 16:80, 16:80], torch.tensor([0.4])
    inside, alone = network(whole, times)[..., 16:80, 16:80], network(window, times)
    torch.testing.assert_close(alone[..., 24:40, 24:40], inside[..., 24:40, 24:40])
    assert (alone - inside).abs().max() > 1e-3


def test_weights_begin_normal():
    conv = normal_weights(nn.Conv2d(64, 64, 4))
    assert conv.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert conv.weight.mean().item() == pytest.approx(0.0, abs=3e-4)
    assert not conv.bias.any()


@pytest.mark.parametrize(
    ("network", "given", "said"),
    [
        (UNet(3, 1, 2, 4), (1, 3, 32, 40), "U-Net: expected rows and columns that are multiples "
         "of 16 and at least 16, got 32 x 40"),
        (UNet(3, 1, 2, 4), (1, 2, 32, 32), r"U-Net: expected images \(batch, 3, rows, columns\)"),
        (ResNet(1, 1, 2, 1), (1, 1, 30, 32), "ResNet: .* multiples of 4"),
        (TimedUNet(1, 1, (8, 8)), (1, 1, 31, 32), "timed U-Net: .* multiples of 2"),
        (PatchGAN(1, 2), (1, 1, 23, 64), "PatchGAN: .* at least 24, got 23 x 64"),
        (PatchGAN(1, 2), (1, 64, 64), "PatchGAN: expected images"),
    ],
)  # fmt: skip
def test_what_a_network_cannot_take_is_said(network, given, said):
    with pytest.raises(InputError, match=said):
        call(network, torch.zeros(given))


def test_patchgan_takes_the_smallest_image_that_it_says():
    assert PatchGAN(1, 2)(torch.rand(1, 1, 24, 24)).shape == (1, 1, 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_onnx_of_any_size_equals_torch(name, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    make, stride = SMALL[name]
    network, path = grown(make).eval(), tmp_path / "network.onnx"
    times = (torch.tensor([0.2, 0.8]),) if name == "timed" else ()
    sides = {k: torch.export.Dim(n, min=2, max=64) * stride for k, n in ((2, "r"), (3, "c"))}
    shapes = (
        {0: torch.export.Dim("batch"), **sides},
        *({0: torch.export.Dim("batch")} for _ in times),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        torch.onnx.export(network, (images(3), *times), path, dynamo=True, dynamic_shapes=shapes,
                          verbose=False)  # fmt: skip
    session = runtime.InferenceSession(path)
    for size in ((32, 48), (4 * stride, 5 * stride)):
        given = (images(3, *size), *times)
        named = {i.name: g.numpy() for i, g in zip(session.get_inputs(), given, strict=True)}
        found = torch.from_numpy(session.run(None, named)[0])
        torch.testing.assert_close(found, network(*given).detach(), atol=1e-4, rtol=0)

"""The plain architectures are those of the papers: against torchvision's, by hand, and at any size."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models  # type: ignore[import-untyped]

from recon.nn import make_equivariant
from recon.nn.architectures import CLASSIFIERS, SEGMENTERS
from recon.nn.architectures.deeplab import PyramidPooling
from recon.nn.architectures.resnet import ResNetFeatures, ZeroShortcut
from recon.nn.converted import total_stride
from tests.nn.conversion.checks import prepared

ALL = {**CLASSIFIERS, **SEGMENTERS}


def build(name: str, *, width: int = 8, classes: int = 5) -> nn.Module:
    return prepared(ALL[name].build(3, classes, width))


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_imagenet_weights_of_torchvision_fit_and_give_equal_outputs() -> None:
    theirs = prepared(models.resnet18(num_classes=7))
    ours = build("resnet18-imagenet", width=64, classes=7)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 96)
    assert torch.equal(ours(x), theirs(x))


def test_resnet18_is_torchvisions_with_a_small_stem() -> None:
    theirs = models.resnet18(num_classes=10)
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    theirs, ours = prepared(theirs), build("resnet18", width=64, classes=10)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, 16, 24)
    assert torch.equal(ours(x), theirs(x))


def test_vgg13_has_the_features_of_torchvisions_with_batch_norm() -> None:
    layers = [n for channels in (8, 16, 32, 64, 64) for n in (channels, channels, "M")]  # theirs, an eighth as wide
    theirs = prepared(models.vgg.make_layers(layers, batch_norm=True))
    assert layers == [n if n == "M" else n // 8 for n in models.vgg.cfgs["B"]]
    ours = build("vgg13", width=8)
    for module in theirs.modules():
        if isinstance(module, nn.Conv2d):
            module.bias = None  # which a batch normalisation takes away
    ours.get_submodule("features").load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, 32, 64)
    classifier = ours.get_submodule("classifier")
    torch.testing.assert_close(ours(x), classifier(theirs(x).mean((2, 3))))
    one_pixel = x[..., :32]
    torch.testing.assert_close(ours(one_pixel), classifier(theirs(one_pixel)[:, :, 0, 0]))


def test_numbers_of_parameters_are_those_of_the_papers() -> None:
    with torch.device("meta"):
        counts = {name: parameters(ALL[name].build(3, 10, 64)) for name in CLASSIFIERS}
    stages = 3 * 16 * 9 + 6 * 16 * 16 * 9 + (16 + 5 * 32) * 32 * 9 + (32 + 5 * 64) * 64 * 9
    norms = 2 * (7 * 16 + 6 * 32 + 6 * 64)
    assert counts["resnet20"] == stages + norms + 64 * 10 + 10  # 0.27 million: He et al. 2016, table 6
    assert round(counts["resnet20"] / 1e6, 2) == 0.27
    assert round(counts["vgg13"] / 1e6) == 9  # Zhang 2019, appendix


def test_resnet20_has_16_32_and_64_channels_at_width_64() -> None:
    network = CLASSIFIERS["resnet20"].build(3, 10, 64)
    shapes: list[tuple[int, ...]] = []
    for name in ("layer1", "layer2", "layer3"):
        network.get_submodule(name).register_forward_hook(lambda *call: shapes.append(tuple(call[2].shape)))
    network.eval()(torch.randn(1, 3, 32, 32))
    assert shapes == [(1, 16, 32, 32), (1, 32, 16, 16), (1, 64, 8, 8)]


def test_shortcut_without_weights_keeps_every_other_pixel_and_adds_zeros() -> None:
    x = torch.randn(2, 3, 4, 6)
    y = ZeroShortcut(2, stride=2)(x)
    assert y.shape == (2, 5, 2, 3)
    assert torch.equal(y[:, :3], x[:, :, ::2, ::2])
    assert not y[:, 3:].any()


def test_dilated_stage_sees_what_the_strided_one_sees() -> None:
    strided = prepared(ResNetFeatures(3, (4, 8, 8, 12), blocks=2, stem="large"))
    dilated = prepared(ResNetFeatures(3, (4, 8, 8, 12), blocks=2, stem="large", dilated=True))
    dilated.load_state_dict(strided.state_dict(), strict=True)
    x = torch.randn(1, 3, 96, 64)
    (*fine, coarse), (*same, dense) = strided(x), dilated(x)
    assert all(torch.equal(a, b) for a, b in zip(fine, same, strict=True))
    assert dense.shape[2:] == (6, 4)
    torch.testing.assert_close(dense[:, :, ::2, ::2], coarse)


def test_segmenter_is_made_of_its_parts() -> None:
    network = build("deeplabv3plus-resnet18")
    parts = {name: network.get_submodule(name) for name in ("backbone", "pyramid", "low", "decoder", "head")}
    x = torch.randn(2, 3, 64, 96)
    fine, _, _, coarse = parts["backbone"](x)
    assert (fine.shape[2:], coarse.shape[2:]) == ((16, 24), (4, 6))
    up = F.interpolate(parts["pyramid"](coarse), scale_factor=4, mode="bilinear", align_corners=False)
    logits = parts["head"](parts["decoder"](torch.cat([parts["low"](fine), up], 1)))
    expected = F.interpolate(logits, scale_factor=4, mode="bilinear", align_corners=False)
    torch.testing.assert_close(network(x), expected)
    with torch.device("meta"):
        low = SEGMENTERS["deeplabv3plus-resnet18"].build(3, 21, 64).get_submodule("low.0")
    assert isinstance(low, nn.Conv2d)
    assert low.out_channels == 48


def test_pyramid_sees_a_pixel_neighbours_at_three_distances_and_the_mean() -> None:
    """One pixel of a large dark image reaches pixels at the rates alone; the mean reaches all alike."""
    pyramid = prepared(PyramidPooling(1, 1))
    x = torch.zeros(1, 1, 64, 64)
    with_point = x.clone()
    with_point[..., 32, 32] = 1e6
    reached: set[tuple[int, int]] = set()
    for branch in pyramid.get_submodule("branches").children():
        convolution = branch.get_submodule("0")
        reached |= {(int(i) - 32, int(j) - 32) for i, j in convolution(with_point)[0, 0].nonzero()}
    rates = (0, 6, 12, 18)
    assert reached == {(i * rate, j * rate) for rate in rates for i in (-1, 0, 1) for j in (-1, 0, 1)}
    pooled: list[Tensor] = []
    pyramid.get_submodule("pooled").register_forward_pre_hook(lambda _, inputs: pooled.append(inputs[0]))
    pyramid(with_point)
    torch.testing.assert_close(pooled[0], torch.full((1, 1, 1, 1), 1e6 / 64**2))


@pytest.mark.parametrize("name", ALL)
def test_period_is_the_product_of_the_strides(name: str) -> None:
    period = ALL[name].period
    assert total_stride(make_equivariant(build(name), example=torch.rand(1, 3, 2 * period, period))) == period


@pytest.mark.parametrize("name", ALL)
def test_any_size_that_the_period_divides_is_labelled(name: str) -> None:
    network, period = build(name), ALL[name].period
    for height, width in ((1, 1), (1, 3), (2, 1)):
        x = torch.randn(2, 3, height * period, width * period)
        expected = (2, 5, *x.shape[2:]) if name in SEGMENTERS else (2, 5)
        assert network(x).shape == expected


@pytest.mark.parametrize("name", ALL)
def test_every_weight_has_a_say(name: str) -> None:
    network = build(name)
    y = network.train()(torch.randn(2, 3, 2 * ALL[name].period, 2 * ALL[name].period))
    y.square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


@pytest.mark.parametrize("name", ALL)
def test_first_weights_keep_the_size_of_what_passes(name: str) -> None:
    network = ALL[name].build(3, 5, 16)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for module in convolutions:
        fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
        if module.weight.numel() > 1000:
            assert 0.8 < float(module.weight.detach().std()) * (fan_out / 2) ** 0.5 < 1.2

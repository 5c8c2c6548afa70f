"""The U-Net: what it refuses, what its options do, and which of its versions are the same."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise, product

import pytest
import torch
from torch import Tensor, nn

from recon.errors import ConfigError, DataError, ShapeError
from recon.metrics import equivariance_error
from recon.nn import (
    Convolution,
    ExactInstanceNorm,
    LearnedSelector,
    UNet,
    selection_margin,
    temperature_at,
    with_fixed_phases,
)
from recon.samplings import SAMPLINGS, Sampling, UpOperation
from tests.images import all_images, ordinary_images
from tests.nn.test_exactness import failures, residues

SMALL = (4, 8, 16)


def n_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_papers_network_has_its_parameters() -> None:
    """By hand: convolutions of 9 or 4 weights, biases of the transposed ones and the head, 2 a channel of a norm."""
    network = UNet()
    c = (1, 64, 128, 256, 512, 1024)
    encoder = sum(9 * a * b + 9 * b * b + 4 * b for a, b in pairwise(c))
    decoder = sum(4 * b * a + a + 9 * 2 * a * a + 9 * a * a + 4 * a for a, b in pairwise(c[1:]))
    assert n_parameters(network) == encoder + decoder + 64 + 1
    assert len(network.downs) == 4


def test_plain_lpf_aps_and_mass_have_the_same_parameters() -> None:
    counts = {name: n_parameters(UNet(channels=SMALL, sampling=name)) for name in SAMPLINGS}
    assert counts["plain"] == counts["lpf"] == counts["aps"] == counts["mass"]
    assert counts["lps"] > counts["plain"] > counts["mass-unpool"]


@pytest.mark.parametrize("blur", [None, "rect-2", "tri-3"])
@pytest.mark.parametrize("sampling", ["aps", "mass"])
def test_with_every_phase_at_0_adaptive_networks_equal_plain(sampling: str, blur: str | None) -> None:
    adaptive = UNet(1, 1, SMALL, sampling=sampling, blur=blur).eval()
    plain = UNet(1, 1, SMALL, sampling="plain", blur=blur).eval()
    plain.load_state_dict(adaptive.state_dict())
    x = torch.randn(3, 1, 16, 24)
    assert torch.equal(with_fixed_phases(adaptive)(x), plain(x))
    assert not torch.equal(adaptive(x), plain(x))
    x = x.to(memory_format=torch.channels_last)
    with torch.no_grad():
        assert torch.equal(with_fixed_phases(adaptive)(x), plain(x))


def test_weights_load_between_plain_lpf_aps_and_mass() -> None:
    networks = [UNet(1, 1, SMALL, sampling=name) for name in ("plain", "lpf", "aps", "mass")]
    for source in networks:
        for target in networks:
            target.load_state_dict(source.state_dict())


@pytest.mark.parametrize("up", ["zeros", "nearest", "bilinear", "unpool"])
def test_every_up_operation_fits_the_network(up: UpOperation) -> None:
    network = UNet(1, 1, SMALL, sampling=replace(SAMPLINGS["mass"], up=up)).eval()
    images = {name: all_images()[name] for name in ("camera", "noise", "zero", "bars of 2", "two equal pixels")}
    assert failures(network, images, residues(2)) == {}


@pytest.mark.parametrize(("dims", "stride"), [(1, 2), (1, 3), (2, 3), (3, 2)])
@pytest.mark.parametrize("sampling", ["aps", "mass-unpool", "lps"])
def test_other_dimensions_and_strides_are_exact(sampling: str, dims: int, stride: int) -> None:
    network = UNet(2, 3, (3, 5, 6), sampling=sampling, blur="rect-2", dims=dims, stride=stride).eval()
    size = [stride**2 * n for n in (1, 2, 1)[:dims]]
    for x in (torch.randn(3, 2, *size), torch.zeros(1, 2, *size), torch.randn(1, 1, *size).expand(1, 2, *size)):
        for shift in ([1, 0, 0], [0, 1, 2], [2, 3, 1]):
            assert equivariance_error(network, x, shift[:dims]).bitwise


def test_channels_that_are_copies_of_each_other_are_exact() -> None:
    network = UNet(2, 1, SMALL, sampling="mass").eval()
    images = {name: image.expand(2, -1, -1) for name, image in all_images().items()}
    assert failures(network, images, residues(2)) == {}


def test_a_small_single_image_is_exact_in_any_number_of_channels() -> None:
    """Small convolutions of one image are where torch's own round pixels differently."""
    for channels, layout in product(
        ((3, 5, 7), (2, 6, 10), (10, 9, 3)), (torch.channels_last, torch.contiguous_format)
    ):
        network = UNet(2, 1, channels, sampling="mass", blur="tri-3", stride=3).eval().to(memory_format=layout)
        x = torch.randn(1, 2, 9, 18).to(memory_format=layout)
        for shift in product(range(0, 9, 2), repeat=2):
            assert equivariance_error(network, x, shift).bitwise


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("norm", ["instance", None])
def test_other_normalisations_are_exact(norm: str | None, channels_last: bool) -> None:
    network = UNet(1, 1, SMALL, sampling="aps", norm=norm).eval()  # type: ignore[arg-type]
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
    assert failures(network, all_images(), residues(2)) == {}


def test_instance_norm_is_that_of_torch() -> None:
    network = UNet(1, 1, SMALL, norm="instance")
    norm = next(module for module in network.modules() if isinstance(module, ExactInstanceNorm))
    x = torch.randn(2, 4, 8, 12) * 3 + 5
    for mode in (True, False):
        torch.testing.assert_close(norm.train(mode)(x), nn.functional.instance_norm(x), rtol=1e-5, atol=1e-5)


def test_residual_adds_the_input() -> None:
    network = UNet(1, 1, SMALL, residual=True).eval()
    nn.init.zeros_(network.head.conv.weight)
    assert network.head.conv.bias is not None
    nn.init.zeros_(network.head.conv.bias)
    x = torch.randn(1, 1, 16, 16)
    assert torch.equal(network(x), x)


def test_complex_images_are_two_channels() -> None:
    network = UNet(2, 2, SMALL, sampling="mass").eval()
    x = torch.randn(3, 1, 16, 24, dtype=torch.complex64)
    y = network(x)
    assert y.dtype == torch.complex64
    assert y.shape == x.shape
    torch.testing.assert_close(y.real, network(torch.cat([x.real, x.imag], 1))[:, :1])
    assert equivariance_error(network, x, (1, 3)).bitwise


@pytest.mark.parametrize("pad", ["circular", "reflect"])
def test_padding_takes_any_size_and_keeps_it(pad: str) -> None:
    network = UNet(1, 1, SMALL, pad=pad).eval()  # type: ignore[arg-type]
    for size in ((13, 22), (12, 16), (9, 7)):
        x = torch.randn(2, 1, *size)
        assert network(x).shape == x.shape
    fitting = UNet(1, 1, SMALL).eval()
    fitting.load_state_dict(network.state_dict())
    x = torch.randn(2, 1, 12, 16)
    assert torch.equal(network(x), fitting(x))


@pytest.mark.parametrize("pad", ["circular", "reflect"])
def test_shifts_along_an_axis_that_fits_stay_exact_under_padding(pad: str) -> None:
    network = UNet(1, 1, SMALL, pad=pad).eval()  # type: ignore[arg-type]
    for x in (torch.randn(2, 1, 12, 18), torch.zeros(1, 1, 12, 18), torch.randn(1, 1, 1, 18).expand(1, 1, 12, 18)):
        for rows in range(12):
            assert equivariance_error(network, x, (rows, 0)).bitwise
    assert not equivariance_error(network, torch.randn(1, 1, 12, 18), (0, 1)).bitwise


@pytest.mark.parametrize("padding", ["zeros", "reflect"])
def test_other_borders_are_not_exact(padding: str) -> None:
    network = UNet(1, 1, SMALL, padding=padding).eval()  # type: ignore[arg-type]
    assert not equivariance_error(network, torch.randn(1, 1, 16, 24), (1, 1)).bitwise


def test_margin_is_zero_at_a_tie_and_infinite_without_a_choice() -> None:
    images = all_images()
    x = torch.stack([images["camera"], images["zero"], images["checkerboard"]])
    margin = selection_margin(UNet(1, 1, SMALL, sampling="aps").eval(), x)
    assert 0 < margin[0] < 1
    assert margin[1:].tolist() == [0, 0]
    assert selection_margin(UNet(1, 1, SMALL, sampling="plain").eval(), x).tolist() == [math.inf] * 3


def test_margin_leaves_the_network_as_it_was() -> None:
    network = UNet(1, 1, SMALL, sampling="lps").train()
    before = deepcopy(network.state_dict())
    selection_margin(network, torch.randn(2, 1, 16, 16))
    assert all(module.training for module in network.modules())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_margin_is_the_gap_of_the_closest_level() -> None:
    """One level, no convolutions: phases of energy 4, 1, 0, 0 leave a gap of 3 / 4."""
    x = torch.zeros(1, 1, 2, 2)
    x[..., 0, 0], x[..., 0, 1] = 2, 1
    assert selection_margin(UNet(1, 1, (4, 8), sampling="mass").eval().downs[0], x).tolist() == [0.75]


def test_ties_first_is_exact_only_without_ties() -> None:
    network = UNet(1, 1, SMALL, sampling="mass", ties="first").eval()
    found = failures(network, all_images(), residues(2))
    assert {"constant rows", "bars of 2", "tiles of 2 x 2"} <= set(found)
    assert set(found).isdisjoint({"camera", "noise", "astronaut", "moon in 8 bits"})


def test_images_without_ties_never_pay_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("recon.nn.anchor.surroundings_hash", lambda _: calls.append("hash"))
    UNet(1, 1, SMALL, sampling="aps").eval()(torch.stack(list(ordinary_images().values()))[:5])
    assert calls == []


def test_an_image_does_not_depend_on_its_batch() -> None:
    network = UNet(1, 1, SMALL, sampling="mass").eval()
    images = torch.stack(list(all_images().values()))
    together = network(images)
    for i in range(len(images) - 1):
        torch.testing.assert_close(network(images[i : i + 2])[0], together[i])


def test_temperature_is_set_everywhere_and_falls() -> None:
    network = UNet(1, 1, SMALL, sampling="lps")
    network.set_temperature(temperature_at(0.5, start=1.0, end=0.01))
    selectors = [module for module in network.modules() if isinstance(module, LearnedSelector)]
    assert [float(selector.temperature) for selector in selectors] == pytest.approx([0.1, 0.1])
    assert [temperature_at(share) for share in (-1.0, 2.0)] == pytest.approx([1.0, 0.1])


@pytest.mark.parametrize("blur", [None, "adaptive-3"])
@pytest.mark.parametrize("sampling", list(SAMPLINGS))
def test_training_converges(sampling: str, blur: str | None) -> None:
    network = UNet(1, 1, (8, 16), sampling=sampling, blur=blur)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    clean = torch.stack([ordinary_images()[name] for name in ("camera", "astronaut", "phantom")])
    losses = []
    for _ in range(80):
        noisy = clean + 0.3 * torch.randn_like(clean)
        loss = nn.functional.mse_loss(network(noisy), clean)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in network.parameters())
    assert sum(losses[-10:]) / 10 < min(0.5 * losses[0], 0.09)  # less than the noise's own variance


def test_every_parameter_learns() -> None:
    for sampling in SAMPLINGS:
        network = UNet(1, 1, SMALL, sampling=sampling, blur="adaptive-3")
        network(torch.randn(2, 1, 16, 16)).square().sum().backward()
        assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_a_copy_and_a_round_trip_through_a_file_compute_the_same(tmp_path: object) -> None:
    network = UNet(1, 1, SMALL, sampling="lps", blur="adaptive-3").eval()
    path = f"{tmp_path}/weights.pt"
    torch.save(network.state_dict(), path)
    other = UNet(1, 1, SMALL, sampling="lps", blur="adaptive-3").eval()
    other.load_state_dict(torch.load(path, weights_only=True))
    x = torch.randn(1, 1, 16, 16)
    assert torch.equal(network(x), other(x))
    assert torch.equal(network(x), deepcopy(network)(x))


def bad_calls() -> list[tuple[Callable[[], object], type[Exception], str]]:
    """Mistakes, the error of each, and words that it must have."""
    network = UNet(1, 1, SMALL).eval()

    def with_value(value: float) -> Tensor:
        x = torch.zeros(1, 1, 8, 8)
        x[..., 3, 4] = value
        return x

    return [
        (lambda: network(torch.zeros(1, 1, 362, 362)), ShapeError, "divisible by 4, got H=362, W=362.*360 x 360"),
        (lambda: network(torch.zeros(1, 2, 8, 8)), ShapeError, r"1 channels .* got 2 in \(1, 2, 8, 8\)"),
        (lambda: network(torch.zeros(1, 1, 8, 8, dtype=torch.float64)), DataError, "float32, got torch.float64"),
        (lambda: network(torch.zeros(8, 8).numpy()), DataError, "must be a torch.Tensor, got ndarray"),
        (lambda: network(torch.zeros(1, 8, 8)), ShapeError, "shape"),
        (lambda: network(torch.zeros(1, 1, 8, 0)), ShapeError, "at least one pixel"),
        (lambda: UNet(1, 1, SMALL, pad="circular")(torch.zeros(1, 1, 8, 0)), ShapeError, "at least one pixel"),
        (lambda: UNet(1, 1, SMALL, padding="reflect")(torch.zeros(1, 1, 4, 4)), ShapeError, "more than 1 pixels"),
        (lambda: UNet(1, 1, SMALL, sampling="lps").set_temperature(0.0), ConfigError, "temperature must be positive"),
        (lambda: with_fixed_phases(network, (2, 0)), ConfigError, "offset must be whole numbers from 0 to 1"),
        (lambda: with_fixed_phases(network, (1,))(torch.zeros(1, 1, 8, 8)), ShapeError, "offset must have one number"),
        (lambda: network(torch.zeros(1, 1, 8, 8, dtype=torch.int64)), DataError, "floating-point"),
        (lambda: network(with_value(math.nan)), DataError, "finite, got 1 values"),
        (lambda: network(with_value(-math.inf)), DataError, "finite, got 1 values"),
        (lambda: UNet(1, 1, SMALL, pad="reflect")(torch.zeros(1, 1, 8, 1)), ShapeError, "at most double"),
        (lambda: UNet(1, 1, SMALL, pad="zeros"), ConfigError, "pad must be one of circular, reflect"),  # type: ignore[arg-type]
        (lambda: UNet(1, 1, (4,)), ConfigError, "at least 2 levels"),
        (lambda: UNet(1, 1, (4, 0)), ConfigError, "at least 1, got 0"),
        (lambda: UNet(0, 1, SMALL), ConfigError, "in_channels must be a whole number of at least 1"),
        (lambda: UNet(1, 2, SMALL, residual=True), ConfigError, "as many channels in as out"),
        (lambda: UNet(1, 1, SMALL, norm="bach"), ConfigError, "did you mean 'batch'"),  # type: ignore[arg-type]
        (lambda: UNet(1, 1, SMALL, padding="circlar"), ConfigError, "did you mean 'circular'"),  # type: ignore[arg-type]
        (lambda: UNet(1, 1, SMALL, ties="last"), ConfigError, "ties must be one of image, first"),  # type: ignore[arg-type]
        (lambda: UNet(1, 1, SMALL, sampling="mas"), ConfigError, "did you mean 'mass'"),
        (lambda: UNet(1, 1, SMALL, blur="tri3"), ConfigError, "did you mean 'tri-3'"),
        (lambda: UNet(1, 1, SMALL, dims=4), ConfigError, "dims must be 1, 2 or 3"),
    ]


@pytest.mark.parametrize("case", range(len(bad_calls())))
def test_mistakes_are_named(case: int) -> None:
    call, error, words = bad_calls()[case]
    with pytest.raises(error, match=words):
        call()


def test_a_sampling_of_ones_own_is_taken() -> None:
    own = Sampling("own", "Averages from the smallest 1-norm.", selection="norm", down="average", p=1.0, largest=False)
    network = UNet(1, 1, SMALL, sampling=own).eval()
    assert failures(network, all_images(), residues(2)) == {}


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_small_convolutions_have_the_values_and_gradients_of_torchs(kernel_size: int) -> None:
    layer = Convolution(3, 5, kernel_size=kernel_size)
    x = torch.randn(1, 3, 9, 7, requires_grad=True)
    inputs = (x, layer.conv.weight, layer.conv.bias)
    y = layer(x)
    padded = nn.functional.pad(x, [kernel_size // 2] * 4, mode="circular")
    expected = nn.functional.conv2d(padded, layer.conv.weight, layer.conv.bias)
    torch.testing.assert_close(y, expected)
    weights = torch.randn_like(y)
    gradients = torch.autograd.grad(y, inputs, weights)  # type: ignore[arg-type]
    for gradient, other in zip(gradients, torch.autograd.grad(expected, inputs, weights), strict=True):  # type: ignore[arg-type]
        torch.testing.assert_close(gradient, other)

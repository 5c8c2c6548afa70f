"""Converted networks of one kind of operation each are exact: every image, every shift, every method."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from recon.errors import ConfigError
from recon.nn.conversion import make_equivariant
from recon.samplings import SAMPLINGS
from tests.images import all_images
from tests.nn.conversion.checks import hard_inputs, inexact, prepared, residues
from tests.nn.conversion.networks import SMALL, Made, head, small_with_methods

SIZE = (12, 24)
METHODS = ("mass", "aps", "lps")
PERIODS = {"kernel 3, stride 3": 3, "kernel 4, stride 4": 4, "residual": 4, "u-net": 4}


def example(batch: int = 1) -> Tensor:
    return torch.rand(batch, 1, *SIZE, generator=torch.Generator().manual_seed(6))


@pytest.mark.parametrize(("name", "method"), small_with_methods())
def test_operation_is_exact(name: str, method: str) -> None:
    network = make_equivariant(prepared(SMALL[name]()), method, example=example())
    for batch in (1, 3):
        assert inexact(network, hard_inputs(SIZE, batch=batch), residues(PERIODS.get(name, 2))) == []


@pytest.mark.parametrize("name", ["kernel 3, stride 2", "kernel 3, stride 3", "residual", "u-net", "enlarged"])
def test_every_single_shift_is_exact(name: str) -> None:
    network = make_equivariant(prepared(SMALL[name]()), example=example())
    shifts = [(row, column) for row in range(SIZE[0]) for column in range(SIZE[1])]
    assert inexact(network, {"noise": hard_inputs(SIZE)["noise"]}, shifts) == []


def test_two_images_move_together() -> None:
    """Each is blank on the other's account: only both together tell where they are."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 4, 3, 2, 1)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return nn.functional.interpolate(self.conv(torch.cat([x, y], 1)), scale_factor=2)

    network = make_equivariant(Two(), example=(example(), example()))
    for name, x in hard_inputs(SIZE).items():
        y = torch.zeros_like(x).index_fill(3, torch.tensor(5), 1.0)
        for shift in residues(2):
            expected = torch.roll(network(x, y), shift, (2, 3))
            assert torch.equal(network(*(torch.roll(z, shift, (2, 3)) for z in (x, y))), expected), name


@pytest.mark.parametrize("blur", ["rect-2", "tri-3", "adaptive-3"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["u-net", "residual"])
def test_blurred_networks_are_exact(name: str, method: str, blur: str) -> None:
    network = make_equivariant(prepared(SMALL[name]()), method, blur=blur, example=example()).eval()
    assert inexact(network, hard_inputs(SIZE), residues(4)) == []


@pytest.mark.parametrize(("p", "largest"), [(1, True), (float("inf"), True), (2, False)])
def test_own_samplings_are_exact(p: float, largest: bool) -> None:
    sampling = replace(SAMPLINGS["aps"], name="own", p=p, largest=largest)
    network = make_equivariant(prepared(SMALL["u-net"]()), sampling, example=example())
    assert inexact(network, hard_inputs(SIZE), residues(4)) == []


@pytest.mark.parametrize("name", sorted(SMALL))
def test_other_formats_are_exact(name: str) -> None:
    network = make_equivariant(prepared(SMALL[name]()), example=example())

    def run(x: Tensor) -> object:
        return network(x.contiguous(memory_format=torch.channels_last))

    network.to(memory_format=torch.channels_last)
    assert inexact(run, hard_inputs(SIZE, batch=2), residues(PERIODS.get(name, 2))) == []


@pytest.mark.parametrize("name", ["stride 1", "norms", "squeezed", "activations", "channels last", "reductions"])
def test_shift_by_shift_where_nothing_is_sampled(name: str) -> None:
    network = make_equivariant(prepared(SMALL[name]()), example=example())
    size = (7, 9)  # nothing divides it
    shifts = [(row, column) for row in range(7) for column in range(9)]
    noise = torch.randn(1, 1, *size)
    assert inexact(network, {"noise": noise, "channels last": noise.expand(2, 1, *size)}, shifts) == []


ONE_AND_THREE = {
    1: (nn.Conv1d(1, 4, 3, padding=1), nn.MaxPool1d(2), nn.Conv1d(4, 4, 3, 2, 1), nn.ConvTranspose1d(4, 4, 4, 4)),
    3: (nn.Conv3d(1, 4, 3, padding=1), nn.AvgPool3d(2), nn.Conv3d(4, 4, 3, 2, 1), nn.ConvTranspose3d(4, 4, 4, 4)),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("dims", "size"), [(1, (16,)), (3, (4, 4, 8))])
def test_one_and_three_dimensions_are_exact(dims: int, size: tuple[int, ...], method: str) -> None:
    network = make_equivariant(nn.Sequential(*ONE_AND_THREE[dims]), method, example=torch.rand(1, 1, *size)).eval()
    assert inexact(network, hard_inputs(size), residues(4, dims)) == []


@pytest.mark.parametrize("name", ["kernel 3, stride 2", "max", "u-net", "residual", "patches"])
def test_phases_that_do_not_move_are_not_exact(name: str) -> None:
    network = make_equivariant(prepared(SMALL[name]()), "plain", example=example())
    assert "noise" in inexact(network, hard_inputs(SIZE), residues(2))


@pytest.mark.parametrize(
    ("name", "method"),
    [("residual", "mass"), ("unpool", "aps"), ("norms", "mass"), *(("u-net", method) for method in METHODS)],
)
def test_hard_images_are_exact(name: str, method: str) -> None:
    network = make_equivariant(prepared(SMALL[name]()), method, example=example())
    images = {name: image[None] for name, image in all_images((16, 24)).items()}
    assert inexact(network, images, residues(4)) == []


@pytest.mark.parametrize("factor", [2, 3])
def test_larger_outputs_move_by_as_many_pixels(factor: int) -> None:
    parts = (head(2 * factor**2), nn.PixelShuffle(factor), nn.Conv2d(2, 1, 3, padding=1))
    original = nn.Sequential(*parts[:1], nn.MaxPool2d(2), nn.Upsample(scale_factor=2), *parts[1:])
    network = make_equivariant(original, example=example())
    for name, x in hard_inputs(SIZE, batch=2).items():
        y = network(x)
        assert isinstance(y, Tensor)
        for row, column in residues(2):
            expected = torch.roll(y, (row * factor, column * factor), (2, 3))
            assert torch.equal(network(torch.roll(x, (row, column), (2, 3))), expected), name


def test_an_image_and_a_number_go_in_together() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.scale = nn.Conv2d(1, 4, 3, 2, 1), nn.Linear(1, 4)

        def forward(self, x: Tensor, time: Tensor) -> Tensor:
            y: Tensor = self.conv(x) + self.scale(time)[:, :, None, None]
            return nn.functional.interpolate(y, scale_factor=2)

    network = make_equivariant(Two(), example=(example(), torch.rand(1, 1)))
    assert inexact(lambda x: network(x, torch.full((len(x), 1), 0.3)), hard_inputs(SIZE, batch=2), residues(2)) == []
    with pytest.raises(ConfigError, match="takes 2 inputs"):
        network(example())


def test_made_networks_work_before() -> None:
    for name, build in SMALL.items():
        network = build()
        assert isinstance(network, Made | nn.Sequential)
        assert isinstance(network(example()), Tensor), name

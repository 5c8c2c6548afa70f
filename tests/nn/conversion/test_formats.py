"""Converted networks are exact in other number formats, and as recorded graphs."""

import io
import warnings
from collections.abc import Callable

import pytest
import torch
from fastmri.models import Unet
from monai.networks.nets.attentionunet import AttentionUnet
from torch import Tensor, nn

from recon.metrics import equivariance_error
from recon.nn.conversion import make_equivariant
from tests.nn.conversion import models
from tests.nn.conversion.checks import as_images, hard_inputs, inexact, prepared, random_shifts, residues
from tests.nn.conversion.networks import SMALL, head

SIZE = (32, 32)
BUILDS: dict[str, Callable[[], nn.Module]] = {
    "fastmri Unet": lambda: Unet(1, 1, 4, 1),
    "monai AttentionUnet": lambda: AttentionUnet(2, 1, 2, (4, 8, 16), (2, 2)),
    "u-net": SMALL["u-net"],
    "residual": SMALL["residual"],
    "channels last": SMALL["channels last"],
}


def converted(name: str) -> nn.Module:
    return make_equivariant(prepared(BUILDS[name]()), example=torch.rand(1, 1, *SIZE))


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_bfloat16_is_exact(name: str) -> None:
    network = converted(name).bfloat16()
    images = {key: x.bfloat16() for key, x in hard_inputs(SIZE, batch=2).items()}
    assert inexact(network, images, [*residues(2), *random_shifts(SIZE, 3)]) == []


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_autocast_is_exact(name: str) -> None:
    network = converted(name)

    def run(x: Tensor) -> object:
        with torch.autocast("cpu", torch.bfloat16):
            return network(x)

    assert inexact(run, hard_inputs(SIZE, batch=2), [*residues(2), *random_shifts(SIZE, 3)]) == []


def exported(network: nn.Module, example: Tensor) -> nn.Module:
    """Export a network for any number of images, write it and read it."""
    dimensions = ({0: torch.export.Dim("batch", min=1, max=1024)},)
    file = io.BytesIO()
    torch.export.save(torch.export.export(network, (example,), dynamic_shapes=dimensions), file)
    file.seek(0)
    return torch.export.load(file).module()


@pytest.mark.parametrize("name", ["fastmri Unet", "u-net"])
def test_an_exported_program_is_exact(name: str) -> None:
    network, images = converted(name), hard_inputs(SIZE, batch=2)
    program = exported(network, images["noise"])
    torch.testing.assert_close(program(images["tiles"]), network(images["tiles"]), rtol=1e-4, atol=1e-5)
    assert inexact(program, images, [*residues(2), *random_shifts(SIZE, 3)]) == []


@pytest.mark.parametrize("size", [(32, 32), (14, 18)])
def test_an_exported_program_rounds_as_torch_does(size: tuple[int, int]) -> None:
    """Which is by the place in the image where it takes no oneDNN convolutions: of one pixel, or of one small image."""
    images = hard_inputs(size, batch=2)
    program = exported(converted("channels last"), images["noise"])
    shifts = [*residues(2), *random_shifts(size, 3)]
    assert max(equivariance_error(as_images(program), images["noise"], shift).nmse for shift in shifts) < 1e-12


def test_paddings_that_go_around_more_than_once_can_be_exported() -> None:
    """Convolutions of 7 x 7 pixels on maps of one, as in ConvNeXt at its smallest size."""
    layers = (head(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 7, padding=3), nn.Upsample(scale_factor=2))
    network, x = make_equivariant(nn.Sequential(*layers), example=torch.rand(1, 1, 2, 4)), torch.randn(2, 1, 2, 4)
    program = torch.export.export(network, (x,)).module()
    torch.testing.assert_close(program(x), network(x), rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(("name", "method"), [("max", "mass"), ("activations", "aps"), ("squeezed", "lps")])
def test_a_compiled_network_is_one_graph_and_exact(name: str, method: str) -> None:
    images = hard_inputs(SIZE, batch=2)
    network = make_equivariant(prepared(SMALL[name]()), method, example=images["noise"]).eval()
    torch.compiler.reset()
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    batch = torch.cat(list(images.values()))
    torch.testing.assert_close(compiled(batch), network(batch), rtol=1e-4, atol=1e-5)
    assert all(equivariance_error(compiled, batch, shift).bitwise for shift in residues(2))


def test_a_traced_graph_is_exact() -> None:
    network = models.converted("resnet18")
    images = hard_inputs(SIZE, channels=3, batch=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that become constants, which is the purpose
        graph = torch.jit.trace(network, images["noise"], check_trace=False)
    assert inexact(graph, images, random_shifts(SIZE, 3)) == []

"""Recorded networks (torch.jit.trace, torch.export, torch.compile) compute the same, and are as exact."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from recon.metrics import equivariance_error
from recon.nn import Convolution, UNet
from tests.images import all_images, ordinary_images
from tests.nn.test_exactness import failures, residues

CASES = [("aps", None), ("mass", "tri-3"), ("mass-unpool", None), ("lps", "rect-2"), ("mass", "adaptive-3")]


def traced(network: UNet) -> Callable[[Tensor], Tensor]:
    recorded: Callable[[Tensor], Tensor] = torch.jit.trace(network, torch.randn(2, 1, 64, 16))
    return recorded


def exported(network: UNet) -> Callable[[Tensor], Tensor]:
    height, width = (torch.export.Dim(name, min=1, max=256) * network.multiple for name in ("height", "width"))
    sizes = {0: torch.export.Dim("batch", min=1, max=256), 2: height, 3: width}
    recorded: Callable[[Tensor], Tensor] = torch.export.export(
        network, (torch.randn(2, 1, 64, 16),), dynamic_shapes=(sizes,)
    ).module()
    return recorded


@torch.no_grad()
@pytest.mark.parametrize("record", [traced, exported])
@pytest.mark.parametrize(("sampling", "blur"), CASES)
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_recorded_networks_are_the_same_on_other_images_and_sizes(
    sampling: str, blur: str | None, record: Callable[[UNet], Callable[[Tensor], Tensor]]
) -> None:
    network = UNet(1, 1, (4, 8, 16), sampling=sampling, blur=blur).eval()
    recorded = record(network)
    images = all_images()
    batch = torch.stack(list(images.values()))
    assert torch.equal(recorded(batch), network(batch))
    assert failures(recorded, images, residues(2)) == {}
    alone = ordinary_images((20, 12))["camera"][None]
    torch.testing.assert_close(recorded(alone), network(alone), rtol=1e-5, atol=1e-6)
    for shift in residues(2):
        assert equivariance_error(recorded, alone, shift).bitwise


@torch.no_grad()
@pytest.mark.parametrize(("sampling", "blur"), [("aps", "tri-3"), ("mass-unpool", None), ("lps", None)])
def test_compiled_networks_are_one_graph_and_the_same(sampling: str, blur: str | None) -> None:
    network = UNet(1, 1, (4, 8), sampling=sampling, blur=blur).eval()
    torch.compiler.reset()
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    images = all_images()
    batch = torch.stack(list(images.values()))
    torch.testing.assert_close(compiled(batch), network(batch))
    assert all(equivariance_error(compiled, batch, shift).bitwise for shift in residues(1))


def test_compiled_networks_train() -> None:
    network = UNet(1, 1, (4, 8), sampling="aps", blur="tri-3")
    torch.compiler.reset()
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    x = torch.randn(2, 1, 8, 8)
    first = next(module for module in network.modules() if isinstance(module, Convolution))
    compiled(x).square().sum().backward()
    gradient = first.conv.weight.grad
    network.zero_grad()
    network(x).square().sum().backward()
    torch.testing.assert_close(gradient, first.conv.weight.grad, rtol=1e-4, atol=1e-4)

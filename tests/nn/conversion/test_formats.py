"""Converted networks are exact in other number formats, and as recorded graphs."""

import warnings
from collections.abc import Callable

import pytest
import torch
from fastmri.models import Unet
from monai.networks.nets.attentionunet import AttentionUnet
from torch import Tensor, nn
from torchvision import models  # type: ignore[import-untyped]

from recon.metrics import equivariance_error
from recon.nn.conversion import make_equivariant
from tests.nn.conversion.checks import as_images, hard_inputs, inexact, prepared, random_shifts, residues
from tests.nn.conversion.networks import SMALL

SIZE = (32, 32)
BUILDS: dict[str, Callable[[], nn.Module]] = {
    "fastmri Unet": lambda: Unet(1, 1, 4, 3),
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


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_an_exported_graph_is_exact(name: str) -> None:
    network, images = converted(name), hard_inputs(SIZE, batch=2)
    graph = torch.export.export(network, (images["noise"],)).module()
    shifts = [*residues(2), *random_shifts(SIZE, 3)]
    if name == "channels last":  # a recorded graph keeps torch's own convolutions, which round by the place
        assert max(equivariance_error(as_images(graph), images["noise"], shift).nmse for shift in shifts) < 1e-12
    else:  # of the batch that it was recorded with
        for image in images.values():
            assert all(equivariance_error(as_images(graph), image, shift).bitwise for shift in shifts)


def test_a_traced_graph_is_exact() -> None:
    network = make_equivariant(prepared(models.resnet18(num_classes=4)), example=torch.rand(1, 3, *SIZE))
    images = hard_inputs(SIZE, channels=3, batch=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that become constants, which is the purpose
        graph = torch.jit.trace(network, images["noise"], check_trace=False)
    assert inexact(graph, images, random_shifts(SIZE, 3)) == []

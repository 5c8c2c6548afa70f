"""In ONNX Runtime, networks compute what they compute in torch, and are exact: also on blank and periodic images."""

from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from recon.nn import UNet
from recon.nn.conversion import make_equivariant
from tests.nn.conversion import models
from tests.nn.conversion.checks import as_images, hard_inputs, inexact, prepared, random_shifts, residues
from tests.nn.conversion.networks import SMALL

SIZE = (16, 12)


def in_onnx(network: nn.Module, example: Tensor, path: Path, *, multiple: int = 0) -> Callable[[Tensor], Tensor]:
    """Export a network for any number of images, and for all multiples of a size; load it in the runtime."""
    dimensions = {0: torch.export.Dim("batch", min=1, max=1024)}
    if multiple:
        names = enumerate(("height", "width"), start=2)
        dimensions |= {axis: multiple * torch.export.Dim(name, min=1, max=1024) for axis, name in names}
    torch.onnx.export(
        network, (example,), path, dynamo=True, dynamic_shapes=(dimensions,), optimize=not multiple, verbose=False
    )
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, session_options, providers=["CPUExecutionProvider"])
    (name,) = (given.name for given in session.get_inputs())
    return lambda x: torch.from_numpy(session.run(None, {name: x.contiguous().numpy()})[0])


def small(name: str) -> Callable[[], nn.Module]:
    return lambda: make_equivariant(prepared(SMALL[name]()), example=torch.rand(1, 1, *SIZE))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {  # how to build it, its period, a size's multiple
    "aps": (lambda: prepared(UNet(1, 1, (4, 8), sampling="aps")), 2, 2),
    "mass": (lambda: prepared(UNet(1, 1, (4, 8), sampling="mass", blur="tri-3")), 2, 0),
    "lps": (lambda: prepared(UNet(1, 1, (4, 8), sampling="lps")), 2, 0),
    "strided": (small("kernel 3, stride 2"), 2, 0),
    "norms": (small("norms"), 1, 0),
}


@torch.no_grad()
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_network_is_the_same_and_exact_in_onnx_runtime(name: str, tmp_path: Path) -> None:
    build, period, multiple = NETWORKS[name]
    network = build()
    run = in_onnx(network, torch.randn(2, 1, *SIZE), tmp_path / "network.onnx", multiple=multiple)
    for size in (SIZE, (10, 14)) if multiple else (SIZE,):
        images = hard_inputs(size, batch=3)
        batch = torch.cat(list(images.values()))
        torch.testing.assert_close(run(batch), network(batch), rtol=1e-4, atol=1e-5)
        assert inexact(run, images, [*residues(period), *random_shifts(size, 3)]) == []


@torch.no_grad()
@pytest.mark.slow
@pytest.mark.parametrize("name", ["monai 3-D UNet", "thin deeplabv3"])
def test_model_is_the_same_and_exact_in_onnx_runtime(name: str, tmp_path: Path) -> None:
    """The whole networks are too slow for tests: docs/any-network.md says what they were seen to do."""
    case, network = models.MODELS[name], models.converted(name)
    images = hard_inputs(case.size, channels=case.channels)
    run = in_onnx(network, images["noise"].repeat(2, *[1] * (1 + len(case.size))), tmp_path / "network.onnx")
    batch = torch.cat([images["noise"], images["tiles"]])
    torch.testing.assert_close(as_images(run)(batch), as_images(network)(batch), rtol=1e-4, atol=1e-5)
    assert inexact(run, images, [*random_shifts(case.size, 3), (1,) * len(case.size)]) == []

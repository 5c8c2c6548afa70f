"""In ONNX Runtime, networks compute what they compute in torch, and are exact: also on blank and periodic images."""

import io
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch
from monai.networks.nets.unet import UNet as MonaiUNet
from torch import Tensor, nn
from torch.export import ExportedProgram

from recon.nn import UNet
from recon.nn.conversion import make_equivariant
from tests.nn.conversion import models
from tests.nn.conversion.checks import as_images, hard_inputs, inexact, prepared, random_shifts, residues
from tests.nn.conversion.networks import SMALL

SIZE = (16, 12)


def recorded(network: nn.Module, example: Tensor) -> ExportedProgram:
    """Record a network for any number of images."""
    dimensions = {0: torch.export.Dim("batch", min=1, max=1024)}
    return torch.export.export(network, (example,), dynamic_shapes=(dimensions,))


def in_onnx(program: ExportedProgram, path: Path, *, optimize: bool) -> Callable[[Tensor], Tensor]:
    """Translate a program, and load it in the runtime."""
    torch.onnx.export(program, (), path, dynamo=True, optimize=optimize, verbose=False)
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, session_options, providers=["CPUExecutionProvider"])
    (name,) = (given.name for given in session.get_inputs())
    return lambda x: torch.from_numpy(session.run(None, {name: x.contiguous().numpy()})[0])


def read_again(program: ExportedProgram) -> nn.Module:
    """Write a program and read it."""
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return torch.export.load(file).module()


def small(name: str) -> Callable[[], nn.Module]:
    return lambda: make_equivariant(prepared(SMALL[name]()), example=torch.rand(1, 1, *SIZE))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {  # how to build it, and its period
    "mass": (lambda: prepared(UNet(1, 1, (4, 8), sampling="mass", blur="tri-3")), 2),
    "lps": (lambda: prepared(UNet(1, 1, (4, 8), sampling="lps")), 2),
    "strided": (small("kernel 3, stride 2"), 2),
    "norms": (small("norms"), 1),
}


@torch.no_grad()
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_network_is_the_same_and_exact_in_onnx_runtime(name: str, tmp_path: Path) -> None:
    """That with APS, and files for any size, are tested where they are exported: tests/clinical/export."""
    build, period = NETWORKS[name]
    network = build()
    run = in_onnx(recorded(network, torch.randn(2, 1, *SIZE)), tmp_path / "network.onnx", optimize=True)
    images = hard_inputs(SIZE, batch=3)
    batch = torch.cat(list(images.values()))
    torch.testing.assert_close(run(batch), network(batch), rtol=1e-4, atol=1e-5)
    assert inexact(run, images, [*residues(period), *random_shifts(SIZE, 3)]) == []


MODELS = {
    "monai 3-D UNet": models.Case(lambda: MonaiUNet(3, 1, 2, (4, 8), (2,), num_res_units=1), (8, 8, 4), 1),
    "thin deeplabv3": models.MODELS["thin deeplabv3"],
}


@torch.no_grad()
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS))
def test_model_is_the_same_and_exact_as_a_program_and_in_onnx_runtime(name: str, tmp_path: Path) -> None:
    """The whole networks are too slow for tests: docs/any-network.md says what they were seen to do."""
    case = MODELS[name]
    images = hard_inputs(case.size, channels=case.channels)
    network = make_equivariant(prepared(case.build()), example=images["noise"]).eval()
    program = recorded(network, images["noise"].repeat(2, *[1] * (1 + len(case.size))))
    batch = torch.cat([images["noise"], images["tiles"]])
    for run in (read_again(program), in_onnx(program, tmp_path / "network.onnx", optimize=False)):
        torch.testing.assert_close(as_images(run)(batch), as_images(network)(batch), rtol=1e-4, atol=1e-5)
        assert inexact(run, images, [*random_shifts(case.size, 3), (1,) * len(case.size)]) == []

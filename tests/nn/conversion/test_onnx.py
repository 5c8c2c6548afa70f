"""Converted networks stay exact as ONNX files, of any batch and size, in ONNX Runtime."""

from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch
from fastmri.models import Unet
from torch import Tensor, nn
from torch.export import Dim

from recon.metrics import equivariance_error
from recon.nn.conversion import make_equivariant
from tests.nn.conversion.checks import hard_inputs, prepared, residues
from tests.nn.conversion.networks import SMALL

BUILDS: dict[str, Callable[[], nn.Module]] = {"fastmri Unet": lambda: Unet(1, 1, 4, 2), "u-net": SMALL["u-net"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BUILDS))
def test_an_onnx_file_is_exact_at_another_size(name: str, tmp_path: Path) -> None:
    network = make_equivariant(prepared(BUILDS[name]()), example=torch.rand(1, 1, 16, 16)).eval()
    sizes = {0: Dim("batch", min=1, max=64), 2: 4 * Dim("rows", min=2, max=64), 3: 4 * Dim("columns", min=2, max=64)}
    program = torch.onnx.export(
        network, (torch.rand(2, 1, 16, 16),), dynamo=True, verbose=False, dynamic_shapes=(sizes,)
    )
    assert program is not None
    program.save(tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")

    def run(x: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])

    for image in hard_inputs((16, 24)).values():
        torch.testing.assert_close(run(image), network(image), rtol=1e-4, atol=1e-5)
        assert all(equivariance_error(run, image, shift).bitwise for shift in residues(4))

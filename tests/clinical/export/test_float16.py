"""ONNX files in float16, with the scaling outside: exact, near the checkpoint, and what evaluation takes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import recon
from recon.clinical.export import Exported, Wishes, export_network
from recon.clinical.export.cases import hard
from recon.clinical.export.graphs import InPrecision, Rounded, graph_of
from recon.clinical.models import ClinicalModel, open_model
from recon.evaluation.loading import Place, find_models
from tests.clinical.export.conftest import small_network


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> ClinicalModel:
    folder = tmp_path_factory.mktemp("float16")
    return open_model(str(small_network(folder / "network.safetensors", "ct", sampling="mass")))


@pytest.fixture(scope="module")
def half(original: ClinicalModel, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    wishes = Wishes(tmp_path_factory.mktemp("float16"), ("onnx",), scaling="outside", precision="float16", timing=False)
    (found,) = export_network(original, wishes)
    return found


@pytest.mark.slow
def test_file_computes_in_float16_and_takes_and_gives_float32(half: Exported) -> None:
    assert half.path.name == "mass-float16.onnx"
    model = onnx.load(half.path)
    kernels = [tensor for tensor in model.graph.initializer if tuple(tensor.dims[2:]) == (3, 3)]
    assert {tensor.data_type for tensor in kernels} == {onnx.TensorProto.FLOAT16}
    for place in (*model.graph.input, *model.graph.output):
        assert place.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert {entry.key: entry.value for entry in model.metadata_props}["precision"] == "float16"
    assert open_model(str(half.path)).identity.precision == "float16"


@pytest.mark.slow
def test_file_is_near_its_checkpoint_and_exact(half: Exported, original: ClinicalModel) -> None:
    assert {check.bound for check in half.checks if check.name.startswith("parity")} == {2e-2}
    assert {check.bound for check in half.checks if check.name.startswith("equivariance")} == {0}
    model = open_model(str(half.path))
    intensities = torch.rand(2, 1, 12, 16, generator=torch.Generator().manual_seed(4)) * 2000 - 1000
    expected, got = original(intensities), model(intensities)
    assert 0 < (got - expected).norm() < 1e-3 * expected.norm()
    for shift in ((1, 0), (0, 1), (5, 7)):
        assert recon.equivariance_error(model, intensities, shift).bitwise


@pytest.mark.slow
def test_file_with_the_scaling_outside_is_what_evaluation_measures(half: Exported, original: ClinicalModel) -> None:
    (found,) = find_models([str(half.path)], Place())
    images = torch.rand(3, 1, 12, 16, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(found.model(images), original.scaled(images), rtol=2e-2, atol=2e-3)
    assert np.isfinite(found.model(images).numpy()).all()


def test_network_in_float16_is_compared_on_the_images_that_it_sees(original: ClinicalModel) -> None:
    seen = []

    class Eye(nn.Module):
        """Keeps what it was given."""

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            """Give it back."""
            seen.append(images.float())
            return images

    images = torch.rand(1, 1, 8, 8)
    for module in (InPrecision(Eye(), torch.float16), Rounded(Eye(), torch.float16)):
        assert module(images).dtype == torch.float32
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], images)


def test_ties_in_float16_are_broken_as_those_of_the_checkpoint_on_rounded_images(original: ClinicalModel) -> None:
    assert original.module is not None
    graph = graph_of(original, Wishes(Path("out"), scaling="outside", precision="float16"))
    reference = Rounded(original.module, torch.float16)
    with torch.no_grad():
        for name, images in hard(graph).items():
            expected, got = reference(images), graph.module(images)
            assert (got - expected).norm() <= 2e-2 * expected.norm(), name

"""What breaks ties is the same to the bit in ONNX Runtime, whose sums and constants are not those of torch."""

from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from recon.ops.energies import integer_sum, phase_energies
from recon.ops.symmetry import anchor_pixel, is_symmetric, orbit_mean, surroundings_hash
from tests.images import all_images


class Parts(nn.Module):
    """All that finds an anchor and averages over symmetries."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Give the results of each part."""
        hashed = surroundings_hash(x)
        means = orbit_mean(x, hashed)
        return hashed, anchor_pixel(hashed), is_symmetric(hashed), means, phase_energies(x)


class Sum(nn.Module):
    """A sum of integers over two axes."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Give it."""
        return (integer_sum(x, [1, 3]),)


def in_onnx(network: nn.Module, x: Tensor, path: Path) -> Callable[[Tensor], tuple[Tensor, ...]]:
    height, width = (2 * torch.export.Dim(name, max=64) for name in ("height", "width"))
    axes = {0: torch.export.Dim("batch", max=64), 2: height, 3: width}
    torch.onnx.export(network.eval(), (x,), path, dynamo=True, dynamic_shapes=(axes,), verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: tuple(map(torch.from_numpy, session.run(None, {"x": x.numpy()})))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Tensor], tuple[Tensor, ...]]:
    return in_onnx(Parts(), torch.randn(2, 3, 8, 12), tmp_path_factory.mktemp("onnx") / "parts.onnx")


def images() -> dict[str, Tensor]:
    ordinary = torch.stack(list(all_images().values()))
    steps = torch.randint(-2, 3, (3, 3, 10, 14), generator=torch.Generator().manual_seed(1)).float()
    return {
        "ordinary and hard": torch.cat([ordinary, ordinary.flip(1), ordinary.square()], 1),
        "of few values": steps,
        "large": steps * 1e38,
        "small": steps * 1e-38,
        "subnormal": steps * 2.0**-149,
        "two rows": steps[:, :, :2],
    }


@pytest.mark.parametrize("name", sorted(images()))
def test_ties_are_broken_alike_in_onnx_runtime(name: str, parts: Callable[[Tensor], tuple[Tensor, ...]]) -> None:
    x = images()[name]
    for got, expected in zip(parts(x), Parts()(x), strict=True):
        assert torch.equal(got, expected)


def test_sums_of_integers_wrap_around_in_onnx_runtime(tmp_path: Path) -> None:
    x = torch.randint(-(2**62), 2**62, (3, 4, 6, 10), generator=torch.Generator().manual_seed(2))
    (got,) = in_onnx(Sum(), x, tmp_path / "sum.onnx")(x)
    assert torch.equal(got, x.sum((1, 3)))
    assert not torch.equal(got, x.double().sum((1, 3)).to(torch.int64))

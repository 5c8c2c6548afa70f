"""The gathered forms of windows and phases are those by block copies, forward and backward."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from recon.nn import UNet
from recon.ops import keep_phase, periodic_window, place_phase, roll_images
from recon.ops.gathers import gather_window, spread_window
from recon.ops.memory import memory_format
from tests.images import all_images
from tests.nn.test_exactness import failures, residues


@pytest.fixture
def gathering(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give a function that makes a CPU gather as a GPU does."""

    def gather() -> None:
        for module in ("periodic", "phases"):
            monkeypatch.setattr(f"recon.ops.{module}.copies_blocks", lambda _: False)

    return gather


def case(dims: int, channels_last: bool) -> Tensor:
    x = torch.randn(3, 4, *(6, 4, 8)[:dims])
    layout = {2: torch.channels_last, 3: torch.channels_last_3d}.get(dims) if channels_last else None
    return x if layout is None else x.to(memory_format=layout)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("function", ["roll", "wide", "narrow", "keep", "place"])
def test_gathers_equal_block_copies(
    function: str, dims: int, channels_last: bool, gathering: Callable[[], None]
) -> None:
    start = torch.tensor([[0, 1, 1], [-2, 5, -3], [1, 0, 0]])[:, :dims]

    def run(x: Tensor) -> Tensor:
        if function == "roll":
            return roll_images(x, start)
        if function in ("wide", "narrow"):
            return periodic_window(x, start, [n + 5 if function == "wide" else n - 2 for n in x.shape[2:]])
        return (keep_phase if function == "keep" else place_phase)(x, start % 2)

    x = case(dims, channels_last).requires_grad_()
    expected = run(x)
    weights = torch.randn_like(expected)
    (expected_grad,) = torch.autograd.grad((expected * weights).sum(), x)
    gathering()
    y = run(x)
    assert torch.equal(y, expected)
    if function != "place":
        assert memory_format(y) == memory_format(x)
    (grad,) = torch.autograd.grad((y * weights).sum(), x)
    torch.testing.assert_close(grad, expected_grad)


@pytest.mark.parametrize(("size", "stride"), [((3, 5), 1), ((9, 7), 1), ((3, 2), 2), ((2, 2), 3)])
def test_gather_and_spread_are_adjoint_and_twice_differentiable(size: tuple[int, int], stride: int) -> None:
    start = torch.tensor([[1, 0], [2, 3]])
    x = torch.randn(2, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    y = torch.randn(2, 2, *size, dtype=torch.float64, requires_grad=True)
    forth, back = gather_window(x, start, size, stride), spread_window(y, start, (6, 6), stride)
    torch.testing.assert_close((forth * y).sum(), (x * back).sum())
    assert torch.autograd.gradcheck(lambda x: gather_window(x, start, size, stride), (x,))
    assert torch.autograd.gradgradcheck(lambda x: gather_window(x, start, size, stride).square(), (x,))


@pytest.mark.parametrize("sampling", ["aps", "mass-unpool"])
def test_networks_that_gather_are_as_exact(sampling: str, gathering: Callable[[], None]) -> None:
    network = UNet(1, 1, (4, 8, 16), sampling=sampling, blur="tri-3").eval().to(memory_format=torch.channels_last)
    batch = torch.stack(list(all_images().values()))
    expected = network(batch)
    gathering()
    torch.testing.assert_close(network(batch), expected)
    assert failures(network, all_images(), residues(2)) == {}

"""Following a network: sizes, structures, the order of grids."""

import operator
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from recon.nn.conversion.convert import followed, make_equivariant
from recon.nn.conversion.grids import Grid
from recon.nn.conversion.sizes import FollowedSize
from recon.nn.conversion.steps import Computed, Size, Value, last_uses, replaced, run
from tests.nn.conversion.networks import SMALL, Made, head

X = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(10))


@pytest.mark.parametrize("name", sorted(SMALL))
def test_steps_do_what_the_network_does(name: str) -> None:
    network, x = SMALL[name]().eval(), torch.randn(3, 1, 24, 12)
    steps, (value,), output = followed(network, (X,))
    with torch.no_grad():
        got = run(network, steps, {value.slot: x.clone()}, output)
        assert isinstance(got, Tensor)
        assert torch.equal(got, network(x))


def test_sizes_are_looked_up_again() -> None:
    def function(x: Tensor, a: nn.Module) -> Tensor:
        y = a(x)
        batch, channels, height, width = y.shape
        half = torch.ones(batch, 1, 1, y.size(-1) // 2 + 2 * (width % 5) - 1)
        return y.view(batch, channels * height, width)[:, : height - 1] * half.sum() + (7 - batch)

    network = Made(function, head()).eval()
    steps, (value,), output = followed(network, (X,))
    for shape in ((2, 1, 12, 12), (5, 1, 6, 9)):
        x = torch.randn(shape)
        got = run(network, steps, {value.slot: x}, output)
        assert isinstance(got, Tensor)
        assert torch.equal(got, network(x))


def test_a_size_is_a_number_that_remembers() -> None:
    n = FollowedSize(7, Size(Value(3), 2))
    assert n == 7
    assert isinstance(n, int)
    less = 2 * n - 1
    assert isinstance(less, FollowedSize)
    assert less.origin == Computed(operator.sub, (Computed(operator.mul, (2, n.origin)), 1))
    assert [n // 2, 15 // n, n % 4, 9 - n, n + n] == [3, 2, 3, 2, 14]
    assert type(deepcopy(n)) is int
    assert type(n / 2) is float


def test_results_are_dropped_after_their_last_use() -> None:
    network = nn.Sequential(head(), nn.ReLU(), nn.Sigmoid())
    steps, (value,), output = followed(network, (X,))
    assert [last_uses(steps, output)[step.slot] for step in steps] == [[value.slot], [steps[0].slot], [steps[1].slot]]
    results: dict[int, object] = {value.slot: X}
    run(network, steps, results, output)
    assert list(results) == [steps[-1].slot]


def test_structures_of_outputs_stay() -> None:
    network = Made(lambda x: {"a": (x + 1, [x.max(1), 3]), "b": x.shape[1]})
    steps, (value,), output = followed(network, (X,))
    got = run(network, steps, {value.slot: X}, output)
    assert isinstance(got, dict)
    assert torch.equal(got["a"][0], X + 1)
    assert torch.equal(got["a"][1][0].values, X[:, 0])
    assert (got["a"][1][1], got["b"]) == (3, 1)


def test_slices_are_changed_too() -> None:
    assert replaced((slice(None, 2), None), lambda leaf: leaf and 5) == (slice(None, 5), None)


def test_grids_between_are_none() -> None:
    fine = Grid()
    coarse = Grid(Grid(fine, 4), 3)
    assert coarse.above(3) == (Grid(fine, 4), (coarse,))
    assert coarse.above(12) == (fine, (Grid(fine, 4), coarse))
    assert coarse.above(24) == (Grid(enlargement=2), (Grid(fine, 4), coarse))
    assert coarse.above(6) is None
    assert coarse.above(1) == (coarse, ())
    assert str(Grid(enlargement=2)) == "input*2"


@pytest.mark.parametrize("method", ["mass", "lps"])
@pytest.mark.parametrize("name", ["u-net", "residual", "norms", "squeezed"])
def test_a_network_without_numbers_can_be_converted(name: str, method: str) -> None:
    """On the meta device, to know the names and shapes of its parameters before there is room for them."""
    with torch.device("meta"):
        bare = make_equivariant(SMALL[name](), method, blur="tri-3", example=torch.empty(X.shape))
    state = make_equivariant(SMALL[name](), method, blur="tri-3", example=X).state_dict()
    assert {key: value.shape for key, value in bare.state_dict().items()} == {k: v.shape for k, v in state.items()}
    assert all(value.is_meta for value in bare.state_dict().values())
    bare.load_state_dict(state, assign=True)

"""What conversion leaves as it was, and what a converted network can be used for."""

import io
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from recon.nn import selection_margin
from recon.nn.conversion import EquivariantNetwork, make_equivariant, replacements, summary
from tests.nn.conversion.checks import hard_inputs, inexact, prepared, residues
from tests.nn.conversion.models import thin_deeplab
from tests.nn.conversion.networks import SMALL, Made, Residual, back, head, small_with_methods

SIZE = (12, 12)
X = torch.rand(2, 1, *SIZE, generator=torch.Generator().manual_seed(8))


def converted(name: str, method: str = "mass") -> EquivariantNetwork:
    return make_equivariant(prepared(SMALL[name]()), method, example=X[:1])


@pytest.mark.parametrize("method", ["mass", "aps"])
@pytest.mark.parametrize("name", sorted(SMALL))
def test_state_dicts_are_the_same(name: str, method: str) -> None:
    network = prepared(SMALL[name]())
    theirs, ours = network.state_dict(), make_equivariant(network, method, example=X).state_dict()
    assert list(theirs) == list(ours)
    assert all(torch.equal(theirs[key], ours[key]) for key in theirs)


def test_lps_adds_its_selectors_alone() -> None:
    network = prepared(SMALL["u-net"]())
    added = make_equivariant(network, "lps", example=X).state_dict().keys() - network.state_dict().keys()
    assert added
    assert all(key.startswith("equivariance.choices.") for key in added)


def test_parts_that_do_not_run_are_kept() -> None:
    network = thin_deeplab(auxiliary=True)
    network.add_module("unused", nn.Conv2d(1, 1, 1))
    ours = make_equivariant(network.eval(), example=torch.rand(1, 3, 32, 32))
    assert ours.state_dict().keys() == network.state_dict().keys()
    assert type(ours.get_submodule("unused")) is nn.Conv2d
    assert type(ours.get_submodule("backbone.layer1.0.conv2")) is nn.Conv2d


def test_the_original_is_untouched() -> None:
    network = SMALL["residual"]().train()
    before, x = deepcopy(network.state_dict()), X.clone()
    ours = make_equivariant(network, example=x)
    assert network.training
    assert ours.training
    assert torch.equal(x, X)
    for parameter in ours.parameters():
        parameter.data.zero_()
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in ours.modules())


@pytest.mark.parametrize(("name", "method"), small_with_methods())
def test_gradients_reach_every_weight_in_training(name: str, method: str) -> None:
    network = converted(name, method).train()
    x = X.clone().requires_grad_()
    y = network(x)
    assert isinstance(y, Tensor)
    (y * torch.rand_like(y)).sum().backward()
    assert x.grad is not None
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())


def test_training_keeps_it_exact() -> None:
    network = converted("u-net", "lps").train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(5):
        y = network(X + 0.1 * torch.randn_like(X))
        assert isinstance(y, Tensor)
        nn.functional.mse_loss(y, X).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert inexact(network.eval(), hard_inputs(SIZE), residues(4)) == []


def test_normalisation_and_dropout_follow_the_mode() -> None:
    network = make_equivariant(nn.Sequential(head(), nn.BatchNorm2d(4), nn.Dropout(0.5)).eval(), example=X)
    norm = network.get_submodule("1")
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    before = norm.running_mean.clone()
    network(X)
    assert torch.equal(norm.running_mean, before)
    y = network.train()(X)
    assert isinstance(y, Tensor)
    assert not torch.equal(norm.running_mean, before)
    assert 0.3 < (y == 0).double().mean() < 0.7


def test_other_sizes_and_batches_run() -> None:
    network = converted("u-net")
    for shape in ((1, 1, 8, 12), (5, 1, 20, 4)):
        y = network(torch.rand(shape))
        assert isinstance(y, Tensor)
        assert y.shape == shape


def test_weights_made_of_parameters_stay_so() -> None:
    """Weight normalisation, and a convolution whose weights the network makes itself."""

    class Standardised(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
            return nn.functional.conv2d(x, weight, self.bias, self.stride, self.padding)

    normed = parametrizations.weight_norm(nn.Conv2d(4, 4, 3, 2, 1))
    network = Made(lambda x, a, b, c: back(c(b(a(x))), x), head(), normed, Standardised(4, 4, 3, 2, 1)).eval()
    ours = make_equivariant(network, example=X)
    assert ours.state_dict().keys() == network.state_dict().keys()
    with torch.no_grad():
        for original in (network, ours):
            for parameter in original.parameters():
                parameter.mul_(1.5)
    again = make_equivariant(network, example=X)
    assert torch.equal(again(X), ours(X))
    assert inexact(ours, hard_inputs(SIZE), residues(4)) == []


def test_changing_an_image_in_place_is_followed() -> None:
    def function(x: Tensor, a: nn.Module, b: nn.Module) -> Tensor:
        y = a(x)
        y += 1
        wide = nn.functional.pad(y, (1, 1, 1, 1))
        y.mul_(2)  # a padded copy does not see it
        return b(wide) + y

    network = make_equivariant(Made(function, head(), nn.Conv2d(4, 4, 3)).eval(), example=X)
    y = network.get_submodule("parts.0")(nn.functional.pad(X, [1] * 4, mode="circular"))[:, :, 1:-1, 1:-1] + 1
    expected = network.get_submodule("parts.1")(nn.functional.pad(y, [1] * 4, mode="circular")) + 2 * y
    torch.testing.assert_close(network(X), expected)


def test_a_single_layer_is_a_network() -> None:
    for layer in (nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3, padding=1), nn.PReLU()):
        network = make_equivariant(prepared(layer), example=X)
        assert network.state_dict().keys() == layer.state_dict().keys()
        assert inexact(network, hard_inputs(SIZE), residues(2)) == []


def test_copies_and_files_compute_the_same() -> None:
    network = make_equivariant(
        prepared(nn.Sequential(head(), Residual(4, 4, 2), nn.Upsample(scale_factor=2))), example=X
    )
    file = io.BytesIO()
    torch.save(network, file)
    file.seek(0)
    for other in (deepcopy(network), torch.load(file, weights_only=False)):
        assert torch.equal(network(X), other(X))
        assert summary(other) == summary(network)


def test_margin_of_the_selections_is_seen() -> None:
    margin = selection_margin(converted("u-net"), torch.cat([X, torch.zeros_like(X)]))
    assert (margin > 0).tolist() == [True, True, False, False]


def test_summary_names_what_was_replaced() -> None:
    network = converted("residual")
    rows = replacements(network)
    assert [(row.operation, row.stride, row.grid, row.selection) for row in rows] == [
        ("conv2d", "1", "input", ""),
        ("conv2d", "1", "input", ""),
        ("conv2d", "2", "input/2", "chooses"),
        ("conv2d", "2", "input/2", "follows"),
        ("conv2d", "1", "input/2", ""),
        ("conv2d", "2", "input/2/2", "chooses"),
        ("conv2d", "2", "input/2/2", "follows"),
        ("interpolate", "1/4", "input", "returns"),
    ]
    assert rows[2].name.startswith("parts.1.second (")
    lines = summary(network).splitlines()
    assert len(lines) == 1 + len(rows)
    assert lines[0].split() == ["where", "operation", "stride", "grid", "phase"]

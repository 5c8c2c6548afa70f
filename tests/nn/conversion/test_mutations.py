"""The tests of exactness can fail: take away what makes converted networks exact, one by one, and they do."""

from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon.nn import Anchor
from recon.nn.conversion import make_equivariant
from recon.nn.conversion.planning import Plan
from recon.nn.selectors import Phase
from tests.images import all_images
from tests.nn.conversion.checks import hard_inputs, inexact, prepared, residues
from tests.nn.conversion.networks import SMALL

SIZE = (12, 20)


def found(name: str, method: str = "mass", size: tuple[int, int] = SIZE) -> list[str]:
    network = make_equivariant(prepared(SMALL[name]()), method, example=torch.rand(1, 1, *size))
    return inexact(network, hard_inputs(size, batch=3), residues(4))


class Forgetful(dict[object, object]):
    """Forgets which choices were made, so that every operation makes its own."""

    def __contains__(self, _: object) -> bool:
        return False


def test_choices_of_their_own_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    build: Callable[..., None] = Plan.__init__

    def forgetful(self: Plan, *args: object, **options: object) -> None:
        build(self, *args, **options)
        self._choices = Forgetful()  # type: ignore[assignment]

    assert found("residual", "aps") == []
    monkeypatch.setattr(Plan, "__init__", forgetful)
    assert "noise" in found("residual", "aps")


def test_images_that_do_not_return_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def stay(x: Tensor, phases: Sequence[Phase], strides: Sequence[int], *, scale: int = 1) -> Tensor:
        return x

    monkeypatch.setattr("recon.nn.conversion.planning.return_to_grid", stay)
    assert "noise" in found("max")


def test_returning_by_one_level_alone_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.nn.conversion.grids.Grid.above", lambda self, factor: (self.finer, (self,)))
    assert "noise" in found("residual")


def test_not_averaging_over_symmetries_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Anchor, "settle", lambda _, output: output)
    assert {"zero", "constant", "checkerboard"} & set(found("u-net"))


def test_anchors_that_are_not_carried_down_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.nn.conversion.planning.descend", lambda anchor, phase, x, stride: anchor)
    network = make_equivariant(prepared(SMALL["u-net"]()), "aps", example=torch.rand(1, 1, 16, 24))
    images = {name: image[None] for name, image in all_images((16, 24)).items()}
    assert "checkerboard of 2" in inexact(network, images, residues(4))


def float_norm(x: Tensor, groups: int, weight: Tensor, bias: Tensor, *, epsilon: float) -> Tensor:
    return F.group_norm(x, groups, weight, bias, epsilon)


@pytest.mark.parametrize(
    ("name", "function", "instead"),
    [
        ("norms", "rules_pointwise.group_norm", float_norm),
        ("activations", "rules_pointwise.alike", lambda function, x, *args, **options: function(x, *args)),
        ("channels last", "rules_pointwise.linear", F.linear),
        ("squeezed", "rules_reduce.mean_over", lambda x, axes: x.mean(axes, keepdim=True)),
        ("reductions", "rules_reduce.sum_over", lambda x, axes: x.sum(axes, keepdim=True)),
    ],
)
def test_torchs_own_rounding_fails(
    name: str, function: str, instead: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(name, size=(12, 36)) == []
    monkeypatch.setattr(f"recon.nn.conversion.{function}", instead)
    assert "noise" in found(name, size=(12, 36))


def test_torchs_own_convolutions_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.nn.conversion.windows.always_onednn", lambda x, weight: False)
    x = torch.randn(1, 7, 9, 11)
    network = make_equivariant(nn.Conv2d(7, 3, 3, padding=1), example=x)
    assert inexact(network, {"noise": x}, residues(3)) != []

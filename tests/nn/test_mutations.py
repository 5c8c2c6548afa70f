"""The tests of exactness can fail: break each of its three causes, and they do."""

import pytest
import torch
from torch import Tensor

from recon.nn import Anchor, UNet
from recon.ops import split_phases
from tests.images import all_images
from tests.nn.test_exactness import failures, residues


def network() -> UNet:
    return UNet(1, 1, (4, 8, 16), sampling="mass").eval()


def rounded_energies(x: Tensor, stride: int = 2, *, p: float = 2.0) -> Tensor:
    """What a float sum gives: another rounding for another order of the same pixels."""
    sums = split_phases(x, stride).square().flatten(2).sum(2)
    return (sums.double() * 2.0**36).to(torch.int64)


def test_rounded_sums_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.nn.selectors.phase_energies", rounded_energies)
    assert failures(network(), all_images(), residues(2)) != {}


def test_breaking_ties_by_order_fails() -> None:
    broken = UNet(1, 1, (4, 8, 16), sampling="mass", ties="first").eval()
    assert failures(broken, all_images(), residues(2)) != {}


def test_anchors_that_do_not_move_with_the_image_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.nn.anchor.anchor_pixel", lambda hashes: torch.zeros(len(hashes), 2, dtype=torch.int64))
    found = failures(network(), all_images(), residues(2))
    assert found != {}


def test_not_averaging_over_symmetries_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Anchor, "settle", lambda _, output: output)
    found = failures(network(), all_images(), residues(2))
    assert found != {}
    assert "camera" not in found

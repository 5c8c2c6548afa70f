"""What training makes small."""

import pytest
import torch

from recon.nn.unet import UNet
from recon.training.losses import LossName, equivariance_loss, reconstruction_loss

ONES = torch.ones(2)


@pytest.mark.parametrize(("name", "wanted"), [("mse", (0 + 1 + 4 + 9) / 4), ("l1", (0 + 1 + 2 + 3) / 4)])
def test_mse_and_l1_are_those_worked_out_by_hand(name: LossName, wanted: float) -> None:
    output = torch.tensor([[0.0, 1.0], [2.0, 3.0]]).reshape(1, 1, 2, 2)
    assert reconstruction_loss(name, output, torch.zeros(1, 1, 2, 2), ONES[:1]).item() == wanted


def test_ssim_of_constant_images_is_that_worked_out_by_hand() -> None:
    """Without variance, SSIM = (2 a b + c) / (a**2 + b**2 + c) with c = (0.01 * peak)**2."""
    a, b, peak = 0.5, 1.0, 2.0
    constant = (0.01 * peak) ** 2
    wanted = 1 - (2 * a * b + constant) / (a**2 + b**2 + constant)
    image = torch.ones(2, 1, 9, 9)
    assert reconstruction_loss("ssim", a * image, b * image, peak * ONES).item() == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("name", ["mse", "l1", "ssim"])
def test_equal_images_have_no_loss_and_others_have_a_gradient(name: LossName) -> None:
    target = torch.rand(2, 1, 12, 10)
    assert reconstruction_loss(name, target, target, ONES).item() == pytest.approx(0, abs=1e-6)
    output = torch.rand(2, 1, 12, 10, requires_grad=True)
    loss = reconstruction_loss(name, output, target, ONES)
    loss.backward()
    assert loss.item() > 0
    assert output.grad is not None
    assert output.grad.abs().sum() > 0


def penalty(sampling: str, *, furthest: int = 5) -> float:
    """Give the equivariance loss of a network in eval mode."""
    network = UNet(channels=(4, 6), sampling=sampling).eval()
    images = torch.randn(2, 1, 12, 10)
    with torch.no_grad():
        return equivariance_loss(network, images, network(images), furthest=furthest).item()


@pytest.mark.parametrize("sampling", ["aps", "mass", "lps"])
def test_an_equivariant_network_has_no_penalty(sampling: str) -> None:
    assert penalty(sampling) == 0


def test_a_plain_network_has_one() -> None:
    assert max(penalty("plain") for _ in range(5)) > 1e-6  # some of the random shifts may be even


def test_shifts_are_drawn_from_torchs_numbers_and_stay_within_their_range() -> None:
    seen = set()

    def network(images: torch.Tensor) -> torch.Tensor:
        seen.add(tuple(int(place) for place in images[0, 0].nonzero()[0]))
        return images

    impulse = torch.zeros(1, 1, 9, 9)
    impulse[0, 0, 4, 4] = 1
    for _ in range(200):
        assert equivariance_loss(network, impulse, impulse, furthest=2).item() == 0
    assert seen == {(row, column) for row in range(2, 7) for column in range(2, 7)}

"""Exactly shift-equivariant: every sampling that claims it, on every input, for every shift, in every format."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from recon.metrics import equivariance_error
from recon.nn import UNet
from tests.images import all_images, ordinary_images

EXACT = ("aps", "mass", "mass-unpool", "lps")
BLURS = (None, "rect-2", "tri-3", "bin-5", "adaptive-3")


def residues(levels: int, *, far: int = 0) -> list[tuple[int, int]]:
    """All shifts that differ for a network of so many sampling pairs, each moved by a multiple of its total stride."""
    period = 2**levels
    return [(r + far * period, c) for r, c in product(range(period), repeat=2)]


def failures(
    network: Callable[[Tensor], Tensor], images: dict[str, Tensor], shifts: Iterable[tuple[int, int]]
) -> dict[str, float]:
    """Name the images whose output does not shift with them bit for bit, with the largest NMSE of each."""
    found: dict[str, float] = {}
    batch = torch.stack(list(images.values()))
    with torch.no_grad():
        output = network(batch)
    for shift in shifts:
        if not equivariance_error(lambda x: output if x is batch else network(x), batch, shift).bitwise:
            for name, image in images.items():
                error = equivariance_error(network, image[None], shift)
                if not error.bitwise:
                    found[name] = max(found.get(name, 0.0), error.nmse)
            found = found or {"only as a batch": 0.0}
    return found


def trained(network: UNet, steps: int = 50) -> UNet:
    """Train a little, on denoising."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    clean = torch.stack(list(ordinary_images().values()))[[0, 2, 3]]
    network.train()
    for _ in range(steps):
        noisy = clean + 0.1 * torch.randn_like(clean)
        nn.functional.mse_loss(network(noisy), clean).backward()
        optimizer.step()
        optimizer.zero_grad()
    return network.eval()


@pytest.mark.parametrize("blur", BLURS)
@pytest.mark.parametrize("sampling", EXACT)
def test_untrained_networks_are_exact_on_every_image(sampling: str, blur: str | None) -> None:
    network = UNet(1, 1, (4, 8, 16), sampling=sampling, blur=blur).eval()
    assert failures(network, all_images(), residues(2, far=3)) == {}


@pytest.mark.parametrize("blur", BLURS)
@pytest.mark.parametrize("sampling", EXACT)
def test_trained_networks_are_exact_on_every_image(sampling: str, blur: str | None) -> None:
    network = trained(UNet(1, 1, (4, 8, 16), sampling=sampling, blur=blur))
    assert failures(network, all_images(), residues(2)) == {}


@pytest.mark.parametrize("kind", ["channels_last", "bfloat16", "bfloat16 channels_last", "autocast"])
@pytest.mark.parametrize("blur", [None, "tri-3", "adaptive-3"])
@pytest.mark.parametrize("sampling", EXACT)
def test_formats_are_exact_on_every_image(sampling: str, blur: str | None, kind: str) -> None:
    network = trained(UNet(1, 1, (4, 8, 16), sampling=sampling, blur=blur), steps=5)
    images = all_images()
    if "bfloat16" in kind:
        network = network.bfloat16()
        images = {name: image.bfloat16() for name, image in images.items()}
    if "channels_last" in kind:
        network = network.to(memory_format=torch.channels_last)

    def run(x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last if "channels_last" in kind else torch.contiguous_format)
        with torch.autocast("cpu", torch.bfloat16) if kind == "autocast" else nullcontext():
            output: Tensor = network(x)
            return output

    assert failures(run, images, residues(2)) == {}


@pytest.mark.parametrize(
    ("sampling", "blur", "channels_last"),
    [
        ("aps", None, False),
        ("aps", "tri-3", True),
        ("mass", None, True),
        ("mass-unpool", None, False),
        ("lps", None, True),
    ],
)
def test_four_levels_are_exact_for_all_256_residues(sampling: str, blur: str | None, channels_last: bool) -> None:
    network = UNet(1, 1, (4, 4, 8, 8, 16), sampling=sampling, blur=blur).eval()
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
    assert failures(network, all_images(), residues(4)) == {}


@pytest.mark.parametrize("blur", [None, "tri-3", "adaptive-3"])
@pytest.mark.parametrize("sampling", EXACT)
def test_float64_is_exact_to_rounding(sampling: str, blur: str | None) -> None:
    network = UNet(1, 1, (4, 8, 16), sampling=sampling, blur=blur).double().eval()
    for name, image in all_images().items():
        for shift in residues(2):
            error = equivariance_error(network, image[None].double(), shift)
            assert error.nmse < 1e-28, (name, shift)


@pytest.mark.parametrize("blur", [None, "tri-3"])
@pytest.mark.parametrize("sampling", ["plain", "lpf"])
def test_plain_and_blurred_networks_are_not_exact(sampling: str, blur: str | None) -> None:
    network = UNet(1, 1, (4, 8, 16), sampling=sampling, blur=blur).eval()
    found = failures(network, ordinary_images(), residues(2))
    assert {"camera", "noise", "astronaut"} <= set(found)

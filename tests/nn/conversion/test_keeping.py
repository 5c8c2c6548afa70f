"""A sampling that keeps samples puts them in the place of pooling, and leaves convolutions as they are."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from recon.errors import ConfigError
from recon.nn.conversion import make_equivariant, replacements, with_one_phase
from recon.ops.phases import split_phases
from recon.samplings import SAMPLINGS, Sampling
from tests.nn.conversion.checks import hard_inputs, inexact, prepared, residues
from tests.nn.conversion.models import MODELS, thin_vgg
from tests.nn.conversion.networks import SMALL, Made, back, head

SIZE = (12, 24)
KEEPING = {name: replace(SAMPLINGS[name], name=f"kept by {name}", down="keep") for name in ("aps", "mass", "lps")}
POOLS: dict[str, nn.Module] = {
    "max": nn.MaxPool2d(2),
    "max of 3": nn.MaxPool2d(3, 2, 1),
    "up to the border": nn.MaxPool2d(3, 2, ceil_mode=True),
    "by 3": nn.MaxPool2d(3),
    "average": nn.AvgPool2d(2),
    "power": nn.LPPool2d(2, 2),
}


class Slice(nn.Module):
    """Every stride-th pixel."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Slice."""
        return x[:, :, :: self.stride, :: self.stride]


def pooled(pool: nn.Module) -> nn.Module:
    return prepared(Made(lambda x, a, b, c: back(c(b(a(x))), x), head(), pool, nn.Conv2d(4, 2, 1)))


def converted(network: nn.Module, sampling: Sampling, size: Sequence[int] = SIZE, channels: int = 1) -> nn.Module:
    return make_equivariant(network, sampling, example=torch.rand(1, channels, *size)).eval()


@pytest.mark.parametrize("method", sorted(KEEPING))
@pytest.mark.parametrize("name", sorted(POOLS))
def test_samples_in_the_place_of_pooling_are_exact(name: str, method: str) -> None:
    network = converted(pooled(POOLS[name]), KEEPING[method])
    assert inexact(network, hard_inputs(SIZE, batch=2), residues(3 if name == "by 3" else 2)) == []


@pytest.mark.parametrize("blur", ["tri-3", "adaptive-3"])
def test_blurred_samples_are_exact(blur: str) -> None:
    network = converted(pooled(POOLS["max"]), replace(KEEPING["aps"], blur=blur))
    assert inexact(network, hard_inputs(SIZE, batch=2), residues(2)) == []


@torch.no_grad()
@pytest.mark.parametrize("name", sorted(POOLS))
def test_with_one_phase_pooling_is_a_slice(name: str) -> None:
    network, x = pooled(POOLS[name]), torch.randn(16, 1, *SIZE)
    kept = with_one_phase(converted(network, KEEPING["aps"]))
    parts = network.get_submodule("parts")
    assert isinstance(parts, nn.ModuleList)
    assert isinstance(parts[0], nn.Conv2d)
    parts[0].padding_mode = "circular"
    parts[1] = Slice(3 if name == "by 3" else 2)
    assert torch.equal(kept(x), network(x))


def test_the_phase_of_largest_norm_is_kept() -> None:
    """Worked out here without selectors, for images that have no ties."""
    network, x = nn.Sequential(head(), nn.MaxPool2d(2)), torch.randn(8, 1, *SIZE)
    phases = split_phases(make_equivariant(network[0], example=x)(x))
    best = phases.double().square().flatten(2).sum(2).argmax(1)
    for method in ("aps", "mass"):
        assert torch.equal(converted(network, KEEPING[method])(x), phases[torch.arange(8), best])


def test_strided_convolutions_and_global_pooling_stay() -> None:
    network, x = prepared(MODELS["resnet18"].build()), torch.randn(2, 3, 64, 64)
    for sampling, pools in ((KEEPING["aps"], "keep for max_pool2d"), (SAMPLINGS["aps"], "max_pool2d")):
        rows = replacements(make_equivariant(network, sampling, example=x))
        strided = [row.operation for row in rows if row.stride == "2"]
        assert strided == ["conv2d", pools, *["conv2d"] * 6]
    plain = prepared(nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)))
    x = torch.randn(2, 1, *SIZE)
    assert torch.equal(converted(plain, KEEPING["aps"])(x), converted(plain, SAMPLINGS["aps"])(x))


def test_pooling_of_stride_1_stays() -> None:
    network, x = nn.Sequential(head(), nn.MaxPool2d(3, 1, 1)), torch.randn(2, 1, *SIZE)
    assert torch.equal(converted(network, KEEPING["aps"])(x), converted(network, SAMPLINGS["aps"])(x))


def test_a_classifier_by_samples_is_exact() -> None:
    images = hard_inputs((32, 32), channels=3)
    network = prepared(thin_vgg())
    kept, usual = (converted(network, by, (32, 32), 3) for by in (KEEPING["aps"], SAMPLINGS["aps"]))
    assert inexact(kept, images, [*residues(4), (31, 17)]) == []
    assert not torch.equal(kept(images["noise"]), usual(images["noise"]))


def test_places_of_maxima_that_are_not_taken_are_refused() -> None:
    with pytest.raises(ConfigError, match="keeps samples in the place of maxima"):
        converted(SMALL["unpool"](), KEEPING["mass"])

"""What cannot be made equivariant is refused, and the error names the operation and its place."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import recon
from recon.errors import ConfigError, DataError, ShapeError
from recon.nn import Converted
from recon.nn.conversion import make_equivariant, replacements
from tests.nn.conversion.models import thin_vgg
from tests.nn.conversion.networks import SMALL, Made, head

X = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(9))


def refusal(network: nn.Module, method: str = "mass", x: Tensor = X) -> str:
    with pytest.raises(ConfigError) as error:
        make_equivariant(network.eval(), method, example=x)
    return str(error.value)


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "no padding": (lambda: nn.Sequential(head(), nn.Conv2d(4, 4, 3)), "its padding of 0 and 0 pixels does not fit"),
    "too much padding": (lambda: nn.Conv2d(1, 4, 3, padding=2), "its padding of 2 and 2 pixels does not fit"),
    "unfit transposed": (lambda: nn.ConvTranspose2d(1, 4, 3, 2, 1), "do not fit its stride"),
    "strides of two kinds": (lambda: nn.Conv2d(1, 4, 3, (1, 2), 1), "its stride must be the same along every axis"),
    "corners": (
        lambda: nn.Sequential(nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)),
        "align_corners=True",
    ),
    "bicubic": (
        lambda: nn.Sequential(nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="bicubic")),
        "its mode must be one of",
    ),
    "between grids": (lambda: nn.Sequential(nn.MaxPool2d(4), nn.Upsample(scale_factor=2)), "to between the grids"),
    "two ways down": (
        lambda: Made(lambda x: F.max_pool2d(x, 4) + F.max_pool2d(F.max_pool2d(x, 2), 2)),
        "different grids",
    ),
    "overlapping places": (
        lambda: Made(lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[0]),
        "places of maxima",
    ),
    "side by side": (lambda: Made(lambda x: torch.cat([x, x], 3)), "side by side"),
    "cut out": (lambda: Made(lambda x: x[:, :, 2:]), "cuts a part out"),
    "one row": (lambda: Made(lambda x: x[:, :, 2]), "single rows"),
    "mean of rows": (lambda: Made(lambda x: x.mean(2)), "some axes of the image only"),
    "mean of all": (lambda: Made(lambda x: x.mean()), "must say over which axes"),
    "places of maxima": (lambda: Made(lambda x: x.flatten(2).max(2)[0]), "mixes the pixels"),
    "batch moved": (lambda: Made(lambda x: x.transpose(0, 1)), "moves the batch"),
    "batch changed": (lambda: Made(lambda x, a: a(x).flatten(0, 1)[:, None], head()), "changes the batch"),
    "batch taken apart": (lambda: Made(lambda x: x[0]), "takes images out of a batch"),
    "batch removed": (lambda: Made(lambda x: x.squeeze()), "removes the batch"),
    "padded size": (
        lambda: Made(lambda x: x * (F.pad(x, (1, 1, 1, 1)).shape[2] - 1)),
        "size of an image that was padded",
    ),
    "repeated": (lambda: Made(lambda x, a: F.avg_pool2d(a(x), 2).repeat(1, 1, 2, 2), head()), "repeats an image"),
    "flattened": (lambda: nn.Sequential(head(), nn.Flatten(), nn.Linear(1024, 2)), "mixes the pixels of an image"),
    "turned over": (lambda: Made(lambda x: x.flip(2)), "nothing is known"),
    "written into": (lambda: Made(lambda x: written(x)), "nothing is known"),
    "places": (lambda: Made(lambda x: x + torch.arange(16.0)), "does not move with the image"),
    "weights for places": (lambda: nn.LayerNorm((1, 16, 16)), "weights for every place"),
    "padded and normalised": (lambda: nn.Sequential(nn.ZeroPad2d(1), nn.InstanceNorm2d(1)), "was padded before it"),
    "pooled to a size": (lambda: nn.AdaptiveAvgPool2d(4), "only one pixel stays"),
    "matrix of columns": (
        lambda: Made(lambda x: F.linear(x, torch.ones(16, 16))),
        "all axes but the first and the last",
    ),
    "softmax of columns": (lambda: nn.Softmax(3), "compares the pixels"),
}


def written(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, :, 0] = 0
    return y


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_does_not_commute_is_refused(name: str) -> None:
    build, why = REFUSED[name]
    message = refusal(build())
    assert why in message
    assert "cannot be made equivariant" in message
    assert "wrap the network in recon.Canonical" in message


def test_the_operation_and_its_place_are_named() -> None:
    message = refusal(nn.Sequential(head(), Made(lambda x: x.flip(2))))
    assert message.startswith("flip in 1 (")
    assert "test_errors.py:" in message


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: nn.Sequential(head(), nn.Conv2d(4, 4, 3)), "conv2d in 1 cannot"),
        (lambda: nn.Sequential(nn.Sequential(head(), nn.Softmax(3))), "softmax in 0.1 cannot"),
        (lambda: nn.Conv2d(1, 4, 3), "conv2d cannot"),
        (lambda: Made(lambda x, a: a(x), nn.Conv2d(1, 4, 3)), "conv2d in parts.0 (" + __file__ + ":"),
    ],
)
def test_files_of_recon_are_never_named(build: Callable[[], nn.Module], named: str) -> None:
    """Of modules of torch alone the name is said; a line, where there is one of the network's own code."""
    with pytest.raises(ConfigError) as wrapped:
        Converted("nets:build", build(), example=X.shape[1:])
    for message in (refusal(build()), str(wrapped.value)):
        assert message.startswith(named)
        assert str(Path(recon.__file__).parent) not in message


@pytest.mark.parametrize(
    "branch",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x * x.mean().item(),
        lambda x: x * float(x.amax()),
        lambda x: x / len(x[x > 0].tolist()),
    ],
)
def test_a_network_that_looks_at_values_is_refused(branch: Callable[[Tensor], Tensor]) -> None:
    message = refusal(Made(branch))
    assert "cannot be followed" in message
    assert "test_errors.py:" in message


def test_a_network_made_for_one_number_of_images_is_refused() -> None:
    assert "cannot be followed" in refusal(Made(lambda x: x * len(x)))


@pytest.mark.parametrize("function", [torch.rand_like, lambda x: torch.from_numpy(x.detach().__array__() * 2)])
def test_a_network_that_computes_out_of_sight_is_refused(function: Callable[[Tensor], Tensor]) -> None:
    assert "cannot be followed" in refusal(Made(lambda x, a: a(x) + function(x), head()))


def test_a_scripted_part_is_refused_and_named() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()))
    message = refusal(nn.Sequential(head(), scripted, nn.Conv2d(4, 4, 3, padding=1)))
    assert "cannot be followed: 1 is a scripted module" in message


def test_unpooling_by_a_learned_selection_is_refused() -> None:
    assert "maxima cannot be unpooled to that" in refusal(SMALL["unpool"](), "lps")


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'mass'"):
        make_equivariant(head(), "mas", example=X)


def test_a_name_that_is_taken_is_refused() -> None:
    network = nn.Sequential(head())
    network.add_module("equivariance", nn.Identity())
    with pytest.raises(ConfigError, match="equivariance"):
        make_equivariant(network, example=X)


def test_sizes_that_do_not_fit_are_refused_when_they_come() -> None:
    network = make_equivariant(SMALL["u-net"]().eval(), example=X)
    with pytest.raises(ShapeError, match=r"avg_pool2d.*must have H and W divisible by 2, got H=7, W=9"):
        network(torch.rand(1, 1, 14, 18))


def test_a_classifier_of_places_takes_one_place_only() -> None:
    network = make_equivariant(thin_vgg().eval(), example=torch.rand(1, 3, 32, 32))
    with pytest.raises(ShapeError, match="reads a map of 2 x 2 pixels in a fixed order"):
        network(torch.rand(1, 3, 64, 64))


def test_wrong_inputs_are_refused() -> None:
    network = make_equivariant(head(), example=X)
    with pytest.raises(DataError, match="finite"):
        network(X * torch.nan)
    with pytest.raises(ShapeError, match="must have the shape"):
        network(X[0])
    with pytest.raises(ConfigError, match="must come from make_equivariant"):
        replacements(head())

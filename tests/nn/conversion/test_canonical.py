"""Canonical makes any deterministic network exact, and says what it cannot do."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon.errors import DataError, ShapeError
from recon.metrics import equivariance_error
from recon.nn.canonical import Canonical
from tests.nn.conversion.checks import hard_inputs, inexact, random_shifts, residues
from tests.nn.conversion.networks import Made, head

SIZE = (12, 16)
SHIFTS = [*residues(3), *random_shifts(SIZE, 4)]


def zero_padded() -> nn.Module:
    layers = (head(), nn.ReLU(), nn.Conv2d(4, 6, 3, 2, 1), nn.ReLU(), nn.Upsample(scale_factor=2, mode="bicubic"))
    return nn.Sequential(*layers, nn.Conv2d(6, 2, 3, padding=1)).eval()


@pytest.mark.parametrize("batch", [1, 3])
def test_a_zero_padded_network_becomes_exact(batch: int) -> None:
    network = zero_padded()
    assert "noise" in inexact(network, hard_inputs(SIZE, batch=batch), SHIFTS)
    assert inexact(Canonical(network), hard_inputs(SIZE, batch=batch), SHIFTS) == []


def test_a_scripted_network_and_one_of_another_library_become_exact() -> None:
    numbers = torch.randn(SIZE).numpy()  # looks at every pixel by its place

    def foreign(x: Tensor) -> Tensor:
        return torch.from_numpy(x.numpy() * numbers + numbers)

    for network in (torch.jit.script(zero_padded()), foreign):
        assert inexact(Canonical(network), hard_inputs(SIZE, batch=2), SHIFTS) == []


def test_images_of_their_own_shifts_in_a_batch_are_exact() -> None:
    network, x = Canonical(zero_padded()), torch.randn(3, 1, *SIZE)
    shift = torch.tensor([[0, 5], [3, 1], [11, 15]])
    assert equivariance_error(network, x, shift).bitwise


@pytest.mark.parametrize(("dims", "size"), [(1, (12,)), (3, (4, 6, 8))])
def test_other_dimensions_are_exact(dims: int, size: tuple[int, ...]) -> None:
    layer = (nn.Conv1d, nn.Conv3d)[dims // 2](1, 2, 3, padding=1)
    assert inexact(Canonical(layer, dims=dims), hard_inputs(size), random_shifts(size, 5)) == []


def test_every_kind_of_output_moves_or_stays() -> None:
    a = head(4)

    def outputs(x: Tensor) -> dict[str, Tensor]:
        y = a(x)
        return {
            "image": y,
            "labels": y.argmax(1),
            "channel": y[:, 0],
            "class": y.flatten(1)[:, :5],
            "pooled": F.adaptive_max_pool2d(y, 1),
            "larger": F.interpolate(y, scale_factor=3),
        }

    network, x, shift = Canonical(outputs), torch.randn(2, 1, *SIZE), (5, 3)
    before, after = network(x), network(torch.roll(x, shift, (2, 3)))
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    for name, y in before.items():
        times = {"larger": 3, "class": 0, "pooled": 0}.get(name, 1)
        assert torch.equal(after[name], torch.roll(y, (5 * times, 3 * times), (-2, -1)) if times else y), name


def test_larger_outputs_of_symmetric_images_are_exact() -> None:
    network = Canonical(nn.Sequential(head(4), nn.PixelShuffle(2)))
    for name, x in hard_inputs(SIZE).items():
        y, z = network(x), network(torch.roll(x, (1, 3), (2, 3)))
        assert isinstance(y, Tensor)
        assert torch.equal(z, torch.roll(y, (2, 6), (2, 3))), name


def test_complex_images_are_exact() -> None:
    def network(x: Tensor) -> Tensor:
        return x * torch.arange(SIZE[1])

    x = torch.randn(2, 1, *SIZE, dtype=torch.complex64)
    y, z = Canonical(network)(x), Canonical(network)(torch.roll(x, (2, 3), (2, 3)))
    assert isinstance(y, Tensor)
    assert torch.equal(z, torch.roll(y, (2, 3), (2, 3)))


def test_an_equivariant_network_stays_what_it_was() -> None:
    network, x = nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), torch.randn(2, 1, *SIZE)
    torch.testing.assert_close(Canonical(network)(x), network(x))


def test_noise_can_move_what_a_network_computes() -> None:
    """What the docstring warns of: the border lands somewhere else."""
    network = Canonical(Made(lambda x: x * torch.arange(float(SIZE[1]))))
    x = torch.randn(1, 1, *SIZE)
    changes = [network(x + 1e-6 * torch.randn_like(x)) - network(x) for _ in range(8)]
    assert max(float(change.abs().max()) for change in changes) > 1


def test_a_module_is_part_of_it() -> None:
    network = zero_padded()
    assert {f"network.{key}" for key in network.state_dict()} == set(Canonical(network).state_dict())


def test_gradients_pass() -> None:
    x = torch.randn(2, 1, *SIZE, requires_grad=True)
    y = Canonical(zero_padded())(x)
    assert isinstance(y, Tensor)
    y.square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_what_cannot_be_moved_back_is_refused() -> None:
    with pytest.raises(ShapeError, match="wrap the network so that it gives such outputs alone"):
        Canonical(nn.AvgPool2d(2))(torch.randn(1, 1, *SIZE))
    with pytest.raises(DataError, match="finite"):
        Canonical(nn.Identity())(torch.full((1, 1, *SIZE), torch.nan))

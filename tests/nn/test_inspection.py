"""Looking into selections: phases as they were chosen, whoever makes the pass, and nothing left behind."""

import torch
from torch import Tensor, nn

from recon.nn import UNet, make_equivariant, selection_margin, with_fixed_phases, with_one_phase
from recon.nn.inspection import recorded_selections, selected_phases

SMALL = (4, 8, 16)


def impulse(row: int, column: int) -> Tensor:
    x = torch.zeros(1, 1, 8, 8)
    x[..., row, column] = 1
    return x


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())


def test_the_phase_is_that_of_the_only_pixel() -> None:
    """The largest norm at stride 2 is that of the phase on which the pixel lies."""
    down = UNet(1, 1, (1, 2), sampling="mass").eval().downs[0]
    for row, column in ((0, 0), (4, 3), (5, 2), (7, 7)):
        (phase,) = selected_phases(down, impulse(row, column))
        assert phase.tolist() == [[row % 2, column % 2]]


def test_phases_move_with_the_image_level_by_level() -> None:
    network = UNet(1, 1, SMALL, sampling="aps").eval()
    x = torch.randn(3, 1, 16, 24)
    fine, coarse = selected_phases(network, x)
    for shift in ((1, 0), (2, 3), (3, 1)):
        moved_fine, moved_coarse = selected_phases(network, torch.roll(x, shift, (2, 3)))
        absolute = (fine + 2 * coarse + torch.tensor(shift)) % 4
        assert torch.equal((moved_fine + 2 * moved_coarse) % 4, absolute)


def test_fixed_phases_are_recorded_too() -> None:
    network = with_fixed_phases(UNet(1, 1, SMALL, sampling="aps").eval(), (1, 0))
    phases = selected_phases(network, torch.randn(2, 1, 8, 8))
    assert [phase.tolist() for phase in phases] == [[[1, 0], [1, 0]]] * 2


def test_a_pass_made_elsewhere_is_recorded_and_gives_the_margin() -> None:
    network = UNet(1, 1, SMALL, sampling="lps").eval()
    x = torch.randn(3, 1, 16, 16)
    with torch.no_grad(), recorded_selections(network) as found:
        network(x)
    assert all(torch.equal(*pair) for pair in zip(found.offsets, selected_phases(network, x), strict=True))
    assert torch.equal(found.margin(x), selection_margin(network, x))
    assert len(found.gaps) == len(found.offsets) == 2


def test_the_network_is_left_as_it_was() -> None:
    network = UNet(1, 1, SMALL, sampling="lps").train()
    selected_phases(network, torch.randn(2, 1, 16, 16))
    assert all(module.training for module in network.modules())
    assert hooks(network) == 0
    try:
        with recorded_selections(network):
            network(torch.full((1, 1, 8, 8), torch.nan))
    except ValueError:
        pass
    assert hooks(network) == 0


def test_networks_without_down_layers_choose_nothing() -> None:
    network, x = nn.MaxPool2d(2), torch.randn(2, 1, 4, 4)
    assert selected_phases(network, x) == []
    assert selection_margin(network, x).tolist() == [torch.inf] * 2


def test_choices_of_a_converted_network_are_recorded_and_can_be_fixed() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.MaxPool2d(2), nn.ConvTranspose2d(4, 1, 4, 4))
    converted = make_equivariant(plain, example=torch.rand(1, 1, 8, 8)).eval()
    x = torch.randn(5, 1, 16, 16)
    phases = selected_phases(converted, x)
    assert [tuple(phase.shape) for phase in phases] == [(5, 2), (5, 2)]
    assert len({tuple(phase) for phase in phases[0].tolist()}) > 1
    assert bool((selection_margin(converted, x) > 0).all())
    fixed = with_fixed_phases(converted)
    assert not any(bool(phase.any()) for phase in selected_phases(fixed, x))
    assert torch.equal(fixed(x), with_one_phase(converted)(x))

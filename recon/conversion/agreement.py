"""How far a network agrees with itself under shifts, on any image: no data set is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recon.metrics.equivariance import disagreement
from recon.nn.conversion.steps import leaves
from recon.ops.periodic import roll_images


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """An image (1, C, *spatial), what it shows, and the shifts to be tried of it."""

    name: str
    image: Tensor
    shifts: Sequence[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a network does to one image under shifts.

    Args:
        image: what the image shows.
        compared: how many shifts were tried.
        bitwise: after how many of them all outputs were equal, bit for bit, once moved back.
        nmse: the largest error of an output.
    """

    image: str
    compared: int
    bitwise: int
    nmse: float


def agreement(
    network: nn.Module, trial: Trial, *, batch_size: int = 8, told: Callable[[int], None] = lambda count: None
) -> Agreement:
    """Try all shifts: outputs of pixels are moved back, those without must stay as they are.

    Every tensor of the output is compared that `movement` knows to move. `told` is told how many images were done.
    """
    size = min(batch_size, len(trial.shifts))
    unmoved = _outputs(network, trial.image, [(0,) * (trial.image.ndim - 2)] * size)
    equal, largest = 0, 0.0
    for start in range(0, len(trial.shifts), size):
        part = trial.shifts[start : start + size]
        filled = [*part, *[part[-1]] * (size - len(part))]  # bits depend on the size of a batch, and on the row in it
        errors = [
            [disagreement(before[row], after[row]) for row in range(len(part))]
            for before, after in zip(unmoved, _outputs(network, trial.image, filled), strict=True)
        ]
        equal += sum(all(error.bitwise for error in of_a_shift) for of_a_shift in zip(*errors, strict=True))
        largest = max([largest, *(error.nmse for of_an_output in errors for error in of_an_output)])
        told(len(part))
    return Agreement(trial.name, len(trial.shifts), equal, largest)


def movement(output: Tensor, images: Tensor) -> int | None:
    """Say how an output moves with the images: not at all (0), by as many pixels (1), or by a multiple of that.

    None where that is not known, as of outputs on a coarser grid, which move by phases of their own.

    >>> images = torch.zeros(2, 1, 8, 8)
    >>> [movement(torch.zeros(shape), images) for shape in ((2, 5), (2, 3, 8, 8), (2, 3, 16, 16), (2, 3, 4, 4))]
    [0, 1, 2, None]
    """
    if output.ndim == 0 or len(output) != len(images):
        return None
    if output.ndim <= 2 or all(length == 1 for length in output.shape[2:]):
        return 0
    factors = {big / small for big, small in zip(output.shape[2:], images.shape[2:], strict=False)}
    factor = factors.pop()
    known = output.ndim == images.ndim and not factors and factor >= 1 and factor == int(factor)
    return int(factor) if known else None


@torch.no_grad()
def movements(network: nn.Module, image: Tensor) -> list[int | None]:
    """Say of every tensor of a network's output how it moves with an image (1, C, *spatial)."""
    images = image.expand(2, *image.shape[1:])
    return [movement(leaf, images) for leaf in leaves(network(images)) if isinstance(leaf, Tensor)]


@torch.no_grad()
def _outputs(network: nn.Module, image: Tensor, shifts: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Give the outputs of an image under shifts, moved back."""
    images = torch.cat([roll_images(image, shift) for shift in shifts])
    back = torch.tensor([[-n for n in shift] for shift in shifts], device=image.device)
    moved = []
    for leaf in leaves(network(images.clone())):
        factor = movement(leaf, images) if isinstance(leaf, Tensor) else None
        if isinstance(leaf, Tensor) and factor is not None:
            moved.append(roll_images(leaf, factor * back) if factor else leaf)
    return moved

"""What all shifts together do to a classifier: how its confidence varies, and whether it is right under the worst."""

import torch
from torch import Tensor

from recon.errors import ShapeError


def variation(probabilities: Tensor) -> Tensor:
    """Give the classification variation (B,) from the true class's probabilities (B, N) under N shifts, in float64.

    sqrt(Var_n p[n]) = sqrt(mean_n (p[n] - mean p)**2), over all shifts with equal weight (Zhang 2019, section 4.2).
    Exactly 0 where all are equal.

    >>> variation(torch.tensor([[0.2, 0.4], [0.7, 0.7]], dtype=torch.float64)).tolist()
    [0.1, 0.0]
    """
    if probabilities.ndim != 2 or probabilities.shape[1] == 0:
        raise ShapeError(f"probabilities must have the shape (images, shifts), got {tuple(probabilities.shape)}")
    changes = probabilities.double() - probabilities[:, :1].double()
    return (changes - changes.mean(1, keepdim=True)).square().mean(1).sqrt()


def correct_within(correct: Tensor) -> Tensor:
    """Tell of each image whether it is right under all shifts of at most k pixels along each axis: (B, K), by k.

    The adversary of Zhang (2019, appendix B) chooses any shift of the window [-k, k]**2 on the circle. k goes from 0 to
    half of the longer axis, where the window holds every shift.

    Args:
        correct: (B, H, W): whether an image is right when shifted by (row, column), 0 <= row < H, 0 <= column < W.

    >>> table = torch.tensor([[[1, 1, 1, 1], [1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1]]])
    >>> correct_within(table).tolist()
    [[True, True, False]]
    """
    if correct.ndim != 3 or 0 in correct.shape[1:]:
        raise ShapeError(f"correct must have the shape (images, H, W), got {tuple(correct.shape)}")
    rows, columns = (_from_zero(size, correct.device) for size in correct.shape[1:])
    distance = torch.maximum(rows[:, None], columns[None, :])
    last = int(distance.max())
    nearest_wrong = torch.where(correct.bool(), last + 1, distance).flatten(1).amin(1)
    return nearest_wrong[:, None] > torch.arange(last + 1, device=correct.device)


def table_by_shift(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Repeat values (B, p, q) for the shifts below a period (p, q) to a table (B, H, W) for every shift.

    >>> table_by_shift(torch.tensor([[[1, 2]]]), (2, 4)).tolist()
    [[[1, 2, 1, 2], [1, 2, 1, 2]]]
    """
    if values.ndim != 3 or any(n % period for n, period in zip(size, values.shape[1:], strict=True)):
        raise ShapeError(
            f"values must have the shape (images, p, q), with p and q that divide {tuple(size)}, got "
            f"{tuple(values.shape)}"
        )
    return values.repeat(1, size[0] // values.shape[1], size[1] // values.shape[2])


def _from_zero(size: int, device: torch.device) -> Tensor:
    """Give how far each of the shifts 0 ... size-1 is from none, on the circle."""
    places = torch.arange(size, device=device)
    return torch.minimum(places, size - places)

"""The logits of images under many shifts, in batches that are put together alike for every shift."""

from collections.abc import Iterator

from torch import Tensor

from recon.evaluation.models import Model
from recon.metrics.consistency import moved_back
from recon.ops.memory import bits
from recon.ops.periodic import roll_images


def logits_by_shift(model: Model, images: Tensor, shifts: Tensor) -> Iterator[Tensor]:
    """Give the logits (S, B, K) of images (B, C, H, W) under some of the shifts (N, 2) at once, part after part.

    Logits of pixels (S, B, K, H, W) are moved back. Each part has as many shifts, as far as the batch size allows:
    kernels of torch are chosen by the size of a batch, and another one may round otherwise.
    """
    count = len(images)
    for part in shifts.to(images.device).split(_together(len(shifts), model.batch_size // count)):
        moves = part.repeat_interleave(count, 0)
        logits = model(roll_images(images.repeat(len(part), 1, 1, 1), moves))
        yield moved_back(logits, moves.to(logits.device)).unflatten(0, (len(part), count))


def same_bits(logits: Tensor, others: Tensor) -> Tensor:
    """Tell of each image whether its logits are those in `others` (B, ...), bit for bit: (B, ...) to (B,).

    `logits` may have further axes before the images', which the answer has too: (S, B, ...) to (S, B).

    >>> import torch
    >>> same_bits(torch.tensor([[0.0, 1.0], [2.0, 3.0]]), torch.tensor([[0.0, 1.0], [2.0, 4.0]])).tolist()
    [True, False]
    """
    return (bits(logits) == bits(others)).flatten(logits.ndim - others.ndim + 1).all(-1)


def _together(shifts: int, most: int) -> int:
    """Give the largest number of at most `most` that divides the number of shifts, and 1 at least.

    >>> _together(64, 12), _together(5, 3), _together(9, 0)
    (8, 1, 1)
    """
    return max(number for number in range(1, max(most, 1) + 1) if shifts % number == 0)

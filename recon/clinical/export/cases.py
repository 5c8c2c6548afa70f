"""Images on which a file is compared with its checkpoint: sizes, batches, phases, and those that are hard."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from recon.clinical.export.graphs import Graph, natural, side
from recon.data.hard import hard_images
from recon.ops.periodic import roll_images

Reference = Callable[[Tensor], Tensor]

BATCH = 16  # images at once
SIZES, SHIFTED, HARD = "sizes and batches", "shifts that choose every phase", "blank and periodic images"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Images (B, 1, H, W) as a file takes them, and what the checkpoint makes of them.

    Args:
        group: which check they belong to.
        name: what they are.
        images: what is given.
        expected: what must come out.
        mean: what was added to what the network gave, (B, 1, 1, 1): differences are judged without it.
        others: what may come out as well, where phases tie but for rounding; computed when it is asked for.
    """

    group: str
    name: str
    images: Tensor
    expected: Tensor
    mean: Tensor
    others: Callable[[], Iterator[Tensor]] = lambda: iter(())


def small_size(graph: Graph) -> tuple[int, int]:
    """Give the size of the small images."""
    return side(graph.identity.multiple, 16), side(graph.identity.multiple, 24, fewest=3)


def residues(graph: Graph) -> Tensor:
    """Give every shift (N, 2) below the multiple; those below 2 where it is 1."""
    period = torch.arange(max(graph.identity.multiple, 2))
    return torch.cartesian_prod(period, period)


def noise(graph: Graph, size: tuple[int, int], count: int = 1, *, seed: int = 1) -> Tensor:
    """Give images of noise as a file takes them."""
    return natural(torch.randn(count, 1, *size, generator=torch.Generator().manual_seed(seed)), graph.identity)


def hard(graph: Graph) -> dict[str, Tensor]:
    """Give blank, striped, periodic and symmetric images (1, 1, H, W) as a file takes them, by name."""
    found = {name: natural(image[None], graph.identity) for name, image in hard_images(small_size(graph)).items()}
    return {"zero": torch.zeros_like(found.pop("zero")), **found}


def cases_of(
    graph: Graph,
    reference: Reference,
    size: tuple[int, int],
    others: Callable[[], Iterator[Reference]] = lambda: iter(()),
) -> Iterator[Case]:
    """Give all cases, with what the checkpoint (`reference`, in eager PyTorch) makes of them, one after the other.

    `size` is that of the images that the file is for; `others` gives checkpoints that break ties otherwise.
    """
    scaling = graph.identity.scaling

    def case(group: str, name: str, images: Tensor) -> Case:
        mean = scaling(images).mean if graph.identity.scaled_inside else images.new_zeros(len(images), 1, 1, 1)
        return Case(group, name, images, reference(images), mean)

    for height, width, count in _sizes(graph, size, _smallest(graph, reference)):
        yield case(SIZES, f"{count} of {height} x {width}", noise(graph, (height, width), count, seed=height + width))
    image = noise(graph, small_size(graph))
    for shifts in residues(graph).split(BATCH):
        name = f"shifts from {tuple(shifts[0].tolist())}"
        yield case(SHIFTED, name, roll_images(image.expand(len(shifts), 1, *image.shape[2:]), shifts))
    for name, image in hard(graph).items():
        yield replace(case(HARD, name, image), others=partial(_of_others, others, image))


def _of_others(others: Callable[[], Iterator[Reference]], image: Tensor) -> Iterator[Tensor]:
    return (other(image) for other in others())


def _smallest(graph: Graph, reference: Reference) -> int:
    """Give the smallest side: one multiple, or two where the network itself has no room in one, as for reflections."""
    smallest = side(graph.identity.multiple, 2, fewest=1)
    try:
        reference(noise(graph, (smallest, smallest)))
    except (RuntimeError, ValueError):
        return 2 * smallest
    return smallest


def _sizes(graph: Graph, size: tuple[int, int], smallest: int) -> Sequence[tuple[int, int, int]]:
    """Give heights, widths and how many images: square, oblong both ways, the smallest; one image and several."""
    square, (short, long) = side(graph.identity.multiple, 32, fewest=4), small_size(graph)
    return [
        (smallest, smallest, 1),
        (smallest, smallest, 5),
        (square, square, 1),
        (square, square, 2),
        (short, long, 3),
        (long, smallest, 2),
        (*size, 1),
    ]

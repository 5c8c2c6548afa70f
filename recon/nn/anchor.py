"""The anchor that a forward pass hands down its levels to break ties, found only if a tie occurs."""

from functools import cached_property

import torch
from torch import Tensor

from recon.ops.symmetry import anchor_pixel, carry_position, is_symmetric, orbit_mean, surroundings_hash
from recon.ops.tracing import recording


class Anchor:
    """One pixel of each image of a batch, singled out by the image itself, as seen from the grid of the current level.

    A tie between phases is broken by their place relative to this pixel, so the choice moves with the image. Blank and
    periodic images have several such pixels; `settle` makes the network's output independent of which one was taken.
    While a graph is recorded, both are always part of it, since a graph cannot wait for a tie.

    Args:
        image: the network's input (B, C, *spatial).
    """

    def __init__(self, image: Tensor) -> None:
        self._image = _HashedImage(image)
        self._steps: tuple[tuple[Tensor, int, tuple[int, ...]], ...] = ()

    def below(self, offset: Tensor, stride: int, sizes: tuple[int, ...]) -> "Anchor":
        """Give the same pixels as seen from the next level, whose grid has those offsets in one of those sizes."""
        lower = Anchor.__new__(Anchor)
        lower._image, lower._steps = self._image, (*self._steps, (offset, stride, sizes))
        return lower

    def position(self) -> Tensor:
        """Give where the anchors (B, d) lie on the grid of this level."""
        position = self._image.anchor
        for offset, stride, sizes in self._steps:
            position = carry_position(position, offset, stride, sizes)
        return position

    def settle(self, output: Tensor) -> Tensor:
        """Average the output over the symmetries of the image, if a tie made it depend on the choice among them."""
        if not recording() and not self._image.asked:
            return output
        hashes = self._image.hashes
        if not recording() and not bool(is_symmetric(hashes).any()):
            return output
        return orbit_mean(output, hashes)


class _HashedImage:
    """An image and, from the moment that somebody asks, the hashes of its pixels' surroundings."""

    def __init__(self, image: Tensor) -> None:
        self.image = image

    @property
    def asked(self) -> bool:
        """Whether the hashes were needed."""
        return "hashes" in self.__dict__

    @cached_property
    def hashes(self) -> Tensor:
        """The hashes (B, *spatial)."""
        with torch.no_grad():
            return surroundings_hash(self.image)

    @cached_property
    def anchor(self) -> Tensor:
        """The anchors (B, d)."""
        return anchor_pixel(self.hashes)

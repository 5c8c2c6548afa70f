"""The anchor that a forward pass hands down its levels to break ties, found only if a tie occurs."""

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

    def position(self, ambiguous: Tensor) -> Tensor | None:
        """Give where the anchors (B, d) lie on the grid of this level, if any image is ambiguous (B), or None."""
        if not recording() and not bool(ambiguous.any()):
            return None
        self._image.ambiguous.append(ambiguous)
        position = self._image.anchor
        for offset, stride, sizes in self._steps:
            position = carry_position(position, offset, stride, sizes)
        return position

    def settle(self, output: Tensor) -> Tensor:
        """Average the output of the ambiguous images over their symmetries, so that the choice does not matter."""
        if not self._image.ambiguous:
            return output
        averaged = torch.stack(self._image.ambiguous).any(0) & is_symmetric(self._image.hashes)
        if not recording() and not bool(averaged.any()):
            return output
        means = orbit_mean(output, self._image.hashes)
        return torch.where(averaged.reshape(-1, *[1] * (output.ndim - 1)), means, output)


class _HashedImage:
    """An image, the hashes of its pixels' surroundings from the moment that somebody asks, and who asked."""

    def __init__(self, image: Tensor) -> None:
        self.image = image
        self.ambiguous: list[Tensor] = []
        self._hashes: Tensor | None = None
        self._anchor: Tensor | None = None

    @property
    def hashes(self) -> Tensor:
        """The hashes (B, *spatial)."""
        if self._hashes is None:
            self._hashes = surroundings_hash(self.image)
        return self._hashes

    @property
    def anchor(self) -> Tensor:
        """The anchors (B, d)."""
        if self._anchor is None:
            self._anchor = anchor_pixel(self.hashes)
        return self._anchor

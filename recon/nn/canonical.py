"""Exact equivariance of a network that cannot be opened: every image is moved to where its own content says."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from recon.errors import ShapeError
from recon.nn.anchor import Anchor
from recon.nn.conversion.settling import settle
from recon.nn.conversion.steps import replaced
from recon.ops.checks import require_finite, require_images
from recon.ops.complex import as_channels, as_complex
from recon.ops.periodic import roll_images


class Canonical(nn.Module):
    """Roll each image so that its anchor comes first, run any network, and roll the outputs back.

    y = T_a f(T_-a x),  a the pixel of the largest hash of its surroundings (`recon.ops.surroundings_hash`)

    A shifted image has a shifted anchor, so the network sees the very same pixels, and the output is shifted to the
    bit: by construction, whatever the network is (zero-padded, scripted, of another library), if it is deterministic.
    Where an image equals a shift of itself, several pixels could be its anchor; the network sees the same image for
    each of them, and the output is averaged over the symmetries (labels, which have no mean, are not: they are exact
    for all other images).

    What it costs: one hash of the image, 26 to 34 ms at 320 x 320 on one core; and stability. The hash looks at every
    bit, so the least noise moves the anchor to any other pixel. What an equivariant network makes of the image does not
    depend on that. But what a network makes of it that is not equivariant by itself does: it is as if the image had
    been shifted at random, and its border had been put somewhere else. Prefer `make_equivariant` where the network can
    be followed, which changes with the image as smoothly as its phases do, and this for black boxes.

    Args:
        network: from images (B, C, *spatial) to tensors, or structures of them. Those whose last axes have the image's
            size, or a whole multiple of it, are rolled back; those of one pixel and (B, K) are left as they are.
        dims: spatial dimensions.

    >>> from recon.metrics import equivariance_error
    >>> network = Canonical(nn.Conv2d(1, 1, 3, padding=1))  # zeros at the border
    >>> equivariance_error(network, torch.rand(1, 1, 8, 8), (1, 3)).bitwise
    True
    """

    def __init__(self, network: Callable[..., object], *, dims: int = 2) -> None:
        super().__init__()
        self.network, self.dims = network, dims

    def forward(self, x: Tensor, *others: object) -> object:
        """Run the network on (B, C, *spatial), and on what else it takes besides."""
        seen = as_channels(x) if isinstance(x, Tensor) and x.is_complex() else x
        require_images(seen, self.dims, name="x")
        require_finite(seen, name="x")
        anchor = Anchor(seen)
        position = anchor.position(torch.ones(len(x), dtype=torch.bool, device=x.device))
        assert position is not None  # all images ask for it
        output = self.network(roll_images(x, -position), *others)

        def returned(leaf: object) -> object:
            return self._returned(leaf, x.shape[2:], position, anchor) if isinstance(leaf, Tensor) else leaf

        return replaced(output, returned)

    def _returned(self, y: Tensor, size: Sequence[int], position: Tensor, anchor: Anchor) -> Tensor:
        """Roll an output back."""
        if y.is_complex():
            return as_complex(self._returned(as_channels(y), size, position, anchor))
        last = y.shape[y.ndim - self.dims :]
        if y.ndim <= 2 or (y.ndim == self.dims + 2 and all(n == 1 for n in last) and any(n != 1 for n in size)):
            return y
        factors = {n / m for n, m in zip(last, size, strict=True)}
        factor = int(max(factors))
        if y.ndim <= self.dims or factors != {factor}:
            raise ShapeError(
                f"an output must be (B, K), or have the image's size {tuple(size)} or a whole multiple of it along its "
                f"last axes, got {tuple(y.shape)}; wrap the network so that it gives such outputs alone"
            )
        image = y.reshape(y.shape[0], -1, *last)
        moved = roll_images(image, position * factor).reshape(y.shape)
        return settle(moved, anchor, axes=range(y.ndim - self.dims, y.ndim), enlargement=factor)

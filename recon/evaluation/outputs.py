"""What networks must give back: images for images, or logits of them, or logits of their pixels."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor

from recon.errors import ConfigError, DataError

Task = Literal["reconstruction", "classification", "segmentation"]


def require_output(output: Tensor, images: Tensor, task: Task, *, name: str) -> None:
    """Raise an error unless a network gave what its task asks for; `name` is what the error calls the network."""
    given = _GIVEN[task]
    if not isinstance(output, Tensor):
        raise ConfigError(f"{name} must give a tensor, got {type(output).__name__}; wrap it to give {given}")
    if not _FITS[task](output, images):
        raise ConfigError(
            f"{name} must give {_WANTED[task]}, got {tuple(output.shape)} for {tuple(images.shape)}; wrap it to give "
            f"such {given}"
        )
    if output.is_complex():
        raise ConfigError(f"{name} must give real {given}, got {output.dtype}; wrap it to give magnitudes")
    if not bool(output.isfinite().all()):
        raise DataError(
            f"{name} must give finite {given}, got NaN or infinity; mend it, train it again, or compute in float32"
        )


def _as_many_and_large(output: Tensor, images: Tensor) -> bool:
    return output.shape[:1] == images.shape[:1] and output.shape[2:] == images.shape[2:]


def _one_row_each(output: Tensor, images: Tensor) -> bool:
    return output.ndim == 2 and len(output) == len(images) and output.shape[1] > 0


_GIVEN = {"reconstruction": "images", "classification": "logits", "segmentation": "logits"}
_WANTED = {
    "reconstruction": "images as many and as large as it gets",
    "classification": "logits (images, classes)",
    "segmentation": "logits (images, classes, height, width) as many and as large as the images",
}
_FITS: dict[Task, Callable[[Tensor, Tensor], bool]] = {
    "reconstruction": _as_many_and_large,
    "classification": _one_row_each,
    "segmentation": _as_many_and_large,
}

"""Gives exported networks images as they want them: as many at once as they were exported for."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.errors import ConfigError, ReconError

_LINE = 300  # characters of another library's message


@dataclass(frozen=True, slots=True)
class Wanted:
    """What images an exported network takes; None where it takes any.

    Args:
        fewest: how many images at least.
        most: how many images at most.
        shape: channels, height and width.
    """

    fewest: int = 1
    most: int | None = None
    shape: tuple[int | None, int | None, int | None] = (None, None, None)


def fitted(function: Callable[[Tensor], object], wanted: Wanted, name: str) -> Callable[[Tensor], Tensor]:
    """Give a function of any number of images from one of a certain number: in turns, the last image filling them up.

    `name` is what errors call it.
    """

    def apply(images: Tensor) -> Tensor:
        _require_shape(images, wanted, name)
        turns = images.split(wanted.most or len(images))
        return torch.cat([_turn(function, turn, wanted.fewest, name) for turn in turns])

    return apply


def _turn(function: Callable[[Tensor], object], images: Tensor, fewest: int, name: str) -> Tensor:
    filling = images[-1:].expand(max(0, fewest - len(images)), *images.shape[1:])
    given = torch.cat([images, filling]) if len(filling) else images
    try:
        output = function(given)
    except ReconError:
        raise
    except Exception as error:  # whatever the library that runs it finds wrong
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:_LINE]}"
        raise ConfigError(
            f"{name} must take images of {_size(given)}, got an error of it: {said}; export it for such images"
        ) from error
    if not isinstance(output, Tensor):
        raise ConfigError(f"{name} must give one tensor, got {type(output).__name__}; export it so that it gives one")
    return output[: len(images)]


def _require_shape(images: Tensor, wanted: Wanted, name: str) -> None:
    fits = images.ndim == 4 and all(
        want in (None, got) for want, got in zip(wanted.shape, images.shape[1:], strict=True)
    )
    if not fits:
        words = " x ".join("any" if want is None else str(want) for want in wanted.shape)
        raise ConfigError(
            f"{name} takes images of {words} (channels, height, width), got {_size(images)}; evaluate it on such data, "
            f"or export it for any size"
        )


def _size(images: Tensor) -> str:
    return " x ".join(map(str, images.shape[1:]))

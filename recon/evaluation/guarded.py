"""Keeps functions that others wrote from changing the images that they are given, and says what they raise."""

import traceback
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from recon.errors import ConfigError, ReconError
from recon.factories import words_of


def guarded(function: Callable[[Tensor], Tensor], name: str) -> Callable[[Tensor], Tensor]:
    """Give a function that works on a copy of its images, and whose mistakes are told with their place.

    `name` is what errors call it. What works in place would otherwise change what is measured next.
    """

    def apply(images: Tensor) -> Tensor:
        try:
            return function(images.clone())
        except ReconError:
            raise
        except (Exception, SystemExit) as error:  # whatever its code does
            place = traceback.extract_tb(error.__traceback__)[-1]
            size = " x ".join(map(str, images.shape))
            raise ConfigError(
                f"{name} must take images of {size}, got an error of it: {words_of(error)} "
                f"({Path(place.filename).name}, line {place.lineno}); mend it"
            ) from error

    return apply

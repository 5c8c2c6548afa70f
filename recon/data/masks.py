"""fastMRI's column masks: drawn anew for each draw in training, fixed by the file's name in evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import torch
from fastmri.data.subsample import MaskFunc, create_mask_for_mask_type
from torch import Tensor

from recon.errors import ConfigError, require_known

MaskKind = Literal["random", "equispaced", "equispaced_fraction", "magic", "magic_fraction"]


@dataclass(frozen=True, slots=True)
class ColumnMask:
    """Which columns of a k-space are kept: a share of the lowest frequencies, and others by the kind's rule.

    With several accelerations, each mask draws one together with its centre fraction, as in fastMRI. The papers' values
    are 4 with 0.08 and 8 with 0.04. Note that `equispaced` keeps more columns than its acceleration says (31 % at 4).
    """

    kind: MaskKind = "random"
    accelerations: tuple[int, ...] = (4,)
    center_fractions: tuple[float, ...] = (0.08,)

    def __post_init__(self) -> None:
        """Refuse what fastMRI's masks would only stumble over later."""
        require_known(self.kind, get_args(MaskKind), name="mask")
        if not isinstance(self.accelerations, tuple) or not isinstance(self.center_fractions, tuple):
            raise ConfigError(
                f"accelerations and center_fractions must be tuples, got {self.accelerations!r} and "
                f"{self.center_fractions!r}; write (4,) and (0.08,)"
            )
        if not self.accelerations or len(self.accelerations) != len(self.center_fractions):
            raise ConfigError(
                f"there must be one centre fraction for each acceleration, got accelerations {self.accelerations} and "
                f"center_fractions {self.center_fractions}"
            )
        if any(isinstance(a, bool) or not isinstance(a, int) or a < 1 for a in self.accelerations):
            raise ConfigError(f"accelerations must be whole numbers of at least 1, got {self.accelerations}")
        if any(not 0 < fraction <= 1 for fraction in self.center_fractions):
            raise ConfigError(f"center_fractions must lie above 0 and not above 1, got {self.center_fractions}")
        for acceleration, fraction in zip(self.accelerations, self.center_fractions, strict=True):
            if fraction * acceleration >= 1 and acceleration > 1:
                raise ConfigError(
                    f"a centre fraction must be below 1 / acceleration, got {fraction} at {acceleration}; usual are "
                    f"0.08 at 4 and 0.04 at 8"
                )

    def columns(self, width: int, seed: Sequence[int]) -> Tensor:
        """Draw the mask (width,), True where a column is kept, from a seed of any whole numbers."""
        words = np.random.SeedSequence(tuple(seed)).generate_state(4)  # fastMRI's masks take small numbers only
        return _draw(self, width, tuple(words.tolist()))

    def columns_of_file(self, width: int, file: str) -> Tensor:
        """Give the mask that belongs to a file's name: the one that fastMRI's evaluation uses."""
        return _draw_cached(self, width, tuple(map(ord, file)))


@lru_cache(maxsize=16)
def _function(mask: ColumnMask) -> MaskFunc:
    return create_mask_for_mask_type(mask.kind, list(mask.center_fractions), list(mask.accelerations))


def _draw(mask: ColumnMask, width: int, seed: tuple[int, ...]) -> Tensor:
    if mask.accelerations == (1,):
        return torch.ones(width, dtype=torch.bool)
    columns, _ = _function(mask)((1, width, 1), seed=seed)
    return columns.reshape(width) > 0


_draw_cached = lru_cache(maxsize=512)(_draw)

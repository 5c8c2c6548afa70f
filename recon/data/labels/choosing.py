"""Which images of a part are taken: so many, evenly over the classes, or held out for validation."""

import numpy as np
from numpy.typing import NDArray

from recon.errors import ConfigError

_HELD_OUT = 11  # tells these random numbers from others with the same seed

Rows = NDArray[np.int64]


def evenly(labels: Rows, count: int | None) -> Rows:
    """Give the numbers of the first images of each class, as many of each as it goes, `count` in all; in order."""
    if count is None or count >= len(labels):
        return np.arange(len(labels))
    order = np.argsort(labels, kind="stable")
    firsts = np.searchsorted(labels[order], labels[order])
    places = np.empty_like(order)
    places[order] = np.arange(len(labels)) - firsts  # of each image among those of its class
    return np.sort(np.lexsort((labels, places))[:count])


def spread(total: int, count: int | None) -> Rows:
    """Give the numbers of `count` images spread evenly over all."""
    count = total if count is None else min(count, total)
    return ((np.arange(count) + 0.5) * total / max(count, 1)).astype(np.int64)


def held_out(labels: Rows, share: float, *, seed: int) -> tuple[Rows, Rows]:
    """Share images out at random: those that are kept for training, and a share of them, evenly over the classes.

    Which they are follows from the seed. At least one is held out.
    """
    count = max(round(share * len(labels)), 1)
    if count >= len(labels):
        raise ConfigError(
            f"validation_share must leave images to train on, got {share} of {len(labels)}, which is {count}; lower it"
        )
    order = np.random.default_rng((seed, _HELD_OUT)).permutation(len(labels))
    held = np.sort(order[evenly(labels[order], count)])
    return np.setdiff1d(np.arange(len(labels)), held), held

"""What all studies have in common: test data, and the settings that all protocols share."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from recon.data.samples import Skipped
from recon.errors import DataError, require_at_least
from recon.records import Source

_PEEK = 1 << 16  # bytes at either end of a file that stand for it
_PEEKS = 2000  # files, of many more only so many are looked into

SampleT_co = TypeVar("SampleT_co", covariant=True)
SampleT = TypeVar("SampleT", bound="Shown")


class Shown(Protocol):
    """A sample that has an image."""

    @property
    def input(self) -> Tensor:
        """The image (C, H, W), as networks take it."""


class Readable(Protocol[SampleT_co]):
    """A data set in groups, of which some samples may not be readable."""

    @property
    def groups(self) -> Sequence[range]:
        """The indices of samples that belong together."""

    def __len__(self) -> int:
        """Count the samples."""

    def __getitem__(self, key: int, /) -> SampleT_co | Skipped:
        """Read one."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a protocol's work: some slices or images, or something that only has a name."""

    name: str
    indices: tuple[int, ...] = ()


class AnyStudy:
    """The test part of one data set, and how networks are measured on it.

    Args:
        data: the samples.
        source: what records say of them.
        seed: all that is drawn follows from it, and from what it is drawn for.
        limit: at most so many samples in each protocol.
        device: where networks compute.
    """

    def __init__(
        self, data: Readable[Shown], source: Source, *, seed: int = 0, limit: int | None = None, device: str = "cpu"
    ) -> None:
        self.data, self.source = data, source
        self.seed = require_at_least(seed, 0, name="seed")
        self.limit = None if limit is None else require_at_least(limit, 1, name="limit")
        self.device = torch.device(device)

    @property
    def modality(self) -> str:
        """The data set's word: `mri`, `cifar10`."""
        return self.source.modality

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """The channels and the size (C, H, W) of the first readable sample."""
        channels, height, width = first_readable(self.data).input.shape
        return channels, height, width

    @cached_property
    def size(self) -> tuple[int, int]:
        """The size (H, W) of the first readable sample."""
        return self.shape[1:]

    @cached_property
    def fingerprint(self) -> str:
        """What results depend on besides the network: the data and the seed."""
        return sha256(json.dumps([self.source.fingerprint, self.seed]).encode()).hexdigest()

    def spread(self, most: int | None) -> list[int]:
        """Give the indices of at most so many samples (None: of all), spread evenly over the data."""
        total = len(self.data)
        count = total if most is None else min(most, total)
        return ((np.arange(count) + 0.5) * total / count).astype(int).tolist()

    def generator(self, *key: str | int) -> np.random.Generator:
        """Give random numbers that follow from the seed and the key alone: the same for every network and process."""
        text = json.dumps([self.seed, *key])
        return np.random.default_rng(np.frombuffer(sha256(text.encode()).digest(), dtype=np.uint32))

    def random_shifts(self, *key: str | int, count: int, furthest: int) -> Tensor:
        """Give random shifts (count, 2) that follow from the seed and the key, uniform in [-furthest, furthest]."""
        drawn = self.generator(*key).integers(-furthest, furthest + 1, size=(count, 2))
        return torch.from_numpy(drawn)


def first_readable(data: Readable[SampleT]) -> SampleT:
    """Give the first sample that can be read."""
    for index in range(len(data)):
        sample = data[index]
        if not isinstance(sample, Skipped):
            return sample
    raise DataError("the test data must have something that can be read, got nothing; run `recon data check`")


def fingerprint_of(files: Sequence[Path], settings: str) -> str:
    """Hash names, sizes, both ends of files and how they are read: wherever the same files lie, it is the same.

    Of very many files, some spread evenly are looked into, and of the others name and size must do.
    """
    digest = sha256(settings.encode())
    looked = {int((number + 0.5) * len(files) / _PEEKS) for number in range(_PEEKS)} if len(files) > _PEEKS else None
    for place, path in enumerate(files):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        if looked is not None and place not in looked:
            continue
        with path.open("rb") as file:
            digest.update(file.read(_PEEK))
            file.seek(max(0, size - _PEEK))
            digest.update(file.read(_PEEK))
    return digest.hexdigest()

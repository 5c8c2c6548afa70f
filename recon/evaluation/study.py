"""What networks are evaluated on: the test slices of one data set, and the settings that all protocols share."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recon.data.datamodules import SliceData
from recon.data.fastmri import FastMRISlices
from recon.data.images import image_files
from recon.data.lodopab import LoDoPaBSlices
from recon.data.samples import Batch, Origin, Sample, Slices, collate
from recon.errors import DataError, require_at_least
from recon.records import Source

_PEEK = 1 << 16  # bytes at either end of a file that stand for it
_IMAGES = 1000  # out of the training distribution, at most
_PASSES = {"cpu": 512, "cuda": 8192}  # of one image in a unit: some seconds to some minutes of work


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a protocol's work: some slices of one volume or file, or something that only has a name."""

    name: str
    indices: tuple[int, ...] = ()


class Study:
    """The test slices of one data set and how networks are measured on them.

    Args:
        data: the slices.
        source: what records say of them.
        seed: all that is drawn follows from it, and from what it is drawn for.
        limit: at most so many slices in each protocol; protocols that need whole volumes take whole ones until they
            have that many.
        ood: a folder of images for the tests out of the training distribution; None takes the embedded ones.
        other: slices of the other modality for those tests; None takes the embedded ones.
        device: where networks compute.
        training: slices that show how inputs and targets are scaled in training; the test slices if None.
    """

    def __init__(
        self,
        data: Slices,
        source: Source,
        *,
        seed: int = 0,
        limit: int | None = None,
        ood: Path | None = None,
        other: Slices | None = None,
        device: str = "cpu",
        training: Slices | None = None,
    ) -> None:
        self.data, self.source, self.ood, self.other = data, source, ood, other
        self.seed = require_at_least(seed, 0, name="seed")
        self.limit = None if limit is None else require_at_least(limit, 1, name="limit")
        self.device = torch.device(device)
        self.training = data if training is None else training

    @property
    def modality(self) -> str:
        """`mri` or `ct`."""
        return self.source.modality

    def volumes(self) -> list[Unit]:
        """Give whole volumes (for CT: files), until there are `limit` slices."""
        units: list[Unit] = []
        count = 0
        for group in self.data.groups:
            if self.limit is not None and count >= self.limit:
                break
            units.append(Unit(f"slices {group.start} to {group.stop - 1}", tuple(group)))
            count += len(group)
        return units

    def slices(self, *, passes: int) -> list[Unit]:
        """Give `limit` slices spread evenly over the data, in units of slices of one volume.

        Each slice will take so many forward `passes`; units are small enough that an interruption costs little.
        """
        total = len(self.data)
        count = total if self.limit is None else min(self.limit, total)
        chosen = set(((np.arange(count) + 0.5) * total / count).astype(int).tolist())
        size = max(1, _PASSES.get(self.device.type, 512) // max(passes, 1))
        units = []
        for group in self.data.groups:
            here = [index for index in group if index in chosen]
            for start in range(0, len(here), size):
                part = tuple(here[start : start + size])
                units.append(Unit(f"slices {', '.join(map(str, part))}", part))
        return units

    def batch(self, unit: Unit) -> Batch:
        """Read the slices of a unit."""
        return collate([self.data[index] for index in unit.indices]).to(self.device)

    def generator(self, *key: str | int) -> np.random.Generator:
        """Give random numbers that follow from the seed and the key alone: the same for every network and process."""
        text = json.dumps([self.seed, *key])
        return np.random.default_rng(np.frombuffer(sha256(text.encode()).digest(), dtype=np.uint32))

    def shifts(self, batch: Batch, *, furthest: int = 16) -> Tensor:
        """Give one random shift (B, 2) for each slice, uniform in [-furthest, furthest] along each axis."""
        origins = [("shift", origin.file, origin.slice) for origin in batch.origins]
        shifts = [self.random_shifts(*key, count=1, furthest=furthest) for key in origins]
        return torch.cat(shifts).to(batch.input.device)

    def random_shifts(self, *key: str | int, count: int, furthest: int) -> Tensor:
        """Give random shifts (count, 2) that follow from the seed and the key, uniform in [-furthest, furthest]."""
        drawn = self.generator(*key).integers(-furthest, furthest + 1, size=(count, 2))
        return torch.from_numpy(drawn)

    @cached_property
    def size(self) -> tuple[int, int]:
        """The size (H, W) of the first readable slice."""
        for sample in self._samples():
            return sample.input.shape[-2], sample.input.shape[-1]
        raise DataError("the test data must have a readable slice, got none; run `recon data check`")

    @cached_property
    def fingerprint(self) -> str:
        """What results depend on besides the network: the data, the seed and the images out of the distribution."""
        words = [self.source.fingerprint, self.seed, _folder_key(self.ood)]
        words += [] if self.other is None else [_fingerprint(_files(self.other), "other")]
        return sha256(json.dumps(words).encode()).hexdigest()

    def _samples(self) -> Iterator[Sample]:
        for index in range(len(self.data)):
            sample = self.data[index]
            if isinstance(sample, Sample):
                yield sample


def study_of(
    data: SliceData,
    *,
    seed: int = 0,
    limit: int | None = None,
    ood: Path | None = None,
    other: Slices | None = None,
    device: str = "cpu",
) -> Study:
    """Open the test slices of a data module."""
    data.prepare_data()
    data.setup("test")
    slices = data.datasets["test"]
    files = _files(slices)
    first = next((s for s in (slices[i] for i in range(len(slices))) if isinstance(s, Sample)), None)
    if first is None:
        raise DataError("the test data must have a readable slice, got none; run `recon data check`")
    source = Source(
        name=_name(data, first.origin),
        modality=data.modality,
        synthetic=first.origin.synthetic,
        fingerprint=_fingerprint(files, json.dumps(data.settings, sort_keys=True)),
        settings=data.settings,
    )
    return Study(slices, source, seed=seed, limit=limit, ood=ood, other=other, device=device, training=_training(data))


def _name(data: SliceData, origin: Origin) -> str:
    """Name the data by where they are from; synthetic ones are of nobody, and only written in a data set's files."""
    kind = data.modality.upper()
    if data.given_folder is None:
        name = f"embedded {kind}"
    else:
        name = f"{kind} in {origin.dataset}'s files" if origin.synthetic else f"{origin.dataset} {kind}"
    return f"{name} (synthetic)" if origin.synthetic else name


def _training(data: SliceData) -> Slices | None:
    """Open the training slices where they are there: what is tested may have been downloaded without them."""
    try:
        return data.dataset("train")
    except DataError:
        return None


def _files(slices: Slices) -> list[Path]:
    if isinstance(slices, FastMRISlices):
        return [volume.path for volume in slices.volumes]
    if isinstance(slices, LoDoPaBSlices):
        return [path for pair in slices.files for path in (pair.truth, pair.observation)]
    return []


def _fingerprint(files: Sequence[Path], settings: str) -> str:
    """Hash names, sizes, both ends of files and how they are read: wherever the same files lie, it is the same."""
    digest = sha256(settings.encode())
    for path in files:
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_PEEK))
            file.seek(max(0, size - _PEEK))
            digest.update(file.read(_PEEK))
    return digest.hexdigest()


def _folder_key(folder: Path | None) -> str:
    """Hash the images of a folder; the same images wherever they lie give the same key."""
    return "" if folder is None else _fingerprint(image_files(folder, count=_IMAGES), "images")

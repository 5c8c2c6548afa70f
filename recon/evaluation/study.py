"""What reconstruction networks are evaluated on: the test slices of one data set."""

import json
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from recon.data.datamodules import SliceData
from recon.data.fastmri import FastMRISlices
from recon.data.images import image_files
from recon.data.lodopab import LoDoPaBSlices
from recon.data.samples import Batch, Origin, Slices, collate
from recon.errors import DataError
from recon.evaluation.studies import AnyStudy, Unit, fingerprint_of, first_readable
from recon.records import Source

_IMAGES = 1000  # out of the training distribution, at most
_PASSES = {"cpu": 512, "cuda": 8192}  # of one image in a unit: some seconds to some minutes of work


class Study(AnyStudy):
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

    data: Slices

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
        super().__init__(data, source, seed=seed, limit=limit, device=device)
        self.ood, self.other = ood, other
        self.training = data if training is None else training

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
        chosen = set(self.spread(self.limit))
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

    def shifts(self, batch: Batch, *, furthest: int = 16) -> Tensor:
        """Give one random shift (B, 2) for each slice, uniform in [-furthest, furthest] along each axis."""
        origins = [("shift", origin.file, origin.slice) for origin in batch.origins]
        shifts = [self.random_shifts(*key, count=1, furthest=furthest) for key in origins]
        return torch.cat(shifts).to(batch.input.device)

    @cached_property
    def fingerprint(self) -> str:
        """What results depend on besides the network: the data, the seed and the images out of the distribution."""
        words = [self.source.fingerprint, self.seed, _folder_key(self.ood)]
        words += [] if self.other is None else [fingerprint_of(_files(self.other), "other")]
        return sha256(json.dumps(words).encode()).hexdigest()


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
    first = first_readable(slices)
    source = Source(
        name=_name(data, first.origin),
        modality=data.modality,
        synthetic=first.origin.synthetic,
        fingerprint=fingerprint_of(files, json.dumps(data.settings, sort_keys=True)),
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


def _folder_key(folder: Path | None) -> str:
    """Hash the images of a folder; the same images wherever they lie give the same key."""
    return "" if folder is None else fingerprint_of(image_files(folder, count=_IMAGES), "images")

"""What classifiers and segmenters are evaluated on: the labelled test images of one data set."""

import json
from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from recon.data.labels.datamodules import LabelData
from recon.data.labels.samples import Labelled, LabelledBatch, collate_labelled
from recon.data.samples import Origin, Skipped
from recon.evaluation.modalities import TITLES
from recon.evaluation.outputs import Task
from recon.evaluation.studies import AnyStudy, Unit, fingerprint_of, first_readable
from recon.records import Source

_UNIT = {"classification": 256, "segmentation": 16}  # images: some seconds to some minutes of work


class LabelStudy(AnyStudy):
    """The labelled test images of one data set and how networks are measured on them.

    Args:
        data: the images.
        source: what records say of them.
        task: `classification` or `segmentation`.
        seed: all that is drawn follows from it, and from what it is drawn for.
        limit: at most so many images in each protocol.
        device: where networks compute.
    """

    data: Labelled

    def __init__(
        self,
        data: Labelled,
        source: Source,
        *,
        task: Task,
        seed: int = 0,
        limit: int | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__(data, source, seed=seed, limit=limit, device=device)
        self.task: Task = task

    @cached_property
    def wide_size(self) -> tuple[int, int] | None:
        """The size (H, W) of all that the first readable file shows; None where that is the image alone."""
        first = next(index for index in range(len(self.data)) if not isinstance(self.data[index], Skipped))
        wide = self.data.wide(first)
        return None if wide is None else (wide.shape[1], wide.shape[2])

    def images(self, *, size: int | None = None, most: int | None = None) -> list[Unit]:
        """Give `limit` images (without a limit, `most`; None: all) spread evenly over the data, `size` in a unit.

        Units depend on the data alone, so that networks can be compared unit by unit.
        """
        chosen = self.spread(most if self.limit is None else self.limit)
        size = size or _UNIT[self.task]
        parts = [tuple(chosen[start : start + size]) for start in range(0, len(chosen), size)]
        return [Unit(_unit_name(part), part) for part in parts]

    def batches(self, unit: Unit, size: int) -> Iterator[LabelledBatch]:
        """Read the images of a unit, `size` at once."""
        for start in range(0, len(unit.indices), size):
            samples = [self.data[index] for index in unit.indices[start : start + size]]
            yield collate_labelled(samples).to(self.device)

    def places(self, *key: str | int, origin: Origin, count: int, size: tuple[int, int]) -> Tensor:
        """Draw places (count, 2) of an image, uniform below size, that follow from the seed, the key and its origin."""
        drawn = self.generator(*key, origin.file, origin.slice).integers((0, 0), size, size=(count, 2))
        return torch.from_numpy(drawn)


def label_study_of(data: LabelData, *, seed: int = 0, limit: int | None = None, device: str = "cpu") -> LabelStudy:
    """Open the test images of a data module."""
    data.prepare_data()
    data.setup("test")
    images = data.datasets["test"]
    first = first_readable(images)
    source = Source(
        name=_name(data, synthetic=first.origin.synthetic),
        modality=data.modality,
        synthetic=first.origin.synthetic,
        fingerprint=fingerprint_of(images.files, json.dumps([data.settings, len(images), list(images.classes)])),
        settings=data.settings,
    )
    return LabelStudy(images, source, task=data.task, seed=seed, limit=limit, device=device)


def _name(data: LabelData, *, synthetic: bool) -> str:
    """Name the data by where they are from; synthetic ones are of nobody, and only written in a data set's files."""
    title = TITLES[data.modality]
    if not synthetic:
        return title
    return f"embedded {title} (synthetic)" if data.given_folder is None else f"pictures in {title}'s files (synthetic)"


def _unit_name(part: tuple[int, ...]) -> str:
    """Name a unit by its first and last image, and how many there are where some are left out.

    >>> _unit_name((4, 5, 6)), _unit_name((4, 9))
    ('images 4 to 6', 'images 4 to 9 (2)')
    """
    first, last = part[0], part[-1]
    return f"images {first} to {last}" + (f" ({len(part)})" if last - first + 1 > len(part) else "")

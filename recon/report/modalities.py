"""The kinds of data that a report may be of: what they are called, their order, and what networks do with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Task = Literal["reconstruction", "classification", "segmentation"]


@dataclass(frozen=True, slots=True)
class Modality:
    """One kind of data: its name among people, and what networks do with it."""

    title: str
    task: Task


MODALITIES: Mapping[str, Modality] = {
    "mri": Modality("MRI", "reconstruction"),
    "ct": Modality("CT", "reconstruction"),
    "cifar10": Modality("CIFAR-10", "classification"),
    "imagenet": Modality("ImageNet", "classification"),
    "voc": Modality("PASCAL VOC", "segmentation"),
}


def title_of(word: str) -> str:
    """Give what people call a modality.

    >>> title_of("cifar10"), title_of("pet")
    ('CIFAR-10', 'PET')
    """
    return MODALITIES[word].title if word in MODALITIES else word.upper()


def task_of(word: str) -> Task:
    """Give what networks do with data of a modality: reconstruct images, unless it is known to be another."""
    return MODALITIES[word].task if word in MODALITIES else "reconstruction"


def place_of(word: str) -> tuple[int, str]:
    """Give a modality's place in the order of reports: those that are known first."""
    known = list(MODALITIES)
    return (known.index(word) if word in known else len(known)), word

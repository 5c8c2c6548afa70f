"""The figures of the APS-U paper, to stand beside those measured here."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from recon.records import Source, Subject

Part = Literal["mri", "natural", "ct"]

_FILE = Path(__file__).with_name("published.yaml")


@dataclass(frozen=True, slots=True)
class Published:
    """Published figures of one data set.

    Args:
        source: who published them.
        dataset: the data's name.
        words: the data in words.
        images: how many there were.
        channels: of the U-Net.
        networks: by recon's variants: the figures by their names.
    """

    source: str
    dataset: str
    words: str
    images: int
    channels: tuple[int, ...]
    networks: Mapping[str, Mapping[str, float]]


@cache
def published(part: Part) -> Published:
    """Give the published figures for fastMRI (tables 1 and 2), natural images (table 3) or LoDoPaB-CT (table 4).

    >>> published("mri").networks["plain"]["psnr_pd"]
    33.83
    """
    everything = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    held = everything[part]
    networks = {
        name: dict(zip(held["columns"], map(float, numbers), strict=True)) for name, numbers in held["networks"].items()
    }
    return Published(
        everything["source"], held["dataset"], held["words"], held["images"], tuple(everything["channels"]), networks
    )


def published_of(part: Part, subject: Subject) -> Mapping[str, float]:
    """Give the published figures of a network of the same variant; empty where there is none."""
    return published(part).networks.get(subject.variant, {}) if subject.kind == "UNet" else {}


def differences(part: Part, source: Source, images: int, subjects: list[Subject]) -> list[str]:
    """Say plainly in what the published figures are of other data or other networks than those measured here."""
    paper = published(part)
    said = []
    dataset = source.name.removesuffix(f" {source.modality.upper()}")
    if part == "natural" or source.synthetic or dataset != paper.dataset or images != paper.images:
        here = (
            "natural images of another set"
            if part == "natural"
            else source.name + (f", {images} slices" if images else "")
        )
        here += ", by networks trained on synthetic data" if source.synthetic and part == "natural" else ""
        synthetic = "synthetic data, " if source.synthetic and part != "natural" else ""
        said.append(
            f"Published: {paper.source}, measured on {paper.words}. The data here differ ({synthetic}{here}), so "
            "that published and measured figures cannot be compared one by one."
        )
    else:
        said.append(f"Published: {paper.source}, measured on {paper.words}.")
    others = sorted({channels_of(subject) for subject in subjects if subject.variant in paper.networks})
    if others and others != [paper.channels]:
        sizes = "; ".join(", ".join(map(str, channels)) or "unknown" for channels in others)
        said.append(f"Channels of the networks here: {sizes}; of the published: {', '.join(map(str, paper.channels))}.")
    return said


def channels_of(subject: Subject) -> tuple[int, ...]:
    """Give the features of a network's levels; empty where they are not known."""
    arguments = subject.details.get("arguments")
    channels = arguments.get("channels") if isinstance(arguments, Mapping) else None
    return tuple(int(n) for n in channels if isinstance(n, int)) if isinstance(channels, list | tuple) else ()

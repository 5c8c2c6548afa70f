"""What is read of a network, by name: each number of the tables out of the records of its protocol."""

from collections.abc import Mapping
from dataclasses import dataclass

from recon.records import Record, Subject
from recon.report.exactness import exactness_of
from recon.report.labels.totals import (
    Estimate,
    accuracy_difference,
    agreement,
    counted_share,
    iou_difference,
    mean_iou,
    ratio,
)
from recon.report.modalities import Task
from recon.report.origins import is_transferred
from recon.report.selection import Group


@dataclass(frozen=True, slots=True)
class Words:
    """What the measures of a task are called; `title` is the quality's name where a sentence begins."""

    quality: str
    title: str
    consistency: str
    crops: str
    bits: str


WORDS: Mapping[Task, Words] = {
    "classification": Words("accuracy", "Accuracy", "circular consistency", "crop consistency", "logits"),
    "segmentation": Words("mIoU", "mIoU", "mASCC", "mASSC", "logits of all pixels"),
}


def words_of(group: Group) -> Words:
    """Give the words of a group's task."""
    return WORDS[group.task]


def trained(group: Group) -> list[Subject]:
    """Give the networks whose weights were trained for them: curves and clouds of the others would hide theirs."""
    return [one for one in group.networks if not is_transferred(one)]


def not_drawn(group: Group, protocol: str) -> str:
    """Name, for a caption, the networks that were measured and are not drawn."""
    names = [one.name for one in group.networks if is_transferred(one) and group.of(protocol, one.name)]
    return f" Not drawn, since their weights were trained for another network: {', '.join(names)}." if names else ""


def quality(group: Group, name: str) -> Estimate:
    """Give a network's accuracy (top-1), or its mIoU."""
    records = group.of("accuracy", name)
    return mean_iou(records) if group.task == "segmentation" else accuracy_of(records)


def accuracy_of(records: list[Record]) -> Estimate:
    """Give the share of images that are right, by what was kept of each of them."""
    return counted_share(records, "correct")


def consistency(group: Group, name: str) -> Estimate:
    """Give the share of pairs of circular shifts whose labels agree."""
    return agreement(group.of("consistency", name))


def crops(group: Group, name: str) -> Estimate:
    """Give the share of pairs of crops whose labels agree."""
    return agreement(group.of("crops", name))


def bitwise(group: Group, name: str) -> float:
    """Give the share of images all of whose outputs are equal bit for bit, or of pairs of shifts, if that is less."""
    of_images = ratio(group.of("adversary", name), "bitwise", "images")
    of_pairs = ratio(group.of("consistency", name), "bitwise", "pairs")
    return min((value for value in (of_images, of_pairs) if value == value), default=float("nan"))


def is_exact(group: Group, name: str) -> bool:
    """Tell whether a network was exact wherever that was asked, and gave one label under all shifts."""
    share = consistency(group, name).value
    return exactness_of(group, name).exact and (share == 1 or share != share)


def quality_difference(group: Group, subject: Subject, other: Subject) -> Estimate:
    """Give how much more accurate one network is than another, paired by image (mIoU: by unit)."""
    one, two = (group.of("accuracy", held.name) for held in (subject, other))
    return iou_difference(one, two) if group.task == "segmentation" else accuracy_difference(one, two)

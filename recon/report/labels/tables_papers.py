"""The papers' tables in their own columns, with the published figures beside ours."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from recon.records import Subject
from recon.report.cells import NONE
from recon.report.labels.captions import caption, images_of, notes
from recon.report.labels.cells import difference_cell, estimate_cell
from recon.report.labels.headline import with_architectures
from recon.report.labels.published import Name, differences, figure_cell, published
from recon.report.labels.reading import consistency, quality, quality_difference, words_of
from recon.report.labels.totals import counted_share
from recon.report.modalities import Task, task_of
from recon.report.origins import before_tuning, is_transferred, plain_before, tuned
from recon.report.parts import Cell, Table
from recon.report.selection import Group
from recon.report.tables import Column, says_something, table

_MEANINGS: Mapping[Task, str] = {
    "classification": "Accuracy is top-1; consistency is of pairs of random circular shifts.",
    "segmentation": "mIoU is over classes; mASCC is of pixels whose labels agree under two random circular shifts.",
}

_Show = Callable[[Group, Subject], Cell]


def paper_table(group: Group, name: Name) -> Table | None:
    """Give a published table with what was measured here beside it; None where nothing of it was."""
    if name == "mass-3":
        return transfer(group)
    return tuning(group) if name == "mass-4" else _of_trained(group, name)


def transfer(group: Group) -> Table | None:
    """MASS, table 3: the plain network, and its weights under other samplings without any training."""
    taken = [one for one in group.networks if is_transferred(one)]
    plain = {one.name for subject in taken if (one := plain_before(group, subject)) is not None}
    subjects = [one for one in group.networks if one in taken or one.name in plain]
    what = (
        "What is left of a trained plain network when its sampling is replaced and its weights are taken over without "
        "any training; differences are to that network, paired by image, with 95 % intervals. aps-keep keeps samples "
        "in the place of pooling, as the models of APS's authors do; aps keeps the dense operation."
    )
    return _of_weights(group, "mass-3", what, subjects) if taken else None


def tuning(group: Group) -> Table | None:
    """MASS, table 4: the weights that were taken over, trained on for a short while."""
    trained_on = tuned(group)
    before = {one.name for subject in trained_on if (one := before_tuning(group, subject)) is not None}
    plain = {one.name for subject in trained_on if (one := plain_before(group, subject)) is not None}
    subjects = [one for one in group.networks if one in trained_on or one.name in before | plain]
    what = (
        "Networks whose weights were taken over, before and after being trained on for a short while; differences are "
        "to the plain network that the weights came from, paired by image, with 95 % intervals."
    )
    return _of_weights(group, "mass-4", what, subjects) if trained_on else None


def _of_trained(group: Group, name: Name) -> Table | None:
    """Make a table of the networks that were published, if it is of these data."""
    paper, words = published(name), words_of(group)
    subjects = [one for one in group.networks if paper.of(one)] if group.source.modality == paper.data else []
    columns = [
        (words.quality, _quality, "miou" if group.task == "segmentation" else "accuracy"),
        ("accuracy under a random shift", _shifted, "accuracy_shifted"),
        (words.consistency, _consistency, "consistency"),
    ]
    columns = [column for column in columns if any(column[2] in paper.of(one) for one in subjects)]
    what = f"Each network's figure, and beside it the published one. {_MEANINGS[group.task]}"
    return _beside(group, name, what, columns, subjects) if subjects else None


def _of_weights(group: Group, name: Name, what: str, subjects: Sequence[Subject]) -> Table | None:
    words = words_of(group)
    columns = [
        (words.quality, _quality, "accuracy"),
        ("difference (points)", _difference, "difference"),
        (words.consistency, _consistency, "consistency"),
    ]
    return _beside(group, name, what, columns, subjects)


def _beside(
    group: Group, name: Name, what: str, columns: Sequence[tuple[str, _Show, str]], subjects: Sequence[Subject]
) -> Table | None:
    """Make a table with a column of published figures beside each of ours, where both are there."""
    paper = published(name)
    compares = group.task == task_of(paper.data)
    shown = Group(group.key, group.source, subjects, group.records)
    every: list[Column] = []
    for heading, show, key in columns:
        ours = {subject.name: show(group, subject) for subject in subjects}
        if not any(map(says_something, ours.values())):
            continue
        every.append(Column(heading, lambda subject, ours=ours: ours[subject.name], "high"))  # type: ignore[misc]
        if compares and any(key in paper.of(subject) for subject in subjects):
            every.append(Column(f"{heading.partition(' (')[0]}, published", partial(figure_cell, paper, key)))
    protocols = ("accuracy", "consistency")
    said = differences(paper, group.source, images_of(shown, "accuracy"), subjects) if compares else []
    made = table(
        shown,
        name,
        paper.title if compares else paper.title.partition(": ")[2].capitalize(),
        caption=caption(shown, f"{what} {_architecture(shown)}".strip(), protocols),
        columns=every,
        notes=[*said, *notes(group, protocols, subjects=subjects)],
    )
    return with_architectures(made, shown)


def _architecture(group: Group) -> str:
    """Name the architecture, where there is but one and no column for it."""
    return f"Architecture: {group.architectures[0]}." if len(group.architectures) == 1 else ""


def _quality(group: Group, subject: Subject) -> Cell:
    return estimate_cell(quality(group, subject.name))


def _consistency(group: Group, subject: Subject) -> Cell:
    return estimate_cell(consistency(group, subject.name))


def _shifted(group: Group, subject: Subject) -> Cell:
    return estimate_cell(counted_share(group.of("consistency", subject.name), "correct_shifted"))


def _difference(group: Group, subject: Subject) -> Cell:
    plain = plain_before(group, subject)
    if plain is None or plain.name == subject.name:
        return NONE
    return difference_cell(quality_difference(group, subject, plain))

"""What `recon data info` and `recon data check` print for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recon.cli.text import aligned, counted, grouped, size_on_disk

if TYPE_CHECKING:
    from recon.data.inspection.records import Description, Intensities, Problem, SizeCount

_UNITS = {"fastmri": "volume", "lodopab": "pair"}  # others hold images
_MEASURED = {"fastmri": "k-space", "lodopab": "sinograms"}
_MOST_SIZES = 6
_MOST_CLASSES = 24


def description_text(description: "Description") -> str:
    """Give a description as text: a table of the parts, and what there is to say of all."""
    unit = _UNITS.get(description.kind, "image")
    facts = [
        ("targets" if description.kind in _MEASURED else "sizes", _sizes(description.targets, unit)),
        (_MEASURED.get(description.kind, ""), _sizes(description.measured, unit)),
        ("acquisitions", ", ".join(f"{name} ({counted(n, unit)})" for name, n in description.acquisitions.items())),
        ("patients", grouped(description.patients) if description.patients else ""),
        ("intensities", _intensities(description.intensities)),
    ]
    lines = [
        str(description.folder),
        f"{description.modality}: {description.name}{_synthetic(description)}",
        "",
        *_parts(description, unit),
        "",
        *aligned([fact for fact in facts if fact[1]]),
        *_classes(description),
    ]
    if description.unreadable:
        count = counted(len(description.unreadable), "file")
        lines += ["", f"{count} cannot be read; see recon data check:", *(f"  {one}" for one in description.unreadable)]
    return "\n".join(lines)


def problems_text(problems: Sequence["Problem"], folder: Path, files: int) -> str:
    """Give what a check found: what is wrong, file by file, then the notes, then how many."""
    wrong = [problem for problem in problems if not problem.note]
    notes = [problem for problem in problems if problem.note]
    lines = [_problem(problem, folder) for problem in wrong]
    lines += [f"note: {_problem(problem, folder)}" for problem in notes]
    blamed = len({problem.file for problem in wrong})
    found = f"{counted(len(wrong), 'problem')} in {counted(blamed, 'file')}" if wrong else "no problems"
    return "\n".join([*lines, f"{folder}: {counted(files, 'file')} checked, {found}"])


def _parts(description: "Description", unit: str) -> list[str]:
    """Give a table of the parts and of all of them."""
    parts = [*description.parts, description.total] if len(description.parts) > 1 else list(description.parts)
    table: list[tuple[str, ...]] = [("part", "files", f"{unit}s", "slices", "on disk")]
    for part in parts:
        counts = map(grouped, (part.files, part.volumes, part.slices))
        table.append((part.name or "-", *counts, size_on_disk(part.bytes)))
    if description.classes:  # of labelled images, which have no slices
        table = [(*row[:3], row[4]) for row in table]
    return aligned(table, right=range(1, len(table[0])))


def _classes(description: "Description") -> list[str]:
    """Give a table of the classes, if there are any: how many images of each part are of them, or show them."""
    if not description.classes:
        return []
    parts = [part.name or "-" for part in description.parts]
    table: list[tuple[str, ...]] = [("class" if description.kind != "voc" else "shows", *parts)]
    table += [(one.name, *map(grouped, one.counts)) for one in description.classes[:_MOST_CLASSES]]
    more = len(description.classes) - _MOST_CLASSES
    lines = ["", *aligned(table, right=range(1, len(table[0])))]
    if more > 0:
        sums = [sum(one.counts) for one in description.classes]
        lines.append(f"and {counted(more, 'class')} more; all have from {grouped(min(sums))} to {grouped(max(sums))}")
    return lines


def _problem(problem: "Problem", folder: Path) -> str:
    path = Path(problem.file)
    inside = path.relative_to(folder) if path.is_relative_to(folder) and path != folder else path
    where = f"{_slices(problem.slices)} of {problem.key}" if problem.slices else problem.key
    return " ".join(word for word in (f"{inside}:", where, problem.what) if word)


def _slices(slices: Sequence[int]) -> str:
    """Name slices, those that follow each other as a range.

    >>> _slices([3]), _slices([0, 1, 2, 7])
    ('slice 3', 'slices 0-2, 7')
    """
    ranges: list[list[int]] = []
    for number in slices:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    words = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)
    return f"slice{'s' if len(slices) > 1 else ''} {words}"


def _sizes(sizes: Sequence["SizeCount"], unit: str) -> str:
    words = [f"{one.size[0]} x {one.size[1]} ({counted(one.count, unit)})" for one in sizes[:_MOST_SIZES]]
    more = f", and {len(sizes) - _MOST_SIZES} other sizes" if len(sizes) > _MOST_SIZES else ""
    return ", ".join(words) + more


def _intensities(found: "Intensities | None") -> str:
    if found is None:
        return ""
    sample = "all" if found.looked_at == found.out_of else f"{grouped(found.looked_at)} of {grouped(found.out_of)}"
    return f"{found.lowest:.3g} to {found.highest:.3g}, mean {found.mean:.3g} ({sample} slices looked at)"


def _synthetic(description: "Description") -> str:
    volumes = description.total.volumes
    if not description.synthetic:
        return ""
    return ", synthetic" if description.synthetic == volumes else f", {description.synthetic} of {volumes} synthetic"

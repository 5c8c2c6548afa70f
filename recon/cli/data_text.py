"""What `recon data info` and `recon data check` print for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recon.cli.text import aligned, counted, grouped, size_on_disk

if TYPE_CHECKING:
    from recon.data.inspection.records import Description, Intensities, Problem, SizeCount

_UNITS = {"fastmri": "volume", "lodopab": "pair", "images": "image"}
_MEASURED = {"fastmri": "k-space", "lodopab": "sinograms", "images": ""}
_MOST_SIZES = 6


def description_text(description: "Description") -> str:
    """Give a description as text: a table of the parts, and what there is to say of all."""
    unit = _UNITS[description.kind]
    parts = [*description.parts, description.total] if len(description.parts) > 1 else list(description.parts)
    table: list[tuple[str, ...]] = [("part", "files", f"{unit}s", "slices", "on disk")]
    for part in parts:
        counts = map(grouped, (part.files, part.volumes, part.slices))
        table.append((part.name or "-", *counts, size_on_disk(part.bytes)))
    facts = [
        ("targets" if description.kind != "images" else "sizes", _sizes(description.targets, unit)),
        (_MEASURED[description.kind], _sizes(description.measured, unit)),
        ("acquisitions", ", ".join(f"{name} ({counted(n, unit)})" for name, n in description.acquisitions.items())),
        ("patients", grouped(description.patients) if description.patients else ""),
        ("intensities", _intensities(description.intensities)),
    ]
    lines = [
        str(description.folder),
        f"{description.modality}: {description.name}{_synthetic(description)}",
        "",
        *aligned(table, right=range(1, 5)),
        "",
        *aligned([fact for fact in facts if fact[1]]),
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

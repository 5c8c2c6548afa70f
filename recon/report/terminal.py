"""The headline tables and claims as plain text, for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from recon.report.notation import DASH
from recon.report.parts import Claim, Table, Verdict
from recon.report.selection import Group
from recon.report.tracks import track_of

WIDTH = 140  # columns of the terminal, for sentences
_SIGNS: Mapping[Verdict, str] = {"shown": "✓", "not shown": "✗", "not measured": DASH}
_NARROW = 12  # columns, to which headings are broken


def headline_text(groups: Sequence[Group]) -> str:
    """Give the headline table of each data set with aligned columns, and its claims beneath, a sign before each."""
    return "\n\n".join("\n".join(_lines(group)) for group in groups)


def _lines(group: Group) -> Iterator[str]:
    track = track_of(group)
    yield f"{track.data_line(group)}."
    made = track.narrow_headline(group)
    if made is not None:
        yield from wrap(track.headline_line(group), WIDTH)
        yield ""
        yield from _aligned(made)
        for note in made.notes:
            yield from wrap(note, WIDTH)
    yield ""
    for claim in track.claims(group):
        yield from _claim(claim)


def _aligned(table: Table) -> Iterator[str]:
    """Lay out a table: names begin flush, all else ends flush; headings are broken into lines and stand at the foot."""
    columns = [[cell.text for cell in column] for column in zip(*table.rows, strict=True)]
    widths = [max(_NARROW, *map(len, column)) for column in columns]
    heads = [wrap(name, width, break_long_words=False) for name, width in zip(table.columns, widths, strict=True)]
    height = max(map(len, heads))
    grid = [[*[""] * (height - len(head)), *head, *column] for head, column in zip(heads, columns, strict=True)]
    widths = [max(map(len, column)) for column in grid]
    for number, row in enumerate(zip(*grid, strict=True)):
        if number == height:
            yield "-" * (sum(widths) + 2 * (len(widths) - 1))
        cells = [
            f"{row[0]:<{widths[0]}}",
            *(f"{text:>{width}}" for text, width in zip(row[1:], widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()


def _claim(claim: Claim) -> Iterator[str]:
    """Write a claim with its sign, and what was found below it."""
    yield from wrap(f"{_SIGNS[claim.verdict]} {claim.text}", WIDTH, subsequent_indent="  ")
    found = claim.found if claim.verdict != "not measured" else f"not measured; {claim.found}"
    yield from wrap(found, WIDTH, initial_indent="    ", subsequent_indent="    ")

"""The headline tables as they stand in a README, between two marks that nobody sees."""

from collections.abc import Sequence
from dataclasses import replace

from recon.errors import DataError
from recon.report.markdown import table_to_markdown
from recon.report.selection import Group
from recon.report.tracks import track_of

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def headline_markdown(groups: Sequence[Group]) -> str:
    """Give the headline table of each data set in Markdown, under one line that says what it was measured on."""
    tables = [
        (group, track_of(group), made) for group in groups if (made := track_of(group).headline(group)) is not None
    ]
    short = [
        replace(made, title=track.data_line(group), caption=track.headline_line(group)) for group, track, made in tables
    ]
    return "\n\n".join(map(table_to_markdown, short))


def replaced(text: str, groups: Sequence[Group]) -> str:
    """Give a README's text with the headline tables between its marks, instead of what stood there."""
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended) or BEGIN in rest or END in before + after:
        raise DataError(
            f"the text must hold {BEGIN} and then {END}, each once, got {text.count(BEGIN)} and {text.count(END)}"
            f"{' in another order' if text.count(BEGIN) == text.count(END) == 1 else ''}; write both into it"
        )
    tables = headline_markdown(groups)
    if not tables:
        raise DataError("the records must hold what the headline table shows, got none of it; run `recon evaluate`")
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"

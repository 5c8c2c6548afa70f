"""A certificate as one HTML page, the verdict first; nothing is loaded from elsewhere, and nothing in it runs."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from recon.clinical.certificate.drawing import Drawn
from recon.clinical.certificate.markup import Cell, Group, Kind, paragraph, section, table
from recon.clinical.certificate.spelling import (
    HASHED,
    VERDICTS,
    bound_text,
    identity_lines,
    summary,
    units_of,
    unmet,
    value_text,
    word_text,
)
from recon.clinical.certificate.style import STYLE
from recon.clinical.certificate.tables import measured_table
from recon.clinical.certificate.tolerances import FAIL, PASS
from recon.clinical.certificate.words import SEAL, mapping, rows, text
from recon.files import written_whole
from recon.records import Word

TITLE = "Shift-stability certificate"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # whatever a text contains
_DECIDES = {True: "Required: each decides", False: "Told: judged, and decides nothing"}


def write_certificate_page(certificate: Mapping[str, Word], path: Path, *, drawn: Drawn | None = None) -> None:
    """Write the page; `drawn` is the map of changes, where there is one."""
    with written_whole(path) as partial:
        partial.write_text("\n".join(_page(certificate, drawn)) + "\n", encoding="utf-8")


def _page(certificate: Mapping[str, Word], drawn: Drawn | None) -> Iterator[str]:
    name = escape(text(mapping(certificate, "certified"), "variant"))
    verdict = VERDICTS.get(text(certificate, "verdict"), "?")
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{verdict}: {name}, {TITLE.lower()}</title>\n<style>{STYLE}</style>\n</head>\n<body><main>"
    yield from _head(certificate)
    yield from section("Requirements, stated beforehand", "requirements", [*_requirements(certificate)])
    yield from section("What is certified", "identity", [*_identity(certificate)])
    yield from section("Intended use and limits", "limits", [*_limits(certificate)])
    if drawn is not None:
        yield from section("Every shift", "map", [*_map(drawn)])
    for place, row in enumerate(rows(certificate, "sections")):
        yield from section(text(row, "name"), f"measured-{place}", [*_measured(row)])
    yield from section("All numbers", "numbers", [*_numbers(certificate)])
    yield from section("Seal", SEAL, [*_seal(certificate)])
    yield "</main></body>\n</html>"


def _head(certificate: Mapping[str, Word]) -> Iterator[str]:
    verdict, certified = text(certificate, "verdict"), mapping(certificate, "certified")
    kind = verdict if verdict in (PASS, FAIL) else FAIL
    synthetic = "<span>on synthetic data</span>" if mapping(certificate, "data")["synthetic"] is True else ""
    yield f"<header><h1>{TITLE}</h1>"
    yield paragraph(f"of the network {text(certified, 'variant')}, measured by {certificate['maker']}", kind="of")
    yield paragraph(text(certificate, "use"), kind="use")
    yield f'<div class="verdict {kind}"><strong>{VERDICTS.get(verdict, "?")}</strong>{synthetic}</div></header>'
    yield paragraph(summary(certificate), kind="answer")
    missed = unmet(certificate)
    if missed:
        yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in missed)}</ul>"


def _requirements(certificate: Mapping[str, Word]) -> Iterator[str]:
    units = units_of(certificate)
    groups = []
    for required, heading in _DECIDES.items():
        made = []
        for row in (one for one in rows(certificate, "verdicts") if (one["required"] is True) == required):
            verdict = text(row, "verdict")
            kind: Kind = "pass" if verdict == PASS else "fail" if verdict == FAIL else "none"
            told = [Cell(bound_text(row, units.get(row["name"], "")), "bound"), Cell(value_text(row, certificate))]
            head: Kind = "failed" if required and verdict != PASS else ""
            made.append([Cell(text(row, "words"), head, text(row, "name")), *told, Cell(verdict, kind)])
        if made:
            groups.append(Group(heading, made))
    stated = mapping(certificate, "tolerances")
    note = (
        f"Stated in {stated['file']}, {HASHED} {stated['sha256']}. The whole passes where every required one does; "
        f"what was not measured is not met."
    )
    yield from table("Requirements", ["requirement", "tolerance", "measured", "verdict"], groups, note=note)


def _identity(certificate: Mapping[str, Word]) -> Iterator[str]:
    certified = mapping(certificate, "certified")
    file = str(certified["file_sha256"])
    lines = [*identity_lines(certificate), (f"File, {HASHED}", file) if file else ("File", "not one file")]
    lines += [(name, word_text(certified[name.lower()])) for name in ("Training", "Arguments", "Scaling")]
    lines += [("Inputs", word_text(mapping(certificate, "data")["settings"])), ("Made", text(certificate, "made"))]
    made = [[Cell(name, "small"), Cell(told, "hash" if name.endswith(HASHED) else "")] for name, told in lines]
    note = f"Content: {certified['content']}."
    if certified["stored_as"] == "onnx":
        note += " File: as it was measured; a certificate that is put into it makes its hash another one."
    yield paragraph(text(certified, "identity_words"))
    yield from table("What is certified", ["", ""], [Group("", made)], note=note)


def _limits(certificate: Mapping[str, Word]) -> Iterator[str]:
    found = certificate.get("limits")
    lines: Sequence[Word] = found if isinstance(found, Sequence) and not isinstance(found, str) else []
    yield f"<ul>{''.join(f'<li>{escape(str(line))}</li>' for line in lines)}</ul>"


def _map(drawn: Drawn) -> Iterator[str]:
    yield f'<figure><img src="data:image/png;base64,{b64encode(drawn.png).decode()}" alt="{escape(drawn.alt)}">'
    yield f"<figcaption><strong>{escape(drawn.result)}</strong>{escape(drawn.caption)}</figcaption></figure>"


def _measured(row: Mapping[str, Word]) -> Iterator[str]:
    """Give how a table was measured, and the table; or why there is none."""
    if not rows(row, "rows"):
        yield paragraph(f"{text(row, 'reason').capitalize()}.")
        return
    yield paragraph(text(row, "how"), kind="how")
    headings, group = measured_table(row)
    yield from table(text(row, "name"), headings, [group])


def _numbers(certificate: Mapping[str, Word]) -> Iterator[str]:
    made = [
        [Cell(text(row, "name"), "small"), Cell(text(row, "words")), Cell(value_text(row, certificate))]
        for row in rows(certificate, "numbers")
    ]
    yield from table(
        "All numbers", ["name", "what", "measured"], [Group("", made)], note="A file of tolerances calls them by name."
    )


def _seal(certificate: Mapping[str, Word]) -> Iterator[str]:
    made = [
        [Cell(name.upper(), "small"), Cell(str(value), "hash")] for name, value in mapping(certificate, SEAL).items()
    ]
    note = (
        "Of certificate.json without its seal. The hash shows damage and careless edits; who edits on purpose can "
        "compute it anew, which only a key (HMAC-SHA256) or measuring again shows."
    )
    yield from table("Seal", ["", ""], [Group("", made)], note=note)

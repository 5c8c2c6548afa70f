"""A certificate as one HTML page, in the style of recon's reports; nothing is loaded from elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from recon.clinical.certificate.spelling import VERDICTS, bound_text, identity_lines, number_text, word_text
from recon.clinical.certificate.tolerances import FAIL, PASS
from recon.clinical.certificate.words import SEAL, mapping, number, rows, text
from recon.records import Word
from recon.report.page import write_page
from recon.report.parts import Cell, Figure, Report, Section, Table

TITLE = "Shift-stability certificate"


def write_certificate_page(certificate: Mapping[str, Word], path: Path, *, figure: Figure | None = None) -> None:
    """Write the page; `figure` is the map of changes, where there is one."""
    write_page(report_of(certificate, figure), path)


def report_of(certificate: Mapping[str, Word], figure: Figure | None = None) -> Report:
    """Give what the page consists of."""
    made = [
        Section("requirements", "Requirements", [], [_requirements(certificate)]),
        Section("identity", "What is certified", [], [_identity(certificate)]),
        Section("limits", "Intended use and limits", [str(line) for line in _list(certificate, "limits")]),
    ]
    if figure is not None:
        made.append(Section("map", "Every shift", [], [figure]))
    made += [_section(row, place) for place, row in enumerate(rows(certificate, "sections"))]
    made.append(Section("numbers", "All numbers", [], [_numbers(certificate)]))
    made.append(Section(SEAL, "Seal", _seal(certificate)))
    synthetic = mapping(certificate, "data")["synthetic"] is True
    return Report(TITLE, synthetic, _answer(certificate), made)


def _answer(certificate: Mapping[str, Word]) -> list[str]:
    verdicts = rows(certificate, "verdicts")
    required = [row for row in verdicts if row["required"]]
    met = [row for row in required if row["verdict"] == PASS]
    certified = mapping(certificate, "certified")
    missed = [f"{row['name']} ({row['verdict']})" for row in required if row["verdict"] != PASS]
    answer = (
        f"{VERDICTS.get(text(certificate, 'verdict'), '?')}: {text(certified, 'variant')} meets {len(met)} of "
        f"{len(required)} required tolerances."
    )
    return [answer + (f" Not met: {', '.join(missed)}." if missed else ""), text(certificate, "use")]


def _requirements(certificate: Mapping[str, Word]) -> Table:
    units = {row["name"]: str(row["unit"]) for row in rows(certificate, "numbers")}
    reasons = {row["name"]: str(row["reason"]) for row in rows(certificate, "numbers")}
    made = []
    for row in rows(certificate, "verdicts"):
        unit, verdict, value = units.get(row["name"], ""), text(row, "verdict"), number(row, "value")
        kind = verdict if verdict in (PASS, FAIL) else "none"
        told = number_text(value, unit) if value is not None else reasons.get(row["name"], "not measured")
        made.append(
            [
                Cell(str(row["name"]), kind="word"),
                Cell(str(row["words"]), kind="sentence"),
                Cell(bound_text(row, unit), kind="word"),
                Cell(told, value, kind="word"),
                Cell("required" if row["required"] else "told", kind="word"),
                Cell(verdict, kind=kind),
            ]
        )
    tolerances = mapping(certificate, "tolerances")
    caption = (
        f"Tolerances were stated beforehand in {tolerances['file']} (SHA-256 {tolerances['sha256']}). The whole passes "
        f"where every required one does."
    )
    return Table(
        "requirements", "Requirements", caption, ["name", "requirement", "tolerance", "measured", "", "verdict"], made
    )


def _identity(certificate: Mapping[str, Word]) -> Table:
    certified = mapping(certificate, "certified")
    lines = [*identity_lines(certificate), ("File (SHA-256)", str(certified["file_sha256"]) or "not one file")]
    lines += [
        ("Training", word_text(certified["training"])),
        ("Arguments", word_text(certified["arguments"])),
        ("Scaling", word_text(certified["scaling"])),
        ("Inputs", word_text(mapping(certificate, "data")["settings"])),
        ("Made", text(certificate, "made")),
    ]
    made = [[Cell(name, kind="word"), Cell(told, kind="sentence")] for name, told in lines]
    return Table("identity", "What is certified", f"Content: {certified['content']}.", ["", ""], made)


def _section(row: Mapping[str, Word], place: int) -> Section:
    """Give the table of a protocol with how it was measured, or why it was not."""
    title, found = text(row, "name"), rows(row, "rows")
    if not found:
        return Section(f"measured-{place}", title, [f"{text(row, 'reason').capitalize()}."])
    columns = list(dict.fromkeys(name for one in found for name in one))
    cells = [[_cell(one.get(name)) for name in columns] for one in found]
    how = f"How: {text(row, 'convention').rstrip('.')}."
    return Section(f"measured-{place}", title, [how], [Table(f"measured-{place}", title, "", columns, cells)])


def _cell(value: Word) -> Cell:
    is_number = isinstance(value, int | float | Mapping) and not isinstance(value, bool)
    return Cell(word_text(value), kind="number" if is_number else "word")


def _numbers(certificate: Mapping[str, Word]) -> Table:
    made = []
    for row in rows(certificate, "numbers"):
        value = number(row, "value")
        told = number_text(value, str(row["unit"])) if value is not None else str(row["reason"])
        made.append(
            [Cell(str(row["name"]), kind="word"), Cell(str(row["words"]), kind="sentence"), Cell(told, value, "word")]
        )
    return Table(
        "numbers", "All numbers", "Each can be named in a file of tolerances.", ["name", "what", "measured"], made
    )


def _seal(certificate: Mapping[str, Word]) -> list[str]:
    seal = mapping(certificate, SEAL)
    lines = [f"{name}: `{value}`" for name, value in seal.items()]
    return [
        *lines,
        "Of certificate.json without its seal. The hash shows that something was altered by accident or carelessly; "
        "who alters on purpose can compute it anew, which only a key (hmac-sha256) or measuring again shows.",
    ]


def _list(words: Mapping[str, Word], name: str) -> Sequence[Word]:
    found = words.get(name)
    return found if isinstance(found, Sequence) and not isinstance(found, str) else []

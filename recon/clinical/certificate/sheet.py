"""A certificate as one A4 page, to be printed and signed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from recon.clinical.certificate.drawing import draw_map, map_of
from recon.clinical.certificate.spelling import (
    HASHED,
    VERDICTS,
    bound_text,
    counted,
    identity_lines,
    summary,
    units_of,
    value_text,
    word_text,
)
from recon.clinical.certificate.tolerances import FAIL, PASS
from recon.clinical.certificate.words import SEAL, mapping, rows, text
from recon.files import written_whole
from recon.records import Word
from recon.report.figures.drawing import styled

WIDTH, HEIGHT = 210.0, 297.0  # mm: A4
_LEFT, _RIGHT = 16.0, 194.0
_COLOURS = {PASS: "#1a7f37", FAIL: "#b42318"}
_GREY, _LINE = "#5f6670", "#c9ced4"
_POINT = 0.3528  # mm
_LONGEST = 15  # requirements that fit
_LINE_STEP = 3.2  # mm from one other number to the next
_STEP = 4.4  # mm from one to the next
_PLACES = (_LEFT, 122.0, 137.0, 155.0, 180.0)  # mm: their columns
_LIMITS = 238.0  # mm from the top, where the limits begin at the latest
_SHADE = "#fbf0ee"  # behind a required tolerance that is not met


class _Sheet:
    """A page on which words are placed in millimetres from the upper left corner."""

    def __init__(self) -> None:
        self.drawing = Canvas(figsize=(WIDTH / 25.4, HEIGHT / 25.4))
        FigureCanvasPdf(self.drawing)

    def write(self, words: str, x: float, y: float, *, size: float = 7.5, **style: object) -> None:
        """Write a line whose base is at y."""
        self.drawing.text(x / WIDTH, 1 - y / HEIGHT, words, size=size, va="baseline", **style)  # type: ignore[arg-type]

    def paragraph(self, words: str, x: float, y: float, *, size: float = 7.0, right: float = _RIGHT) -> float:
        """Write words broken into lines up to a margin; gives where the next may begin."""
        line = ""
        for word in words.split():
            if line and _length(f"{line} {word}", size) > right - x:
                self.write(line, x, y, size=size)
                line, y = "", y + size * _POINT * 1.28
            line = f"{line} {word}".strip()
        self.write(line, x, y, size=size)
        return y + size * _POINT * 1.28

    def rule(self, y: float, *, left: float = _LEFT, right: float = _RIGHT, colour: str = _LINE) -> None:
        """Draw a line across."""
        self._add(left, y, right - left, 0.2, colour)

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fill a rectangle."""
        self._add(x, y, width, height, colour)

    def _add(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        corner = (x / WIDTH, 1 - (y + height) / HEIGHT)
        size = (width / WIDTH, height / HEIGHT)
        self.drawing.add_artist(
            Rectangle(corner, *size, facecolor=colour, linewidth=0, transform=self.drawing.transFigure)
        )


@styled
def write_sheet(certificate: Mapping[str, Word], path: Path) -> None:
    """Write the page as PDF, whole or not at all."""
    sheet = _Sheet()
    _head(sheet, certificate)
    y = _requirements(sheet, certificate, 47.0)
    y = _identity(sheet, certificate, y + 7)
    y = _pictures(sheet, certificate, y + 4)
    _limits(sheet, certificate, y + 4)
    _foot(sheet, certificate)
    with written_whole(path) as partial:
        sheet.drawing.savefig(
            partial, format="pdf", metadata={"CreationDate": None, "Title": "Shift-stability certificate"}
        )


def _head(sheet: _Sheet, certificate: Mapping[str, Word]) -> None:
    verdict, name = text(certificate, "verdict"), text(mapping(certificate, "certified"), "variant")
    sheet.write("Shift-stability certificate", _LEFT, 20, size=19, weight="bold")
    of = _cut(f"of the network {name}, measured by {certificate['maker']}", 136, 9)
    sheet.write(of, _LEFT, 26, size=9, color=_GREY)
    sheet.write(text(certificate, "use"), _LEFT, 31.5, size=9, weight="bold", color=_COLOURS[FAIL])
    sheet.write(summary(certificate), _LEFT, 39, size=10, weight="bold")
    sheet.box(158, 12, 36, 16, _COLOURS.get(verdict, _GREY))
    sheet.write(VERDICTS.get(verdict, "?"), 176, 22.8, size=22, weight="bold", color="white", ha="center")
    if mapping(certificate, "data")["synthetic"] is True:
        sheet.write("on synthetic data", 176, 32.2, size=8.5, weight="bold", ha="center", color=_GREY)


def _requirements(sheet: _Sheet, certificate: Mapping[str, Word], y: float) -> float:
    """List them, required ones first and of these what is not met; what finds no room is counted."""
    y = _title(sheet, "Requirements, stated beforehand", y)
    for words, x in zip(("requirement", "", "tolerance", "measured", "verdict"), _PLACES, strict=True):
        sheet.write(words, x, y, size=6.5, color=_GREY)
    verdicts = sorted(
        rows(certificate, "verdicts"), key=lambda row: (row["required"] is not True, row["verdict"] == PASS)
    )
    y += 1.4
    for row in verdicts[:_LONGEST]:
        y = _requirement(sheet, certificate, row, y)
    sheet.rule(y)
    if len(verdicts) > _LONGEST:
        y += 3.3
        sheet.write(f"and {len(verdicts) - _LONGEST} more in certificate.json", _LEFT, y, size=6.5, color=_GREY)
    return y


def _requirement(sheet: _Sheet, certificate: Mapping[str, Word], row: Mapping[str, Word], y: float) -> float:
    verdict, required = text(row, "verdict"), row["required"] is True
    if required and verdict != PASS:
        sheet.box(_LEFT, y, _RIGHT - _LEFT, _STEP, _SHADE)
    sheet.rule(y)
    y += _STEP
    base = y - 1.3
    sheet.write(_cut(text(row, "words"), _PLACES[1] - _LEFT - 1, 6.5), _LEFT, base, size=6.5)
    sheet.write("required" if required else "told", _PLACES[1], base, size=6.5, color=_GREY)
    sheet.write(bound_text(row, units_of(certificate).get(row["name"], "")), _PLACES[2], base, size=7)
    sheet.write(_cut(value_text(row, certificate), _PLACES[4] - _PLACES[3] - 1, 7), _PLACES[3], base, size=7)
    colour = _COLOURS.get(verdict, _COLOURS[FAIL] if required else _GREY)
    sheet.write(verdict, _PLACES[4], base, size=7, weight="bold" if required else "normal", color=colour)
    return y


def _identity(sheet: _Sheet, certificate: Mapping[str, Word], y: float) -> float:
    y = _title(sheet, "What is certified", y)
    for name, told in identity_lines(certificate):
        mono = {"family": "DejaVu Sans Mono"} if name.endswith(HASHED) else {}
        words = told if mono else _cut(told, _RIGHT - _LEFT - 31, 7)
        sheet.write(name, _LEFT, y, color=_GREY, size=6.8)
        sheet.write(words, _LEFT + 31, y, size=6.4 if mono else 6.8, **mono)
        y += 3.35
    return sheet.paragraph(text(mapping(certificate, "certified"), "identity_words"), _LEFT, y + 0.4, size=6.4)


def _pictures(sheet: _Sheet, certificate: Mapping[str, Word], y: float) -> float:
    """Place the map at the left, and the other numbers beside it."""
    found, side, top = map_of(certificate), 29.0, _title(sheet, "Every shift", y, right=_LEFT + 46)
    if found is None:
        sheet.write("not measured on a grid", _LEFT, top, color=_GREY, size=6.6)
        return _numbers(sheet, certificate, y)
    left = _LEFT + (46 - side) / 2
    places = ((left, top, side, side), (left, top + side + 1.5, side, 1.2))
    axes = [
        sheet.drawing.add_axes((x / WIDTH, 1 - (down + high) / HEIGHT, wide / WIDTH, high / HEIGHT))
        for x, down, wide, high in places
    ]
    draw_map(axes[0], axes[1], found)
    y = _numbers(sheet, certificate, y)
    top += side + (9.5 if found.changes.any() else 4.5)  # below its scale, where there is one
    return max(y, sheet.paragraph(found.text, _LEFT, top, size=6.2, right=_LEFT + 46))


def _numbers(sheet: _Sheet, certificate: Mapping[str, Word], y: float) -> float:
    """List the quality of each stratum and what was measured and is not judged, as far as there is room."""
    left = _LEFT + 52
    y = _title(sheet, "Also measured", y, left=left)
    judged = {row["name"] for row in rows(certificate, "verdicts")} | {"psnr", "ssim", "nmse"}
    lines = [*_quality_lines(certificate)]
    lines += [
        (text(row, "words"), value_text(row, certificate))
        for row in rows(certificate, "numbers")
        if row["name"] not in judged
    ]
    room = max(1, int((_LIMITS - y) // _LINE_STEP))
    if len(lines) > room:
        lines = [*lines[: room - 1], (f"and {len(lines) - room + 1} more in certificate.json", "")]
    for name, told in lines:
        sheet.write(_cut(name, 71, 6.4), left, y, size=6.4, color=_GREY)
        sheet.write(_cut(told, _RIGHT - left - 72, 6.4), left + 72, y, size=6.4)
        y += _LINE_STEP
    return y


def _quality_lines(certificate: Mapping[str, Word]) -> list[tuple[str, str]]:
    """Give the quality of the first strata, beginning with that of all."""
    lines = []
    section = rows(certificate, "sections")[0]
    for row in rows(section, "rows")[:3]:
        psnr, gain = mapping(row, "psnr"), mapping(row, "psnr-gain")
        of = f"{row['stratum']} ({counted(row['count'], str(row['of']))})"
        lines.append((f"{of}: PSNR in dB; above the input's", f"{word_text(psnr)}; {word_text(gain)}"))
    return lines


def _limits(sheet: _Sheet, certificate: Mapping[str, Word], y: float) -> None:
    y = _title(sheet, "Intended use and limits", y)
    limits = certificate["limits"]
    lines: Sequence[Word] = limits if isinstance(limits, Sequence) and not isinstance(limits, str) else []
    for line in lines[1:]:
        y = sheet.paragraph(f"• {line}", _LEFT, y, size=6.4) + 0.4


def _foot(sheet: _Sheet, certificate: Mapping[str, Word]) -> None:
    for words, left, right in (("name", _LEFT, 78), ("date", 84, 118), ("signature", 124, _RIGHT)):
        sheet.rule(277, left=left, right=right, colour="#1b1d20")
        sheet.write(words, left, 280.2, size=6.5, color=_GREY)
    seal = mapping(certificate, SEAL)
    signed = "; signed (hmac-sha256)" if "hmac-sha256" in seal else ""
    sheet.write(
        f"certificate.json, SHA-256 {seal['sha256']}{signed}",
        _LEFT,
        286,
        size=6.2,
        color=_GREY,
        family="DejaVu Sans Mono",
    )
    sheet.write(f"made {certificate['made']}", _RIGHT, 286, size=6.2, color=_GREY, ha="right")


def _title(sheet: _Sheet, words: str, y: float, *, left: float = _LEFT, right: float = _RIGHT) -> float:
    sheet.write(words, left, y, size=9.5, weight="bold")
    sheet.rule(y + 1.6, left=left, right=right, colour="#1b1d20")
    return y + 5.4


def _cut(words: str, width: float, size: float) -> str:
    """Cut words that are longer than so many millimetres."""
    if _length(words, size) <= width:
        return words
    while words and _length(f"{words}…", size) > width:
        words = words[:-1]
    return f"{words.rstrip()}…"


def _length(words: str, size: float) -> float:
    """Give the length of a line in millimetres."""
    width, _, _ = text_to_path.get_text_width_height_descent(words, FontProperties(size=size), False)
    return float(width) * _POINT

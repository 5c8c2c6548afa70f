"""A certificate as one A4 page, to be printed and signed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from recon.clinical.certificate.drawing import draw_map, map_of, map_text
from recon.clinical.certificate.spelling import VERDICTS, bound_text, identity_lines, number_text
from recon.clinical.certificate.tolerances import FAIL, PASS
from recon.clinical.certificate.words import SEAL, mapping, number, rows, text
from recon.files import written_whole
from recon.records import Word
from recon.report.figures.drawing import styled

WIDTH, HEIGHT = 210.0, 297.0  # mm: A4
_LEFT, _RIGHT = 16.0, 194.0
_COLOURS = {PASS: "#1a7f37", FAIL: "#b42318"}
_GREY, _LINE = "#5f6670", "#c9ced4"
_POINT = 0.3528  # mm
_LONGEST = 17  # requirements that fit
_LIMITS = 226.0  # mm from the top, where the limits begin at the latest


class _Sheet:
    """A page on which words are placed in millimetres from the upper left corner."""

    def __init__(self) -> None:
        self.drawing = Canvas(figsize=(WIDTH / 25.4, HEIGHT / 25.4))
        FigureCanvasPdf(self.drawing)

    def write(self, words: str, x: float, y: float, *, size: float = 7.5, **style: object) -> None:
        """Write a line whose base is at y."""
        self.drawing.text(x / WIDTH, 1 - y / HEIGHT, words, size=size, va="baseline", **style)  # type: ignore[arg-type]

    def paragraph(self, words: str, x: float, y: float, *, size: float = 7.0) -> float:
        """Write words broken into lines up to the right margin; gives where the next may begin."""
        line = ""
        for word in words.split():
            if line and _length(f"{line} {word}", size) > _RIGHT - x:
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
    y = _identity(sheet, certificate, 41.0)
    y = _requirements(sheet, certificate, y + 5)
    y = _pictures(sheet, certificate, y + 5)
    _limits(sheet, certificate, y + 5)
    _foot(sheet, certificate)
    with written_whole(path) as partial:
        sheet.drawing.savefig(
            partial, format="pdf", metadata={"CreationDate": None, "Title": "Shift-stability certificate"}
        )


def _head(sheet: _Sheet, certificate: Mapping[str, Word]) -> None:
    verdict = text(certificate, "verdict")
    sheet.write("Shift-stability certificate", _LEFT, 22, size=19, weight="bold")
    sheet.write(
        f"of an image reconstruction network, measured by {certificate['maker']}", _LEFT, 28, size=9, color=_GREY
    )
    sheet.write(text(certificate, "use"), _LEFT, 33.5, size=9, weight="bold", color=_COLOURS[FAIL])
    sheet.box(158, 13, 36, 16, _COLOURS.get(verdict, _GREY))
    sheet.write(VERDICTS.get(verdict, "?"), 176, 24, size=22, weight="bold", color="white", ha="center")
    if mapping(certificate, "data")["synthetic"]:
        sheet.write("on synthetic data", 176, 33.5, size=9, weight="bold", ha="center", color=_GREY)


def _identity(sheet: _Sheet, certificate: Mapping[str, Word], y: float) -> float:
    y = _title(sheet, "What is certified", y)
    for name, told in identity_lines(certificate):
        sheet.write(name, _LEFT, y, color=_GREY, size=7)
        mono = {"family": "DejaVu Sans Mono"} if "(" in name else {}
        sheet.write(
            told if mono else _cut(told, _RIGHT - _LEFT - 31, 7), _LEFT + 31, y, size=6.6 if mono else 7, **mono
        )
        y += 3.7
    return y


def _requirements(sheet: _Sheet, certificate: Mapping[str, Word], y: float) -> float:
    units = {row["name"]: str(row["unit"]) for row in rows(certificate, "numbers")}
    y = _title(sheet, "Requirements, stated beforehand", y)
    places = (_LEFT, 122.0, 137.0, 155.0, 175.0)
    for words, x in zip(("requirement", "", "tolerance", "measured", "verdict"), places, strict=True):
        sheet.write(words, x, y, size=6.5, color=_GREY)
    y += 1.4
    verdicts = sorted(rows(certificate, "verdicts"), key=lambda row: (row["verdict"] == PASS, not row["required"]))
    verdicts = sorted(verdicts[:_LONGEST], key=lambda row: not row["required"]) + verdicts[_LONGEST:]
    for row in verdicts[:_LONGEST]:
        sheet.rule(y)
        y += 3.5
        unit, verdict = units.get(row["name"], ""), text(row, "verdict")
        sheet.write(_cut(str(row["words"]), places[1] - _LEFT - 1, 6.5), places[0], y, size=6.5)
        sheet.write("required" if row["required"] else "told", places[1], y, size=6.5, color=_GREY)
        sheet.write(bound_text(row, unit), places[2], y, size=7)
        sheet.write(number_text(number(row, "value"), unit), places[3], y, size=7)
        sheet.write(verdict, places[4], y, size=7, weight="bold", color=_COLOURS.get(verdict, _GREY))
        y += 1.3
    sheet.rule(y)
    if len(verdicts) > _LONGEST:
        y += 3.5
        sheet.write(f"and {len(verdicts) - _LONGEST} more in certificate.json", places[0], y, size=6.5, color=_GREY)
    return y


def _pictures(sheet: _Sheet, certificate: Mapping[str, Word], y: float) -> float:
    """Place the map at the left, and the other numbers beside it."""
    grid, side, top = map_of(certificate), 40.0, _title(sheet, "Every shift", y, right=_LEFT + 46)
    if grid is None:
        sheet.write("not measured on a grid", _LEFT, top + 2, color=_GREY)
    else:
        axes = sheet.drawing.add_axes((_LEFT / WIDTH, 1 - (top - 2 + side) / HEIGHT, side / WIDTH, side / HEIGHT))
        draw_map(axes, grid)
        sheet.write(map_text(grid), _LEFT, top + side + 1.2, size=6.2)
        sheet.write("change of PSNR, rows down, columns right", _LEFT, top + side + 4, size=5.8, color=_GREY)
    return max(top + side + 6, _numbers(sheet, certificate, y))


def _numbers(sheet: _Sheet, certificate: Mapping[str, Word], y: float) -> float:
    """List what was measured and is not judged, as far as there is room, and the quality of each stratum."""
    left = _LEFT + 52
    y = _title(sheet, "Also measured", y, left=left)
    for line in _quality_lines(certificate):
        sheet.write(_cut(line, _RIGHT - left, 6.4), left, y, size=6.4)
        y += 3.4
    left_out = {row["name"] for row in rows(certificate, "verdicts")} | {"psnr", "ssim", "nmse"}
    others = [row for row in rows(certificate, "numbers") if row["name"] not in left_out]
    room = max(0, int((_LIMITS - y) // 3.4) - 1)
    for row in others[:room]:
        value = number(row, "value")
        told = number_text(value, str(row["unit"])) if value is not None else str(row["reason"])
        sheet.write(_cut(str(row["words"]), 84, 6.6), left, y, size=6.6, color=_GREY)
        sheet.write(_cut(told, _RIGHT - left - 86, 6.6), left + 86, y, size=6.6)
        y += 3.4
    if len(others) > room:
        sheet.write(f"and {len(others) - room} more in certificate.json", left, y, size=6.4, color=_GREY)
        y += 3.4
    return y


def _quality_lines(certificate: Mapping[str, Word]) -> list[str]:
    lines = []
    section = rows(certificate, "sections")[0]
    for row in rows(section, "rows")[:3]:
        psnr, ssim, gain = (mapping(row, name) for name in ("psnr", "ssim", "psnr-gain"))
        lines.append(
            f"{row['stratum']} ({row['count']}): PSNR {_spread(psnr)} dB, {_spread(gain)} above the input; SSIM "
            f"{_spread(ssim)}"
        )
    return lines


def _spread(words: Mapping[str, Word]) -> str:
    low, high = number(words, "low"), number(words, "high")
    interval = "" if low is None or high is None else f" [{number_text(low)}, {number_text(high)}]"
    return f"{number_text(number(words, 'mean'))}{interval}"


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

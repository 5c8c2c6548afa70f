"""A report's tables as a LaTeX document of their own, with booktabs."""

import re
import unicodedata
from collections.abc import Mapping

from recon.report.notation import MINUS
from recon.report.parts import Cell, Figure, Report, Section, Table

_HEAD = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage[a4paper,margin=2cm]{geometry}
\usepackage{array}
\usepackage{booktabs}
\usepackage{graphicx}
\newsavebox{\widetable}
\begin{document}"""
_SENTENCES = r">{\raggedright\arraybackslash}p{7cm}"
_FOOT = r"\end{document}"

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",  # at the beginning of a row it would be an argument of the line break before
    "]": "{]}",
    "\N{EN DASH}": "--",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{MINUS SIGN}": r"\ensuremath{-}",
    "\N{INFINITY}": r"\ensuremath{\infty}",
    "\N{MIDDLE DOT}": r"\ensuremath{\cdot}",
    "\N{MULTIPLICATION SIGN}": r"\ensuremath{\times}",
    "\N{LESS-THAN OR EQUAL TO}": r"\ensuremath{\leq}",
    "\N{GREATER-THAN OR EQUAL TO}": r"\ensuremath{\geq}",
    "\N{GREEK CAPITAL LETTER DELTA}": r"\ensuremath{\Delta}",
    "\N{NO-BREAK SPACE}": "~",
}
_POWER = re.compile(r"(?:(?P<digits>[+−]?\d[\d.]*)·|(?<![\d.]))10(?P<power>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def to_latex(report: Report, figures: Mapping[str, str] | None = None) -> str:
    """Write a report as a document that compiles; `figures` are paths of PDF or PNG files by the figures' names."""
    title = f"{escaped(report.title)}{' (synthetic data)' if report.synthetic else ''}"
    blocks = [_HEAD, rf"\section*{{{title}}}", *(escaped(sentence) for sentence in report.answer)]
    for section in report.sections:
        blocks += _section(section, figures or {})
    return "\n\n".join([*blocks, _FOOT]) + "\n"


def table_to_latex(table: Table) -> str:
    """Write one table: as wide as it is, or made narrower to fit the page."""
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{\textbf{{{escaped(table.title)}.}} {escaped(table.caption)}}}",
        rf"\label{{tab:{_label(table.name)}}}",
        r"\begin{lrbox}{\widetable}",
        rf"\begin{{tabular}}{{{_alignment(table)}}}",
        r"\toprule",
        f"{' & '.join(escaped(column) for column in table.columns)} \\\\",
        r"\midrule",
        *(f"{' & '.join(_cell(cell) for cell in row)} \\\\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{lrbox}",
        r"\ifdim\wd\widetable>\linewidth\resizebox{\linewidth}{!}{\usebox{\widetable}}\else\usebox{\widetable}\fi",
        *(rf"\par\smallskip\footnotesize {escaped(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Write plain Unicode so that LaTeX prints it; signs that it has no font for become question marks.

    >>> print(escaped("100 % of a_b"), escaped("1.2·10⁻⁴"))
    100 \\% of a\\_b $1.2\\cdot10^{-4}$
    """
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    parts, end = [], 0
    for found in _POWER.finditer(plain):
        parts += [*map(_sign, plain[end : found.start()]), _power(found)]
        end = found.end()
    return "".join([*parts, *map(_sign, plain[end:])])


def _alignment(table: Table) -> str:
    """Let names begin flush and numbers end flush; columns with sentences are of one width, and broken into lines."""
    sentences = {place for row in table.rows for place, cell in enumerate(row) if cell.kind == "sentence"}
    places = range(len(table.columns))
    return "".join(_SENTENCES if place in sentences else "r" if place else "l" for place in places)


def _power(found: re.Match[str]) -> str:
    """Write a number with a power of ten as a formula."""
    digits = f"{found['digits'].replace(MINUS, '-')}\\cdot" if found["digits"] else ""
    return f"${digits}10^{{{found['power'].translate(_LOWERED)}}}$"


def _sign(sign: str) -> str:
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    latin = sign.isascii() or ("\N{LATIN CAPITAL LETTER A WITH GRAVE}" <= sign <= "\N{LATIN SMALL LETTER Z WITH CARON}")
    return sign if latin and sign.isprintable() else "?"


def _section(section: Section, figures: Mapping[str, str]) -> list[str]:
    blocks = [rf"\section{{{escaped(section.title)}}}", *(escaped(words) for words in section.paragraphs)]
    for content in section.contents:
        if not isinstance(content, Figure):
            blocks.append(table_to_latex(content))
        elif content.name in figures:
            blocks.append(_figure(content, figures[content.name]))
    return [*blocks, r"\clearpage"]


def _figure(figure: Figure, path: str) -> str:
    return "\n".join(
        [
            r"\begin{figure}[htbp]",
            r"\centering",
            rf"\includegraphics[width=\linewidth]{{\detokenize{{{path}}}}}",
            rf"\caption{{\textbf{{{escaped(figure.title)}.}} {escaped(figure.caption)}}}",
            rf"\label{{fig:{_label(figure.name)}}}",
            r"\end{figure}",
        ]
    )


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    if not cell.best:
        return text
    return rf"\textbf{{\boldmath {text}}}" if "$" in text else rf"\textbf{{{text}}}"


def _label(name: str) -> str:
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-.") else "-" for sign in name)

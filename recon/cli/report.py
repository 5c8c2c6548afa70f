"""`recon report`: one page of tables and figures from evaluations, and whether anything got worse."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recon.cli.text import Subparsers
from recon.errors import ConfigError, require_known

if TYPE_CHECKING:
    from recon.records import Record
    from recon.report.compare import Tolerance
    from recon.report.parts import Report, Section

_WORSE = 1  # as diff's status for a difference
_TOLERANCES = ("psnr", "ssim", "error", "accuracy", "consistency")
_EPILOG = """examples:
  recon report runs/evaluation --out report.html
  recon report runs/mri runs/ct --out report.html --figures figures --latex tables.tex
  recon report runs/new --out report.html --against runs/old --tolerance psnr=0.05,error=0.2

With --against, the page begins with what changed, and the exit status is 1 if anything got worse past the tolerance."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "make one page of tables and figures from evaluations"
    parser = commands.add_parser(
        "report",
        help=about,
        description=f"{about.capitalize()}: one HTML file that needs nothing else.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="what `recon evaluate --out` wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page, such as report.html")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the tables as Markdown, too")
    parser.add_argument("--latex", type=Path, metavar="FILE", help="the tables as a LaTeX document, too")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="every figure as SVG and PNG, too")
    parser.add_argument("--against", type=Path, metavar="OLD", help="an older evaluation to compare with")
    parser.add_argument(
        "--tolerance",
        metavar="NAME=NUMBER[,...]",
        help="how much worse is still as good: psnr and ssim as they are, error as a share of the old one, accuracy "
        "(and mIoU) and consistency in points (default: psnr=0.1,ssim=0.005,error=0.1,accuracy=0.5,consistency=0.5)",
    )
    parser.add_argument("--title", help="the page's title")
    parser.set_defaults(run=make_report)


def make_report(options: argparse.Namespace) -> int:
    """Read everything, draw and compose, and only then write."""
    from recon.report.page import write_figures, write_page
    from recon.report.writing import composed, records_of

    _require_apart(options)
    records = records_of(options.folders)
    made = composed(records, options.folders, title=options.title)
    worse, comparison = False, None
    if options.against is not None:
        worse, said, comparison = _compared(records, options.against, _tolerance(options.tolerance))
        print(said)
    elif options.tolerance is not None:
        raise ConfigError("--tolerance says how to compare, got nothing to compare with; name it with --against")
    made = _completed(made, comparison, options)
    texts = _texts(made, options)
    if options.figures is not None:
        write_figures(made, options.figures)
    for path, text in texts.items():
        _write(path, text)
    write_page(made, options.out)
    print(f"the report is in {options.out}")
    return _WORSE if worse else 0


def _compared(records: Sequence["Record"], old: Path, tolerance: "Tolerance | None") -> tuple[bool, str, "Section"]:
    from recon.report.compare import compare, comparison, verdict
    from recon.report.parts import Section
    from recon.report.writing import records_of

    changes = compare(records_of([old]), records, tolerance)
    synthetic = any(record.source.synthetic for record in records)
    table, words = comparison(changes, synthetic=synthetic), [f"Compared with {old}."]
    contents = ([*words, *table.notes], []) if not table.rows else (words, [table])
    return any(change.worse for change in changes), verdict(changes), Section("against", "What changed", *contents)


def _completed(report: "Report", comparison: "Section | None", options: argparse.Namespace) -> "Report":
    """Put the comparison first and the command last."""
    from dataclasses import replace

    from recon.report.writing import with_command

    words = ["recon", "report", *map(str, options.folders), "--out", str(options.out)]
    for name in ("figures", "markdown", "latex", "against", "tolerance", "title"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name}", str(value)]
    first = [] if comparison is None else [comparison]
    return with_command(replace(report, sections=[*first, *report.sections]), words)


def _texts(report: "Report", options: argparse.Namespace) -> dict[Path, str]:
    """Compose the other forms."""
    from recon.report.latex import to_latex
    from recon.report.markdown import to_markdown

    texts = {}
    if options.markdown is not None:
        texts[options.markdown] = to_markdown(report, _links(report, options.figures, options.markdown, "svg"))
    if options.latex is not None:
        texts[options.latex] = to_latex(report, _links(report, options.figures, options.latex, "png"))
    return texts


def _links(report: "Report", folder: Path | None, document: Path, ending: str) -> Mapping[str, str]:
    """Give the way from a document to each figure's file; none where figures are not written."""
    from recon.report.parts import Figure

    if folder is None:
        return {}
    way = Path(os.path.relpath(folder, document.parent))
    drawn = [part for section in report.sections for part in section.contents if isinstance(part, Figure)]
    return {figure.name: (way / f"{figure.name}.{ending}").as_posix() for figure in drawn}


def _tolerance(words: str | None) -> "Tolerance | None":
    """Read psnr=0.1,ssim=0.005."""
    from recon.report.compare import Tolerance

    if words is None:
        return None
    found = {}
    for word in words.split(","):
        name, _, number = word.partition("=")
        try:
            found[require_known(name.strip(), _TOLERANCES, name="--tolerance")] = float(number)
        except ValueError as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"--tolerance must be NAME=NUMBER[,...], got {word!r}; write psnr=0.1") from error
    return Tolerance(**found)


def _require_apart(options: argparse.Namespace) -> None:
    """Refuse to write two things into one file, or over the records."""
    from recon.records import LINES

    given = [path for path in (options.out, options.markdown, options.latex) if path is not None]
    if len({path.resolve() for path in given}) < len(given):
        raise ConfigError(f"--out, --markdown and --latex must be files of their own, got {given[0]} twice")
    held = [*options.folders, *([] if options.against is None else [options.against])]
    records = {(folder / LINES if folder.is_dir() else folder).resolve() for folder in held}
    for path in given:
        if path.resolve() in records:
            raise ConfigError(f"the report must leave the records as they are, got {path}; name another file")
        if path.is_dir():
            raise ConfigError(f"the report must be written to a file, got the folder {path}; name a file in it")


def _write(path: Path, text: str) -> None:
    from recon.files import written_whole

    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")

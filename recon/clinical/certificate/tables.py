"""The measured tables of a certificate as people read them: headings with units, numbers in these."""

from collections.abc import Mapping, Sequence

from recon.clinical.certificate.markup import Cell, Group, Kind
from recon.clinical.certificate.quantities import SHARE
from recon.clinical.certificate.spelling import number_text, word_text
from recon.clinical.certificate.words import rows
from recon.records import Word

_HEADINGS = {
    "psnr": "PSNR (dB)",
    "ssim": "SSIM",
    "nmse": "NMSE",
    "psnr-gain": "PSNR above the input (dB)",
    "ssim-gain": "SSIM above the input",
    "lowest psnr": "lowest PSNR (dB)",
    "lowest ssim": "lowest SSIM",
    "lowest PSNR": "lowest PSNR (dB)",
    "largest change of PSNR": "largest change of PSNR (dB)",
    "by the shift": "by the shift (pixels)",
    "tried": "shifts of each slice",
    "period": "period (pixels)",
    "bitwise share": "the same to the bit",
    "premise NMSE": "largest NMSE by whole periods",
    "largest difference": "largest difference",
    "every shift bitwise": "every shift to the bit",
    "shift": "shift (pixels)",
    "step": "apart (pixels)",
    "mean nmse": "mean NMSE",
    "largest nmse": "largest NMSE",
    "mean nmse_inside": "mean NMSE inside",
    "largest nmse_inside": "largest NMSE inside",
    "mean floor": "mean floor",
    "largest floor": "largest floor",
    "strength": "noise (share of the deviation)",
    "flipped share": "slices with another phase",
    "seconds": "one image",
    "images a second": "images a second",
    "bytes": "memory",
    "size": "size (pixels)",
    "batch": "images in a batch",
}
_UNITS = {"bitwise share": SHARE, "flipped share": SHARE, "seconds": "s", "bytes": "bytes"}
_ACROSS = 5  # numbers of a single row that stand side by side
_PLACES = ("shift", "step", "by the shift")
_SHIFTS = {"all residues": "all below the period", "every shift": "every one", "random": "random ones"}


def measured_table(section: Mapping[str, Word]) -> tuple[Sequence[str], Group]:
    """Give the headings and the rows of a table; of a single row, each number in a line of its own."""
    found = rows(section, "rows")
    columns = [name for name in dict.fromkeys(name for one in found for name in one) if name != "of"]
    scope = str(found[0].get("of", ""))  # of what there are so many
    if scope == "volume":
        columns.remove("volumes")
    headings = [f"{scope}s" if name == "count" and scope else _HEADINGS.get(name, name) for name in columns]
    headings = ["slices" if name == "count" else name for name in headings]
    if len(found) == 1 and len(columns) > _ACROSS:
        pairs = [(words, _cell(name, found[0][name])) for words, name in zip(headings, columns, strict=True)]
        return ["", ""], Group("", [[Cell(words, "small"), _line(cell)] for words, cell in pairs])
    return headings, Group("", [[_cell(name, one.get(name)) for name in columns] for one in found])


def _line(cell: Cell) -> Cell:
    """Give a cell that stands in a line, not in a column of numbers."""
    return Cell(f"{cell.words} {cell.below}".strip())


def _cell(column: str, value: Word) -> Cell:
    if column in _PLACES and isinstance(value, Sequence) and not isinstance(value, str):
        return Cell(f"({', '.join(map(word_text, value))})", "number")
    if isinstance(value, bool):
        return Cell(word_text(value))
    is_number = isinstance(value, int | float | Mapping)
    kind: Kind = "number" if is_number else ""
    if isinstance(value, int | float) and column in _UNITS:
        return Cell(number_text(value, _UNITS[column]), kind)
    if isinstance(value, Mapping) and value.keys() == {"mean", "low", "high"}:
        told, _, interval = word_text(value).partition(" [")
        return Cell(told, kind, f"[{interval}" if interval else "")
    told = word_text(value)
    return Cell(_SHIFTS.get(told, told), kind)

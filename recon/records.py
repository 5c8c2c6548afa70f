"""Records: one measured result each, with all it takes to judge it; kept as JSON lines, and as CSV for spreadsheets."""

import csv
import gzip
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias, Union, get_args

from recon.errors import DataError
from recon.files import written_whole

FORMAT = 1
LINES, TABLE = "records.jsonl", "records.csv"
_GZ = ".gz"

BUILT_IN = "built-in"  # the kind of what leaves its input as it is

_AGAIN = "delete the file and run `recon evaluate` again, which keeps what its folder parts holds"

_NUMBER = "$number"  # marks, among words, a number that JSON does not have

Scope = Literal["image", "volume", "set"]
Word: TypeAlias = Union[str, int, float, bool, Sequence["Word"], Mapping[str, "Word"], None]  # noqa: UP007


@dataclass(frozen=True, slots=True)
class Subject:
    """What was measured.

    Args:
        name: what tables call it.
        kind: `UNet`, `function`, `onnx`, `torch.export` or `built-in`.
        variant: the sampling, its blur, and how it was trained, in a word: `aps-tri-3`, `plain-shifts`; or the name.
        weights: SHA-256 of the weights, or of the file that holds them; empty where there are none.
        parameters: how many it has, where that is known.
        period: the stride of all its levels together: shifts by its multiples move nothing between phases; 0 where
            that is not known.
        details: the network's arguments, its training, where it came from.
    """

    name: str
    kind: str
    variant: str = ""
    weights: str = ""
    parameters: int | None = None
    period: int = 0
    details: Mapping[str, Word] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """What it was measured on.

    Args:
        name: what tables call the data.
        modality: `mri`, `ct`, `cifar10`, `imagenet` or `voc`.
        synthetic: whether all of it, or a part, was generated.
        fingerprint: a hash of the files' names, sizes and beginnings and of how they are read: equal for equal data.
        settings: how the files are read: mask, crop, filter.
    """

    name: str
    modality: str
    synthetic: bool
    fingerprint: str
    settings: Mapping[str, Word] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How it was measured: the seed of all that is drawn, the versions, the processor and the precision."""

    seed: int
    versions: Mapping[str, str]
    device: str
    precision: str


@dataclass(frozen=True, slots=True)
class Record:
    """One measured result.

    Args:
        protocol: the protocol that measured it.
        scope: whether it is of one image, of one volume, or of a whole set of them.
        item: the volume, file or image.
        slice: its slice, where it is of one.
        group: what is averaged apart: the acquisition (PD, PDFS), the set of images.
        settings: what was chosen: the shift, the strength of noise.
        measures: numbers by name.
        arrays: rows of numbers by name; left out of the CSV.
        convention: how the measures are defined.
        subject: what was measured.
        source: on what.
        circumstances: how.
    """

    protocol: str
    scope: Scope
    item: str
    slice: int | None
    group: str
    settings: Mapping[str, Word]
    measures: Mapping[str, float]
    arrays: Mapping[str, Sequence[float]]
    convention: str
    subject: Subject
    source: Source
    circumstances: Circumstances


def to_line(record: Record) -> str:
    """Give a record as one line of JSON.

    Numbers that JSON does not have become the words inf, -inf and nan among measures and in arrays, and
    `{"$number": "inf"}` elsewhere, where words are words.
    """
    row = {"format": FORMAT, **asdict(record)}
    row["measures"] = {name: _spelt_number(value) for name, value in record.measures.items()}
    row["arrays"] = {name: [_spelt_number(value) for value in values] for name, values in record.arrays.items()}
    return json.dumps(_spelt(row), allow_nan=False, separators=(",", ":"))


def from_line(line: str, *, where: str) -> Record:
    """Read one line; `where` names the file and line in errors."""
    try:
        row = json.loads(line, object_hook=_unspelt)
        version = row.pop("format")
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise DataError(f"{where} must be a record in JSON, got {line[:60]!r}; {_AGAIN}") from error
    if type(version) is not int or version > FORMAT:
        raise DataError(f"{where} is of format {version!r}, and this recon knows up to {FORMAT}; update recon")
    try:
        for name, kind in (("subject", Subject), ("source", Source), ("circumstances", Circumstances)):
            row[name] = kind(**row[name])
        row["measures"] = {name: float(value) for name, value in row["measures"].items()}
        row["arrays"] = {name: [float(value) for value in values] for name, values in row["arrays"].items()}
        _require_kinds(row)
        return Record(**row)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise DataError(
            f"{where} must be a whole record, got one that cannot be understood: {error}; {_AGAIN}"
        ) from error


def read_records(path: Path) -> list[Record]:
    """Read the records of a folder (its records.jsonl) or file, which may be compressed (.gz), all or none."""
    path = Path(path)
    file = path / LINES if path.is_dir() else path
    try:
        content = file.read_bytes()
        lines = (gzip.decompress(content) if file.suffix == _GZ else content).decode("utf-8").splitlines()
    except FileNotFoundError as error:
        raise DataError(
            f"{path} must be a folder with {LINES}, or such a file, got none; run `recon evaluate` first"
        ) from error
    except (OSError, UnicodeDecodeError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    records = [from_line(line, where=f"{file}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not records:
        raise DataError(f"{file} must hold records, got an empty file; {_AGAIN}")
    return records


def write_lines(records: Iterable[Record], path: Path) -> None:
    """Write records as JSON lines, compressed if the path ends with .gz: the same records give the same bytes."""
    with written_whole(path) as partial, partial.open("wb") as file:
        lines = (f"{to_line(record)}\n".encode() for record in records)
        if path.suffix == _GZ:
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed:
                compressed.writelines(lines)
        else:
            file.writelines(lines)


def write_table(records: Sequence[Record], path: Path) -> None:
    """Write records as CSV: a row each, a column for every setting and measure that occurs, without the arrays."""
    rows = [_row(record) for record in records]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    ordered = sorted(columns, key=_column_rank)
    with (
        written_whole(path) as partial,
        partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,  # names need not be text
    ):
        writer = csv.DictWriter(file, ordered, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _row(record: Record) -> dict[str, str | int | float | None]:
    """Lay a record flat."""
    row: dict[str, str | int | float | None] = dict(record.measures)
    row |= {name: getattr(record, name) for name in ("protocol", "scope", "item", "slice", "group")}
    row |= {"network": record.subject.name}
    row |= {f"setting.{name}": _cell(value) for name, value in record.settings.items()}
    row |= {"convention": record.convention}
    for part in ("subject", "source", "circumstances"):
        held = getattr(record, part)
        row |= {f"{part}.{entry.name}": _cell(getattr(held, entry.name)) for entry in fields(held)}
    return row


def _cell(value: Word) -> str | int | float | None:
    return value if isinstance(value, str | int | float | None) else json.dumps(value, separators=(",", ":"))


def _column_rank(name: str) -> int:
    """Put who and what first, then measures, then the rest, each in the order in which it came."""
    front = ("protocol", "network", "scope", "item", "slice", "group")
    if name in front:
        return front.index(name)
    return 99 if name == "convention" or "." in name else 50


def _require_kinds(row: Mapping[str, object]) -> None:
    """Raise an error unless the fields are of their kinds."""
    texts = [row[name] for name in ("protocol", "item", "group", "convention")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(row["settings"], Mapping):
        raise TypeError("protocol, item, group and convention must be words, and settings a mapping")
    if row["scope"] not in get_args(Scope) or not isinstance(row["slice"], int | None):
        raise TypeError(f"scope must be one of {', '.join(get_args(Scope))}, and slice a whole number or null")


def _spelt_number(value: float) -> float | str:
    return value if math.isfinite(value) else str(float(value))


def _spelt(value: object) -> object:
    """Mark the numbers that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return {_NUMBER: str(value)}
    if isinstance(value, Mapping):
        return {name: _spelt(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_spelt(entry) for entry in value]
    return value


def _unspelt(value: dict[str, Word]) -> object:
    """Give the number for what `_spelt` marked."""
    return float(str(value[_NUMBER])) if value.keys() == {_NUMBER} else value

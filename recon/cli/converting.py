"""The course of `recon convert`: what it does one after the other, and what it says meanwhile."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from recon.cli.convert_text import data_text, replaced_text, told_replaced, training_text, tried_text
from recon.conversion.comparing import compared, images_of, tries_of
from recon.conversion.convert import Conversion, converted
from recon.conversion.measuring import AFTER, BEFORE, RECORDS, REPORT, Data, chosen_data, measured, require_taken
from recon.conversion.originals import find_original
from recon.conversion.trying import tried
from recon.conversion.tuning import is_whole, recipes_for, tuning
from recon.conversion.writing import (
    begun,
    read_network,
    taken_back,
    training_command,
    write_config,
    write_found,
    write_network,
    write_original,
    write_replaced,
)
from recon.errors import ReconError
from recon.records import Record, Word

_INTERRUPTED = 130  # as a shell counts a death by SIGINT


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: see `recon convert --help`; `command` is that command again."""

    spec: str
    method: str
    blur: str | None
    out: Path
    example: Sequence[int] | None
    factory: str | None
    data: Data
    command: Sequence[str]
    architecture: Path | None = None


def convert_network(asked: Asked) -> int:
    """Convert, write and measure, and give the exit status; what can be refused is refused before anything is there."""
    data, out = asked.data, asked.out
    original = find_original(
        asked.spec,
        checkpoint=data.place.checkpoint,
        example=asked.example,
        factory=asked.factory,
        architecture=asked.architecture,
        modality=data.modality,
    )
    conversion = converted(original, asked.method, blur=asked.blur, seed=data.seed)
    chosen = chosen_data(original, data)
    if chosen is not None:
        require_taken(conversion, chosen)
    goes_on = begun(out, conversion)
    whole = is_whole(conversion, chosen)
    training = training_command(out, whole=whole)
    with nullcontext() if goes_on else taken_back(out):
        file = read_network(conversion, out) if goes_on else write_network(conversion, out)
        write_replaced(replaced_text(conversion), out)
        write_config(tuning(conversion, file, chosen), out, original.spec, training)
        print(told_replaced(conversion, out))
        try:
            found = _tried(conversion, data) if chosen is None else _on_data(conversion, file, asked, chosen.modality)
        except KeyboardInterrupt:
            print(f"\nstopped; {_kept(file)}", file=sys.stderr)
            return _INTERRUPTED
        except ReconError as error:
            if goes_on or (out / RECORDS).exists():
                error.add_note(_kept(file))
            raise
    write_found(conversion, out, found, seed=data.seed, device=data.place.device)
    print(f"the converted network is in {file}")
    print(training_text(training, [] if whole else recipes_for(conversion)))
    return 0


def _kept(file: Path) -> str:
    return f"the converted network is in {file}, and was not measured to the end: go on with the same command"


def _on_data(conversion: Conversion, file: Path, asked: Asked, modality: str) -> dict[str, Word]:
    """Measure on data, and print the table."""
    files: dict[str, Path | str] = {BEFORE: write_original(conversion, asked.out), AFTER: file}
    outcome = measured(conversion.original, files, asked.out, asked.data, modality, asked.command)
    records, rows = outcome.records, compared(outcome.records)
    print(f"\n{data_text(records)}", end="\n\n")
    for (name, protocol), reason in outcome.left_out.items():
        print(f"left out: {protocol} of {name}: {reason}", file=sys.stderr)
    print(f"the report is in {asked.out / REPORT}")
    numbers: dict[str, Word] = {
        row.measure.name: {BEFORE: row.before, AFTER: row.after, "change": row.change} for row in rows
    }
    return {"data": _source(records), "images": images_of(records), "tries": _tries(records), "measured": numbers}


def _source(records: Sequence[Record]) -> Mapping[str, Word]:
    source = records[0].source
    names = ("name", "modality", "synthetic", "fingerprint")
    return {**{name: getattr(source, name) for name in names}, "settings": source.settings}


def _tries(records: Sequence[Record]) -> list[Word]:
    return [
        {"network": one.network, "images": one.images, "shifts": one.shifts, "which": one.meaning, "period": one.period}
        for one in tries_of(records)
    ]


def _tried(conversion: Conversion, data: Data) -> dict[str, Word]:
    """Try shifts of a few images, and print the table."""
    result = tried(conversion, place=data.place, limit=data.limit, seed=data.seed)
    print(f"\n{tried_text(result)}", end="\n\n")
    return {
        "data": None,
        "tries": {"shape": list(result.shape), "period": result.period, "residues": result.residues},
        "outputs": {"all": result.outputs[0], "compared": result.outputs[1]},
        "shifts": {
            name: [
                {"image": one.image, "compared": one.compared, "bitwise": one.bitwise, "nmse": one.nmse} for one in many
            ]
            for name, many in result.found.items()
        },
    }

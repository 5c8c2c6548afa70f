"""What `recon convert` says, in lines and tables."""

from collections.abc import Sequence
from pathlib import Path

from recon.cli.text import aligned, counted
from recon.conversion.agreement import Agreement
from recon.conversion.comparing import Tries, compared, images_of, tries_of
from recon.conversion.convert import Conversion
from recon.conversion.measuring import AFTER, BEFORE
from recon.conversion.replaced import pairs_of, replaced_rows
from recon.conversion.trying import Tried
from recon.conversion.writing import REPLACED
from recon.records import Record
from recon.report.cells import strict_error_text


def replaced_text(conversion: Conversion) -> str:
    """Say what was replaced, an operation a line; a UNet is built of pairs, and says how many."""
    rows = replaced_rows(conversion.network)
    if rows:
        return "\n".join(aligned(rows))
    pairs = counted(pairs_of(conversion.network), "pair")
    return f"{pairs} of down and up layers with the sampling {conversion.method}"


def told_replaced(conversion: Conversion, out: Path) -> str:
    """Say what was replaced in short: the operations that sample, and how many others there are."""
    rows, every = (replaced_rows(conversion.network, sampling=sampling) for sampling in (True, False))
    if not every:
        lines = [replaced_text(conversion)]
    else:
        others = counted(len(every) - len(rows), "other operation")
        lines = [*(aligned(rows) if len(rows) > 1 else []), f"{others} replaced, as {out / REPLACED} lists"]
    if conversion.new:
        tensors = counted(len(conversion.new), "weight tensor")
        lines.append(f"not trained yet: {tensors} of the sampling {conversion.method}, which the original has none of")
    return "\n".join(lines)


def data_text(records: Sequence[Record]) -> str:
    """Give the table of what was measured on data, and of how many images it is."""
    source = records[0].source
    synthetic = " (synthetic)" if source.synthetic and "synthetic" not in source.name else ""
    rows = [("", BEFORE, AFTER, "change"), *(row.texts for row in compared(records))]
    return "\n".join(
        [
            f"{source.name}{synthetic}: {counted(images_of(records), 'image')}",
            *aligned(rows, right=[1, 2, 3]),
            *_tries_texts(tries_of(records)),
        ]
    )


def tried_text(result: Tried) -> str:
    """Give the table of what shifts of a few images did."""
    quality = "the change of quality was not measured: say with --modality and --data on which data to measure it"
    given, known = result.outputs
    if not known:
        return (
            f"not measured: no output is without pixels or of the image's size or a whole multiple of it, so that it "
            f"could be moved back\n{quality}"
        )
    size = " x ".join(map(str, result.shape))
    below = f"below the period {result.period}"
    which = f"every shift {below}" if result.is_all else f"{result.residues} shifts {below}, at random"
    which = f"{which}, moved on by whole periods" if result.period > 1 else "shifts at random"
    rows = [(together[0].image, *map(_said, together)) for together in zip(*result.found.values(), strict=True)]
    left = [f"{counted(given - known, 'other output')} on a coarser grid, not compared"] if known < given else []
    return "\n".join(
        [
            f"largest NMSE under circular shifts of images of {size} (bitwise equal of tried: {which}):",
            *aligned([("", *result.found), *rows], right=range(1, len(result.found) + 1)),
            *left,
            quality,
        ]
    )


def training_text(command: str, recipes: Sequence[str]) -> str:
    """Say how to train on; a configuration that is not whole is laid over one of the recipes."""
    names = [f"configs/{name}.yaml" for name in recipes]
    where = f", where RECIPE is {', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else ""
    return f"train it on: {command.replace('RECIPE', names[0]) if len(names) == 1 else command}{where}"


def _tries_texts(tries: Sequence[Tries]) -> list[str]:
    """Say which shifts of how many images every shift is; once where both networks were given the same."""
    texts = {one.network: "" for one in tries}
    for one in tries:
        shifts = {
            "all residues": f"all {one.shifts} shifts below the period {one.period}",
            "every shift": f"all {one.shifts} shifts",
            "random": f"{one.shifts} shifts at random, since it is not circular",
        }[one.meaning]
        texts[one.network] += f"{'; ' if texts[one.network] else ''}{counted(one.images, 'image')} under {shifts}"
    if len(set(texts.values())) == 1:
        return [f"every shift: {next(iter(texts.values()))}"]
    return [f"every shift, {name}: {text}" for name, text in texts.items()]


def _said(agreement: Agreement) -> str:
    return f"{strict_error_text(agreement.nmse)} ({agreement.bitwise} of {agreement.compared})"

"""How a certificate's words and numbers are spelt for people."""

import math
from collections.abc import Mapping, Sequence

from recon.clinical.certificate.quantities import SHARE
from recon.clinical.certificate.tolerances import FAIL, PASS
from recon.clinical.certificate.words import mapping, number, rows, text
from recon.records import Word
from recon.report.notation import DASH, TIMES, short

VERDICTS = {PASS: "PASS", FAIL: "FAIL"}
HASHED = "SHA-256"  # ends the name of a line whose words are one
_MODALITIES = {"mri": "MRI", "ct": "CT"}
_ORIGIN = {True: "synthetic", False: "measured"}


def number_text(value: float | None, unit: str = "") -> str:
    """Write a number with its unit: bytes as megabytes, short times as milliseconds, shares as percent.

    >>> number_text(0.25, "dB"), number_text(0.0), number_text(3_200_000.0, "bytes"), number_text(0.0106, "s")
    ('0.25 dB', '0', '3.2 MB', '10.6 ms')
    """
    if value is None:
        return "not measured"
    if unit == "bytes":
        return f"{short(value / 1e6)} MB"
    if unit == SHARE:
        return _percent(value)
    if unit == "s" and value < 1:
        return f"{short(value * 1e3)} ms"
    return f"{short(value)} {unit}".strip()


def bound_text(row: Mapping[str, Word], unit: str = "") -> str:
    """Write a tolerance: `≥ 0.5 dB`."""
    sign = "≥" if row["direction"] == "at least" else "≤"
    return f"{sign} {number_text(number(row, 'bound'), unit)}"


def word_text(value: Word) -> str:
    """Write any word of a table: numbers short, spreads with their interval, lists with crosses between.

    >>> word_text({"mean": 1.0, "low": 0.5, "high": 2.0}), word_text(True)
    ('1 [0.5, 2]', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        if value.keys() == {"mean", "low", "high"}:
            low, high = number(value, "low"), number(value, "high")
            interval = "" if low is None or high is None else f" [{short(low)}, {short(high)}]"
            return f"{number_text(number(value, 'mean'))}{interval}"
        return "; ".join(f"{name.replace('_', ' ')} {_entry_text(entry)}" for name, entry in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f" {TIMES} ".join(map(word_text, value))
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return short(value)
    return DASH if value is None else str(value)


def counted(count: Word, noun: str) -> str:
    """Write a number with its noun.

    >>> counted(1, "slice"), counted(1200, "slice")
    ('1 slice', '1,200 slices')
    """
    return f"{word_text(count)} {noun}{'' if count == 1 else 's'}"


def units_of(certificate: Mapping[str, Word]) -> Mapping[Word, str]:
    """Give the unit of each number, by its name."""
    return {row["name"]: str(row["unit"]) for row in rows(certificate, "numbers")}


def value_text(row: Mapping[str, Word], certificate: Mapping[str, Word]) -> str:
    """Write what was measured for a number or a requirement, or why it was not."""
    value = number(row, "value")
    if value is not None:
        return number_text(value, units_of(certificate).get(row["name"], ""))
    reasons = {one["name"]: str(one["reason"]) for one in rows(certificate, "numbers")}
    return reasons.get(row["name"], number_text(None))


def summary(certificate: Mapping[str, Word]) -> str:
    """Say in a sentence how many requirements are met."""
    required = [row for row in rows(certificate, "verdicts") if row["required"] is True]
    missed = sum(row["verdict"] != PASS for row in required)
    of = f"of {len(required)} required tolerances"
    return f"{missed} {of} {'is' if missed == 1 else 'are'} not met." if missed else f"All {of[3:]} are met."


def unmet(certificate: Mapping[str, Word]) -> list[str]:
    """Give a line for each required tolerance that is not met."""
    units = units_of(certificate)
    return [
        f"{text(row, 'words')} Measured: {value_text(row, certificate)}; it must be "
        f"{bound_text(row, units.get(row['name'], ''))}."
        for row in rows(certificate, "verdicts")
        if row["required"] is True and row["verdict"] != PASS
    ]


def identity_lines(certificate: Mapping[str, Word]) -> list[tuple[str, str]]:
    """Give the lines that say what is certified, and how it was measured."""
    certified, ran, data = (mapping(certificate, name) for name in ("certified", "ran", "data"))
    settings, tolerances = mapping(certificate, "settings"), mapping(certificate, "tolerances")
    versions = ", ".join(f"{name} {value}" for name, value in mapping(ran, "versions").items())
    name = str(data["name"]).replace(" (synthetic)", "")
    parameters = certified.get("parameters")
    count = f", {word_text(parameters)} parameters" if parameters is not None else ""
    modality = _MODALITIES.get(text(certified, "modality"), text(certified, "modality"))
    places = f"{counted(data['slices'], 'slice')} of {word_text(data['size'])} pixels"
    return [
        ("Network", f"{text(certified, 'variant')}: {text(certified, 'network')}{count}, for {modality}"),
        (f"Weights, {HASHED}", text(certified, "weights")),
        ("Stored as", f"{certified['stored_as']}; heights and widths in multiples of {certified['multiple']} pixels"),
        (f"Content, {HASHED}", text(certified, "content_sha256")),
        ("Trained on", _training(certified)),
        (
            "Measured on",
            f"{name}, {_ORIGIN[data['synthetic'] is True]}; {counted(data['volumes'], 'volume')}, {places}",
        ),
        (f"Data, {HASHED}", text(data, "fingerprint")),
        ("Under shifts", f"at most {counted(settings['limit'], 'slice')}, evenly spread; seed {settings['seed']}"),
        ("Computed by", f"{ran['runtime']} in {certified['precision']}, {counted(ran['threads'], 'thread')}"),
        ("Processor", f"{ran['processor']}; {ran['device']}"),
        ("Versions", versions),
        ("Tolerances", str(tolerances["file"])),
        (f"Tolerances, {HASHED}", str(tolerances["sha256"])),
    ]


def _training(certified: Mapping[str, Word]) -> str:
    """Say what it was trained on, as far as that is known."""
    synthetic, training = certified.get("training_synthetic"), mapping(certified, "training")
    data, how = training.get("data"), training.get("training")
    slices = data.get("slices") if isinstance(data, Mapping) else None
    told = [f"{_ORIGIN[synthetic]} data" if isinstance(synthetic, bool) else "data that nobody named"]
    if isinstance(slices, Mapping) and "train" in slices:
        told.append(counted(slices["train"], "slice"))
    if isinstance(how, Mapping):
        told += [counted(how["epochs"], "epoch")] if "epochs" in how else []
        told += [f"{name} {word_text(how[name])}" for name in ("loss", "seed") if name in how]
    return ", ".join(told)


def _entry_text(value: Word) -> str:
    """Write an entry of a mapping: what is in it stands in brackets or between commas."""
    if isinstance(value, Mapping):
        return f"({word_text(value)})"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(word_text, value))
    return "none" if value is None else word_text(value)


def _percent(value: float) -> str:
    """Write a share; what is not all of it is never 100 %."""
    hundredths = 100 * value
    return f"{short(math.floor(10 * hundredths) / 10 if 99 < hundredths < 100 else hundredths)} %"

"""How a certificate's words and numbers are spelt for people."""

from collections.abc import Mapping, Sequence

from recon.clinical.certificate.tolerances import FAIL, PASS
from recon.clinical.certificate.words import mapping, number, text
from recon.records import Word
from recon.report.notation import DASH, TIMES, short

VERDICTS = {PASS: "PASS", FAIL: "FAIL"}


def number_text(value: float | None, unit: str = "") -> str:
    """Write a number with its unit; bytes as megabytes.

    >>> number_text(0.25, "dB"), number_text(0.0), number_text(3_200_000.0, "bytes")
    ('0.25 dB', '0', '3.2 MB')
    """
    if value is None:
        return "not measured"
    if unit == "bytes":
        return f"{short(value / 1e6)} MB"
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
        return ", ".join(f"{name} {word_text(entry)}" for name, entry in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f" {TIMES} ".join(map(word_text, value))
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, float):
        return short(value)
    return DASH if value is None else str(value)


def identity_lines(certificate: Mapping[str, Word]) -> list[tuple[str, str]]:
    """Give the lines that say what is certified, and how it was measured."""
    certified, ran, data = (mapping(certificate, name) for name in ("certified", "ran", "data"))
    settings, tolerances = mapping(certificate, "settings"), mapping(certificate, "tolerances")
    versions = ", ".join(f"{name} {value}" for name, value in mapping(ran, "versions").items())
    told = {True: "synthetic data", False: "measured data"}
    synthetic = certified.get("training_synthetic")
    training = told[synthetic] if isinstance(synthetic, bool) else "data that nobody named"
    kind = "synthetic data" if data["synthetic"] else "measured data"
    name = str(data["name"]).replace(" (synthetic)", "")
    parameters = certified.get("parameters")
    count = f", {word_text(parameters)} parameters" if parameters is not None else ""
    return [
        ("Network", f"{text(certified, 'variant')} ({text(certified, 'network')}{count}), {certified['modality']}"),
        ("Weights (SHA-256)", text(certified, "weights")),
        ("Content (SHA-256)", text(certified, "content_sha256")),
        ("Stored as", f"{certified['stored_as']}, sizes in multiples of {certified['multiple']}"),
        ("Trained on", f"{training}"),
        (
            "Measured on",
            f"{name}, {kind}; volumes: {data['volumes']}, slices: {data['slices']} of {word_text(data['size'])}",
        ),
        ("Data (fingerprint)", text(data, "fingerprint")),
        ("Computed by", f"{ran['runtime']}, {certified['precision']}, threads: {ran['threads']}"),
        ("Processor", f"{ran['processor']}; {ran['device']}"),
        ("Versions", versions),
        ("Shifts and noise on", f"slices: at most {settings['limit']}, seed {settings['seed']}"),
        ("Tolerances", f"{tolerances['file']}, SHA-256 {str(tolerances['sha256'])[:16]}…"),
    ]

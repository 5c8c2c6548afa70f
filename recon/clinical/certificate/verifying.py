"""Measures a certified model again, and says what is no longer as its certificate has it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from recon.clinical.certificate.certify import Prepared, composed, judged, numbers_of, passes, prepared
from recon.clinical.certificate.identity import how_it_ran
from recon.clinical.certificate.measuring import measured
from recon.clinical.certificate.quantities import QUANTITIES, Drift
from recon.clinical.certificate.sealing import broken_seal
from recon.clinical.certificate.settings import Places, settings_from
from recon.clinical.certificate.spelling import number_text, word_text
from recon.clinical.certificate.tolerances import (
    FAIL,
    PASS,
    SHIPPED,
    Tolerances,
    read_tolerances,
    tolerances_from,
)
from recon.clinical.certificate.words import canonical, mapping, number, rows, text
from recon.clinical.models import Opening
from recon.data.progress import Counter
from recon.errors import ConfigError, DataError
from recon.evaluation.running import Counting
from recon.records import Word

_TEXTS = ("maker", "use", "limits", "data", "numbers", "sections")  # of which words must be the same

Kind = Literal["same", "within", "told", "drifted"]
_IDENTITY = (
    "weights", "content_sha256", "network", "variant", "modality", "multiple", "arguments", "training", "scaling",
    "precision", "parameters", "training_synthetic",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing as the certificate has it, as it is now, what difference is allowed, and what that makes of it."""

    what: str
    then: str
    now: str
    allowed: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found, and whether the model was measured again: not where it or the certificate is another one."""

    findings: Sequence[Finding]
    measured: bool

    @property
    def drifted(self) -> list[Finding]:
        """What is not as it must be."""
        return [one for one in self.findings if one.kind == "drifted"]


def verify(
    certificate: Mapping[str, Word],
    spec: str,
    opening: Opening,
    *,
    data: Path | None = None,
    tolerances: Tolerances | None = None,
    key: bytes | None = None,
    counting: Counting = Counter,
) -> Verification:
    """Look at the seal, the tolerances, the model and the data; where all are as stated, measure again and compare."""
    problem = broken_seal(certificate, key)
    seal = Finding("certificate", "sealed", problem or "unaltered", "", "drifted" if problem else "same")
    if problem:
        return Verification([seal], measured=False)
    stated = tolerances_from(mapping(certificate, "tolerances"))
    findings = [seal, _same_tolerances(stated, tolerances), *_consistency(certificate, stated)]
    settings = settings_from(certificate)
    if settings.embedded != (data is None):
        which = "embedded data; leave --data out" if settings.embedded else "data of your own; pass --data DIR"
        raise ConfigError(f"the certificate is of measurements on {which}")
    precision = settings.precision
    opening = replace(opening, place=replace(opening.place, precision=precision))  # type: ignore[arg-type]  # checked there
    with TemporaryDirectory(prefix="recon-certify-") as folder:
        places = Places(spec, data, Path(folder))
        ready = prepared(places, opening, settings)
        findings += [*_same_model(certificate, ready), _same_data(certificate, ready)]
        if any(one.kind == "drifted" for one in findings):
            return Verification(findings, measured=False)
        found = measured(ready.bench, places, settings, counting=counting)
        numbers = numbers_of(found)
        findings += _drifts(certificate, stated, numbers)
        findings += _verdicts(certificate, stated, numbers.__getitem__)
        findings += _texts(certificate, composed(ready, found, settings, stated))
        findings += _machine(mapping(certificate, "ran"), how_it_ran(ready.model, found))
    return Verification(findings, measured=True)


def allowed_drift(stated: Tolerances, name: str) -> Drift | None:
    """Give what a number may drift: by its tolerance, or recon's own value; None where it is only told."""
    own = next((one.allowed for one in stated.stated if one.name == name), None)
    return own if own is not None else QUANTITIES[name].drift


def _same_tolerances(stated: Tolerances, given: Tolerances | None) -> Finding:
    """Compare the tolerances with those of a file, or with recon's own where the certificate says that it has them."""
    now = given if given is not None else read_tolerances() if stated.file == SHIPPED else None
    then = f"{stated.file} {stated.sha256[:16]}"
    if now is None:
        return Finding("tolerances", then, "pass --tolerances FILE to compare", "", "told")
    same = canonical({"": now.words["stated"]}) == canonical({"": stated.words["stated"]})
    return Finding("tolerances", then, f"{now.file} {now.sha256[:16]}", "", "same" if same else "drifted")


def _consistency(certificate: Mapping[str, Word], stated: Tolerances) -> list[Finding]:
    """Judge the certificate's own numbers: a verdict that does not follow from them was put there."""
    numbers = _numbers_then(certificate)
    verdicts = judged(stated, lambda name: numbers.get(name))
    told, follows = text(certificate, "verdict"), PASS if passes(verdicts) else FAIL
    same = told == follows and canonical({"": list(rows(certificate, "verdicts"))}) == canonical({"": list(verdicts)})
    return [Finding("verdicts follow from the numbers", told, follows, "", "same" if same else "drifted")]


def _same_model(certificate: Mapping[str, Word], ready: Prepared) -> list[Finding]:
    then = mapping(certificate, "certified")
    made = []
    for name in _IDENTITY:
        same = canonical({"": then.get(name)}) == canonical({"": ready.certified.get(name)})
        if not same or name in ("weights", "content_sha256"):
            pair = (_short(then.get(name)), _short(ready.certified.get(name)))
            made.append(Finding(name, *pair, "", "same" if same else "drifted"))
    return made


def _same_data(certificate: Mapping[str, Word], ready: Prepared) -> Finding:
    then, now = text(mapping(certificate, "data"), "fingerprint"), ready.bench.shifts.source.fingerprint
    return Finding("data", _short(then), _short(now), "", "same" if then == now else "drifted")


def _drifts(certificate: Mapping[str, Word], stated: Tolerances, numbers: Mapping[str, float | None]) -> list[Finding]:
    """Compare all numbers."""
    made = []
    before = _numbers_then(certificate)
    for name, now in numbers.items():
        if name not in before:
            continue  # the certificate is of an earlier recon
        then, unit = before[name], QUANTITIES[name].unit
        drift = allowed_drift(stated, name)
        pair = (number_text(then, unit), number_text(now, unit))
        made.append(Finding(name, *pair, _allowed_text(drift, then, unit), _kind(then, now, drift)))
    return made


def _verdicts(certificate: Mapping[str, Word], stated: Tolerances, now: Callable[[str], float | None]) -> list[Finding]:
    """Compare the verdicts, which may turn where a number lies close to its bound."""
    before = {row["name"]: row["verdict"] for row in rows(certificate, "verdicts")}
    return [
        Finding(f"verdict on {row['name']}", str(before[row["name"]]), str(row["verdict"]), "none", "drifted")
        for row in judged(stated, now)
        if before.get(row["name"]) != row["verdict"]
    ]


def _texts(certificate: Mapping[str, Word], now: Mapping[str, Word]) -> list[Finding]:
    """Compare what the certificate says beside its judged numbers; words of another recon's version are only told."""
    versions = [mapping(mapping(words, "ran"), "versions").get("recon") for words in (certificate, now)]
    kind: Kind = "drifted" if versions[0] == versions[1] else "told"
    return [
        Finding(name, "as certified", "other words", "none", kind)
        for name in _TEXTS
        if canonical({"": _outline(certificate.get(name))}) != canonical({"": _outline(now[name])})
    ]


def _outline(value: Word) -> Word:
    """Give words with their numbers left out, which drift and are compared by themselves."""
    if isinstance(value, Mapping):
        return {name: _outline(entry) for name, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_outline(entry) for entry in value]
    return None if isinstance(value, int | float) and not isinstance(value, bool) else value


def _machine(then: Mapping[str, Word], now: Mapping[str, Word]) -> list[Finding]:
    """Tell what is another machine, or other versions."""
    return [
        Finding(name, word_text(then.get(name)), word_text(value), "", "told")
        for name, value in now.items()
        if canonical({"": then.get(name)}) != canonical({"": value})
    ]


def _numbers_then(certificate: Mapping[str, Word]) -> dict[str, float | None]:
    found = {str(row.get("name")): number(row, "value") for row in rows(certificate, "numbers")}
    unknown = [name for name in found if name not in QUANTITIES]
    if unknown:
        raise DataError(f"the certificate has the number {unknown[0]}, which this recon does not know; update recon")
    return found


def _kind(then: float | None, now: float | None, drift: Drift | None) -> Kind:
    if drift is None:
        return "told"
    if then is None or now is None:
        return "same" if then is now else "drifted"
    if then == now or (math.isnan(then) and math.isnan(now)):
        return "same"
    return "within" if abs(now - then) <= drift.of(then) else "drifted"


def _allowed_text(drift: Drift | None, then: float | None, unit: str) -> str:
    if drift is None:
        return "any"
    return number_text(drift.of(0.0 if then is None else then), unit)


def _short(value: Word) -> str:
    told = word_text(value)
    return told if len(told) <= 24 else f"{told[:16]}…"

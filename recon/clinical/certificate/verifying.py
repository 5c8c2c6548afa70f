"""Measures a certified model again, and says what is no longer as its certificate has it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from recon.clinical.certificate.certify import Prepared, composed, judged, numbers_of, passes, prepared
from recon.clinical.certificate.comparing import (
    Finding,
    Kind,
    allowed_drift,
    number_finding,
    outline,
    same_words,
    table_findings,
)
from recon.clinical.certificate.identity import how_it_ran
from recon.clinical.certificate.measuring import measured
from recon.clinical.certificate.quantities import QUANTITIES
from recon.clinical.certificate.sealing import broken_seal
from recon.clinical.certificate.settings import Places, Settings, settings_from
from recon.clinical.certificate.spelling import word_text
from recon.clinical.certificate.tolerances import (
    FAIL,
    PASS,
    SHIPPED,
    Tolerances,
    read_tolerances,
    tolerances_from,
)
from recon.clinical.certificate.words import SEAL, mapping, number, rows, text
from recon.clinical.models import Opening
from recon.data.progress import Counter
from recon.errors import ConfigError, DataError
from recon.evaluation.running import Counting
from recon.records import Word

_TEXTS = ("maker", "use", "limits", "numbers", "sections", "map")  # of which words must be the same
_MAY_DIFFER = ("recon",)  # of what is certified: the version that opened it


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
    _require_whole(certificate)
    stated = tolerances_from(mapping(certificate, "tolerances"))
    settings = settings_from(certificate)
    known = _known(stated, tolerances)
    findings = [seal, _same_tolerances(stated, known), *_consistency(certificate, stated, settings)]
    stated = known or stated
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
        again = composed(ready, found, settings, stated)
        findings += [*_same_parts(certificate, again), *_texts(certificate, again)]
        findings += table_findings(certificate, again, stated)
        findings += _machine(mapping(certificate, "ran"), how_it_ran(ready.model, found))
    return Verification(findings, measured=True)


def _require_whole(certificate: Mapping[str, Word]) -> None:
    """Refuse a certificate of which a part is missing, before anything is measured."""
    for name in ("tolerances", "settings", "certified", "data", "map", "ran"):
        mapping(certificate, name)
    mapping(mapping(certificate, "ran"), "versions")
    for name in ("numbers", "verdicts", "sections"):
        rows(certificate, name)


def _known(stated: Tolerances, given: Tolerances | None) -> Tolerances | None:
    """Give the tolerances that are known: a file's, or recon's own where the certificate says that it has them."""
    return given if given is not None else read_tolerances() if stated.file == SHIPPED else None


def _same_tolerances(stated: Tolerances, now: Tolerances | None) -> Finding:
    then = f"{stated.file} {stated.sha256[:16]}"
    if now is None:
        return Finding("tolerances", then, "pass --tolerances FILE to compare", "", "told")
    same = now.sha256 == stated.sha256 and same_words(now.words["stated"], stated.words["stated"])
    return Finding("tolerances", then, f"{now.file} {now.sha256[:16]}", "", "same" if same else "drifted")


def _consistency(certificate: Mapping[str, Word], stated: Tolerances, settings: Settings) -> list[Finding]:
    """Judge the certificate's own numbers, and find words that recon does not write: both were put there."""
    numbers = _numbers_then(certificate)
    verdicts = judged(stated, lambda name: numbers.get(name))
    told, follows = text(certificate, "verdict"), PASS if passes(verdicts) else FAIL
    same = told == follows and same_words(list(rows(certificate, "verdicts")), list(verdicts))
    parts = {"settings": settings.words, "tolerances": stated.words}
    others = [name for name, words in parts.items() if certificate[name] != words]
    return [
        Finding("verdicts follow from the numbers", told, follows, "", "same" if same else "drifted"),
        *(Finding(name, "as certified", "other words", "none", "drifted") for name in others),
    ]


def _same_model(certificate: Mapping[str, Word], ready: Prepared) -> list[Finding]:
    """Compare everything that is said of the model; the file's own hash is another once a certificate is in it."""
    then, now = mapping(certificate, "certified"), ready.certified
    left_out = _MAY_DIFFER if now["stored_as"] not in ("onnx", "bundle") else (*_MAY_DIFFER, "file_sha256")
    made = []
    for name in (one for one in {**now, **then} if one not in left_out):
        same = same_words(then.get(name), now.get(name))
        if not same or name in ("weights", "content_sha256"):
            made.append(Finding(name, _short(then.get(name)), _short(now.get(name)), "", "same" if same else "drifted"))
    return made


def _same_data(certificate: Mapping[str, Word], ready: Prepared) -> Finding:
    then, now = text(mapping(certificate, "data"), "fingerprint"), ready.bench.shifts.source.fingerprint
    return Finding("data", _short(then), _short(now), "", "same" if then == now else "drifted")


def _drifts(certificate: Mapping[str, Word], stated: Tolerances, numbers: Mapping[str, float | None]) -> list[Finding]:
    """Compare all numbers that can be judged; those of a later recon are none of an earlier certificate."""
    before = _numbers_then(certificate)
    return [
        number_finding(name, before[name], now, allowed_drift(stated, name), QUANTITIES[name].unit)
        for name, now in numbers.items()
        if name in before
    ]


def _verdicts(certificate: Mapping[str, Word], stated: Tolerances, now: Callable[[str], float | None]) -> list[Finding]:
    """Compare the verdicts, which may turn where a number lies close to its bound."""
    before = {row["name"]: row["verdict"] for row in rows(certificate, "verdicts")}
    return [
        Finding(f"verdict on {row['name']}", str(before[row["name"]]), str(row["verdict"]), "none", "drifted")
        for row in judged(stated, now)
        if before.get(row["name"]) != row["verdict"]
    ]


def _same_parts(certificate: Mapping[str, Word], now: Mapping[str, Word]) -> list[Finding]:
    """Find what a certificate does not have."""
    others = [name for name in certificate if name not in now and name != SEAL]
    return [Finding(name, "as certified", "no such part", "none", "drifted") for name in others]


def _texts(certificate: Mapping[str, Word], now: Mapping[str, Word]) -> list[Finding]:
    """Compare what the certificate says beside its judged numbers; words of another recon's version are only told."""
    versions = [mapping(mapping(words, "ran"), "versions").get("recon") for words in (certificate, now)]
    kind: Kind = "drifted" if versions[0] == versions[1] else "told"
    others = [name for name in _TEXTS if not same_words(outline(certificate.get(name)), outline(now[name]))]
    if not same_words(certificate.get("data"), now["data"]):
        others.append("data")
    return [Finding(name, "as certified", "other words", "none", kind) for name in others]


def _machine(then: Mapping[str, Word], now: Mapping[str, Word]) -> list[Finding]:
    """Tell what is another machine, or other versions."""
    return [
        Finding(name, word_text(then.get(name)), word_text(now.get(name)), "", "told")
        for name in {**now, **then}
        if not same_words(then.get(name), now.get(name))
    ]


def _numbers_then(certificate: Mapping[str, Word]) -> dict[str, float | None]:
    found = {str(row.get("name")): number(row, "value") for row in rows(certificate, "numbers")}
    unknown = [name for name in found if name not in QUANTITIES]
    if unknown:
        raise DataError(f"the certificate has the number {unknown[0]}, which this recon does not know; update recon")
    return found


def _short(value: Word) -> str:
    told = word_text(value)
    return told if len(told) <= 24 else f"{told[:16]}…"

"""Verification: quiet on what is as certified, and loud on everything that is not."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from recon.clinical.certificate import verifying
from recon.clinical.certificate.comparing import allowed_drift, table_findings
from recon.clinical.certificate.quantities import Drift
from recon.clinical.certificate.sealing import broken_seal, read_key, sealed
from recon.clinical.certificate.tolerances import Tolerance, Tolerances, read_tolerances, tolerances_from
from recon.clinical.certificate.verifying import Verification, verify
from recon.clinical.certificate.words import canonical, from_text, to_text
from recon.clinical.models import Opening
from recon.errors import ConfigError, DataError
from recon.records import Word
from tests.clinical.certificate.conftest import OURS, Certified
from tests.clinical.conftest import write_network
from tests.data.files import write_fastmri_folder

SECRET = b"sixteen bytes ok"


def changed(words: Mapping[str, Word], *path: str | int, to: Word) -> dict[str, Word]:
    """Give a certificate in which one entry is another one; its seal stays."""
    copy: Any = json.loads(json.dumps(words))
    place = copy
    for step in path[:-1]:
        place = place[step]
    assert place[path[-1]] != to
    place[path[-1]] = to
    return copy


def row_of(words: Mapping[str, Word], table: str, name: str) -> int:
    found: Any = words[table]
    return [row["name"] for row in found].index(name)


def verified(one: Certified, words: Mapping[str, Word], **others: Any) -> Verification:  # noqa: ANN401
    return verify(words, str(others.pop("model", one.model)), Opening(), **{"data": one.data, **others})


def drifts(found: Verification) -> list[str]:
    return [one.what for one in found.drifted]


def test_nothing_drifts_on_the_same_machine(plain: Certified) -> None:
    found = verified(plain, plain.words, tolerances=read_tolerances(plain.tolerances))
    assert found.measured
    assert drifts(found) == []
    speed = [one.kind for one in found.findings if one.what == "seconds"]
    assert speed == ["told"]


def test_numbers_that_are_others_now_have_drifted(aps: Certified) -> None:
    """As if another machine, on which the network was not exact, had made the certificate; its maker sealed it."""
    place = row_of(aps.words, "numbers", "worst-ssim-change")
    then = sealed(changed(aps.words, "numbers", place, "value", to=0.25))
    found = verified(aps, then)
    assert found.measured
    assert drifts(found) == ["worst-ssim-change"]


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("verdict",), "fail"),
        (("certified", "weights"), "0" * 64),
        (("made",), "2000-01-01T00:00:00+00:00"),
        (("tolerances", "stated", 0, "bound"), 1.0),
        (("limits", 0), "For clinical use."),
    ],
)
def test_altered_certificate_is_found(aps: Certified, path: tuple[str | int, ...], to: Word) -> None:
    found = verified(aps, changed(aps.words, *path, to=to))
    assert drifts(found) == ["certificate"]
    assert not found.measured


def test_verdict_that_does_not_follow_is_found_in_spite_of_a_new_seal(plain: Certified) -> None:
    found = verified(plain, sealed(changed(plain.words, "verdict", to="pass")))
    assert drifts(found) == ["verdicts follow from the numbers"]


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("use",), "For diagnosis."),
        (("limits",), ["Approved for diagnosis."]),
        (("data", "synthetic"), True),
        (("map",), {}),
        (("data", "name"), "patients"),
        (("sections",), []),
        (("numbers", 0, "words"), "anything"),
        (("numbers",), []),
    ],
)
def test_words_that_were_altered_and_sealed_anew_are_found(
    aps: Certified, path: tuple[str | int, ...], to: Word
) -> None:
    assert drifts(verified(aps, sealed(changed(aps.words, *path, to=to))))


@pytest.mark.parametrize(
    ("path", "column"),
    [
        (("Quality by stratum", 1), "psnr-gain"),
        (("Quality of single slices", 0), "lowest ssim"),
        (("The worst case over every shift", 0), "bitwise share"),
        (("Inputs on which phases tie", 3), "largest difference"),
        (("Fractions of a pixel", 2), "mean nmse"),
        (("Shifts that are not circular", 0), "largest nmse"),
        (("The object moves before it is measured", 1), "mean floor"),
        (("Selections and noise", 0), "smallest margin"),
        (("Two runs", 0), "images"),
    ],
)
def test_single_number_of_a_table_that_was_altered_and_sealed_anew_is_found(
    aps: Certified, path: tuple[str, int], column: str
) -> None:
    words: Any = json.loads(json.dumps(aps.words))
    title, place = path
    cells = words["sections"][row_of(aps.words, "sections", title)]["rows"][place]
    numbers, key = (cells[column], "mean") if isinstance(cells[column], dict) else (cells, column)
    numbers[key] = numbers[key] * 1.1 + 1e-4 if isinstance(numbers[key], float) else numbers[key] + 1
    found = table_findings(words, aps.words, read_tolerances(aps.tolerances))
    (drifted,) = [one.what for one in found if one.kind == "drifted"]
    assert drifted.startswith(f"{title}: {place + 1} {column}")


def test_tables_are_compared_when_a_certificate_is_verified(aps: Certified) -> None:
    words: Any = json.loads(json.dumps(aps.words))
    words["sections"][0]["rows"][0]["psnr"]["mean"] += 0.009  # dB, of 0.01 that are allowed
    words["sections"][0]["rows"][0]["ssim"]["mean"] += 0.01
    words["map"]["change of PSNR in dB"][5] += 1.0
    found = drifts(verified(aps, sealed(words)))
    assert found == ["Quality by stratum: 1 ssim mean", "every shift: change of PSNR in dB 6"]


def test_number_of_a_table_may_differ_as_much_as_its_quantity(aps: Certified) -> None:
    words: Any = json.loads(json.dumps(aps.words))
    words["sections"][0]["rows"][0]["psnr"]["mean"] += 0.009
    found = table_findings(words, aps.words, read_tolerances(aps.tolerances))
    kinds = {one.what: one.kind for one in found}
    assert kinds.pop("table: Quality by stratum") == "within"
    assert set(kinds.values()) == {"same"}


def test_number_that_is_none_then_or_now_has_drifted(aps: Certified) -> None:
    words: Any = json.loads(json.dumps(aps.words))
    words["sections"][0]["rows"][0]["psnr"]["mean"] = None
    words["map"]["change of PSNR in dB"][5] = None
    stated = read_tolerances(aps.tolerances)
    for then, now in ((words, aps.words), (aps.words, words)):
        found = [one.what for one in table_findings(then, now, stated) if one.kind == "drifted"]
        assert found == ["Quality by stratum: 1 psnr mean", "every shift: change of PSNR in dB 6"]


def test_numbers_that_may_be_any_are_not_counted_as_agreeing() -> None:
    rows_: list[Word] = [{"by the shift": 3.0, "slices": 2, "psnr": None}]
    words: dict[str, Word] = {"sections": [{"protocol": "worst", "name": "Worst", "rows": rows_}], "map": {}}
    (found,) = table_findings(words, words, read_tolerances())
    assert found.then == "1 numbers"


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (("certified", "approved"), "approved"),
        (("note",), "note"),
        (("settings", "note"), "settings"),
        (("tolerances", "note"), "tolerances"),
        (("tolerances", "stated", 0, "note"), "tolerances"),
    ],
)
def test_words_that_were_added_and_sealed_anew_are_found(
    aps: Certified, path: tuple[str | int, ...], what: str
) -> None:
    words: Any = json.loads(json.dumps(aps.words))
    place = words
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "cleared for diagnosis"
    assert drifts(verified(aps, sealed(words))) == [what]


def test_settings_that_recon_would_not_write_are_found(aps: Certified) -> None:
    assert drifts(verified(aps, sealed(changed(aps.words, "settings", "limit", to=1.7)))) == ["settings"]


def test_tolerances_of_another_hash_are_found(aps: Certified) -> None:
    words = sealed(changed(aps.words, "tolerances", "sha256", to="0" * 64))
    assert drifts(verified(aps, words, tolerances=read_tolerances(aps.tolerances))) == ["tolerances"]


def test_certificate_cannot_allow_itself_more_drift(aps: Certified) -> None:
    words: Any = json.loads(json.dumps(aps.words))
    place = row_of(aps.words, "numbers", "worst-nmse")
    words["numbers"][place]["value"] = 0.5
    words["tolerances"]["stated"][0] |= {"bound": 1.0, "drift": 1e6}
    words["verdicts"][0] |= {"bound": 1.0, "value": 0.5}
    assert drifts(verified(aps, sealed(words))) == ["worst-nmse"]


def test_drift_counts_as_stated_in_a_file_and_only_for_less_in_a_certificate() -> None:
    stated = [Tolerance("psnr", "at least", 0.0, "It is.", drift=drift) for drift in (1e6, 1e-6)]
    more, less = (Tolerances("ours.yaml", "", [one]) for one in stated)
    assert allowed_drift(more, "psnr") == Drift(1e6)
    for one, allowed in ((more, 0.01), (less, 1e-6)):
        drift = allowed_drift(tolerances_from(one.words), "psnr")
        assert drift is not None
        assert drift.of(30.0) == allowed


@pytest.mark.parametrize(("name", "to"), [("slices", 1000), ("size", [320, 320])])
def test_altered_number_of_the_data_is_found(aps: Certified, name: str, to: Word) -> None:
    assert drifts(verified(aps, sealed(changed(aps.words, "data", name, to=to)))) == ["data"]


@pytest.mark.parametrize("name", ["stored_as", "file_sha256", "identity", "identity_words", "scaled_inside"])
def test_everything_that_is_said_of_the_model_is_compared(aps: Certified, name: str) -> None:
    assert drifts(verified(aps, sealed(changed(aps.words, "certified", name, to="other")))) == [name]


def test_other_weights_are_found(aps: Certified, tmp_path: Path) -> None:
    other = write_network(tmp_path / "aps.safetensors", "mri", seed=1)
    assert {"weights", "content_sha256"} <= set(drifts(verified(aps, aps.words, model=other)))


def test_other_network_of_the_same_weights_is_found(aps: Certified, plain: Certified) -> None:
    found = drifts(verified(aps, aps.words, model=plain.model))
    assert "weights" not in found
    assert {"variant", "arguments"} <= set(found)


def test_other_data_are_found(aps: Certified, tmp_path: Path) -> None:
    other = write_fastmri_folder(tmp_path / "others", val=1)
    assert drifts(verified(aps, aps.words, data=other)) == ["data"]


def test_other_tolerances_are_found(aps: Certified, tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(OURS.replace("1e-10", "1e-3"), encoding="utf-8")
    found = verified(aps, aps.words, tolerances=read_tolerances(tmp_path / "ours.yaml"))
    assert drifts(found) == ["tolerances"]


def test_data_must_be_given_where_they_were(aps: Certified) -> None:
    with pytest.raises(ConfigError, match="pass --data"):
        verified(aps, aps.words, data=None)


def test_key_shows_who_sealed(aps: Certified, tmp_path: Path) -> None:
    signed = sealed(aps.words, SECRET)
    assert broken_seal(signed) == broken_seal(signed, SECRET) == ""
    assert "another key" in broken_seal(signed, b"another sixteen b")
    assert "no signature" in broken_seal(aps.words, SECRET)
    forged = {**sealed(changed(signed, "verdict", to="fail"))}
    forged["seal"] = {**dict(forged["seal"]), "hmac-sha256": dict(signed["seal"])["hmac-sha256"]}  # type: ignore[arg-type]
    assert broken_seal(forged) == ""
    assert "altered" in broken_seal(forged, SECRET)
    (tmp_path / "short").write_bytes(b"short")
    with pytest.raises(ConfigError, match="16 bytes"):
        read_key(tmp_path / "short")


def test_seal_is_of_the_words_and_not_of_how_they_are_laid_out(aps: Certified) -> None:
    again = from_text(json.dumps(json.loads(to_text(aps.words)), indent=7), where="it")
    assert broken_seal(again) == ""
    assert canonical({"a": float("inf")}) == b'{"a":{"$number":"inf"}}'


def test_number_that_no_computer_counts_with_is_refused() -> None:
    text = '{"format": "recon certificate", "version": 2, "data": {"slices": 1' + 400 * "0" + "}}"
    with pytest.raises(DataError, match="401 digits"):
        from_text(text, where="it")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "other", "version": 1}', '{"a": 1, "a": 2}'])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="must be a certificate"):
        from_text(text, where="it")


def test_earlier_certificate_is_refused() -> None:
    with pytest.raises(DataError, match="must be of version 2, got 1"):
        from_text('{"format": "recon certificate", "version": 1}', where="it")


def test_later_certificate_is_refused() -> None:
    with pytest.raises(DataError, match="update recon"):
        from_text('{"format": "recon certificate", "version": 99}', where="it")


@pytest.mark.parametrize("name", ["settings", "ran", "map", "sections"])
def test_cut_certificate_is_refused_before_anything_is_measured(
    aps: Certified, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "measured", None)  # to call it would be another error
    words = {key: value for key, value in aps.words.items() if key != name}
    with pytest.raises(DataError, match=f"as {name}, got NoneType"):
        verified(aps, sealed(words))


def test_copied_model_is_the_same(aps: Certified, tmp_path: Path) -> None:
    copy = shutil.copy(aps.model, tmp_path / "renamed.safetensors")
    place = row_of(aps.words, "numbers", "psnr")  # stops before measuring: only its kind is looked at
    then = sealed(changed(aps.words, "verdicts", 0, "words", to="x"))
    assert place >= 0
    assert drifts(verified(aps, then, model=copy)) == ["verdicts follow from the numbers"]

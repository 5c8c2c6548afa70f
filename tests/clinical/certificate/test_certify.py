"""What a certificate says, and what it is written as."""

import json
import math
import re
from collections.abc import Mapping

import pytest

from recon.checkpoints import read_about
from recon.clinical.certificate.certify import passes
from recon.clinical.certificate.sections import PLANS
from recon.clinical.certificate.sheet import _Sheet, write_sheet
from recon.clinical.certificate.tolerances import PASS, read_tolerances
from recon.clinical.certificate.words import from_text, mapping, number, rows
from recon.clinical.words import RESEARCH_ONLY
from recon.records import Word, read_records
from tests.clinical.certificate.conftest import Certified


def value(words: Mapping[str, Word], name: str) -> float:
    found = next(number(row, "value") for row in rows(words, "numbers") if row["name"] == name)
    assert found is not None
    return found


def verdicts(words: Mapping[str, Word]) -> dict[Word, Word]:
    return {row["name"]: row["verdict"] for row in rows(words, "verdicts")}


def test_exact_network_passes(aps: Certified) -> None:
    assert aps.words["verdict"] == PASS
    assert value(aps.words, "worst-bitwise") == 1
    assert value(aps.words, "worst-nmse") == value(aps.words, "worst-psnr-change") == 0


def test_plain_network_fails_where_it_moves_otherwise(plain: Certified) -> None:
    assert plain.words["verdict"] == "fail"
    assert verdicts(plain.words) == {"worst-nmse": "fail", "hard-nmse": "fail", "deterministic": "pass"}
    assert value(plain.words, "worst-bitwise") < 1


def test_default_tolerances_tell_the_two_apart(aps: Certified, plain: Certified) -> None:
    stated = {one.name: one for one in read_tolerances().stated}
    for name in ("worst-nmse", "hard-nmse", "worst-bitwise", "hard-bitwise"):
        assert stated[name].verdict(value(aps.words, name)) == "pass"
        assert stated[name].verdict(value(plain.words, name)) == "fail"


def test_worst_case_is_that_of_the_records(plain: Certified) -> None:
    found = [one for one in read_records(plain.out / "measurements") if one.protocol == "worst"]
    assert value(plain.words, "worst-nmse") == max(one.measures["nmse"] for one in found)
    assert value(plain.words, "worst-psnr-change") == max(abs(one.measures["delta_psnr"]) for one in found)
    assert len(found[0].arrays["nmse"]) == 16  # every shift below the period of 4


def test_gain_is_the_smallest_of_the_strata(aps: Certified) -> None:
    found = [one for one in read_records(aps.out / "measurements") if one.protocol == "quality"]
    by_name: dict[str, dict[str, float]] = {}
    for one in found:
        by_name.setdefault(one.group, {})[one.subject.name] = one.measures["psnr"]
    gains = [both["aps"] - both["untouched input"] for both in by_name.values()]
    assert len(gains) == 2  # PD and PDFS
    assert value(aps.words, "psnr-gain") == pytest.approx(min(gains), abs=1e-12)


def test_everything_is_there(aps: Certified) -> None:
    sections = rows(aps.words, "sections")
    assert [row["name"] for row in sections] == [plan.title for plan in PLANS]
    assert all(rows(row, "rows") and row["convention"] for row in sections)
    strata = [row["stratum"] for row in rows(sections[0], "rows")]
    assert strata == ["all", "PD", "PDFS"]
    assert mapping(rows(sections[0], "rows")[0], "psnr")["low"] is not None  # of two volumes there is an interval


def test_what_cannot_be_measured_says_why(aps: Certified) -> None:
    for row in rows(aps.words, "numbers"):
        assert (row["value"] is None) == (str(row["reason"]).startswith("not measured: "))


def test_identity_is_that_of_the_file(aps: Certified) -> None:
    certified = mapping(aps.words, "certified")
    assert certified["weights"] == read_about(aps.model).sha256
    assert certified["training_synthetic"] is True
    assert mapping(aps.words, "data")["synthetic"] is False  # as its files say
    assert certified["precision"] == "float32"
    assert certified["identity"] == "derived"
    assert {"recon", "torch", "python"} <= set(mapping(mapping(aps.words, "ran"), "versions"))


def test_no_volume_is_named(aps: Certified) -> None:
    names = {path.stem for path in aps.data.rglob("*.h5")}
    assert names
    for path in aps.out.glob("certificate.*"):
        told = path.read_bytes().decode("latin1")
        assert not [name for name in names if name in told]
        assert str(aps.data.parent) not in told


def test_json_reads_back_to_what_was_certified(aps: Certified) -> None:
    found = from_text((aps.out / "certificate.json").read_text(encoding="utf-8"), where="it")
    assert json.dumps(found, sort_keys=True) == json.dumps(aps.words, sort_keys=True)


def test_page_needs_nothing_from_elsewhere(aps: Certified) -> None:
    page = (aps.out / "certificate.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert RESEARCH_ONLY in page
    assert "PASS" in page


def test_sheet_is_one_page_of_a4(aps: Certified) -> None:
    data = (aps.out / "certificate.pdf").read_bytes()
    assert len(re.findall(rb"/Type /Page\b", data)) == 1
    width, height = map(float, re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", data)[0])
    assert (width, height) == pytest.approx((210 / 25.4 * 72, 297 / 25.4 * 72), abs=0.1)


def test_same_certificate_gives_the_same_sheet(aps: Certified) -> None:
    before = (aps.out / "certificate.pdf").read_bytes()
    write_sheet(aps.words, aps.out / "again.pdf")
    assert (aps.out / "again.pdf").read_bytes() == before


def test_requirement_that_was_not_measured_is_not_met() -> None:
    assert not passes([{"required": True, "verdict": "not measured"}])
    assert passes([{"required": False, "verdict": "fail"}, {"required": True, "verdict": "pass"}])


def test_margin_is_infinite_where_nothing_is_selected(plain: Certified) -> None:
    assert math.isinf(value(plain.words, "selection-margin"))


def test_no_number_is_cut_on_the_sheet(aps: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    words, written = json.loads(json.dumps(aps.words)), list[str]()
    for row in words["sections"][0]["rows"]:
        row["psnr"] = row["psnr-gain"] = {"mean": -23.54, "low": -21.41, "high": -26.74}
    monkeypatch.setattr(_Sheet, "write", lambda self, told, *place, **style: written.append(told))
    write_sheet(words, aps.out / "cut.pdf")
    assert "−23.5 [−21.4, −26.7]; −23.5 [−21.4, −26.7]" in written

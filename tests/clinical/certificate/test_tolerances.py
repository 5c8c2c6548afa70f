"""Files of tolerances: what they state, and what is refused."""

from hashlib import sha256
from pathlib import Path

import pytest

from recon.clinical.certificate.quantities import QUANTITIES
from recon.clinical.certificate.tolerances import Tolerance, read_tolerances, tolerances_from
from recon.errors import ConfigError

GOOD = "worst-nmse: {direction: at most, bound: 1e-10, words: It moves.}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_file_can_be_read_and_back() -> None:
    found = read_tolerances()
    assert {one.name for one in found.stated} <= set(QUANTITIES)
    assert tolerances_from(found.words) == found


def test_file_is_known_by_its_hash(tmp_path: Path) -> None:
    found = read_tolerances(written(tmp_path, GOOD))
    assert (found.file, found.sha256) == ("ours.yaml", sha256(GOOD.encode()).hexdigest())
    assert found.stated == [Tolerance("worst-nmse", "at most", 1e-10, "It moves.")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace("worst-nmse", "worst-nsme"), "did you mean 'worst-nmse'"),
        (GOOD.replace("bound", "bond"), "did you mean 'bound'"),
        (GOOD.replace("at most", "below"), "direction of worst-nmse"),
        (GOOD.replace("1e-10", "small"), "finite number"),
        (GOOD.replace("1e-10", "yes"), "finite number"),
        (GOOD.replace("1e-10", ".nan"), "finite number"),
        (GOOD.replace("1e-10", "-1e-10"), "at least 0"),
        (GOOD.replace("worst-nmse", "worst-bitwise").replace("1e-10", "100"), "from 0 to 1"),
        ("? [worst-nmse]\n: 3\n", "no word"),
        (GOOD.replace("It moves.", "''"), "in words"),
        (GOOD.replace(", words: It moves.", ""), "must state words"),
        (GOOD.replace("words", "drift: -1, words"), "drift"),
        (GOOD.replace("words", "required: 1, words"), "true or false"),
        (GOOD.replace("words", "required: false, words"), "at least one required"),
        (GOOD + GOOD, "stated twice"),
        ("- a\n", "by name"),
        ("", "by name"),
        ("{", "must be YAML"),
    ],
)
def test_wrong_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read_tolerances(written(tmp_path, text))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_tolerances(tmp_path / "none.yaml")


def test_bound_itself_is_allowed() -> None:
    least, most = Tolerance("psnr", "at least", 1.0, "w"), Tolerance("psnr", "at most", 1.0, "w")
    assert (least.verdict(1.0), most.verdict(1.0), least.verdict(0.9), most.verdict(1.1)) == (
        "pass", "pass", "fail", "fail",
    )  # fmt: skip
    assert most.verdict(float("inf")) == "fail"
    assert most.verdict(float("nan")) == least.verdict(None) == "not measured"

"""The numbers side by side: what changed, in units and digits that people read."""

import math
from collections.abc import Mapping, Sequence

import pytest

from recon.conversion.comparing import Compared, Tries, compared, images_of, tries_of
from recon.conversion.measuring import AFTER, BEFORE
from recon.records import Circumstances, Record, Scope, Source, Subject, Word
from recon.report.measures import MEASURES, Measure

NAMES = {measure.name: measure for measure in MEASURES}


def record(
    protocol: str,
    name: str,
    measures: Mapping[str, float],
    *,
    scope: Scope = "image",
    settings: Mapping[str, Word] | None = None,
    arrays: Mapping[str, Sequence[float]] | None = None,
) -> Record:
    return Record(
        *(protocol, scope, "item", 0, "", settings or {}, measures, arrays or {}, "as made"),
        Subject(name, "UNet"),
        Source("made", "mri", synthetic=True, fingerprint="0"),
        Circumstances(0, {}, "cpu", "float32"),
    )


def worst(name: str, *, tried: int, meaning: str = "all residues", period: int = 2) -> Record:
    settings: dict[str, Word] = {"tried": tried, "shifts": meaning, "period": period}
    return record("worst", name, {"bitwise": 1.0, "nmse": 1e-3, "delta_psnr": -0.5}, settings=settings)


@pytest.mark.parametrize(
    ("name", "before", "after", "texts"),
    [
        ("mean PSNR (dB)", 30.0, 29.5, ("30.00", "29.50", "−0.50")),
        ("mean PSNR (dB)", 30.0, 30.00001, ("30.00", "30.00", "+1.0·10⁻⁵")),
        ("mean SSIM", 0.9, 0.8988, ("0.9000", "0.8988", "−0.0012")),
        ("mean NMSE", 0.02, 0.0213, ("0.0200", "0.0213", "+0.0013")),
        ("largest equivariance NMSE", 7.2e-6, 0.0, ("7.2·10⁻⁶", "0", "−7.2·10⁻⁶")),
        ("bitwise, every shift", 0.25, 1.0, ("25.0 %", "100 %", "+75.00 points")),
        ("accuracy", 0.9312, 0.9312, ("93.12 %", "93.12 %", "0 points")),
        ("classification variation", 0.0105, 0.0, ("0.0105", "0", "−0.0105")),
        ("mean PSNR (dB)", 30.0, None, ("30.00", "-", "-")),
        ("mean PSNR (dB)", math.inf, math.inf, ("∞", "∞", "-")),
    ],
)
def test_change_has_the_digits_of_its_numbers(
    name: str, before: float | None, after: float | None, texts: tuple[str, str, str]
) -> None:
    assert Compared(NAMES[name], before, after).texts == (name, *texts)


def test_only_what_was_measured_has_a_row() -> None:
    records = [
        record("quality", BEFORE, {"psnr": 30.0, "ssim": math.nan}, scope="volume"),
        record("quality", AFTER, {"psnr": 31.0, "ssim": math.nan}, scope="volume"),
        record("equivariance", AFTER, {"nmse": 0.0}),
    ]
    rows = {row.measure.name: (row.before, row.after, row.change) for row in compared(records)}
    assert rows == {"mean PSNR (dB)": (30.0, 31.0, 1.0), "largest equivariance NMSE": (None, 0.0, None)}


def test_the_largest_error_of_every_shift_is_told() -> None:
    rows = {row.measure.name: row for row in compared([worst(BEFORE, tried=4), worst(AFTER, tried=4)])}
    assert rows["largest NMSE, every shift"].before == 1e-3


def test_images_are_counted_once_and_in_units() -> None:
    volumes = [record("equivariance", BEFORE, {"nmse": 0.0}, scope="volume")]
    images = [record("equivariance", name, {"nmse": 0.0}) for name in (BEFORE, AFTER) for _ in range(3)]
    assert images_of([*volumes, *images]) == 3
    units = [record("consistency", BEFORE, {"images": 10.0}, scope="set") for _ in range(2)]
    assert images_of(units) == 20


def test_tries_of_both_networks_are_summed_by_what_the_shifts_are() -> None:
    records = [worst(BEFORE, tried=4), worst(BEFORE, tried=4), worst(AFTER, tried=257, meaning="random", period=0)]
    assert tries_of(records) == [Tries(BEFORE, 2, 4, "all residues", 2), Tries(AFTER, 1, 257, "random", 0)]
    settings: dict[str, Word] = {"tried": 16, "shifts": "all residues", "period": 4}
    labels = [record("adversary", AFTER, {"images": 25.0}, scope="set", settings=settings)] * 2
    assert tries_of(labels) == [Tries(AFTER, 50, 16, "all residues", 4)]


def test_every_measure_has_a_text_of_its_change() -> None:
    def changed(measure: Measure) -> str:
        return Compared(measure, 0.5, 0.25).texts[-1]

    assert all(changed(measure).startswith("−") for measure in MEASURES)

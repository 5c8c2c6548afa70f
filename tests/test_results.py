"""The README's results are what the committed records of the demo say."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from recon.experiments.demo import SIZE, VARIANTS
from recon.records import Record, read_records
from recon.report.readme import BEGIN, END, replaced
from recon.report.selection import grouped

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "docs" / "results" / "records.jsonl.gz"


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return read_records(RECORDS)


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_table_is_what_the_records_say(readme: str, records: list[Record]) -> None:
    assert replaced(readme, grouped(records)) == readme
    assert len(readme.partition(BEGIN)[2].partition(END)[0]) > 1000


def test_another_number_would_be_noticed(readme: str, records: list[Record]) -> None:
    place = next(i for i, one in enumerate(records) if one.protocol == "worst" and one.subject.name == "aps")
    changed = replace(records[place], measures={**records[place].measures, "delta_psnr": 0.5})
    assert replaced(readme, grouped([*records[:place], changed, *records[place + 1 :]])) != readme


def test_records_are_of_the_demo(records: list[Record]) -> None:
    assert all(record.source.synthetic for record in records)
    for kind in ("mri", "ct"):
        names = {one.subject.name for one in records if one.source.modality == kind and one.subject.kind == "UNet"}
        assert len(names) == len(VARIANTS)
    sizes = {tuple(one.settings["size"]) for one in records if one.protocol == "cost"}  # type: ignore[arg-type]
    assert sizes == {(SIZE, SIZE)}


def test_synthetic_data_are_called_so_where_the_table_stands(readme: str) -> None:
    table = readme.partition(BEGIN)[2].partition(END)[0]
    assert table.count("Synthetic data") == 2


def test_pictures_are_there(readme: str) -> None:
    pictures = re.findall(r"!\[[^\]]+\]\((docs/results/[^)]+)\)", readme)
    assert len(pictures) >= 2
    for picture in pictures:
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")


def test_label_tables_are_what_their_records_say() -> None:
    page = (ROOT / "docs" / "labels.md").read_text(encoding="utf-8")
    records = read_records(ROOT / "docs" / "results" / "labels.jsonl.gz")
    assert replaced(page, grouped(records)) == page
    assert all(record.source.synthetic for record in records)
    assert {record.source.modality for record in records} == {"cifar10", "imagenet", "voc"}
    assert page.count("Synthetic data") == 3

"""Records: the same when they are read again, and refused in words when they are not whole."""

import csv
import gzip
import json
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from recon.errors import DataError
from recon.records import (
    FORMAT,
    LINES,
    Circumstances,
    Record,
    Source,
    Subject,
    Word,
    from_line,
    read_records,
    to_line,
    write_lines,
    write_table,
)

FULL = Record(
    protocol="worst",
    scope="image",
    item="Knie „Ä“\u2028 \U0001f9b5",
    slice=0,
    group="PD, FS",
    settings={"shift": [1, -2], "noise": 0.1, "exact": True, "none": None, "nested": {"a": [1.5, "x"]}},
    measures={"psnr": math.inf, "delta": -math.inf, "ssim": math.nan, "nmse": 1e-300, "zero": -0.0, "third": 1 / 3},
    arrays={"empty": [], "rows": [0.0, math.inf, -math.inf, 5e-324]},
    convention='of "all" pixels;\nnew line',
    subject=Subject("x", "UNet", "aps-tri-3", "abc", 7, 16, {"arguments": {"channels": [4, 6]}, "lr": 1e-3}),
    source=Source("knees", "mri", True, "f00d", {"mask": "random", "clamp": None}),
    circumstances=Circumstances(3, {"torch": "2"}, "cpu (x86)", "float32"),
)
PLAIN = replace(FULL, item="file1", slice=None, settings={}, measures={"psnr": 30.5}, arrays={}, group="")


def same(one: object, other: object) -> bool:
    """Compare, where NaN is NaN, -0.0 is not 0.0, and True is not 1."""
    return repr(one) == repr(other)


@pytest.mark.parametrize("record", [FULL, PLAIN])
def test_a_record_that_is_written_and_read_is_the_same(record: Record) -> None:
    line = to_line(record)
    assert "\n" not in line
    found = from_line(line, where="here")
    for field in fields(Record):
        assert same(getattr(found, field.name), getattr(record, field.name)), field.name


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 0.1, -0.0, 2**60, 1.7976931348623157e308])
def test_numbers_come_back(value: float) -> None:
    record = replace(PLAIN, measures={"x": value}, arrays={"x": [value, value]})
    found = from_line(to_line(record), where="here")
    assert same(found.measures["x"], float(value))
    assert same(found.arrays["x"], [float(value)] * 2)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_in_settings_come_back_as_numbers(value: float) -> None:
    record = replace(PLAIN, settings={"strength": value, "many": [value, {"deep": value}]})
    found = from_line(to_line(record), where="here")
    assert same(found.settings, record.settings)


@pytest.mark.parametrize("word", ["inf", "-inf", "nan", "", "1", "true", "null"])
def test_words_come_back_as_words(word: str) -> None:
    settings: dict[str, Word] = {"word": word, "words": [word]}
    record = replace(PLAIN, item=word, group=word, settings=settings)
    assert from_line(to_line(record), where="here") == record


def test_lines_are_json_that_any_reader_takes() -> None:
    def refused(word: str) -> None:
        raise AssertionError(word)

    row = json.loads(to_line(FULL), parse_constant=refused)
    assert row["format"] == FORMAT
    assert row["measures"]["psnr"] == "inf"


def test_a_file_gives_its_records_in_order(tmp_path: Path) -> None:
    records = [replace(PLAIN, slice=number) for number in range(3)] + [replace(FULL, measures={"psnr": math.inf})]
    write_lines(records, tmp_path / "a" / LINES)
    assert same(read_records(tmp_path / "a"), records)
    assert same(read_records(tmp_path / "a" / LINES), records)
    assert [path.name for path in (tmp_path / "a").iterdir()] == [LINES]


def line_with(**changes: object) -> str:
    return json.dumps({**json.loads(to_line(PLAIN)), **changes})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (line_with(format=FORMAT + 1), "update recon"),
        (line_with(format="1"), "update recon"),
        (line_with(format=True), "update recon"),
        (line_with(format=None), "update recon"),
        (to_line(PLAIN)[:100], "must be a record in JSON"),
        ("[1, 2]", "must be a record in JSON"),
        ("7", "must be a record in JSON"),
        ("null", "must be a record in JSON"),
        ("{}", "must be a record in JSON"),
        ("[" * 100_000, "must be a record in JSON"),
        (line_with(measures={"psnr": "high"}), "must be a whole record"),
        (line_with(measures={"psnr": None}), "must be a whole record"),
        (line_with(measures=[1]), "must be a whole record"),
        (line_with(arrays={"rows": 5}), "must be a whole record"),
        (line_with(subject={"name": "x"}), "must be a whole record"),
        (line_with(subject="x"), "must be a whole record"),
        (line_with(source=None), "must be a whole record"),
        (line_with(more=1), "must be a whole record"),
        (line_with(circumstances={"seed": 1}), "must be a whole record"),
        (line_with(settings="word"), "must be a whole record"),
        (line_with(item=5), "must be a whole record"),
        (line_with(slice="one"), "must be a whole record"),
        (line_with(scope="galaxy"), "must be a whole record"),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / LINES
    path.write_text(f"{to_line(PLAIN)}\n{line}\n")
    with pytest.raises(DataError, match=rf"{LINES}, line 2 .*{words}"):
        read_records(path)


@pytest.mark.parametrize("name", ["protocol", "measures", "subject", "convention", "slice"])
def test_a_record_without_one_of_its_fields_is_refused(name: str) -> None:
    row = json.loads(to_line(PLAIN))
    del row[name]
    with pytest.raises(DataError, match=f"here must be a whole record.*{name}"):
        from_line(json.dumps(row), where="here")


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / LINES).write_bytes(content)
    with pytest.raises(DataError, match="must hold records, got an empty file; delete the file"):
        read_records(tmp_path)


def test_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=r"must be a folder with records.jsonl.*run `recon evaluate`"):
            read_records(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / LINES).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_records(tmp_path)


def test_the_table_opens_in_a_csv_reader(tmp_path: Path) -> None:
    more = replace(PLAIN, measures={"ssim": 0.9, "psnr": math.inf}, settings={"shift": [1, 2]})
    write_table([FULL, PLAIN, more], tmp_path / "records.csv")
    with (tmp_path / "records.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    columns = list(reader.fieldnames or ())
    assert columns[:6] == ["protocol", "network", "scope", "item", "slice", "group"]
    assert len(columns) == len(set(columns))
    assert not [name for name in columns if "rows" in name or "empty" in name]
    assert [row["item"] for row in rows] == [FULL.item, "file1", "file1"]
    assert [row["slice"] for row in rows] == ["0", "", ""]
    assert [float(row["psnr"]) for row in rows] == [math.inf, 30.5, math.inf]
    assert (rows[1]["ssim"], rows[2]["ssim"], rows[2]["setting.shift"]) == ("", "0.9", "[1,2]")
    assert rows[0]["convention"] == FULL.convention
    assert json.loads(rows[0]["subject.details"]) == FULL.subject.details
    assert columns.index("ssim") < columns.index("setting.shift") < columns.index("source.fingerprint")


def test_a_measure_cannot_take_the_place_of_a_standard_column(tmp_path: Path) -> None:
    write_table([replace(PLAIN, measures={"item": 1.0, "convention": 2.0})], tmp_path / "records.csv")
    with (tmp_path / "records.csv").open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert (row["item"], row["convention"]) == ("file1", PLAIN.convention)


def test_no_records_make_a_table_without_rows(tmp_path: Path) -> None:
    write_table([], tmp_path / "records.csv")
    assert (tmp_path / "records.csv").read_text().strip() == ""


def test_names_that_are_no_text_can_be_written(tmp_path: Path) -> None:
    record = replace(PLAIN, item="file\udcff.h5")
    write_lines([record], tmp_path / LINES)
    write_table([record], tmp_path / "records.csv")
    assert read_records(tmp_path) == [record]
    with (tmp_path / "records.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["item"] == "file\\udcff.h5"


def test_compressed_records_are_the_same_and_so_are_their_bytes(tmp_path: Path) -> None:
    lines = [line_with(), line_with(item="another")]
    records = [from_line(line, where="here") for line in lines]
    paths = [tmp_path / "one.jsonl.gz", tmp_path / "two.jsonl.gz"]
    for path in paths:
        write_lines(records, path)
    assert read_records(paths[0]) == records
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert gzip.decompress(paths[0].read_bytes()).decode().count("\n") == 2


@pytest.mark.parametrize("keep", [0, 5, 40])
def test_truncated_compressed_records_are_refused(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl.gz"
    write_lines([from_line(line_with(), where="here")], path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"records\.jsonl\.gz (cannot be read|must hold records)"):
        read_records(path)

"""Puts what a demo measured where it is read: its records into docs/results, its pictures beside, and its tables.

make demo
.venv/bin/python scripts/publish_results.py runs/demo          # into README.md
.venv/bin/recon demo --labels
.venv/bin/python scripts/publish_results.py runs/label-demo    # into docs/labels.md
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recon.errors import DataError, ReconError
from recon.files import written_whole
from recon.records import Record, read_records, write_lines
from recon.report.modalities import task_of
from recon.report.readme import replaced
from recon.report.selection import grouped

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
_SHOWN = ("quality", "equivariance", "worst", "ood", "hard", "layers", "cost")  # what the headline table is made of


@dataclass(frozen=True, slots=True)
class Place:
    """Where the results of a demo stand: the page, the records, and the pictures beside them."""

    page: Path
    records: Path
    pictures: Sequence[str]


IMAGES = Place(ROOT / "README.md", RESULTS / "records.jsonl.gz", ("worst-panel", "heatmap"))
LABELS = Place(ROOT / "docs" / "labels.md", RESULTS / "labels.jsonl.gz", ("consistency", "furthest"))


def main(arguments: Sequence[str]) -> int:
    """Publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="the demo's folder")
    demo = parser.parse_args(arguments).demo
    try:
        publish(demo)
    except ReconError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def publish(demo: Path) -> None:
    """Write records, pictures and tables."""
    records = read_records(demo / "evaluation")
    place = LABELS if task_of(records[0].source.modality) != "reconstruction" else IMAGES
    records = list(_slim(records))
    groups = grouped(records)
    text = replaced(place.page.read_text(encoding="utf-8"), groups)
    figures = [demo / "figures" / f"{name}-{group.key}.png" for group in groups for name in place.pictures]
    shown = [path for path in figures if f"results/{path.name}" in text]
    missing = [str(path) for path in shown if not path.exists()]
    if missing:
        raise DataError(f"the demo must have drawn {', '.join(missing)}, got none there; run `recon demo` again")
    write_lines(records, place.records)
    for path in shown:
        shutil.copyfile(path, RESULTS / path.name)
    with written_whole(place.page) as partial:
        partial.write_text(text, encoding="utf-8")
    what = f"{len(records)} records in {place.records.relative_to(ROOT)}; {len(shown)} pictures"
    print(f"{what}; {place.page.relative_to(ROOT)}")


def _slim(records: Sequence[Record]) -> Iterator[Record]:
    """Leave out what the tables do not need: single layers, rows of numbers, and where each network came from."""
    for record in records:
        if task_of(record.source.modality) != "reconstruction":
            arrays = {name: values for name, values in record.arrays.items() if name != "correct_by_shift"}
            yield replace(record, arrays=arrays)
        elif record.protocol in _SHOWN and not (record.protocol == "layers" and record.item):
            details = {name: value for name, value in record.subject.details.items() if name != "data"}
            yield replace(record, arrays={}, subject=replace(record.subject, details=details))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

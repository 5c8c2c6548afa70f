"""Puts what the demo measured into the README: its records into docs/results, its pictures beside, and its table.

make demo
.venv/bin/python scripts/publish_results.py runs/demo
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from recon.errors import DataError, ReconError
from recon.files import written_whole
from recon.records import Record, read_records, write_lines
from recon.report.readme import replaced
from recon.report.selection import grouped

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
RECORDS = RESULTS / "records.jsonl.gz"
PICTURES = ("worst-panel", "heatmap")
_SHOWN = ("quality", "equivariance", "worst", "ood", "hard", "layers", "cost")  # what the headline table is made of


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
    """Write records, pictures and table."""
    records = list(_slim(read_records(demo / "evaluation")))
    groups = grouped(records)
    text = replaced((ROOT / "README.md").read_text(encoding="utf-8"), groups)
    figures = [demo / "figures" / f"{name}-{group.key}.png" for group in groups for name in PICTURES]
    missing = [str(path) for path in figures if not path.exists()]
    if missing:
        raise DataError(f"the demo must have drawn {', '.join(missing)}, got none there; run `recon demo` again")
    write_lines(records, RECORDS)
    for path in figures:
        shutil.copyfile(path, RESULTS / path.name)
    with written_whole(ROOT / "README.md") as partial:
        partial.write_text(text, encoding="utf-8")
    print(f"{len(records)} records in {RECORDS.relative_to(ROOT)}; {len(figures)} pictures; README.md")


def _slim(records: Sequence[Record]) -> Iterator[Record]:
    """Leave out what the table does not need: single layers, rows of numbers, and where each network came from."""
    for record in records:
        if record.protocol in _SHOWN and not (record.protocol == "layers" and record.item):
            details = {name: value for name, value in record.subject.details.items() if name != "data"}
            yield replace(record, arrays={}, subject=replace(record.subject, details=details))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

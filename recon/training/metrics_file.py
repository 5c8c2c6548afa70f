"""The logged numbers in one CSV file, which a resumed run goes on with where its checkpoint was."""

import csv
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from recon.files import written_whole


class MetricsFile(Logger):
    """Writes `metrics.csv`: a row for each step at which something was logged, and a column for each name.

    The file is rewritten as a whole, so that it is never half a row. After `keep_until(step)` it has the rows up to a
    checkpoint alone: what a killed run logged beyond it happens again.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / "metrics.csv"
        self.rows: dict[int, dict[str, str]] = {}
        if self.path.is_file():
            with self.path.open(newline="") as file:
                self.rows = {int(row["step"]): row for row in csv.DictReader(file)}

    @property
    def name(self) -> str:
        """The logger's name."""
        return ""

    @property
    def version(self) -> str:
        """The logger's version."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: object, **kwargs: object) -> None:
        """Do nothing: config.yaml has them."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add numbers to a step's row."""
        row = self.rows.setdefault(int(step or 0), {"step": str(int(step or 0))})
        row.update({name: repr(float(value)) for name, value in metrics.items()})

    @rank_zero_only
    def keep_until(self, step: int) -> None:
        """Forget the rows after a step."""
        self.rows = {number: row for number, row in self.rows.items() if number <= step}

    @rank_zero_only
    def save(self) -> None:
        """Write the file."""
        if not self.rows:
            return
        names = dict.fromkeys(["step", "epoch", *(name for row in self.rows.values() for name in row)])
        with written_whole(self.path) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(names))
            writer.writeheader()
            writer.writerows(self.rows[step] for step in sorted(self.rows))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write the file at the end."""
        self.save()

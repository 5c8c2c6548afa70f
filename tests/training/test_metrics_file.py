"""The file of logged numbers."""

from pathlib import Path

from recon.training.metrics_file import MetricsFile
from tests.training.runs import metrics


def test_a_step_has_one_row_and_a_name_one_column(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path)
    file.log_metrics({"val/loss": 0.5}, 3)
    file.log_metrics({"train/loss": 0.1}, 1)
    file.log_metrics({"train/loss": 0.25}, 3)
    file.save()
    assert metrics(tmp_path) == [
        {"step": "1", "epoch": "", "val/loss": "", "train/loss": "0.1"},
        {"step": "3", "epoch": "", "val/loss": "0.5", "train/loss": "0.25"},
    ]


def test_what_was_logged_beyond_a_checkpoint_is_forgotten(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path)
    for step in range(4):
        file.log_metrics({"loss": float(step)}, step)
    file.save()
    again = MetricsFile(tmp_path)
    again.keep_until(1)
    again.log_metrics({"loss": 7.0}, 5)
    again.finalize("success")
    assert [(row["step"], row["loss"]) for row in metrics(tmp_path)] == [("0", "0.0"), ("1", "1.0"), ("5", "7.0")]


def test_numbers_are_written_to_their_last_digit(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path)
    file.log_metrics({"loss": 1 / 3}, 0)
    file.save()
    assert float(metrics(tmp_path)[0]["loss"]) == 1 / 3


def test_without_numbers_there_is_no_file(tmp_path: Path) -> None:
    MetricsFile(tmp_path).save()
    assert not list(tmp_path.iterdir())

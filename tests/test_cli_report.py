"""`recon report`: what it writes, its exit statuses, and what bad inputs give."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from recon import cli
from recon.records import LINES, Record, write_lines
from tests.report.drawn import SUBJECTS, made_up, write_pictures

PRINT_LOADED = "import sys\nfrom recon.cli import main\ntry: main(['report', '--help'])\nfinally: print(*sys.modules)"


def write_evaluation(folder: Path, records: Sequence[Record]) -> Path:
    write_lines(records, folder / "records.jsonl")
    return folder


def few_records() -> list[Record]:
    found = made_up(subjects=SUBJECTS[:3])
    return [record for record in found if record.protocol in ("quality", "equivariance", "worst")]


def worsened(records: Sequence[Record]) -> list[Record]:
    return [
        replace(record, measures={**record.measures, "psnr": record.measures["psnr"] - 1})
        if record.protocol == "quality" and record.subject.name == "aps"
        else record
        for record in records
    ]


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    folder = write_evaluation(tmp_path / "evaluation", few_records())
    write_pictures(folder, few_records())
    return folder


def refusal(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str | Path) -> str:
    """Give what the command says that is refused; it leaves no file."""
    before = sorted(folder.rglob("*"))
    assert cli.main(["report", *map(str, arguments)]) == 2
    assert sorted(folder.rglob("*")) == before
    said = capsys.readouterr().err
    assert said.startswith("recon: error: ")
    return said


def test_help_loads_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", PRINT_LOADED], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & {"torch", "numpy", "matplotlib", "PIL", "yaml"} == set()
    assert "usage: recon report" in done.stdout


def test_report_loads_no_torch(evaluation: Path, tmp_path: Path) -> None:
    command = f"['report', {str(evaluation)!r}, '--out', {str(tmp_path / 'r.html')!r}]"
    code = f"import sys\nfrom recon.cli import main\nprint(main({command}), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == "0 False"


def test_all_forms_are_written_and_their_links_lead_to_the_figures(evaluation: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--out", out / "report.html", "--markdown", out / "text" / "report.md", "--latex", out / "report.tex"]
    title = "Knees & shifts"
    assert (
        cli.main(["report", *map(str, [evaluation, *arguments, "--figures", out / "figures", "--title", title])]) == 0
    )
    page = (out / "report.html").read_text()
    assert "<h1>Knees &amp; shifts" in page
    assert page.count("<svg") == 4
    assert "recon report" in page.partition("How this page was made</h2>")[2]
    assert (out / "figures" / "worst-panel-mri.png").exists()
    assert "](../figures/heatmap-mri.svg)" in (out / "text" / "report.md").read_text()
    assert "figures/heatmap-mri.png" in (out / "report.tex").read_text()
    assert not list(tmp_path.rglob("*.partial"))


def test_page_is_the_same_every_time(evaluation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert cli.main(["report", str(evaluation), "--out", "report.html"]) == 0
        pages.append(Path("report.html").read_bytes())
    assert pages[0] == pages[1]


def test_two_modalities_stand_on_one_page(tmp_path: Path) -> None:
    of_ct = [replace(record, source=made_up(modality="ct")[0].source) for record in few_records()]
    folders = [write_evaluation(tmp_path / "mri", few_records()), write_evaluation(tmp_path / "ct", of_ct)]
    assert cli.main(["report", *map(str, folders), "--out", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text()
    assert 'id="equivariance-mri"' in page
    assert 'id="equivariance-ct"' in page


def test_worse_than_before_is_status_1_and_on_the_page(
    evaluation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = write_evaluation(tmp_path / "new", worsened(few_records()))
    out = tmp_path / "report.html"
    assert cli.main(["report", str(new), "--out", str(out), "--against", str(evaluation)]) == 1
    assert "aps" in capsys.readouterr().out
    page = out.read_text()
    assert page.index("What changed</h2>") < page.index("Quality</h2>")
    assert "✗ worse" in page
    tolerant = ["--against", str(evaluation), "--tolerance", "psnr=1.5"]
    assert cli.main(["report", str(new), "--out", str(out), *tolerant]) == 0
    assert cli.main(["report", str(evaluation), "--out", str(out), "--against", str(evaluation)]) == 0
    section = out.read_text().partition("What changed</h2>")[2].partition("</section>")[0]
    assert "did not change and are not shown" in section
    assert "<table" not in section


def test_mistakes_are_said_in_words_and_nothing_is_written(
    evaluation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    (tmp_path / "empty").mkdir()
    assert "run `recon evaluate` first" in refusal(capsys, tmp_path, tmp_path / "empty", "--out", out)
    assert "name a file in it" in refusal(capsys, tmp_path, evaluation, "--out", tmp_path / "empty")
    assert "files of their own" in refusal(capsys, tmp_path, evaluation, "--out", out, "--markdown", out)
    for name in ("--out", "--markdown", "--latex"):
        over: list[str | Path] = ["--out", out, name, evaluation / LINES]
        assert "must leave the records as they are" in refusal(capsys, tmp_path, evaluation, *over)
        assert "must leave the records as they are" in refusal(capsys, tmp_path, evaluation / LINES, *over)
    assert "--against" in refusal(capsys, tmp_path, evaluation, "--out", out, "--tolerance", "psnr=1")
    against: list[str | Path] = [evaluation, "--out", out, "--against", evaluation, "--tolerance"]
    assert "did you mean 'psnr'" in refusal(capsys, tmp_path, *against, "psn=1")
    assert "NAME=NUMBER" in refusal(capsys, tmp_path, *against, "psnr=little")
    (evaluation / "pictures" / "worst-mri.npz").write_bytes(b"cut")
    assert "evaluate again" in refusal(capsys, tmp_path, evaluation, "--out", out)

"""The tutorials can be followed to the letter: every command and snippet runs, and every link leads somewhere."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from recon.cli import main
from recon.errors import ReconError
from recon.training.command import built
from tests.documents import (
    MAY_FAIL,
    RECON,
    ROOT,
    all_blocks,
    blocks,
    broken_links,
    commands,
    follow,
    furnish,
    missing_lines,
    steps,
)

DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
LANGUAGES = {"sh", "python", "text", "yaml", "console"}  # console: needs real data, GPUs or much time, and is not run
LINES = 140


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    furnish(tmp_path)
    return tmp_path


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def not_run(page: str) -> list[list[str]]:
    """Give the words of each `recon` command in the blocks that are not run, without what starts it."""
    every = [words for block in blocks(page, "console") for words in commands(block)]
    return [words[words.index(RECON) + 1 :] for words in every if RECON in words]


def refusal(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Say why a command refuses its options or their values; nothing where it takes them. Nothing is run."""
    try:
        if words[0] == "train":
            built([*words[1:], "--print_config"])
        main([*words, "--help"])
    except ReconError as error:
        return str(error)
    except SystemExit as end:
        said = capsys.readouterr()
        if end.code:
            return said.err
        known = re.findall(r"--[a-z_-]+", said.out)
        unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
        return "" if words[0] == "train" else " ".join(unknown)
    return "it went on"


def test_there_is_a_page_for_each_user() -> None:
    assert {"train-and-compare.md", "read-the-report.md", "into-a-pipeline.md"} <= set(PAGES)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_page_can_be_followed(page: str, checkout: Path) -> None:
    for step, printed in follow(read(page), checkout):
        assert MAY_FAIL not in step.text or printed.startswith(("Worse:", "Nothing got worse:"))


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_run_has_the_right_options(
    page: str, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    for step in steps(read(page)):
        if step.language == "file":
            Path(step.printed[0]).write_text(step.text, encoding="utf-8")
    for words in not_run(read(page)):
        assert refusal(words, capsys) == ""


@pytest.mark.parametrize("page", PAGES)
def test_page_is_short_and_its_blocks_are_of_known_kinds(page: str) -> None:
    text = read(page)
    assert len(text.splitlines()) < LINES
    assert {block.language for block in all_blocks(text)} <= LANGUAGES
    assert text.count("\n```") == 2 * len(all_blocks(text))  # none without a language, none open


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    assert broken_links(DOCS / page) == []


@pytest.mark.parametrize("page", PAGES)
def test_files_of_the_project_exist(page: str) -> None:
    named = re.findall(r"(?<![\w/.-])((?:configs|scripts|docs|tests)/[\w./-]*[\w/])", read(page))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_pages_can_be_followed_one_after_the_other_in_one_folder() -> None:
    texts = [read(page) for page in PAGES] + [(ROOT / "README.md").read_text(encoding="utf-8")]
    written = [set(re.findall(r"--(?:out|run) (\S+)", "".join(blocks(text, "sh")))) for text in texts]
    assert sum(map(len, written)) == len(set().union(*written))


def test_steps_are_what_a_reader_does() -> None:
    page = (
        "```python\nx = 1\n```\nthen\n```python\nprint(x)\n```\n```text\n1\n```\n"
        "```sh\nls\n```\n```python\n# own.py\ny = 2\n```\n```console\nnever\n```\n"
    )
    found = [(step.language, step.text, step.printed) for step in steps(page)]
    assert found == [
        ("python", "x = 1\n\nprint(x)\n\n", ["1"]),
        ("sh", "ls\n", []),
        ("file", "# own.py\ny = 2\n", ["own.py"]),
    ]
    assert [block.line for block in all_blocks(page)] == [2, 6, 9, 12, 15, 19]


def test_commands_go_on_over_lines() -> None:
    assert commands("a --b \\\n  c   # why\n\n# nothing\nd 'e f'\n") == [["a", "--b", "c"], ["d", "e f"]]


@pytest.mark.parametrize(
    "wrong",
    [
        "```sh\nfalse\n```\n",
        "```sh\nfalse\ntrue\n```\n",
        f"```sh\nexit 1    {MAY_FAIL}\n```\n",
        f"```sh\necho Worse: all; exit 2    {MAY_FAIL}\n```\n",
        "```sh\necho Worse: all; exit 1\n```\n",
        "```python\nraise ValueError\n```\n",
        "```python\nprint(2)\n```\n```text\n1\n```\n",
        "```sh\nls configs/none.yaml\n```\n",
    ],
)
def test_page_that_does_not_work_is_found(wrong: str, checkout: Path) -> None:
    with pytest.raises(AssertionError):
        list(follow(wrong, checkout))


@pytest.mark.parametrize(
    "right",
    [
        "```sh\n.venv/bin/recon --version\n```\n```text\nrecon 0.1.0\n```\n",
        f"```sh\necho Worse: all; exit 1    {MAY_FAIL}\n```\n",
        "```yaml\n# own.yaml\na: 1\n```\n```sh\nls own.yaml configs/mri.yaml\n```\n",
        "```python\nimport recon\nprint(recon.__name__)\n```\n```text\nrecon\n```\n",
    ],
)
def test_page_that_works_is_followed(right: str, checkout: Path) -> None:
    assert list(follow(right, checkout))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("train --config configs/mri.yaml --network.sampler aps", "sampler"),
        ("train --config configs/mri.yaml --trainer.max_epochs few", "max_epochs"),
        ("train --config configs/none.yaml", "none.yaml"),
        ("reproduce aps-table1 --dry", "--dry"),
        ("reproduce aps-table1 --scale huge", "huge"),
        ("evaluate runs/x --out y --limit many", "many"),
        ("report runs/x --outfile y", "--outfile"),
    ],
)
def test_wrong_option_is_found(
    wrong: str, reason: str, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    (words,) = not_run(f"```console\nsrun {RECON} {wrong}\n```\n")
    assert reason in refusal(words, capsys)


def test_lines_are_missed_where_their_order_is_another() -> None:
    assert missing_lines(["a", "b"], " a\nx\nb\n") == []
    assert missing_lines(["a", "b"], "b\na\n") == ["b"]


def test_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](#one-two) [b](none.md) [c](page.md#none) [d](https://x.org) [e](page.md)\n")
    assert broken_links(page) == ["none.md", "page.md#none"]

"""Documents as programs: the fenced blocks of a Markdown page, run in their order in one folder; and where links go."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]

RECON = ".venv/bin/recon"
MAY_FAIL = "# exit status 1 where something got worse"  # what a page announces

_FENCE = re.compile(r"^```(?P<language>[a-z]+)\n(?P<text>.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r"# ([\w-]+\.(?:py|yaml))\n")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and the line of the page on which its text begins."""

    language: str
    text: str
    line: int

    @property
    def file_name(self) -> str:
        """The file that a reader is to save it as, which its first line names; empty where there is none."""
        named = _FILE_NAME.match(self.text) if self.language in ("python", "yaml") else None
        return named[1] if named else ""


@dataclass(slots=True)
class Step:
    """What is run at once: a block of shell commands, or all Python snippets up to the next one; and what it prints."""

    language: str
    text: str
    line: int
    printed: list[str] = field(default_factory=list)


def blocks(text: str, language: str) -> list[str]:
    """Give the fenced blocks of one language, which may be a pattern."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def all_blocks(page: str) -> list[Block]:
    """Give all fenced blocks that have a language, in their order."""
    return [
        Block(found["language"], found["text"], page.count("\n", 0, found.start("text")) + 1)
        for found in _FENCE.finditer(page)
    ]


def steps(page: str) -> list[Step]:
    """Give what a reader does, in order; `text` blocks say what the step before them prints."""
    found: list[Step] = []
    for block in all_blocks(page):
        if block.language == "text":
            found[-1].printed += block.text.splitlines()
        elif block.file_name:
            found.append(Step("file", block.text, block.line, [block.file_name]))
        elif block.language == "sh":
            found.append(Step("sh", block.text, block.line))
        elif block.language == "python":
            if not found or found[-1].language != "python":
                found.append(Step("python", "", block.line))
            found[-1].text += block.text + "\n"
    return found


def commands(text: str) -> list[list[str]]:
    """Give the commands of a shell block as words: lines that end in a backslash go on, comments are left out."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def furnish(folder: Path) -> None:
    """Make a folder look like a checkout after `make install`: `.venv/bin`, `configs`; nothing else is there."""
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, arguments in (("recon", "-m recon "), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n', encoding="utf-8")
        program.chmod(0o755)
    (folder / "configs").symlink_to(ROOT / "configs", target_is_directory=True)


def follow(page: str, folder: Path, *, timeout: float = 300.0) -> Iterator[tuple[Step, str]]:
    """Do what a page says in a furnished folder; give each step with what it printed, and fail where it fails."""
    for step in steps(page):
        if step.language == "file":
            (folder / step.printed[0]).write_text(step.text, encoding="utf-8")
            continue
        arguments = ["sh", "-euc", step.text] if step.language == "sh" else [sys.executable, "-c", step.text]
        done = subprocess.run(
            arguments,
            cwd=folder,
            env=_environment(folder),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        where = f"the {step.language} block of line {step.line} ended with {done.returncode}"
        worse = MAY_FAIL in step.text and done.stdout.startswith("Worse:")
        assert done.returncode == (1 if worse else 0), f"{where}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        missing = missing_lines(step.printed, done.stdout)
        assert not missing, f"{where} and did not print, in this order, {missing}\n{done.stdout[-2000:]}"
        yield step, done.stdout


def missing_lines(wanted: Sequence[str], printed: str) -> list[str]:
    """Give the lines that are not among those printed, in their order."""
    rest = iter([line.strip() for line in printed.splitlines()])
    return [line for line in wanted if line.strip() not in rest]  # a search takes from the iterator what it passes


def broken_links(page: Path) -> list[str]:
    """Give the links of a page that lead nowhere: to a file or a heading that is not there. The web is not asked."""
    return [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if not _leads_somewhere(link, page)]


def _leads_somewhere(link: str, page: Path) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    path, _, heading = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return False
    return not heading or heading in map(_anchor, _HEADING.findall(target.read_text(encoding="utf-8")))


def _anchor(heading: str) -> str:
    """Give a heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RECON_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }

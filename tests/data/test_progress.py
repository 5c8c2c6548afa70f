"""Progress: lines for a log where there is no terminal, and a bar where there is one."""

import pytest

from recon.data.progress import Counter, tracked


def test_a_log_gets_a_line_at_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with Counter("working", 20, unit="images") as counter:
        for _ in range(20):
            counter.advance(1)
    wanted = ["working: 20 images to do", *(f"working: {count} of 20 images" for count in range(2, 21, 2))]
    assert capsys.readouterr().err.splitlines() == wanted


def test_large_steps_give_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    with Counter("working", 4, unit="images") as counter:
        counter.describe("something else")
        counter.advance(3)
        counter.advance(0)
        counter.advance(1)
    wanted = ["working: 4 images to do", "working: 3 of 4 images", "working: 4 of 4 images"]
    assert capsys.readouterr().err.splitlines() == wanted
    assert counter.done == 4


def test_nothing_to_do_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Counter("working", 0, unit="images") as counter:
        counter.advance(1)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with Counter("working", 2, unit="images") as counter:
        counter.describe("measuring")
        counter.advance(2)
    told = capsys.readouterr().err
    assert "measuring" in told
    assert "2/2" in told
    assert "to do" not in told


def test_the_bar_goes_when_the_work_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(ValueError, match="broken"), Counter("working", 2, unit="images"):
        raise ValueError("broken")
    assert capsys.readouterr().err.endswith("\x1b[?25h")  # the cursor is there again


def test_items_come_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(tracked(iter("abc"), "reading", total=3)) == ["a", "b", "c"]
    assert capsys.readouterr().err.splitlines() == ["reading: 3 to do", "reading: done"]

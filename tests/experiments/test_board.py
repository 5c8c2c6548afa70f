"""The board knows how much of the whole is done, and says it in a log, too."""

import pytest

from recon.experiments.board import Board


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give a clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr("recon.experiments.board.time.monotonic", lambda: now[0])
    return now


def test_time_left_follows_from_the_shares(clock: list[float]) -> None:
    with Board({"data": 1.0, "training": 3.0}) as board:
        assert board.seconds_left != board.seconds_left
        board.begin("data", "making")
        clock[0] = 10.0
        board.end()
        assert board.fraction == 0.25
        assert board.seconds_left == pytest.approx(30.0)
        board.begin("training", "networks")
        board.advance(0.5)
        clock[0] = 40.0
        assert board.fraction == pytest.approx(0.625)
        assert board.seconds_left == pytest.approx(40 / 0.625 * 0.375)
        board.end()
        assert board.fraction == 1.0


def test_what_was_done_before_says_nothing_of_the_speed(clock: list[float]) -> None:
    with Board({"data": 1.0, "training": 3.0}) as board:
        board.begin("data", "done already")
        board.end(skipped=True)
        board.begin("training", "networks")
        board.already(1 / 3)  # a quarter of the whole
        clock[0] = 5.0
        board.advance(2 / 3)  # another quarter, in five seconds
        assert board.fraction == pytest.approx(0.75)
        assert board.seconds_left == pytest.approx(5.0)


def test_the_fraction_never_falls(clock: list[float]) -> None:
    with Board({"training": 1.0}) as board:
        board.begin("training", "networks")
        board.advance(0.5)
        board.advance(0.4)
        assert board.fraction == 0.5


def test_log_gets_lines(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with Board({"data": 1.0, "training": 1.0}) as board:
        board.begin("data", "making [both]")
        clock[0] = 2.0
        board.end()
        board.begin("training", "2 networks")
        for step in range(101):
            board.advance(step / 100)
        board.tell(0, "plain: epoch 1")
        board.note("trained plain")
        board.end()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "data: making [both]"
    assert "50% done, 0:02 min left" in lines
    assert lines[-1] == "trained plain"
    assert 10 <= len(lines) <= 20

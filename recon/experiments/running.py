"""An experiment as it runs: data, training, measurements and report, each skipped where it is done already."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from recon.experiments.board import Board
from recon.experiments.done import (
    Wanted,
    is_reported,
    mark_data,
    mark_measured,
    mark_reported,
    missing_data,
    unmeasured,
    untrained,
)
from recon.experiments.experiment import Branch, Experiment, Training
from recon.experiments.means import Means
from recon.experiments.stages import require_folder, require_same
from recon.experiments.workers import News, cores, run_workers
from recon.files import written_whole
from recon.locks import held
from recon.records import Record, read_records

LOGS = "logs"
_TEXTS = {
    "data": "making synthetic data",
    "training": "{count} networks",
    "measuring": "what networks give, and what shifts do to it",
    "timing": "what each network costs, with nothing else running",
    "report": "drawing and writing",
}


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of the time that the stages are expected to take; the defaults are the demo's on two cores."""

    data: float = 0.05
    training: float = 0.5
    measuring: float = 0.36
    timing: float = 0.07
    report: float = 0.02


def run(experiment: Experiment, means: Means, *, command: Sequence[str], shares: Shares | None = None) -> list[Record]:
    """Do everything that is not done yet, and give the records; `command` is how the report says it was made."""
    require_folder(experiment.out)
    with Board(asdict(shares or Shares())) as board:
        _stage(board, "data", missing_data(experiment), lambda left: _make(left, board))
        _stage(board, "training", untrained(experiment), lambda left: _train(experiment, left, means, board))
        for stage, alone in (("measuring", False), ("timing", True)):
            left = unmeasured(experiment, alone=alone)
            _stage(board, stage, left, lambda left, alone=alone: _measure(experiment, left, means, board, alone))
        _stage(board, "report", [] if is_reported(experiment) else [1], lambda _: _report(experiment, command))
    return read_records(experiment.records)


def _stage(board: Board, name: str, left: Sequence[object], work: Callable[..., None]) -> None:
    """Do what is left of a stage."""
    if not left:
        board.begin(name, "done already")
        board.end(skipped=True)
        return
    board.begin(name, _TEXTS[name].format(count=len(left)))
    work(left)
    board.end()


def _make(left: Sequence[Branch], board: Board) -> None:
    from recon.data.synthetic.make import make
    from recon.experiments.making import set_of

    for place, branch in enumerate(left, 1):
        assert branch.data is not None
        board.pause()  # it shows a bar of its own
        make(set_of(branch), branch.data, workers=cores())
        mark_data(branch)
        board.advance(place / len(left))


def _train(experiment: Experiment, left: Sequence[Training], means: Means, board: Board) -> None:
    from recon.experiments.work import train_all

    for training in left:
        require_same(training.recipe, training.key, what=f"the training of {training.name}")
    names = [training.name for training in experiment.all_trainings]
    shares = dict.fromkeys(names, 1.0) | {training.name: 0.0 for training in left}
    board.already(sum(shares.values()) / len(names))

    def told(news: News) -> None:
        if news.piece:
            if news.done == 1.0 and shares[news.piece] < 1.0:
                board.note(f"trained {news.piece}")
            shares[news.piece] = max(shares[news.piece], news.done)
            board.advance(sum(shares.values()) / len(names))
        board.tell(news.worker, news.text)

    workers = means.workers_for(len(left), experiment.out / LOGS)
    for worker in workers:
        board.tell(worker.number, "starting a process")
    run_workers(train_all, workers, (left,), told)


def _measure(experiment: Experiment, left: Sequence[Wanted], means: Means, board: Board, alone: bool) -> None:
    from recon.experiments.work import evaluate_all, piece_name

    log = experiment.out / LOGS
    workers = means.one(log) if alone else means.workers_for(means.most, log)
    weights = {piece_name(*one): float(len(one[1].protocols)) for one in left}
    done = dict.fromkeys(weights, 0.0)

    def told(news: News) -> None:
        if news.piece:
            done[news.piece] = max(done[news.piece], news.done)
            board.advance(sum(weights[name] * share for name, share in done.items()) / sum(weights.values()))
        board.tell(news.worker, news.text)

    for worker in workers:
        board.tell(worker.number, "starting a process")
    run_workers(evaluate_all, workers, (experiment, left), told)
    mark_measured(experiment, alone=alone)


def _report(experiment: Experiment, command: Sequence[str]) -> None:
    from recon.report.markdown import to_markdown
    from recon.report.page import write_figures, write_page
    from recon.report.writing import composed, with_command

    records = read_records(experiment.records)
    made = with_command(composed(records, [experiment.records], title=experiment.title), command)
    with held(experiment.out / "report.lock"):  # another machine may be at it, too
        write_figures(made, experiment.out / "figures")
        with written_whole(experiment.report.with_suffix(".md")) as path:
            path.write_text(to_markdown(made), encoding="utf-8")
        write_page(made, experiment.report)
        mark_reported(experiment)

"""An experiment as it runs: data, training, measurements and report, each skipped where it is done already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from recon import __version__
from recon.experiments.board import Board
from recon.experiments.experiment import Branch, Experiment, Measurement, Synthetic, Training
from recon.experiments.means import Means
from recon.experiments.stages import is_done, mark
from recon.experiments.workers import News, cores, run_workers
from recon.files import written_whole
from recon.records import LINES, Record, Word, read_records

FINISHED = "finished.json"
LOGS = "logs"

Wanted = tuple[Branch, Measurement]


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of the time that the stages are expected to take."""

    data: float = 0.05
    training: float = 0.55
    measuring: float = 0.33
    timing: float = 0.05
    report: float = 0.02

    @property
    def by_name(self) -> dict[str, float]:
        """Give them as the board has them."""
        return asdict(self)


def run(experiment: Experiment, means: Means, *, command: Sequence[str], shares: Shares | None = None) -> list[Record]:
    """Do everything that is not done yet, and give the records; `command` is how the report says it was made."""
    with Board((shares or Shares()).by_name) as board:
        _stage(board, "data", _data_left(experiment), lambda left: _make(left, board))
        _stage(board, "training", untrained(experiment), lambda left: _train(experiment, left, means, board))
        for stage, alone in (("measuring", False), ("timing", True)):
            wanted = [] if _is_measured(experiment, alone) else _wanted(experiment, alone)
            _stage(board, stage, wanted, lambda left, alone=alone: _measure(experiment, left, means, board, alone))
        left = [] if _is_reported(experiment) else [experiment]
        _stage(board, "report", left, lambda _: _report(experiment, command))
    return read_records(experiment.records)


def is_finished(experiment: Experiment) -> bool:
    """Tell whether nothing is left to do."""
    return not untrained(experiment) and not _data_left(experiment) and _is_reported(experiment)


def untrained(experiment: Experiment) -> list[Training]:
    """Give the runs that are not finished."""
    return [one for one in experiment.all_trainings if not is_done(one.folder / FINISHED, one.key)]


def _stage(board: Board, name: str, left: Sequence[object], work: Callable[..., None]) -> None:
    """Do what is left of a stage."""
    if not left:
        board.begin(name, "done already")
        board.end(skipped=True)
        return
    board.begin(name, _TEXTS[name].format(count=len(left)))
    work(left)
    board.end()


_TEXTS = {
    "data": "making synthetic data",
    "training": "{count} networks",
    "measuring": "quality, equivariance, and more",
    "timing": "what each network costs, with nothing else running",
    "report": "drawing and writing",
}


def _data_left(experiment: Experiment) -> list[tuple[Branch, Synthetic]]:
    """Give the data sets that are to be made."""
    made = [(branch, branch.made) for branch in experiment.branches if branch.made is not None]
    return [(branch, one) for branch, one in made if not is_done(_data_marker(branch), _data_key(branch))]


def _data_marker(branch: Branch) -> Path:
    assert branch.data is not None  # where there is something to make, there is a folder
    return branch.data.with_name(f"{branch.data.name}.json")


def _data_key(branch: Branch) -> Mapping[str, Word]:
    return {} if branch.made is None else {"modality": branch.modality, **asdict(branch.made)}


def _make(left: Sequence[tuple[Branch, Synthetic]], board: Board) -> None:
    from recon.data.synthetic.make import SyntheticSet, make

    for place, (branch, made) in enumerate(left, 1):
        assert branch.data is not None
        chosen = SyntheticSet(branch.modality, volumes=made.volumes, size=made.size, slices=made.slices)
        board.pause()
        make(chosen, branch.data, workers=cores())
        mark(_data_marker(branch), _data_key(branch))
        board.advance(place / len(left))


def _train(experiment: Experiment, left: Sequence[Training], means: Means, board: Board) -> None:
    from recon.experiments.work import train_all

    names = [training.name for training in experiment.all_trainings]
    shares = {training.name: 1.0 for training in experiment.all_trainings if training not in left}
    board.already(len(shares) / len(names))
    workers = means.workers_for(len(left), experiment.out / LOGS)

    def told(news: News) -> None:
        if news.piece:
            if news.done == 1.0 and shares.get(news.piece, 0.0) < 1.0:
                board.note(f"trained {news.piece}")
            shares[news.piece] = max(shares.get(news.piece, 0.0), news.done)
            board.advance(sum(shares.values()) / len(names))
        board.tell(news.worker, news.text)

    run_workers(train_all, workers, (left,), told)


def _measure(experiment: Experiment, left: Sequence[Wanted], means: Means, board: Board, alone: bool) -> None:
    from recon.experiments.work import evaluate_all, piece_name

    log = experiment.out / LOGS
    workers = means.one(log) if alone else means.workers_for(means.most, log)
    pieces = {piece_name(*wanted): 0.0 for wanted in left}
    weights = {piece_name(*wanted): float(len(wanted[1].protocols)) for wanted in left}

    def told(news: News) -> None:
        if news.piece:
            pieces[news.piece] = max(pieces[news.piece], news.done)
            board.advance(sum(weights[name] * done for name, done in pieces.items()) / sum(weights.values()))
        board.tell(news.worker, news.text)

    run_workers(evaluate_all, workers, (experiment, left), told)
    mark(_measured_marker(experiment, alone), _measured_key(experiment, alone))


def _wanted(experiment: Experiment, alone: bool) -> list[Wanted]:
    return [
        (branch, measurement)
        for branch in experiment.branches
        for measurement in branch.measurements
        if measurement.alone is alone
    ]


def _measured_key(experiment: Experiment, alone: bool) -> Mapping[str, Word]:
    """Say what the records depend on."""
    return {
        "recon": __version__,
        "seed": experiment.seed,
        "trainings": [training.key for training in experiment.all_trainings],
        "measurements": [[branch.modality, *_words(asdict(one))] for branch, one in _wanted(experiment, alone)],
        "data": [None if branch.made is not None else str(branch.data) for branch in experiment.branches],
        "ood": [str(branch.ood) for branch in experiment.branches],
        "other": [None if branch.made is not None else str(branch.other) for branch in experiment.branches],
    }


def _words(settings: Mapping[str, Word]) -> list[Word]:
    return [list(value) if isinstance(value, tuple) else value for value in settings.values()]


def _measured_marker(experiment: Experiment, alone: bool) -> Path:
    return experiment.records / f"{experiment.name}{'-time' if alone else ''}.json"


def _is_measured(experiment: Experiment, alone: bool) -> bool:
    marker = _measured_marker(experiment, alone)
    return (experiment.records / LINES).exists() and is_done(marker, _measured_key(experiment, alone))


def _report_key(experiment: Experiment) -> Mapping[str, Word]:
    return {name: dict(_measured_key(experiment, alone)) for name, alone in (("measuring", False), ("timing", True))}


def _report_marker(experiment: Experiment) -> Path:
    return experiment.out / f"{experiment.name}-report.json"


def _is_reported(experiment: Experiment) -> bool:
    return experiment.report.exists() and is_done(_report_marker(experiment), _report_key(experiment))


def _report(experiment: Experiment, command: Sequence[str]) -> None:
    from recon.report.markdown import to_markdown
    from recon.report.page import write_figures, write_page
    from recon.report.writing import composed, with_command

    records = read_records(experiment.records)
    made = with_command(composed(records, [experiment.records], title=experiment.title), command)
    write_figures(made, experiment.out / "figures")
    with written_whole(experiment.out / "tables.md") as path:
        path.write_text(to_markdown(made), encoding="utf-8")
    write_page(made, experiment.report)
    mark(_report_marker(experiment), _report_key(experiment))

"""What the workers of an experiment do: train networks, one after the other, and measure them."""

import time
from collections.abc import Sequence

import torch

from recon.conversion.convert import convert_file
from recon.data.progress import Counter
from recon.evaluation.loading import Place
from recon.evaluation.session import Wishes, run
from recon.experiments.experiment import UNTOUCHED, Branch, Experiment, Measurement, Training
from recon.experiments.stages import is_done, mark
from recon.experiments.workers import News, Send, Worker
from recon.locks import claimed
from recon.training.checkpointing import StoppedError
from recon.training.command import CONFIG, train
from recon.training.progress import Followed

_PATIENCE = 1.0  # seconds between two looks at what others are at


def train_all(worker: Worker, send: Send, trainings: Sequence[Training]) -> None:
    """Train what is not trained yet and no other process is at, until all is trained."""
    torch.set_num_threads(worker.threads)
    left = list(trainings)
    while left:
        later = []
        for training in left:
            with claimed(training.finished) as mine:
                if is_done(training.finished, training.key):
                    send(News(worker.number, training.name, done=1.0))
                elif mine and (training.after is None or is_done(training.after.finished, training.after.key)):
                    _begin(training, worker, send)
                else:
                    later.append(training)
        if len(later) == len(left):
            send(News(worker.number, text="waiting for networks that are trained elsewhere"))
            time.sleep(_PATIENCE)
        left = later


def _begin(training: Training, worker: Worker, send: Send) -> None:
    """Train, or convert what another run has trained."""
    mark(training.recipe, training.key)
    if training.after is not None and training.method is not None:
        send(News(worker.number, training.name, text=f"{training.name}: converting"))
        convert_file(training.after.weights, training.method, training.weights)
    else:
        _train(training, worker, send)
    mark(training.finished, training.key)
    send(News(worker.number, training.name, done=1.0))


def _train(training: Training, worker: Worker, send: Send) -> None:
    resumed = (training.folder / CONFIG).is_file()
    begin = ("--resume", str(training.folder)) if resumed else (*training.arguments, "--run", str(training.folder))
    gpu = worker.device.removeprefix("cuda:")
    device = ("cpu", "1") if worker.device == "cpu" else ("gpu", f"[{gpu}]")
    quiet = ("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false")
    send(News(worker.number, training.name, text=f"{training.name}: loading"))

    def told(done: int, total: int, text: str) -> None:
        send(News(worker.number, training.name, done=done / total, text=f"{training.name}: {text}"))

    placed = ("--trainer.accelerator", device[0], "--trainer.devices", device[1])
    try:
        train([*begin, *training.place, *placed, *quiet], [Followed(told)])
    except StoppedError as stop:
        raise SystemExit(stop.status) from None


def evaluate_all(
    worker: Worker, send: Send, experiment: Experiment, wanted: Sequence[tuple[Branch, Measurement]]
) -> None:
    """Measure the networks of branches, sharing the work with the other workers."""
    torch.set_num_threads(worker.threads)
    for branch, measurement in wanted:
        piece = piece_name(branch, measurement)
        send(News(worker.number, piece, text="loading"))

        def counting(title: str, total: int, *, unit: str, piece: str = piece) -> "_Told":
            return _Told(title, total, unit=unit, worker=worker, send=send, piece=piece)

        run(_wishes(experiment, branch, measurement, worker.device), counting=counting)
        send(News(worker.number, piece, done=1.0))


def piece_name(branch: Branch, measurement: Measurement) -> str:
    """Name a measurement among all of an experiment."""
    return f"{branch.modality} {','.join(measurement.protocols)}"


def _wishes(experiment: Experiment, branch: Branch, measurement: Measurement, device: str) -> Wishes:
    specs = [str(training.folder) for training in experiment.trainings(branch)]
    untouched = [UNTOUCHED[branch.modality]] if branch.modality in UNTOUCHED else []
    return Wishes(
        specs=[*specs, *untouched],
        out=experiment.records,
        protocols=tuple(measurement.protocols),
        data=branch.data,
        modality=branch.modality,
        ood=branch.ood,
        other=branch.other,
        limit=measurement.limit,
        seed=experiment.seed,
        ten_shifts=measurement.ten_shifts,
        place=Place(device, batch_size=32),
    )


class _Told(Counter):
    """Counts for the process that shows it."""

    def __init__(self, title: str, total: int, *, unit: str, worker: Worker, send: Send, piece: str) -> None:
        super().__init__(title, total, unit=unit)
        self._worker, self._send, self._piece = worker, send, piece
        self._text = ""

    def __enter__(self) -> "_Told":
        self._tell()
        return self

    def describe(self, what: str) -> None:
        """Say what is being done."""
        self._text = what
        self._tell()

    def advance(self, count: int) -> None:
        """Count what was done."""
        self.done += count
        self._tell()

    def _tell(self) -> None:
        share = self.done / self.total if self.total else 0.0
        kind = self._piece.partition(" ")[0].upper()
        self._send(News(self._worker.number, self._piece, done=share, text=f"{self._text} ({kind})" * bool(self._text)))

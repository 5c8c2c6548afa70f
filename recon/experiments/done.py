"""What of an experiment is done already, and what everything that it makes depends on."""

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from recon import __version__
from recon.experiments.experiment import Branch, Experiment, Measurement, Training
from recon.experiments.stages import is_done, mark
from recon.records import LINES, Word

Wanted = tuple[Branch, Measurement]


def is_finished(experiment: Experiment) -> bool:
    """Tell whether nothing is left to do."""
    if missing_data(experiment) or untrained(experiment):
        return False
    measured = not (unmeasured(experiment, alone=False) or unmeasured(experiment, alone=True))
    return measured and is_reported(experiment)


def missing_data(experiment: Experiment) -> list[Branch]:
    """Give the branches whose data sets are to be made."""
    made = [branch for branch in experiment.branches if branch.made is not None]
    return [branch for branch in made if not (_is_there(branch) and _is_marked(branch))]


def mark_data(branch: Branch) -> None:
    """Write down that a data set is made."""
    mark(_data_marker(branch), _data_key(branch))


def untrained(experiment: Experiment) -> list[Training]:
    """Give the runs that are not finished."""
    return [training for training in experiment.all_trainings if not is_done(training.finished, training.key)]


def wanted(experiment: Experiment, *, alone: bool) -> list[Wanted]:
    """Give what is measured: that which needs the machine for itself, or all else."""
    every = [(branch, measurement) for branch in experiment.branches for measurement in branch.measurements]
    return [(branch, measurement) for branch, measurement in every if measurement.alone is alone]


def unmeasured(experiment: Experiment, *, alone: bool) -> list[Wanted]:
    """Give what is still to be measured: all or nothing, as records that are there are not measured again."""
    done = is_done(_measured_marker(experiment, alone), _measured_key(experiment, alone))
    return [] if done and (experiment.records / LINES).exists() else wanted(experiment, alone=alone)


def mark_measured(experiment: Experiment, *, alone: bool) -> None:
    """Write down that everything is measured."""
    mark(_measured_marker(experiment, alone), _measured_key(experiment, alone))


def is_reported(experiment: Experiment) -> bool:
    """Tell whether the report is there, and of the records as they are wanted."""
    return experiment.report.exists() and is_done(_report_marker(experiment), _report_key(experiment))


def mark_reported(experiment: Experiment) -> None:
    """Write down that the report is written."""
    mark(_report_marker(experiment), _report_key(experiment))


def _is_there(branch: Branch) -> bool:
    return branch.data is not None and branch.data.is_dir() and any(branch.data.iterdir())


def _is_marked(branch: Branch) -> bool:
    return is_done(_data_marker(branch), _data_key(branch))


def _data_marker(branch: Branch) -> Path:
    assert branch.data is not None  # where there is something to make, there is a folder
    return branch.data.with_name(f"{branch.data.name}.json")


def _data_key(branch: Branch) -> Mapping[str, Word]:
    return {} if branch.made is None else {"modality": branch.modality, **asdict(branch.made)}


def _measured_marker(experiment: Experiment, alone: bool) -> Path:
    return experiment.records / f"{experiment.name}{'-time' if alone else ''}.json"


def _measured_key(experiment: Experiment, alone: bool) -> Mapping[str, Word]:
    """Say what the records depend on; where data lie that were made for the experiment does not matter."""
    given = [branch for branch in experiment.branches if branch.made is None]
    return {
        "recon": __version__,
        "seed": experiment.seed,
        "trainings": [training.key for training in experiment.all_trainings],
        "weights": [_hash_of(training.weights) for training in experiment.all_trainings],
        "measurements": [[branch.modality, *_words(one)] for branch, one in wanted(experiment, alone=alone)],
        "folders": [_folder_key(folder) for branch in given for folder in (branch.data, branch.ood, branch.other)],
    }


def _words(measurement: Measurement) -> list[Word]:
    return [list(value) if isinstance(value, tuple) else value for value in asdict(measurement).values()]


def _hash_of(path: Path) -> str:
    """Hash a file; empty where there is none."""
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _folder_key(folder: Path | None) -> list[Word]:
    """Say what is in a folder, by the number of its files and their sizes."""
    if folder is None:
        return []
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return [str(folder), len(sizes), sum(sizes)]


def _report_marker(experiment: Experiment) -> Path:
    return experiment.out / f"{experiment.name}-report.json"


def _report_key(experiment: Experiment) -> Mapping[str, Word]:
    return {"recon": __version__, "title": experiment.title, "records": _hash_of(experiment.records / LINES)}

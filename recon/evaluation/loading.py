"""Finds what is to be evaluated: runs, network files, exported programs, functions, and what needs no network."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import torch
from torch import Tensor

from recon.checkpoints import SUFFIX, Checkpoint, load, read_about
from recon.errors import ConfigError, DataError
from recon.evaluation.foreign import OWN, Foreign, exported_program, factory_of, named_function, onnx_model
from recon.evaluation.guarded import guarded
from recon.evaluation.modalities import IMAGES, KNOWN
from recon.evaluation.models import Model, Precision
from recon.files import holds
from recon.nn import Classifier, Converted, Segmenter, UNet
from recon.nn.converted import NONE
from recon.records import BUILT_IN, Subject, Word
from recon.samplings import find_sampling, sampling_from_words

UNTOUCHED: dict[str, tuple[str, ...]] = {  # what leaves its input as it is, and for which modalities it has that name
    "zero-filling": ("mri",),
    "fbp": ("ct",),
    "identity": ("mri", "ct"),
}
_MODALITIES = {UNet: IMAGES, Classifier: ("cifar10", "imagenet"), Segmenter: ("voc",), Converted: KNOWN}


@dataclass(frozen=True, slots=True)
class Found:
    """A model, the data it was trained on as far as that is known, and the modalities that it makes sense for."""

    model: Model
    data: Mapping[str, Word] | None
    modalities: tuple[str, ...] = KNOWN


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how networks compute, and which checkpoint of a run is taken."""

    device: str = "cpu"
    precision: Precision = "float32"
    batch_size: int = 8
    checkpoint: str = "best"


def find_models(specs: Sequence[str], place: Place, *, factory: str | None = None) -> list[Found]:
    """Load what is named: `[NAME=]SPEC`, where SPEC is one of these.

    - the folder of a run, or a network's .safetensors file;
    - an .onnx file, or a .pt2 file of torch.export;
    - `module:function` from images to images or logits, or `module:factory()` that gives a network;
    - zero-filling, fbp or identity.

    Files of networks of the user's own need the `factory`, `module:function`, that builds them: no code that a file
    names is run.
    """
    if not specs:
        raise ConfigError("there must be something to evaluate, got nothing; name a run, a file or a function")
    found = [_find(spec, place, factory) for spec in specs]
    if factory is not None and not any(isinstance(one.model.module, Converted) for one in found):
        raise ConfigError(f"a factory is for files of networks of your own, got {factory} and no such file")
    taken = _taken_twice(found)
    named = [_renamed(one, spec) if one.model.name in taken else one for one, spec in zip(found, specs, strict=True)]
    if taken := _taken_twice(named):
        raise ConfigError(f"every network must have a name of its own, got {taken[0]} twice; write NAME=PATH")
    return named


def _taken_twice(found: Sequence[Found]) -> list[str]:
    """Give the names that two models for one modality share; tables are of one modality each."""
    counts = Counter((one.model.name, modality) for one in found for modality in one.modalities)
    return [name for (name, _), count in counts.items() if count > 1]


def variant_of(
    arguments: Mapping[str, Word], training: Mapping[str, Word], conversion: Mapping[str, Word] | None = None
) -> str:
    """Name a network by its sampling, its blur, how it was trained to be equivariant, and where its weights are from.

    >>> variant_of({"sampling": "aps", "blur": "tri-3"}, {}), variant_of({"sampling": "lpf"}, {})
    ('aps-tri-3', 'lpf-tri-3')
    >>> variant_of({"sampling": "plain"}, {"shift_augmentation": 16})
    'plain-shifts'
    >>> variant_of({"sampling": "mass"}, {}, {"from": "plain"}), variant_of({"sampling": "mass"}, {"start": {}})
    ('mass-transferred', 'mass-tuned')
    """
    words = arguments.get("sampling", "aps")
    blur = arguments.get("blur")
    if words == NONE:
        parts = [NONE]
    else:
        sampling = sampling_from_words(words) if isinstance(words, str | Mapping) else find_sampling("aps")
        blur = blur or sampling.blur
        parts = [sampling.name, *([str(blur)] if blur else [])]
    parts += ["shifts"] if training.get("shift_augmentation") else []
    parts += ["penalty"] if training.get("equivariance_weight") else []
    start = training.get("start")
    if start is not None and not (isinstance(start, Mapping) and start.get("part")):  # a part alone is no network
        parts.append("tuned")
    elif conversion is not None:
        parts.append("transferred")
    return "-".join(parts)


def _find(spec: str, place: Place, factory: str | None) -> Found:
    named, what = _name_and_place(spec)
    if what in UNTOUCHED:
        subject = Subject(named or what, BUILT_IN, variant=what, parameters=0, period=1)
        return Found(_model(subject, lambda images: images, place), None, UNTOUCHED[what])
    path = Path(what)
    if path.suffix == ".onnx":
        return _foreign(named or path.stem, onnx_model(path, device=place.device), place)
    if path.suffix == ".pt2":
        return _foreign(named or path.stem, exported_program(path, device=place.device), place)
    if ":" in what and not holds(path.exists):
        return _foreign(named or what, named_function(what, device=place.device), place)
    return _network(named, path, place, factory)


def _name_and_place(spec: str) -> tuple[str, str]:
    """Cut NAME= off; a path that is there may have an equals sign in it."""
    name, _, rest = spec.partition("=")
    return (name, rest) if rest and "/" not in name and not holds(Path(spec).exists) else ("", spec)


def _network_file(path: Path, checkpoint: str) -> Path:
    """Give the file of a run's network, or the file itself."""
    there_is = holds(path.exists)
    if there_is and path.is_dir():
        file = path / "checkpoints" / f"{checkpoint}{SUFFIX}"
        if file.exists():
            return file
        others = sorted(other.stem for other in file.parent.glob(f"*{SUFFIX}"))
        advice = f"pass --checkpoint {others[0]}" if others else "train it with `recon train`"
        raise DataError(
            f"{path} must be the folder of a run that has saved a network, got one without checkpoints/{file.name}; "
            f"{advice}"
        )
    if there_is:
        return path
    there = [str(other) for other in path.parent.glob("*")] if holds(path.parent.exists) else []
    near = get_close_matches(str(path), [*UNTOUCHED, *there], n=1, cutoff=0.7)
    raise DataError(
        f"{path} must be a run, a file ({SUFFIX}, .onnx, .pt2), module:function, or one of {', '.join(UNTOUCHED)}; "
        f"there is none{f'; did you mean {near[0]}?' if near else ''}"
    )


def _network(named: str, path: Path, place: Place, factory: str | None) -> Found:
    """Load a run's network, or a network's file."""
    file = _network_file(path, place.checkpoint)
    about = read_about(file)
    build = factory_of(file, about, factory) if about.network == Converted.__name__ else None
    network = load(file, device=place.device, factory=build)
    network = network.to(memory_format=torch.channels_last)  # which is faster, and as exact
    function = guarded(network, str(path)) if isinstance(network, Converted) else network  # recon's own check images
    model = _model(_subject_of(named, about, network, run=path), function, place)
    model.module = network
    data = about.about.get("data")
    if not isinstance(data, Mapping) or data.get("modality") not in KNOWN:
        return Found(model, None, _MODALITIES[type(network)])
    return Found(model, data, (str(data["modality"]),))


def _subject_of(
    named: str, about: Checkpoint, network: UNet | Classifier | Segmenter | Converted, *, run: Path
) -> Subject:
    training, conversion = (_mapping(about.about.get(name)) for name in ("training", "conversion"))
    variant = variant_of(about.arguments, training or {}, conversion)
    return Subject(
        name=named or variant,
        kind=about.network,
        variant=variant,
        weights=about.sha256,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        period=network.multiple,
        details={
            "arguments": about.arguments,
            "training": training or {},
            **({"conversion": conversion} if conversion is not None else {}),
            "data": _without_folder(about.about.get("data")),
            "epoch": about.about.get("epoch"),
            "run": run.name,
        },
    )


def _mapping(words: Word) -> Mapping[str, Word] | None:
    return words if isinstance(words, Mapping) else None


def _without_folder(data: Word) -> Word:
    return {name: value for name, value in data.items() if name != "folder"} if isinstance(data, Mapping) else data


def _foreign(name: str, foreign: Foreign, place: Place) -> Found:
    subject = Subject(
        name,
        foreign.kind,
        name,
        foreign.weights,
        foreign.parameters,
        period=foreign.module.multiple if isinstance(foreign.module, OWN) else 0,
        details={"source": foreign.source},
    )
    model = _model(subject, foreign.function, place)
    model.module = foreign.module
    return Found(model, None)


def _model(subject: Subject, function: Callable[[Tensor], Tensor], place: Place) -> Model:
    return Model(subject, function, batch_size=place.batch_size, device=place.device, precision=place.precision)


def _renamed(found: Found, spec: str) -> Found:
    """Name a network by its run where its variant does not tell it from another."""
    if _name_and_place(spec)[0]:
        return found
    path = Path(spec)
    name = path.resolve().name if path.is_dir() else path.stem if path.exists() else spec
    found.model.subject = replace(found.model.subject, name=name)
    return found

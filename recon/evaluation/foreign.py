"""Networks that are not recon's own: ONNX files, exported programs, and functions by their names."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from types import ModuleType

from torch import Tensor, nn

from recon.checkpoints import Checkpoint, weights_hash
from recon.errors import ConfigError, DataError
from recon.evaluation.exported import load_program
from recon.evaluation.fitting import fitted
from recon.evaluation.guarded import guarded
from recon.evaluation.onnx_files import open_session
from recon.factories import called, factory, named
from recon.nn import Classifier, Segmenter, UNet

OWN = (UNet, Classifier, Segmenter)  # recon's networks, which a file can hold and which know their period


@dataclass(frozen=True, slots=True)
class Foreign:
    """A function from images to images or logits, and what is known of it.

    Args:
        function: from images (B, C, H, W) to images, or to logits.
        kind: `onnx`, `torch.export`, `function`, or the class of a network.
        source: where it came from.
        weights: SHA-256 of the weights, or of the files that hold them or the code: another one is evaluated anew.
        parameters: how many it has, where that is known.
        module: the network, for protocols that look inside; None for what is closed.
    """

    function: Callable[[Tensor], Tensor]
    kind: str
    source: str
    weights: str = ""
    parameters: int | None = None
    module: nn.Module | None = None


def onnx_model(path: Path, *, device: str) -> Foreign:
    """Open an ONNX file with one input and one output, the input images (B, C, H, W).

    It runs by ONNX Runtime, on a GPU where that is asked for and the installed ONNX Runtime can; `source` says where. A
    file that was exported for one number of images, or several, is given that many. The hash covers the files of
    weights that lie beside it and whose names it contains.
    """
    path = _require_file(path)
    session = open_session(path, device)
    return Foreign(
        fitted(session.run, session.wanted, path.name), "onnx", f"{path.name} ({session.provider})", _files_hash(path)
    )


def exported_program(path: Path, *, device: str) -> Foreign:
    """Open a file that `torch.export.save` wrote; see `load_program` for what is refused, so that nothing in it runs.

    A program that was exported for one number of images, or several, is given that many.
    """
    path = _require_file(path)
    data = path.read_bytes()
    program = load_program(data, where=str(path), device=device)
    return Foreign(
        fitted(program.function, program.wanted, path.name),
        "torch.export",
        path.name,
        sha256(data).hexdigest(),
        program.parameters,
    )


def named_function(spec: str, *, device: str) -> Foreign:
    """Import `module:name`, a function of images or a network; or call `module:factory()` for one.

    Modules are found as by `python -m`: those installed, and those in the current folder. The code of the module is
    run: name only what you trust. Networks are put into eval mode and onto the device. The hash covers the weights and
    the source of the module and of the network's class, but not what these import.
    """
    module, found = named(spec.removesuffix("()"))
    if spec.endswith("()"):
        found = called(found, spec)
    elif isinstance(found, type):
        raise ConfigError(f"{spec} must be a function or a network, got a class; write {spec}() to make one of it")
    if not callable(found):
        raise ConfigError(f"{spec} must be a function or a network, got {type(found).__name__}")
    if isinstance(found, nn.Module):
        return _network(Foreign(found, "", spec, _code_hash(module, inspect.getmodule(type(found)))), found, device)
    return Foreign(guarded(found, spec), "function", spec, _code_hash(module, inspect.getmodule(found)))


def factory_of(path: Path, about: Checkpoint, spec: str | None) -> Callable[[], nn.Module] | None:
    """Give the function that builds the network in a file, which is the one that the user names, not the file.

    None for one of another library that recon knows: loading builds it from the words of the file.
    """
    wanted = about.arguments.get("factory")
    if spec is None and about.arguments.get("settings") is not None:
        return None
    if spec is None:
        raise ConfigError(
            f"{path} holds a network that {wanted} builds, and no code that a file names is run; pass --factory "
            f"module:function, if you trust it"
        )
    build = factory(spec)

    def network() -> nn.Module:
        made = build()
        if not isinstance(made, nn.Module):
            raise ConfigError(f"{spec} must give a network (torch.nn.Module), got {type(made).__name__}")
        return made

    return network


def _network(described: Foreign, network: nn.Module, device: str) -> Foreign:
    """Put a network where it computes; the hash of recon's own is that of its weights alone, as in its file."""
    network = network.to(device).eval()
    weights = weights_hash({name: value for name, value in network.state_dict().items() if isinstance(value, Tensor)})
    return replace(
        described,
        function=guarded(network, described.source),
        kind=type(network).__name__,
        weights=weights if type(network) in OWN else sha256(f"{described.weights} {weights}".encode()).hexdigest(),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        module=network,
    )


def _code_hash(*modules: ModuleType | None) -> str:
    """Hash the files of modules, as far as they have any."""
    return _hash_of({Path(file) for module in modules if (file := getattr(module, "__file__", None))})


def _files_hash(path: Path) -> str:
    """Hash a file; together with those beside it whose names it contains, where there are any."""
    content = path.read_bytes()
    beside = {one for one in path.parent.iterdir() if one != path and one.is_file() and one.name.encode() in content}
    return _hash_of({path, *beside})


def _hash_of(files: set[Path]) -> str:
    """Hash files by what is in them; one alone as tools for checksums do."""
    hashes = [_file_hash(file) for file in sorted(files)]
    return hashes[0] if len(hashes) == 1 else sha256(" ".join(hashes).encode()).hexdigest()


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _require_file(path: Path) -> Path:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "none"
        raise DataError(f"{path} must be a file, got {what}; give the path of an exported network")
    return path

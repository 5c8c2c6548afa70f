"""What a person may have meant who names a path that is not there, or that is no model."""

from difflib import get_close_matches
from pathlib import Path

from recon.checkpoints import SUFFIX
from recon.errors import DataError

MODELS = (SUFFIX, ".onnx", ".pt2")
_TAKEN = (
    f"a run's folder, a network's {SUFFIX}, an .onnx or .pt2 file that `recon export` wrote, or the folder of a bundle"
)
_OTHERS = (".pt", ".pth", ".ckpt")  # what other software saves
_SHOWN = 3  # models that a message lists


def require_model(path: Path) -> None:
    """Refuse what a model cannot be opened from, and say what is there instead."""
    if not is_there(path):
        got = hint_for_missing(path)
    elif is_model(path):
        return
    elif path.is_dir():
        got = f"got a folder {_inside(path)}"
    elif path.suffix == ".ts":
        got = (
            "got a TorchScript file, which is for other software: reading one trusts its maker; give the run, or its "
            "export as .onnx or .pt2"
        )
    elif path.suffix in _OTHERS:
        got = "got a checkpoint of other software; `recon convert` takes it, and writes a network that is one"
    else:
        got = f"got a file that ends in {path.suffix}" if path.suffix else "got a file without an ending"
    raise DataError(f"{path} must be a model ({_TAKEN}), {got}")


def is_model(path: Path) -> bool:
    """Whether a path looks like what a model is opened from."""
    try:
        if not path.is_dir():
            return path.suffix in MODELS
        return is_bundle(path) or any((path / "checkpoints").glob(f"*{SUFFIX}"))
    except OSError:  # as of a name that is too long, or of a folder that may not be looked into
        return False


def is_bundle(folder: Path) -> bool:
    """Whether a folder looks like a MONAI bundle."""
    return (folder / "configs" / "metadata.json").is_file()


def is_there(path: Path) -> bool:
    """Tell whether there is such a file or folder; there is none of a name that is too long."""
    try:
        return path.exists()
    except OSError:
        return False


def hint_for_missing(path: Path) -> str:
    """Say what is there instead of a path: the nearest folder above, and what it holds of that name."""
    if _is_link(path):
        return f"got a link to {path.readlink()}, which is not there"
    if is_there(path):
        return "got what is neither, such as a pipe"
    above = next(parent for parent in path.absolute().parents if is_there(parent) and parent.is_dir())
    missing = path.absolute().relative_to(above).parts[0]
    try:
        names = {entry.name.casefold(): entry.name for entry in above.iterdir()}
    except OSError:
        names = {}
    near = get_close_matches(missing.casefold(), names, n=1, cutoff=0.5)
    hint = f"; did you mean {above / names[near[0]]}?" if near else ""
    return f"got nothing there: {above} has no {missing!r}{hint}"


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:
        return False


def _inside(folder: Path) -> str:
    """Say which models lie in a folder that is none."""
    try:
        found = sorted(str(path) for path in folder.iterdir() if is_model(path))
    except OSError as error:
        return f"that cannot be listed ({error.strerror}); see its owner and mode"
    if not found:
        return "without any; train a run with `recon train`, or name another"
    return f"that holds {len(found)} of them; name one, such as {', '.join(found[:_SHOWN])}"

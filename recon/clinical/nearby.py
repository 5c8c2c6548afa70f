"""What a person may have meant who names a path that is not there, or that is no model."""

from difflib import get_close_matches
from pathlib import Path

from recon.checkpoints import SUFFIX
from recon.errors import DataError
from recon.files import holds

MODELS = (SUFFIX, ".onnx", ".pt2")
_TAKEN = (
    f"a run's folder, a network's {SUFFIX}, an .onnx or .pt2 file that `recon export` wrote, or the folder of a bundle"
)
_OTHERS = (".pt", ".pth", ".ckpt")  # what other software saves
_SHOWN = 3  # models that a message lists


def require_model(path: Path) -> None:
    """Refuse what a model cannot be opened from, and say what is there instead."""
    if not holds(path.exists):
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
    if not holds(path.is_dir):
        return path.suffix in MODELS
    return is_bundle(path) or holds(lambda: any((path / "checkpoints").glob(f"*{SUFFIX}")))


def is_bundle(folder: Path) -> bool:
    """Whether a folder looks like a MONAI bundle."""
    return holds((folder / "configs" / "metadata.json").is_file)


def hint_for_missing(path: Path) -> str:
    """Say what is there instead of a path: the nearest folder above, and what it holds of that name."""
    if holds(path.is_symlink):
        return f"got a link to {path.readlink()}, which is not there"
    if holds(path.exists):
        return "got what is neither, such as a pipe"
    above = next(parent for parent in path.absolute().parents if holds(parent.is_dir))
    missing = path.absolute().relative_to(above).parts[0]
    try:
        names = {entry.name.casefold(): entry.name for entry in above.iterdir()}
    except OSError:
        names = {}
    near = get_close_matches(missing.casefold(), names, n=1, cutoff=0.5)
    hint = f"; did you mean {above / names[near[0]]}?" if near else ""
    return f"got nothing there: {above} has no {missing!r}{hint}"


def _inside(folder: Path) -> str:
    """Say which models lie in a folder that is none."""
    try:
        found = sorted(str(path) for path in folder.iterdir() if is_model(path))
    except OSError as error:
        return f"that cannot be listed ({error.strerror}); see its owner and mode"
    if not found:
        return "without any; train a run with `recon train`, or name another"
    return f"that holds {len(found)} of them; name one, such as {', '.join(found[:_SHOWN])}"

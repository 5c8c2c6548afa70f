"""What a model's file is, apart from the certificate in it: a hash that embedding leaves alone."""

import importlib
import json
from collections.abc import Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from recon.clinical.certificate.words import KEY
from recon.errors import ConfigError, DataError
from recon.records import Word

if TYPE_CHECKING:
    from onnx import ModelProto

METADATA = Path("configs") / "metadata.json"  # of a bundle
CERTIFICATE = Path("docs") / "certificate.json"

_FLOAT16 = 10  # TensorProto.FLOAT16

DEFINITIONS = {
    "file": "SHA-256 of the network's file",
    "onnx": f"SHA-256 of the ONNX file written without its metadata entry {KEY}, and of its files of weights",
    "bundle": f"SHA-256 of the names and SHA-256s of all files of the bundle, without {CERTIFICATE.as_posix()} and "
    f"without {KEY} in {METADATA.as_posix()}",
}


def kind_of(path: Path) -> str:
    """Tell what a model is stored as, of those in `DEFINITIONS`."""
    if path.suffix == ".onnx":
        return "onnx"
    return "bundle" if (path / METADATA).is_file() else "file"


def content_hash(path: Path) -> str:
    """Hash a file, an ONNX file or a bundle as `DEFINITIONS` says it."""
    kind = kind_of(path)
    if kind == "onnx":
        return _onnx_hash(path)
    return _bundle_hash(path) if kind == "bundle" else _file_hash(path)


def read_onnx(path: Path) -> "ModelProto":
    """Read an ONNX file as its library has it, without weights that lie in files beside it."""
    try:
        onnx = importlib.import_module("onnx")
    except ImportError as error:
        raise ConfigError(f"an ONNX file needs onnx, got: {error}; pip install '.[onnx]' in recon's folder") from error
    try:
        model: ModelProto = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's own kinds
        raise DataError(
            f"{path} must be a whole ONNX file, got one that cannot be read ({error}); copy it again"
        ) from error
    return model


def onnx_precision(path: Path) -> str:
    """Say in what an ONNX file computes, by its weights."""
    return "float16" if any(tensor.data_type == _FLOAT16 for tensor in read_onnx(path).graph.initializer) else "float32"


def without_entry(model: "ModelProto") -> str | None:
    """Take the certificate out of an ONNX file's metadata, in place, and give its text; None where there is none."""
    there = [entry for entry in model.metadata_props if entry.key == KEY]
    for entry in there:
        model.metadata_props.remove(entry)
    return str(there[0].value) if there else None


def metadata_without_entry(path: Path) -> dict[str, Word]:
    """Read a bundle's metadata, without what says that there is a certificate."""
    file = path / METADATA
    try:
        words = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(words, dict):
            raise TypeError(f"it is {type(words).__name__}")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{file} must be a bundle's metadata, got something else ({error}); export it again") from error
    words.pop(KEY, None)
    return words


def _onnx_hash(path: Path) -> str:
    model = read_onnx(path)
    without_entry(model)
    digest = sha256(model.SerializeToString(deterministic=True))
    for name in sorted(set(_weight_files(model))):
        if Path(name).name != name:
            raise DataError(f"{path} must have its weights beside it, got {name!r}; export it again")
        digest.update(_file_hash(path.parent / name).encode())
    return digest.hexdigest()


def _weight_files(model: "ModelProto") -> Iterator[str]:
    for tensor in model.graph.initializer:
        yield from (entry.value for entry in tensor.external_data if entry.key == "location")


def _bundle_hash(path: Path) -> str:
    found = list(path.rglob("*"))
    for file in found:
        if file.is_symlink():
            raise DataError(
                f"{file} must be a file or folder of the bundle itself, got a link; put in what it points to"
            )
    files = {file.relative_to(path).as_posix(): file for file in found if file.is_file()}
    files.pop(CERTIFICATE.as_posix(), None)
    digest = sha256()
    for name, file in sorted(files.items()):
        if name == METADATA.as_posix():
            words = json.dumps(metadata_without_entry(path), sort_keys=True)
            inside = sha256(words.encode()).hexdigest()
        else:
            inside = _file_hash(file)
        digest.update(f"{inside} {name}\n".encode())
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}; copy it again") from error

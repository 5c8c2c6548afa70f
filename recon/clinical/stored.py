"""Files of exported networks: what they say of themselves, and what runs them."""

import importlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from recon.checkpoints import IN_BUNDLE
from recon.clinical.identity import Identity, identity_from
from recon.clinical.nearby import is_bundle
from recon.clinical.words import KEY
from recon.errors import ConfigError, DataError
from recon.evaluation.foreign import exported_program, onnx_model
from recon.files import reason_of

SUFFIXES = (".onnx", ".pt2")
EXTRA = f"{KEY}.json"  # the name of the extra file in a .pt2 and .ts
_MOST = 10_000_000  # bytes that a file's words about itself may have


def exported_model(path: Path, *, device: str) -> tuple[Identity, Callable[[Tensor], Tensor], str]:
    """Open an exported file: what it says of itself, what it does, and what computes it."""
    identity = identity_from(_told(path), where=str(path))
    if path.suffix == ".onnx":
        model = onnx_model(path, device=device)
        version = importlib.import_module("onnxruntime").__version__
        provider = model.source.rpartition("(")[2].rstrip(")")
        return identity, model.function, f"ONNX Runtime {version} ({provider})"
    return identity, exported_program(path, device=device).function, f"torch.export on PyTorch {torch.__version__}"


def bundled_network(path: Path) -> Path | None:
    """Give the network's file of a bundle's folder, or None where the path is not a bundle."""
    if not is_bundle(path):
        return None
    file = path / IN_BUNDLE
    if not file.is_file():
        raise DataError(
            f"{path} must be a bundle that `recon export` wrote, got one without {IN_BUNDLE}; `recon convert` takes "
            f"those of other software"
        )
    return file


def require_same_weights(bundle: Path, module: nn.Module | None) -> None:
    """Refuse a bundle whose `model.pt`, which MONAI runs, has other weights than the network that recon opens."""
    file = bundle / "models" / "model.pt"
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's reader has many kinds
        raise DataError(
            f"{file} must hold the bundle's weights, got one that cannot be read ({type(error).__name__}); export the "
            f"bundle again"
        ) from error
    wanted = {} if module is None else {f"network.{name}": value.cpu() for name, value in module.state_dict().items()}
    same = isinstance(found, dict) and found.keys() == wanted.keys()
    if not same or not all(torch.equal(found[name], value) for name, value in wanted.items()):
        raise DataError(
            f"{file} must hold the weights of {IN_BUNDLE}, got others: MONAI would run another network than "
            f"recon; export the bundle again"
        )


def _told(path: Path) -> str:
    """Read the words that an exported file has about itself."""
    found = _onnx_words(path) if path.suffix == ".onnx" else _archive_words(path.read_bytes())
    if not found:
        raise DataError(
            f"{path} must be a file that `recon export` wrote, got one that does not say what it is, or is cut short: "
            f"it cannot be known how its input is scaled; copy it again, or export the run with `recon export`"
        )
    return found


def _onnx_words(path: Path) -> str:
    try:
        onnx = importlib.import_module("onnx")
    except ImportError as error:
        raise ConfigError(f"an ONNX file needs onnx, got: {error}; pip install '.[onnx]' in recon's folder") from error
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's own kinds
        raise DataError(
            f"{path} must be a whole ONNX file, got one that cannot be read ({reason_of(error)}); copy it again"
        ) from error
    return next((entry.value for entry in model.metadata_props if entry.key == KEY), "")


def _archive_words(data: bytes) -> str:
    """Find the extra file in an archive; the archive itself is judged where it is opened."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if name.endswith(f"extra/{EXTRA}")]
            words = b""
            if names:
                with archive.open(names[0]) as extra:
                    words = extra.read(_MOST + 1)  # whatever its header says of its size
            text = words.decode() if len(words) <= _MOST else ""
            json.loads(text or "{}")
            return text
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError):
        return ""

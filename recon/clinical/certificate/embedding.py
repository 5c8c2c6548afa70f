"""A certificate inside the model that it is of: in an ONNX file's metadata, or in a bundle's folder."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from recon.clinical.certificate.content import (
    CERTIFICATE,
    METADATA,
    content_hash,
    kind_of,
    metadata_without_entry,
    read_onnx,
    without_entry,
)
from recon.clinical.certificate.words import KEY, from_text, mapping, text, to_text
from recon.errors import ConfigError, DataError
from recon.files import reason_of, written_whole
from recon.records import Word

FILE = "certificate.json"


def require_embeddable(path: Path) -> None:
    """Refuse what has no place for a certificate."""
    if kind_of(path) == "file":
        raise ConfigError(
            f"a certificate can be put into an ONNX file or a bundle, got {path}; export the model with "
            f"`recon export`, and certify the export"
        )


def embed(certificate: Mapping[str, Word], path: Path) -> None:
    """Put a certificate into the ONNX file or bundle that it is of; one that was in it before is replaced.

    ONNX: `metadata_props["recon-certificate"]`; the graph and its weights stay as they are. Bundle: the file
    docs/certificate.json, and in configs/metadata.json its SHA-256 and its verdict.
    """
    path = Path(path)
    require_embeddable(path)
    stated, found = text(mapping(certificate, "certified"), "content_sha256"), content_hash(path)
    if stated != found:
        raise DataError(
            f"{path} must be what the certificate is of (content {stated[:16]}…), got another ({found[:16]}…); certify "
            f"it itself"
        )
    if kind_of(path) == "onnx":
        _into_onnx(certificate, path)
    else:
        _into_bundle(certificate, path)


def embedded(path: Path) -> Mapping[str, Word]:
    """Read the certificate of an ONNX file, of a bundle, or out of its own file or the folder of one."""
    path = Path(path)
    kind = kind_of(path)
    if kind == "onnx":
        found = without_entry(read_onnx(path))
        if found is None:
            raise DataError(f"{path} must have a certificate in it, got none; put one in by `recon certify --embed`")
        return from_text(found, where=f"the certificate in {path}")
    file = path / CERTIFICATE if kind == "bundle" else path / FILE if path.is_dir() else path
    try:
        return from_text(file.read_text(encoding="utf-8"), where=str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file} must be a certificate that can be read, got: {reason_of(error)}; certify the model"
        ) from error


def holds_its_model(path: Path) -> bool:
    """Whether what a certificate is read from is the model as well."""
    return kind_of(Path(path)) != "file"


def _into_onnx(certificate: Mapping[str, Word], path: Path) -> None:
    model = read_onnx(path)
    without_entry(model)
    model.metadata_props.add(key=KEY, value=to_text(certificate))
    with written_whole(path) as partial:
        partial.write_bytes(model.SerializeToString(deterministic=True))


def _into_bundle(certificate: Mapping[str, Word], path: Path) -> None:
    told = to_text(certificate)
    metadata = metadata_without_entry(path)
    metadata[KEY] = {
        "file": CERTIFICATE.as_posix(),
        "sha256": sha256(told.encode()).hexdigest(),
        "verdict": text(certificate, "verdict"),
        "use": text(certificate, "use"),
    }
    with written_whole(path / CERTIFICATE) as partial:
        partial.write_text(told, encoding="utf-8")
    with written_whole(path / METADATA) as partial:
        partial.write_text(json.dumps(metadata, indent=2, allow_nan=False) + "\n", encoding="utf-8")

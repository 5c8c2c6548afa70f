"""The files of a certificate: JSON for programs, a page for screens, a sheet of paper to be signed."""

import os
from collections.abc import Mapping
from pathlib import Path

from recon.clinical.certificate.drawing import map_figure
from recon.clinical.certificate.embedding import FILE
from recon.clinical.certificate.page import write_certificate_page
from recon.clinical.certificate.sheet import write_sheet
from recon.clinical.certificate.words import to_text
from recon.errors import ConfigError
from recon.files import written_whole
from recon.records import Word

PAGE, SHEET = "certificate.html", "certificate.pdf"


def write_certificate(certificate: Mapping[str, Word], out: Path) -> list[Path]:
    """Write certificate.pdf, certificate.html and, last, certificate.json: where that is, all are."""
    paths = [out / SHEET, out / PAGE, out / FILE]
    paths[2].unlink(missing_ok=True)  # of what the others will be no longer
    write_sheet(certificate, paths[0])
    write_certificate_page(certificate, paths[1], drawn=map_figure(certificate))
    with written_whole(paths[2]) as partial:
        partial.write_text(to_text(certificate), encoding="utf-8")
    return paths


def require_folder(out: Path, *, force: bool = False) -> None:
    """Refuse a place that cannot be written to, or that has a certificate, before anything is measured."""
    there = next(folder for folder in (out, *out.absolute().parents) if _exists(folder))
    if not there.is_dir():
        raise ConfigError(f"{out} must be a folder for the certificate, got a file; choose another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"{out} must be a folder that can be written to, got one that cannot; choose another --out")
    if (out / FILE).exists() and not force:
        raise ConfigError(
            f"{out} must not hold a certificate yet, got one; choose another --out, or pass --force to replace it"
        )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a folder that one may not look into
        return False

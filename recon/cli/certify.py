"""`recon certify`: measure a model, judge it by tolerances stated beforehand, and verify a certificate."""

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from recon.cli.text import Subparsers, aligned
from recon.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recon.clinical.certificate.verifying import Verification
    from recon.clinical.models import Opening
    from recon.records import Word

_EPILOG = """examples:
  recon certify runs/mri-aps-seed0 --out certificate
  recon certify exports/aps.onnx --data fastmri --tolerances ours.yaml --out certificate --embed
  recon certify runs/mri-aps-seed0 --verify certificate/certificate.json
  recon certify --verify exports/aps.onnx        a file that holds its certificate is the model, too
  recon certify --list                           the numbers that tolerances can be stated for

MODEL is a run, a network's .safetensors, an .onnx or .pt2 file of `recon export`, or a bundle. Without --data it is
measured on the embedded synthetic data. The folder gets certificate.json, certificate.html and certificate.pdf, and
measurements/ until it is done, with which a certification that was stopped goes on. Sizes must be multiples of the
network's; there is no --pad, for along a padded axis an exact network no longer moves exactly with its input.

exit status: 0 where every required tolerance is met; 1 where one is not; 2 for a mistake. With --verify: 0 where
nothing drifted and the certificate says PASS; 1 where something drifted, or the certificate itself says FAIL, which
the last line tells apart; 2 for a mistake."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "certify a model: measured, judged by tolerances stated beforehand, and sealed"
    parser = commands.add_parser(
        "certify",
        help=about,
        description=f"{about[0].upper()}{about[1:]}. For research use only.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="what to certify, or to verify; see below")
    parser.add_argument("-o", "--out", type=Path, metavar="DIR", help="folder for the certificate")
    parser.add_argument("--data", type=Path, metavar="DIR", help="data to measure on (default: the embedded ones)")
    parser.add_argument(
        "--tolerances", type=Path, metavar="FILE", help="YAML of what must be met (default: recon's own)"
    )
    parser.add_argument(
        "--embed", action="store_true", help="put the certificate into MODEL, an .onnx file or a bundle"
    )
    parser.add_argument("--key", type=Path, metavar="FILE", help="a secret: sign by HMAC-SHA256, or check that")
    parser.add_argument(
        "--verify",
        type=Path,
        metavar="FILE",
        help="measure MODEL again and say what drifted since this certificate: a certificate.json, or an .onnx file or "
        "a bundle that holds one (which then is the MODEL)",
    )
    parser.add_argument("--list", action="store_true", help="list the numbers that tolerances can be stated for")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="at most N slices for each measurement under shifts (default: 8)"
    )
    parser.add_argument(
        "--quality-limit", type=int, metavar="N", help="whole volumes until N slices for the quality (default: all)"
    )
    parser.add_argument(
        "--every-shift", action="store_true", help="try each of the H x W shifts: for networks that are not circular"
    )
    parser.add_argument("--force", action="store_true", help="replace a certificate that is in DIR, measured anew")
    parser.add_argument("--seed", type=int, metavar="N", help="of shifts and noise (default: 0)")
    parser.add_argument("--modality", choices=("mri", "ct"), help="for a network that does not say what it is for")
    parser.add_argument(
        "--factory", metavar="MODULE:FUNCTION", help="what builds a network of your own; its code is run"
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, or auto (default): a GPU if there is one")
    parser.add_argument(
        "--precision", choices=("float32", "bfloat16", "float16"), help="by autocast (default: float32)"
    )
    parser.add_argument("--batch-size", type=int, metavar="N", help="images at once (default: 8)")
    parser.add_argument("--checkpoint", choices=("best", "last"), help="of a run (default: best)")
    parser.set_defaults(run=certify)


def certify(options: argparse.Namespace) -> int:
    """Certify, verify or list."""
    if options.list:
        return _list()
    if options.verify is not None:
        return _verify(options)
    if options.model is None or options.out is None:
        missing = "MODEL" if options.model is None else "--out DIR"
        raise ConfigError(
            f"there must be MODEL and --out DIR to certify, or MODEL and --verify FILE, got no {missing}; see recon "
            f"certify --help"
        )
    return _certify(options)


def _certify(options: argparse.Namespace) -> int:
    from recon.clinical.certificate.certify import certificate
    from recon.clinical.certificate.embedding import embed, require_embeddable
    from recon.clinical.certificate.sealing import read_key
    from recon.clinical.certificate.settings import Places, Settings
    from recon.clinical.certificate.tolerances import PASS, read_tolerances
    from recon.clinical.certificate.writing import require_folder, write_certificate

    tolerances, key = read_tolerances(options.tolerances), read_key(options.key)
    require_folder(options.out, force=options.force)
    if options.embed:
        require_embeddable(Path(options.model))
    asked = ("limit", "quality_limit", "seed", "precision", "batch_size", "checkpoint")
    given = {name: getattr(options, name) for name in asked if getattr(options, name) is not None}
    settings = Settings(**given, every_shift=options.every_shift, embedded=options.data is None)
    places = Places(options.model, options.data, options.out / "measurements")
    try:
        words = certificate(places, _opening(options), settings, tolerances, key=key)
    except KeyboardInterrupt:
        print(f"\nstopped; what was measured is kept in {options.out}, go on with the same command", file=sys.stderr)
        return 130
    written = write_certificate(words, options.out)
    if options.embed:
        embed(words, Path(options.model))
    shutil.rmtree(options.out / "measurements", ignore_errors=True)  # so that no other certificate is made of them
    _print_verdicts(words)
    print(", ".join(map(str, written)) + (f"; embedded in {options.model}" if options.embed else ""))
    return 0 if words["verdict"] == PASS else 1


def _verify(options: argparse.Namespace) -> int:
    from recon.clinical.certificate.embedding import embedded, holds_its_model
    from recon.clinical.certificate.sealing import read_key
    from recon.clinical.certificate.tolerances import PASS, read_tolerances
    from recon.clinical.certificate.verifying import verify

    _require_nothing_else(options)
    words = embedded(options.verify)
    spec = options.model or (str(options.verify) if holds_its_model(options.verify) else None)
    if spec is None:
        raise ConfigError(
            f"{options.verify} does not hold the model that it is of; give it, too: recon certify MODEL --verify "
            f"{options.verify}"
        )
    tolerances = None if options.tolerances is None else read_tolerances(options.tolerances)
    found = verify(words, spec, _opening(options), data=options.data, tolerances=tolerances, key=read_key(options.key))
    failed = words.get("verdict") != PASS
    _print_findings(found, failed=failed)
    return 1 if found.drifted or failed else 0


def _list() -> int:
    from recon.clinical.certificate.quantities import QUANTITIES

    rows = [("name", "unit", "what")]
    rows += [(one.name, one.unit, f"{one.words} ({one.protocol})") for one in QUANTITIES.values()]
    print("\n".join(aligned(rows)))
    return 0


def _opening(options: argparse.Namespace) -> "Opening":
    from recon.clinical.models import Opening
    from recon.evaluation.loading import Place
    from recon.evaluation.session import chosen_device

    place = Place(
        chosen_device(options.device),
        options.precision or "float32",
        options.batch_size or 8,
        options.checkpoint or "best",
    )
    return Opening(place=place, modality=options.modality, factory=options.factory)


def _require_nothing_else(options: argparse.Namespace) -> None:
    """Refuse what a certificate states itself, and what is for making one."""
    stated = ("limit", "quality_limit", "seed", "precision", "batch_size", "checkpoint")
    given = [name for name in stated if getattr(options, name) is not None]
    given += [name for name in ("out", "every_shift", "embed", "force") if getattr(options, name)]
    if given:
        name = f"--{given[0].replace('_', '-')}"
        raise ConfigError(f"--verify measures as the certificate states it, got {name} too; leave it out")


def _print_verdicts(words: "Mapping[str, Word]") -> None:
    from recon.clinical.certificate.spelling import VERDICTS, bound_text, number_text
    from recon.clinical.certificate.words import number, rows

    units = {row["name"]: str(row["unit"]) for row in rows(words, "numbers")}
    reasons = {row["name"]: str(row["reason"]) for row in rows(words, "numbers")}
    lines = [("requirement", "tolerance", "measured", "", "verdict")]
    for row in rows(words, "verdicts"):
        unit = units[row["name"]]
        told = number_text(number(row, "value"), unit) if row["value"] is not None else reasons[row["name"]]
        required = "required" if row["required"] else "told"
        lines.append((str(row["name"]), bound_text(row, unit), told, required, str(row["verdict"])))
    print("\n".join(aligned(lines)))
    print(f"{VERDICTS[str(words['verdict'])]}. {words['use']}")


def _print_findings(found: "Verification", *, failed: bool) -> None:
    lines = [("what", "then", "now", "allowed", "")]
    lines += [(one.what, one.then, one.now, one.allowed, one.kind) for one in found.findings]
    print("\n".join(aligned(lines)))
    if not found.measured:
        print("Not measured again: that is not what was certified.")
    drifted = [one.what for one in found.drifted]
    told = f"Drifted: {', '.join(drifted)}." if drifted else "Nothing drifted."
    print(f"{told} The certificate itself says FAIL: a required tolerance was not met." if failed else told)

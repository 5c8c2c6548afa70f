"""The seal of a certificate: a hash that shows a change, and with a key who made it."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from recon.clinical.certificate.words import SEAL, canonical, mapping
from recon.errors import ConfigError
from recon.records import Word

HASH, KEYED = "sha256", "hmac-sha256"
_SHORTEST = 16  # bytes of a key


def sealed(words: Mapping[str, Word], key: bytes | None = None) -> dict[str, Word]:
    """Give a certificate with its seal: SHA-256 of its canonical form and, with a key, HMAC-SHA256 of that form."""
    form = canonical(words)
    seal: dict[str, Word] = {HASH: sha256(form).hexdigest()}
    if key is not None:
        seal[KEYED] = hmac.new(key, form, sha256).hexdigest()
    return {**words, SEAL: seal}


def broken_seal(words: Mapping[str, Word], key: bytes | None = None) -> str:
    """Say what is wrong with a certificate's seal, or nothing."""
    form, seal = canonical(words), mapping(words, SEAL)
    if not hmac.compare_digest(str(seal.get(HASH, "")), sha256(form).hexdigest()):
        return "the certificate was altered: its SHA-256 is another"
    if key is None:
        return ""
    if KEYED not in seal:
        return "the certificate has no signature that a key could check"
    if not hmac.compare_digest(str(seal[KEYED]), hmac.new(key, form, sha256).hexdigest()):
        return "the certificate was altered, or signed with another key"
    return ""


def read_key(path: Path | None) -> bytes | None:
    """Read a key's file, of which every byte counts; None for none."""
    if path is None:
        return None
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the key {path} cannot be read: {error}; give a file of {_SHORTEST} bytes or more"
        ) from error
    if len(key) < _SHORTEST:
        raise ConfigError(
            f"a key must have at least {_SHORTEST} bytes, got {len(key)}; make one with `openssl rand 32`"
        )
    return key

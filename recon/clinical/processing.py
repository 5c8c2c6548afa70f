"""How a volume is made into a result, as far as that changes values; a result says it, and others are not mixed in."""

import json
from hashlib import sha256

from recon.clinical.formats.files import FileSource, settings_of
from recon.clinical.identity import Identity
from recon.clinical.models import ClinicalModel
from recon.clinical.sources import Source

_DIGITS = 12  # of the hash


def processing_of(source: Source, model: ClinicalModel) -> str:
    """Say how a model makes a volume into a result, in a line of at most 64 letters.

    A choice that changes nothing is not told: padding where the size fits, undersampling where the file has a mask.
    """
    identity, opening = model.identity, model.opening
    precision = identity.precision if opening.place.precision == "float32" else opening.place.precision
    size = getattr(source, "size", None)
    padded = size is None or any(length % identity.multiple for length in size)
    words = [f"model {_model_hash(identity)}", precision]
    words += [f"pad {opening.pad}"] if padded and opening.pad != "refuse" else []
    words += [source.read_as] if isinstance(source, FileSource) and source.read_as else []
    return ", ".join(words)


def _model_hash(identity: Identity) -> str:
    """Hash what a network is beside its weights, which others may have too: how it samples, how its input is scaled."""
    words = [
        identity.network,
        identity.arguments,
        identity.modality,
        identity.scaling.words,
        settings_of(identity),
    ]
    return sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:_DIGITS]

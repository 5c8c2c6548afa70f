"""What networks are made to be: exact, of a fixed grid with low-pass filters, or trained with shifts."""

from collections.abc import Mapping

from recon.errors import ConfigError
from recon.records import Subject, Word
from recon.report.selection import Group
from recon.samplings import SAMPLINGS, Sampling, sampling_from_words

KINDS = ("UNet", "Classifier", "Segmenter", "Converted")  # recon's own networks, whose variants name their samplings
AN_EXACT = f"an exact network ({', '.join(name for name, one in SAMPLINGS.items() if one.equivariant)})"


def sampling_of(subject: Subject) -> Sampling | None:
    """Give the sampling of a network by its arguments, or else by its variant; None where it is not one of recon's.

    >>> sampling_of(Subject("mine", "UNet", "mass-unpool-tri-3")).name
    'mass-unpool'
    """
    words = _arguments(subject).get("sampling")
    if isinstance(words, str | Mapping):
        try:
            return sampling_from_words(words)
        except ConfigError:  # of another version of recon
            return None
    names = [name for name in SAMPLINGS if f"{subject.variant}-".startswith(f"{name}-")]
    return SAMPLINGS[max(names, key=len)] if names and subject.kind in KINDS else None


def is_made_exact(subject: Subject) -> bool:
    """Tell whether a network is built to be exact: its sampling is, and its convolutions do not see borders."""
    sampling = sampling_of(subject)
    circular = _arguments(subject).get("padding", "circular") == "circular"
    return sampling is not None and sampling.equivariant and circular


def made_exact(group: Group) -> list[Subject]:
    """Give the networks that are built to be exact, in the order of the tables."""
    return [subject for subject in group.networks if is_made_exact(subject)]


def is_low_pass(subject: Subject) -> bool:
    """Tell whether a network samples on a fixed grid behind low-pass filters."""
    sampling = sampling_of(subject)
    return sampling is not None and sampling.name == "lpf"


def is_filtered(subject: Subject) -> bool:
    """Tell whether a network samples on a fixed grid behind filters, be they low-pass or predicted (DDAC)."""
    sampling = sampling_of(subject)
    if sampling is None or sampling.equivariant:
        return False
    words = subject.variant.split("-")
    return sampling.name == "lpf" or bool(_arguments(subject).get("blur")) or "adaptive" in words


def is_shift_trained(subject: Subject) -> bool:
    """Tell whether a network is plain, and was trained with random shifts."""
    return subject.kind == "UNet" and subject.variant == "plain-shifts"


def _arguments(subject: Subject) -> Mapping[str, Word]:
    arguments = subject.details.get("arguments")
    return arguments if isinstance(arguments, Mapping) else {}

"""Where a network's weights began: taken over from a network of another sampling, or trained on from another's."""

from collections.abc import Mapping
from dataclasses import dataclass

from recon.records import Subject, Word
from recon.report.selection import PLAIN, TRANSFERRED, TUNED, Group, architecture_of

_HASH = 12  # letters of a hash that are shown


@dataclass(frozen=True, slots=True)
class Origin:
    """The network that weights were taken from: its variant, and the SHA-256 of its weights."""

    variant: str
    weights: str

    @property
    def text(self) -> str:
        """Give both in short."""
        return f"{self.variant} ({self.weights[:_HASH]})" if self.weights else self.variant


def origin_of(subject: Subject) -> Origin | None:
    """Give what a network was converted from, or where its training started; None where it began afresh."""
    training = subject.details.get("training")
    start = training.get("start") if isinstance(training, Mapping) else None
    return _origin(subject.details.get("conversion"), "from") or _origin(start, "variant")


def is_transferred(subject: Subject) -> bool:
    """Tell whether a network's weights were taken over without training."""
    return subject.variant.endswith(TRANSFERRED)


def tuned(group: Group) -> list[Subject]:
    """Give the networks that were trained on from weights of others that were measured, too.

    Those that began with weights of elsewhere, as segmenters do with a classifier's, were trained like any other.
    """
    ended = [one for one in group.networks if one.variant.endswith(TUNED) and one.variant not in PLAIN]
    return [one for one in ended if before_tuning(group, one) or _of_weights(group, one)]


def before_tuning(group: Group, subject: Subject) -> Subject | None:
    """Give the network that was trained on to one, as it was before; None where that was not measured."""
    wanted = subject.variant.removesuffix(TUNED) + TRANSFERRED
    same = [one for one in _of_weights(group, subject) if one.variant == wanted]
    like = [one for one in group.networks if one.variant == wanted and architecture_of(one) == architecture_of(subject)]
    return same[0] if same else (like[0] if len(like) == 1 else None)


def plain_before(group: Group, subject: Subject) -> Subject | None:
    """Give the network whose weights one took over, with which it is compared; else the plain one like it.

    Weights that were taken over are those of the network that they are from, so that hashes tell no more apart.
    """
    before = None if is_transferred(subject) else before_tuning(group, subject)
    trained = [one for one in _of_weights(group, before or subject) if not is_transferred(one)]
    return trained[0] if trained else group.plain_of(subject)


def origin_text(group: Group, subject: Subject) -> str:
    """Name the network whose weights one began with, or say which they were; nothing where it began afresh."""
    origin = origin_of(subject)
    if origin is None:
        return ""
    found = None if is_transferred(subject) else before_tuning(group, subject)
    others = [one for one in _of_weights(group, subject) if not is_transferred(one)]
    return found.name if found is not None else others[0].name if others else origin.text


def _origin(words: Word, variant: str) -> Origin | None:
    if not isinstance(words, Mapping) or not words.get(variant):
        return None
    return Origin(str(words[variant]), str(words.get("weights") or ""))


def _of_weights(group: Group, subject: Subject) -> list[Subject]:
    """Give the other networks that have the weights that one began with."""
    origin = origin_of(subject)
    if origin is None or not origin.weights:
        return []
    return [one for one in group.networks if one.weights == origin.weights and one.name != subject.name]

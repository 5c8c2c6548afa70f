"""Makes a certificate: the model is measured, judged, and described, and all of it is sealed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from recon.clinical.certificate.identity import how_it_ran, intended_use, what_is_certified
from recon.clinical.certificate.maps import shift_map
from recon.clinical.certificate.measuring import Bench, Measurements, bench_of, measured
from recon.clinical.certificate.quantities import QUANTITIES
from recon.clinical.certificate.sealing import sealed
from recon.clinical.certificate.sections import sections
from recon.clinical.certificate.settings import Places, Settings
from recon.clinical.certificate.tolerances import FAIL, PASS, Tolerance, Tolerances
from recon.clinical.certificate.words import FORMAT, VERSION
from recon.clinical.models import ClinicalModel, Opening, open_model
from recon.clinical.words import MAKER, RESEARCH_ONLY
from recon.data.progress import Counter
from recon.evaluation.running import Counting
from recon.records import Word


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is known before it is measured: the model, what it is, and the data it is put on."""

    model: ClinicalModel
    certified: Mapping[str, Word]
    bench: Bench


def prepared(places: Places, opening: Opening, settings: Settings) -> Prepared:
    """Open the model (twice, for two runs) and the data, so that mistakes show before anything is measured."""
    place = replace(opening.place, batch_size=settings.batch_size, checkpoint=settings.checkpoint)
    opening = replace(opening, place=place)
    model, again = open_model(places.spec, opening), open_model(places.spec, opening)
    return Prepared(model, what_is_certified(model, places.spec), bench_of(model, again, places, settings))


def certificate(
    places: Places,
    opening: Opening,
    settings: Settings,
    tolerances: Tolerances,
    *,
    key: bytes | None = None,
    counting: Counting = Counter,
) -> dict[str, Word]:
    """Certify a model: the words of its certificate, sealed (with a key: signed)."""
    ready = prepared(places, opening, settings)
    found = measured(ready.bench, places, settings, counting=counting)
    return sealed(composed(ready, found, settings, tolerances), key)


def judged(tolerances: Tolerances, quantity: Callable[[str], float | None]) -> list[dict[str, Word]]:
    """Give every tolerance with the number that was found, by its name, and its verdict."""
    return [_row(one, quantity(one.name)) for one in tolerances.stated]


def passes(verdicts: list[dict[str, Word]]) -> bool:
    """Whether every requirement that is required is met; one that was not measured is not."""
    return all(row["verdict"] == PASS for row in verdicts if row["required"])


def numbers_of(found: Measurements) -> dict[str, float | None]:
    """Give every quantity by its name."""
    return {name: quantity.find(found) for name, quantity in QUANTITIES.items()}


def composed(ready: Prepared, found: Measurements, settings: Settings, tolerances: Tolerances) -> dict[str, Word]:
    """Give the words of a certificate, not yet sealed."""
    verdicts = judged(tolerances, numbers_of(found).__getitem__)
    source = found.source
    return {
        "format": FORMAT,
        "version": VERSION,
        "maker": MAKER,
        "use": RESEARCH_ONLY,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": PASS if passes(verdicts) else FAIL,
        "certified": dict(ready.certified),
        "ran": how_it_ran(ready.model, found),
        "data": {
            "name": source.name,
            "modality": source.modality,
            "synthetic": source.synthetic,
            "fingerprint": source.fingerprint,
            "settings": dict(source.settings),
            "slices": found.slices,
            "volumes": found.volumes,
            "size": list(found.size),
        },
        "settings": settings.words,
        "tolerances": tolerances.words,
        "verdicts": list(verdicts),
        "numbers": [quantity.words_of(found) for quantity in QUANTITIES.values()],
        "sections": list(sections(found)),
        "map": shift_map(found),
        "limits": list(intended_use(ready.certified, found)),
    }


def _row(one: Tolerance, value: float | None) -> dict[str, Word]:
    return {
        "name": one.name,
        "words": one.words,
        "direction": one.direction,
        "bound": one.bound,
        "value": value,
        "required": one.required,
        "verdict": one.verdict(value),
    }

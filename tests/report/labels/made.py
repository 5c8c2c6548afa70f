"""Made-up records of networks that find labels: small, of every protocol, with numbers that a test can choose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from recon.records import Circumstances, Record, Source, Subject, Word

PERIOD, SIDE, PAIRS, CLASSES = 4, 8, 5, 3
HOW = Circumstances(0, {"recon": "0.1.0", "torch": "2.9"}, "cpu (test)", "float32")
ARCHITECTURES = {"cifar10": "resnet18", "imagenet": "resnet18-imagenet", "voc": "deeplabv3plus-resnet18"}

# variant: share of right images, share of agreeing pairs; 1.0 is exact
SHARES: Mapping[str, tuple[float, float]] = {
    "plain": (0.80, 0.88),
    "lpf-tri-3": (0.82, 0.95),
    "plain-adaptive-3": (0.81, 0.94),
    "aps": (0.84, 1.0),
    "aps-transferred": (0.75, 1.0),
    "aps-keep-transferred": (0.25, 1.0),
    "mass": (0.85, 1.0),
    "mass-transferred": (0.77, 1.0),
    "mass-tuned": (0.80, 1.0),
    "lps": (0.83, 1.0),
}


def source(modality: str = "cifar10", *, synthetic: bool = True) -> Source:
    name = {"cifar10": "CIFAR-10 test", "imagenet": "ImageNet val", "voc": "VOC 2012 val"}[modality]
    return Source(f"{name} (synthetic)" if synthetic else name, modality, synthetic, f"f-{modality}")


def network(
    variant: str,
    *,
    name: str = "",
    architecture: str = "resnet18",
    width: int = 16,
    parameters: int = 700_000,
    details: Mapping[str, Word] | None = None,
) -> Subject:
    """Give a classifier or segmenter of recon's, whose arguments say what it is."""
    sampling = variant.split("-")[0] if not variant.startswith("aps-keep") else "aps-keep"
    arguments: dict[str, Word] = {"architecture": architecture, "width": width, "sampling": sampling}
    kind = "Segmenter" if "deeplab" in architecture else "Classifier"
    held: dict[str, Word] = {"arguments": arguments, "training": {"epochs": 12, "loss": "cross_entropy", "seed": 0}}
    return Subject(name or variant, kind, variant, f"w-{architecture}-{variant}", parameters, PERIOD,
                   held | dict(details or {}))  # fmt: skip


def subjects_of(modality: str = "cifar10", variants: Sequence[str] = tuple(SHARES)) -> list[Subject]:
    return [network(variant, architecture=ARCHITECTURES[modality]) for variant in variants]


def made_up(
    modality: str = "cifar10",
    *,
    synthetic: bool = True,
    subjects: Sequence[Subject] | None = None,
    shares: Mapping[str, tuple[float, float]] = SHARES,
    images: int = 80,
    units: int = 2,
) -> list[Record]:
    """Give records of every protocol; equal networks get equal numbers."""
    where = source(modality, synthetic=synthetic)
    every = subjects_of(modality) if subjects is None else subjects
    make = _segmenter if modality == "voc" else _classifier
    return [
        replace(record, subject=subject, source=where)
        for subject in every
        for record in [*make(*shares[subject.variant], images, units), *_costs(subject)]
    ]


def record(
    protocol: str,
    measures: Mapping[str, float],
    *,
    item: str = "unit 0",
    arrays: Mapping[str, Sequence[float]] | None = None,
    settings: Mapping[str, Word] | None = None,
    subject: Subject | None = None,
    where: Source | None = None,
    seed: int = 0,
) -> Record:
    """Give one record of a unit."""
    return Record(
        *(protocol, "set", item, None, "", settings or {}, measures, arrays or {}, f"{protocol} as the test has it"),
        *(subject or network("plain"), where or source(), replace(HOW, seed=seed)),
    )


def labelled(protocol: str, name: str, counts: Mapping[str, float], **arrays: Sequence[float]) -> Record:
    """Give one record of a network of that variant."""
    return record(protocol, counts, arrays=arrays, subject=network(name))


def _right(share: float, images: int, unit: int, units: int) -> list[float]:
    """Give 1 for the images that are right, spread evenly: as many in all as the share says."""
    every = np.floor(np.arange(1, images * units + 1) * share + 1e-9) - np.floor(
        np.arange(images * units) * share + 1e-9
    )
    return [float(one) for one in every.reshape(units, images)[unit]]


def _classifier(right: float, agreeing: float, images: int, units: int) -> Iterator[Record]:
    exact = agreeing == 1
    for unit in range(units):
        item, correct = f"unit {unit}", _right(right, images, unit, units)
        count = sum(correct)
        measures = {"images": images, "correct": count, "correct_top5": images, "loss": 0.7 * images}
        yield record("accuracy", measures, item=item, arrays={"correct": correct})
        agreed = [
            PAIRS - float(not exact and number % 10 < 20 * (1 - agreeing)) * (1 + number % 4)
            for number in range(images)
        ]
        shares, same = [one / PAIRS for one in agreed], sum(agreed)
        measures = {"images": images, "pairs": images * PAIRS, "agreeing": same, "correct_shifted": count,
                    "bitwise": images * PAIRS * float(exact)}  # fmt: skip
        yield record("consistency", measures, item=item, arrays={"agreeing": shares})
        cropped = [0.8 + 0.2 * (number % 2) for number in range(images)]
        measures = {"images": images, "pairs": images * PAIRS, "agreeing": sum(cropped) * PAIRS}
        yield record("crops", measures, item=item, arrays={"agreeing": cropped},
                     settings={"crop": [28, 28], "margin": 4})  # fmt: skip
        yield _classified(item, count, images, exact=exact)


def _classified(item: str, count: float, images: int, *, exact: bool) -> Record:
    """Give what an adversary finds: the accuracy falls with the shift's distance from the grid's multiples."""
    furthest = list(range(SIDE // 2 + 1))
    lost = [0.0 if exact else count * 0.5 * distance / furthest[-1] for distance in furthest]
    rows, columns = np.divmod(np.arange(SIDE**2), SIDE)
    off = ((rows % PERIOD) + (columns % PERIOD)) / (2 * PERIOD)
    by_shift = np.full(SIDE**2, count) if exact else count * (1 - 0.3 * off)
    scatter = [0.0 if exact else 0.05 + 0.001 * (number % 7) for number in range(images)]
    measures = {"images": images, "correct": count, "correct_worst": round(count - lost[-1]), "variation": sum(scatter),
                "bitwise": images * float(exact), "premise": 0.0}  # fmt: skip
    arrays = {
        "furthest": furthest,
        "correct_within": [count - one for one in lost],
        "correct_by_shift": by_shift.tolist(),
        "variation": scatter,
    }
    return record("adversary", measures, item=item, arrays=arrays, settings=_settings())


def _segmenter(right: float, agreeing: float, images: int, units: int) -> Iterator[Record]:
    exact = agreeing == 1
    for unit in range(units):
        item = f"unit {unit}"
        union = [1000.0 * (number + 1) for number in range(CLASSES)]
        areas = {"intersection": [area * right for area in union], "union": union}
        yield record("accuracy", {"images": images, "pixels": 1e4, "correct": 1e4 * right}, item=item, arrays=areas)
        shares = [1.0 if exact else agreeing + 0.001 * (number % 5) for number in range(images)]
        measures = {"images": images, "pairs": images * PAIRS, "agreeing": sum(shares) * PAIRS,
                    "bitwise": images * PAIRS * float(exact)}  # fmt: skip
        yield record("consistency", measures, item=item, arrays={"agreeing": shares})
        yield record("crops", {name: measures[name] * 0.9 if name == "agreeing" else measures[name]
                               for name in ("images", "pairs", "agreeing")},
                     item=item, arrays={"agreeing": [0.9 * share for share in shares]})  # fmt: skip
        least = [1.0 if exact else 0.9 * share for share in shares]
        measures = {"images": images, "lowest": sum(least), "bitwise": images * float(exact), "premise": 0.0}
        yield record("adversary", measures, item=item, arrays={"lowest": least}, settings=_settings())


def _settings() -> dict[str, Word]:
    return {"shifts": "all residues", "period": PERIOD, "tried": PERIOD**2, "size": [SIDE, SIDE]}


def _costs(subject: Subject) -> Iterator[Record]:
    seconds = 0.01 if subject.variant == "plain" else 0.013
    for number in range(2):
        settings: dict[str, Word] = {"size": [SIDE, SIDE], "threads": 2, "round": number}
        once = {"parameters": float(subject.parameters or 0), "peak_memory": 1e7} if number == 0 else {}
        yield record("cost", {"seconds": seconds, **once}, item="", settings=settings)

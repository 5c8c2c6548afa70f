"""The demo of labels: classifiers and segmenters of every sampling, trained, transferred and measured."""

from pathlib import Path

from recon.experiments.experiment import Branch, Experiment, Measurement, Pictures, Transfer
from recon.recipes import recipe

PEERS = ("plain", "lpf3", "ddac3", "aps", "lps", "mass")  # compared in one table
SEGMENTERS = ("plain", "aps", "lps", "mass")

_TRANSFERS = (Transfer("plain", "aps"), Transfer("plain", "mass"), Transfer("plain", "mass", tuned=True))
_WITH_POOLING = (Transfer("plain", "aps-keep"), *_TRANSFERS)  # MASS, tables 3 and 4


def label_demo(out: Path, *, quick: bool = False) -> Experiment:
    """Give the demo of labels; `quick` shows in a part of the time that everything works, and no more than that."""

    def measured(most: int, few: int) -> tuple[Measurement, ...]:
        return (
            Measurement(("accuracy", "consistency", "crops"), limit=20 if quick else most),
            Measurement(("adversary",), limit=4 if quick else few),
            Measurement(("cost",), alone=True),
        )

    def branch(
        name: str,
        made: Pictures,
        variants: tuple[str, ...],
        transfers: tuple[Transfer, ...],
        images: tuple[int, int],
        start: Branch | None = None,
    ) -> Branch:
        return Branch(
            name,  # type: ignore[arg-type]  # one of the words for data sets
            data=out / "data" / name,
            variants=variants,
            recipes=(recipe(name), recipe(f"demo/{name}"), *([recipe("demo/quick-labels")] if quick else [])),
            measurements=measured(*images),
            made=made,
            transfers=transfers,
            tuning=(recipe("demo/tuning"),),
            start=start,
        )

    cifar10 = branch("cifar10", Pictures(600 if quick else 6000, 32), PEERS, _TRANSFERS, (1000, 200))
    imagenet = branch("imagenet", Pictures(100 if quick else 1500, 112), ("plain",), _WITH_POOLING, (300, 25))
    voc = branch("voc", Pictures(24 if quick else 800, 128), SEGMENTERS, _TRANSFERS[:2], (100, 12), start=imagenet)
    title = f"{'Quick demo' if quick else 'Demo'}: labels under shifts"
    return Experiment("quick label demo" if quick else "label demo", title, out, (cifar10, imagenet, voc))

"""The figures of the papers on labels, to stand beside those measured here, and what differs in data and networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import yaml

from recon.records import Source, Subject, Word
from recon.report.cells import NONE
from recon.report.notation import fixed
from recon.report.parts import Cell
from recon.report.selection import TUNED, architecture_of
from recon.report.tables import counted, listed

Name = Literal["mass-2", "mass-3", "mass-4", "mass-5", "lps-1", "lps-2", "lps-5", "zhang-1"]
NAMES: tuple[Name, ...] = get_args(Name)
WIDTH = 64  # of the first block of every published network

_FILE = Path(__file__).parents[1] / "published_labels.yaml"


@dataclass(frozen=True, slots=True)
class Published:
    """One published table.

    Args:
        title: which it is.
        source: who published it.
        data: the data's modality.
        words: the data in words.
        images: how many there were.
        epochs: of the training; None where the paper does not say, or it is none.
        decimals: of the figures.
        networks: by architecture and recon's variant: the figures by their names, in percent.
        stand_beside: the architecture whose figures stand beside those of another of its family.
        pretrained: whether all training began with weights of elsewhere, so that `-tuned` tells none apart.
    """

    title: str
    source: str
    data: str
    words: str
    images: int
    epochs: int | None
    decimals: int
    networks: Mapping[str, Mapping[str, Mapping[str, float]]]
    stand_beside: Mapping[str, str]
    pretrained: bool

    def of(self, subject: Subject) -> Mapping[str, float]:
        """Give the figures of a network of the same architecture and variant; empty where there are none."""
        variant = _variant(subject)
        variant = variant.removesuffix(TUNED) if self.pretrained else variant
        return self.networks.get(self.architecture_beside(subject), {}).get(variant, {})

    def architecture_beside(self, subject: Subject) -> str:
        """Give the published architecture whose figures a network's stand beside."""
        word = architecture_of(subject)
        return self.stand_beside.get(word, word)


@cache
def published(name: Name) -> Published:
    """Give a published table.

    >>> published("mass-2").networks["resnet18"]["mass"]["accuracy"]
    94.94
    """
    everything = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    held = everything[name]
    networks = {
        architecture: {
            variant: {key: float(n) for key, n in zip(held["columns"], row, strict=True) if n is not None}
            for variant, row in rows.items()
        }
        for architecture, rows in held["networks"].items()
    }
    figures = [n for rows in networks.values() for row in rows.values() for n in row.values()]
    return Published(
        held["title"],
        everything["papers"][held["paper"]],
        held["data"],
        held["words"],
        held["images"],
        held.get("epochs"),
        max(len(f"{n:g}".partition(".")[2]) for n in figures),
        networks,
        held.get("stand_beside", {}),
        held.get("pretrained", False),
    )


def figure_cell(table: Published, name: str, subject: Subject) -> Cell:
    """Show a published figure with the digits of its table: a share in percent, a difference in points."""
    value = table.of(subject).get(name)
    if value is None:
        return NONE
    if name == "difference":
        return Cell(fixed(value, table.decimals, sign=True), value / 100, "published")
    return Cell("100 %" if value == 100 else f"{value:.{table.decimals}f} %", value / 100, "published")


def differences(table: Published, source: Source, images: int, subjects: Sequence[Subject]) -> list[str]:
    """Say plainly in what the published figures are of other data or other networks than those measured here."""
    compared = [subject for subject in subjects if table.of(subject)]
    if not compared:
        return []
    who = f"Published: {table.source}, measured on {table.words}."
    same = source.modality == table.data and not source.synthetic and images == table.images
    synthetic = "synthetic data, " if source.synthetic else ""
    name = source.name.removesuffix(" (synthetic)")
    data = (
        f" The data here differ ({synthetic}{name}, {counted(images, 'image')}), so that published and measured "
        "figures cannot be compared one by one."
    )
    others = _others(table, compared)
    return [who + ("" if same else data), *([f"The networks here differ, too: {listed(others)}."] if others else [])]


def _others(table: Published, subjects: Sequence[Subject]) -> list[str]:
    """Say in what the networks differ: architecture, width, length of training."""
    said = sorted(
        f"{architecture_of(one)} stands beside {beside}"
        for one in subjects
        if (beside := table.architecture_beside(one)) != architecture_of(one)
    )
    widths = sorted({w for one in subjects if isinstance(w := _entry(one, "arguments", "width"), int)} - {WIDTH})
    said += [f"width {listed([str(width) for width in widths])} instead of {WIDTH}"] if widths else []
    epochs = {n for one in subjects if isinstance(n := _entry(one, "training", "epochs"), int)}
    if table.epochs is not None and epochs - {table.epochs}:
        said.append(f"trained for {listed([str(n) for n in sorted(epochs)])} epochs instead of {table.epochs}")
    return list(dict.fromkeys(said))


def _variant(subject: Subject) -> str:
    """Give the variant, DDAC's by one name: its filters are of a fixed grid, whatever the sampling is called."""
    adaptive = "plain-adaptive-"
    variant = subject.variant
    return f"lpf-adaptive-{variant.removeprefix(adaptive)}" if variant.startswith(adaptive) else variant


def _entry(subject: Subject, part: str, name: str) -> Word:
    held = subject.details.get(part)
    return held.get(name) if isinstance(held, Mapping) else None

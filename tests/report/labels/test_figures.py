"""Figures of labels: what they show, what they leave out, and that they are marked and fit any page."""

import re
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from recon.records import Record
from recon.report.figures.all import LABELS, figures_of
from recon.report.figures.drawing import INK
from recon.report.labels.curves import by_shift, within
from recon.report.labels.plan import FIGURES
from recon.report.parts import Figure
from recon.report.selection import grouped
from tests.report.labels.made import SIDE, labelled, made_up, record, subjects_of

TWO = subjects_of(variants=("plain", "mass"))


def drawn_of(records: Sequence[Record]) -> dict[str, Figure]:
    return figures_of(grouped(records)[0], [])


def texts(figure: Figure) -> list[str]:
    """Give what is written in a figure's SVG."""
    root = ElementTree.fromstring(figure.svg)
    return ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(scope="module")
def drawn() -> dict[str, Figure]:
    return drawn_of(made_up())


def test_every_figure_has_its_place_in_the_plan(drawn: dict[str, Figure]) -> None:
    assert set(drawn) == set(LABELS) == set(FIGURES)
    assert [figure.name for figure in drawn.values()] == [f"{name}-cifar10" for name in drawn]


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_whole_in_both_forms(drawn: dict[str, Figure], name: str) -> None:
    figure = drawn[name]
    image = Image.open(BytesIO(figure.png)).convert("RGB")
    assert np.asarray(image).std() > 1
    ElementTree.fromstring(figure.svg)
    assert "currentColor" in figure.svg
    assert INK not in figure.svg
    assert not re.search(r"<script|<style|https?://(?!www\.w3\.org)", figure.svg)
    assert "synthetic data" in texts(figure)
    assert figure.caption.endswith("Synthetic data.")
    assert {"plain", "lpf-tri-3", "aps", "mass", "lps"} <= set(texts(figure))


def test_figures_are_the_same_every_time() -> None:
    records = made_up(subjects=TWO)
    assert drawn_of(records) == drawn_of(records)


def test_true_data_are_not_marked() -> None:
    for figure in drawn_of(made_up(synthetic=False, subjects=TWO)).values():
        assert "synthetic" not in (figure.caption + figure.alt + figure.svg).lower()


def test_untrained_networks_would_hide_the_others_and_are_named_instead(drawn: dict[str, Figure]) -> None:
    left_out = "aps-keep-transferred, aps-transferred, mass-transferred."
    for figure in drawn.values():
        assert not any("transferred" in text for text in texts(figure))
        assert f"trained for another network: {left_out}" in figure.caption


def test_exact_networks_are_bold_at_the_top(drawn: dict[str, Figure]) -> None:
    written = re.findall(r'<text style="([^"]*)"[^>]*>([^<]*)<', drawn["consistency"].svg)
    bold = {name for style, name in written if "font-weight: 700" in style}
    assert bold == {"aps", "mass", "mass-tuned", "lps"}
    assert "mass: 85.00 %, 100.00 %" in drawn["consistency"].alt
    assert "plain: 80.00 %, 86.00 %" in drawn["consistency"].alt


def test_segmenters_have_the_first_figure_alone() -> None:
    drawn = drawn_of(made_up("voc", subjects=subjects_of("voc", ("plain", "mass"))))
    assert list(drawn) == ["consistency"]
    assert {"mASCC, %", "mIoU, %"} <= set(texts(drawn["consistency"]))


def test_maps_say_where_the_accuracy_lies(drawn: dict[str, Figure]) -> None:
    written = texts(drawn["shift-map"])
    assert "62.00 to 80.00 %" in written
    assert "85.00 % at all" in written
    assert f"0 … {SIDE - 1} columns" in written


def test_lines_fall_unless_a_network_is_exact(drawn: dict[str, Figure]) -> None:
    assert "plain: 80.00 % to 40.00 %" in drawn["furthest"].alt
    assert "mass: 85.00 % to 85.00 %" in drawn["furthest"].alt


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_what_was_not_measured_are_left_out(name: str) -> None:
    needs = {"consistency": "consistency", "furthest": "adversary", "shift-map": "adversary"}
    left = drawn_of([one for one in made_up(subjects=TWO) if one.protocol != needs[name]])
    assert name not in left
    assert left


@pytest.mark.parametrize("count", [1, 20])
def test_any_number_of_networks_can_be_drawn(count: int) -> None:
    subjects = [replace(subjects_of(variants=("mass",))[0], name=f"network-{n}") for n in range(count)]
    assert set(drawn_of(made_up(subjects=subjects))) == set(FIGURES)


def test_accuracy_by_shift_is_summed_over_units() -> None:
    settings = {"size": [2, 3]}
    units = [
        record("adversary", {"images": images}, item=f"{images}", settings=settings,
               arrays={"correct_by_shift": [images, 0, 0, 0, 1, 0]})
        for images in (1, 3)
    ]  # fmt: skip
    grid = by_shift(units)
    assert grid is not None
    assert grid.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]]
    assert by_shift([replace(units[0], settings={"size": [2, 2]})]) is None
    assert by_shift([units[0], replace(units[1], settings={"size": [3, 2]})]) is None
    assert by_shift([]) is None


def test_accuracy_within_a_distance_is_of_what_all_units_have() -> None:
    units = [
        labelled("adversary", "plain", {"images": 4}, furthest=[0, 1, 2], correct_within=[4, 3, 1]),
        labelled("adversary", "plain", {"images": 4}, furthest=[0, 1], correct_within=[2, 1]),
    ]
    assert within(units) == {0: 0.75, 1: 0.5}
    assert within([]) == {}

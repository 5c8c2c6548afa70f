"""The figures: what they show, where they are left out, and that they are whole, marked and the same every time."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from recon.errors import DataError
from recon.records import Record, Subject
from recon.report.figures.all import FIGURES, figures_of
from recon.report.figures.drawing import INK
from recon.report.figures.labels import spread
from recon.report.figures.looks import EXACT, OTHER, UNTOUCHED, looks
from recon.report.figures.panel import amplification, worst_panel
from recon.report.figures.pictures import chosen_networks, read_pictures
from recon.report.figures.reading import residue_grid
from recon.report.figures.scale import scale_of
from recon.report.parts import Figure
from recon.report.selection import Group
from tests.report.drawn import LAYERS, SUBJECTS, made_up, source, write_pictures

NAMES = ("worst-panel", *FIGURES)


def group_of(records: Sequence[Record], subjects: Sequence[Subject] = SUBJECTS) -> Group:
    return Group("mri", records[0].source, subjects, records)


def without(records: Sequence[Record], *protocols: str) -> list[Record]:
    return [record for record in records if record.protocol not in protocols]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Figure]:
    folder, records = tmp_path_factory.mktemp("evaluation"), made_up()
    write_pictures(folder, records)
    return figures_of(group_of(records), [folder])


def texts(figure: Figure) -> list[str]:
    """Give what is written in a figure's SVG."""
    root = ElementTree.fromstring(figure.svg)
    return ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_everything_measured_is_drawn(drawn: dict[str, Figure]) -> None:
    assert set(drawn) == set(NAMES)
    assert [figure.name for figure in drawn.values()] == [f"{name}-mri" for name in drawn]


@pytest.mark.parametrize("name", NAMES)
def test_figure_is_whole_in_both_forms(drawn: dict[str, Figure], name: str) -> None:
    figure = drawn[name]
    image = Image.open(BytesIO(figure.png)).convert("RGB")
    assert image.width > 1400
    assert image.getpixel((2, 2)) == (255, 255, 255)
    assert np.asarray(image).std() > 5
    assert texts(figure)
    assert INK not in figure.svg
    assert "currentColor" in figure.svg
    assert "<style" not in figure.svg
    assert "<metadata" not in figure.svg
    assert not re.search(r"(?:href|src)=\"(?!#|data:)", figure.svg)


@pytest.mark.parametrize("name", NAMES)
def test_synthetic_data_are_marked_in_drawing_and_caption(drawn: dict[str, Figure], name: str) -> None:
    assert "synthetic data" in texts(drawn[name])
    assert "Synthetic data." in drawn[name].caption
    assert "Synthetic data." in drawn[name].alt


def test_measured_data_are_not_marked(tmp_path: Path) -> None:
    records = made_up(synthetic=False)
    write_pictures(tmp_path, records)
    group = group_of([record for record in records if record.protocol in ("equivariance", "worst")])
    figures = figures_of(group, [tmp_path])
    assert set(figures) == {"worst-panel", "equivariance", "heatmap", "delta-psnr"}
    for figure in figures.values():
        assert "ynthetic" not in figure.svg + figure.caption + figure.alt


def test_drawings_are_the_same_every_time(drawn: dict[str, Figure]) -> None:
    records = made_up()
    for name in ("equivariance", "heatmap", "border"):
        again = FIGURES[name](group_of(records))
        assert again is not None
        assert again.svg == drawn[name].svg
        assert again.png == drawn[name].png


def test_identifiers_of_two_figures_do_not_meet(drawn: dict[str, Figure]) -> None:
    found = [name for figure in drawn.values() for name in re.findall(r' id="([^"]+)"', figure.svg)]
    assert len(found) == len(set(found))
    referred = {name for figure in drawn.values() for name in re.findall(r'(?:url\(|href=")#([^)"]+)', figure.svg)}
    assert referred == set(found)


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("equivariance", "equivariance"),
        ("heatmap", "worst"),
        ("delta-psnr", "worst"),
        ("subpixel", "subpixel"),
        ("border", "border"),
        ("quality-cost", "cost"),
        ("layers", "layers"),
    ],
)
def test_what_was_not_measured_is_not_drawn(name: str, protocol: str) -> None:
    records = without(made_up(), protocol)
    assert FIGURES[name](group_of(records)) is None


def test_overview_needs_neither_quality_nor_cost() -> None:
    records = [record for record in made_up() if record.protocol == "equivariance"]
    figure = FIGURES["equivariance"](group_of(records))
    assert figure is not None
    assert "PSNR, dB" not in texts(figure)
    assert "exactly 0" in texts(figure)
    assert "PSNR" not in figure.caption
    assert "Time" not in figure.caption
    whole = FIGURES["equivariance"](group_of(made_up()))
    assert whole is not None
    assert "PSNR: the mean against the target" in whole.caption


def test_names_of_networks_are_text_not_markup_nor_formulas(tmp_path: Path) -> None:
    name = "<script>$x^2$&"
    records = [
        replace(record, subject=replace(record.subject, name=name))
        for record in without(made_up(subjects=SUBJECTS[:1]), "subpixel", "layers")
    ]
    write_pictures(tmp_path, records)
    for figure in figures_of(group_of(records, [records[0].subject]), [tmp_path]).values():
        assert "<script>" not in figure.svg
        assert any(name in text for text in texts(figure))


@pytest.mark.parametrize("draw", FIGURES.values(), ids=list(FIGURES))
def test_only_exact_networks_can_be_drawn(draw: Callable[[Group], Figure | None]) -> None:
    draw(group_of(made_up(subjects=SUBJECTS[2:4]), SUBJECTS[2:4]))


def test_exact_networks_are_cool_and_others_warm() -> None:
    found = looks(group_of(made_up()))
    assert {found[name].colour for name in ("aps", "aps-tri-3")} <= set(EXACT)
    assert {found[name].colour for name in ("plain", "lpf-tri-3")} <= set(OTHER)
    assert found["zero-filling"].colour == UNTOUCHED
    assert len({(look.colour, look.marker) for look in found.values()}) == len(found)
    assert [found[name].exact for name in ("plain", "aps")] == [False, True]


def test_one_inexact_output_makes_a_network_inexact() -> None:
    records = made_up()
    index = next(i for i, r in enumerate(records) if r.protocol == "worst" and r.subject.name == "aps")
    records[index] = replace(records[index], measures={**records[index].measures, "bitwise": 0.99})
    assert not looks(group_of(records))["aps"].exact


@pytest.mark.parametrize("colour", [*EXACT, *OTHER, UNTOUCHED])
def test_colours_stand_out_on_light_and_dark_pages(colour: str) -> None:
    def luminance(hexadecimal: str) -> float:
        parts = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for paper in ("#fdfdfc", "#15181b"):
        low, high = sorted((luminance(colour), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) >= 3


def test_scale_puts_zero_below_all_powers_and_leaves_out_what_is_no_error() -> None:
    scale = scale_of([0.0, 3e-7, 2e-2, float("nan"), float("inf")])
    assert [10**scale.low, 10**scale.high] == pytest.approx([2e-7, 2e-2])
    assert scale.has_zero
    assert scale.place([0.0, 1e-3]).tolist() == pytest.approx([scale.zero, -3])
    assert scale.zero < scale.low
    assert np.isnan(scale.place([float("nan"), -1.0])).all()
    assert not scale_of([1e-3]).has_zero
    assert scale_of([]).low < scale_of([]).high


@pytest.mark.parametrize(
    ("values", "ends", "labels"),
    [
        ([3e-4, 1.5e-3], (2e-4, 2e-3), ["2·10⁻⁴", "5·10⁻⁴", "10⁻³", "2·10⁻³"]),
        ([0.0, 1e-3], (1e-3, 2e-3), ["exactly 0", "10⁻³", "2·10⁻³"]),
        ([9e-4, 1.2e2], (5e-4, 2e2), ["10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹", "10²"]),
        ([1e-16, 1.0], (1e-16, 1.0), ["10⁻¹⁵", "10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]),
    ],
)
def test_scale_leaves_little_room_and_has_ticks(
    values: list[float], ends: tuple[float, float], labels: list[str]
) -> None:
    scale = scale_of(values)
    assert (10**scale.low, 10**scale.high) == pytest.approx(ends)
    assert scale.ticks()[1] == labels


@pytest.mark.parametrize("name", ["subpixel", "quality-cost"])
def test_many_networks_have_room_for_their_names(name: str) -> None:
    def tall(count: int) -> int:
        more = [replace(SUBJECTS[1], name=f"lpf-{number}", variant=f"lpf-{number}") for number in range(count)]
        subjects = [*SUBJECTS, *more]
        figure = FIGURES[name](group_of(made_up(subjects=subjects), subjects))
        assert figure is not None
        return Image.open(BytesIO(figure.png)).height

    assert tall(2) == tall(0)
    assert tall(20) > tall(2)


def test_spread_labels_keep_order_distance_and_bounds() -> None:
    places = spread([0.9, 0.9, 0.1, 0.88], 0.1, 0, 1)
    assert np.argsort(places, kind="stable").tolist() == [2, 3, 0, 1]
    assert np.diff(sorted(places)).min() >= 0.1 - 1e-12
    assert 0 <= min(places) <= max(places) <= 1


def test_residues_are_laid_out_by_their_rows_and_columns() -> None:
    one = made_up()[0]
    arrays = {"rows": [0.0, 1, 0, 1], "columns": [0.0, 0, 1, 1], "nmse": [0.0, 2, 3, 4]}
    grid = residue_grid(replace(one, arrays=arrays))
    assert grid is not None
    assert grid.tolist() == [[0, 3], [2, 4]]
    assert residue_grid(replace(one, arrays=arrays | {"rows": [0.0, 5, -3, 1]})) is None
    assert residue_grid(replace(one, arrays=arrays | {"rows": [0.0, 0, 0, 1]})) is None
    assert residue_grid(replace(one, arrays={})) is None


def test_layers_name_the_first_that_breaks(drawn: dict[str, Figure]) -> None:
    assert any(f"{LAYERS[2]} is the first to break" in text for text in texts(drawn["layers"]))
    assert f"plain: {LAYERS[2]}" in drawn["layers"].alt
    assert "no layer is looked at: aps, aps-tri-3, zero-filling." in drawn["layers"].caption


def test_panel_says_which_networks_are_exact(drawn: dict[str, Figure]) -> None:
    written = texts(drawn["worst-panel"])
    assert written.count("0") == 2
    assert written.count("PSNR unchanged") == 2
    assert "shifted by (8, 5)" in written
    assert "\N{MINUS SIGN}0.10 dB" in written


def test_panel_takes_the_plain_network_the_worst_and_exact_ones(tmp_path: Path) -> None:
    subjects = [
        *SUBJECTS,
        *(replace(SUBJECTS[1], name=f"lpf-{size}", variant=f"lpf-{size}") for size in "abcdef"),
    ]
    records = made_up(subjects=subjects)
    pictures = read_pictures(write_pictures(tmp_path, records))
    chosen = [pictures.names[index] for index in chosen_networks(pictures, group_of(records, subjects))]
    assert len(chosen) == 6
    assert chosen[0] == "plain"
    assert chosen[-2:] == ["aps", "aps-tri-3"]
    assert "lpf-tri-3" not in chosen  # its change is the smallest of those that change
    assert "zero-filling" not in chosen


def test_amplification_is_1_2_or_5_times_a_power_of_ten_and_fits(tmp_path: Path) -> None:
    pictures = read_pictures(write_pictures(tmp_path, made_up()))
    factor = amplification(pictures, [0, 1], (0.0, 1.0))
    largest = float(np.quantile(np.abs(pictures.shifted_outputs[0] - pictures.outputs[0]), 0.99))
    assert f"{factor:.0e}"[0] in "125"
    assert 0.3 < factor * largest <= 0.8
    assert amplification(pictures, [2], (0.0, 1.0)) == 1


def test_panel_needs_pictures_of_the_same_data(tmp_path: Path) -> None:
    records = made_up()
    assert worst_panel(group_of(records), [tmp_path]) is None
    write_pictures(tmp_path, records)
    other = Group("mri", replace(source(), name="other data"), SUBJECTS, records)
    assert worst_panel(other, [tmp_path]) is None


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_broken_pictures_are_an_error_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "worst-mri.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"worst-mri\.npz must hold the pictures .* evaluate again"):
        read_pictures(path)


def test_pictures_that_do_not_fit_each_other_are_refused(tmp_path: Path) -> None:
    path = write_pictures(tmp_path, made_up())
    with np.load(path) as archive:
        held = {name: archive[name] for name in archive.files}
    np.savez(path, **(held | {"target": held["target"][:-1]}))
    with pytest.raises(DataError, match="one size"):
        read_pictures(path)
    np.savez(path, **(held | {"names": held["names"].astype(object)}))  # would need pickle
    with pytest.raises(DataError, match="evaluate again"):
        read_pictures(path)

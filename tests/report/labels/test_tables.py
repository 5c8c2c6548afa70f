"""Tables of labels show the numbers of the records, in all their digits but never more than was found."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from recon.records import Record
from recon.report.build import sections
from recon.report.labels import tables
from recon.report.labels.headline import headline
from recon.report.labels.tables_papers import paper_table
from recon.report.parts import Table
from recon.report.selection import Group, grouped
from recon.report.tables_cost import networks
from tests.report.labels.made import labelled, made_up, network, record, source, subjects_of


def group_of(records: Sequence[Record]) -> Group:
    return grouped(records)[0]


def row_of(table: Table | None, name: str) -> dict[str, str]:
    assert table is not None
    row = next(row for row in table.rows if row[0].text == name)
    return {heading: cell.text for heading, cell in zip(table.columns, row, strict=True)}


@pytest.fixture(scope="module")
def group() -> Group:
    return group_of(made_up())


def test_peers_stand_in_one_table(group: Group) -> None:
    row = row_of(headline(group), "mass")
    assert list(row) == [
        *("network", "accuracy", "circular consistency", "crop consistency", "accuracy under the worst shift"),
        *("variation", "equal bit for bit", "parameters", "time over plain's"),
    ]
    assert row["accuracy"] == "85.00 % [79.38, 90.62]"
    assert row["circular consistency"] == row["equal bit for bit"] == "100.00 %"
    assert row["variation"] == "0"
    assert row["parameters"] == "700,000"
    assert row["time over plain's"] == "1.30"
    plain = row_of(headline(group), "plain")
    assert plain["accuracy under the worst shift"].startswith("40.00 %")
    assert plain["equal bit for bit"] == "0.00 %"
    assert plain["variation"] == "0.0529"


def test_peers_are_in_the_order_of_the_tables(group: Group) -> None:
    made = headline(group)
    assert made is not None
    assert [row[0].text for row in made.rows] == [
        *("plain", "lpf-tri-3", "plain-adaptive-3", "aps", "aps-keep-transferred", "aps-transferred"),
        *("mass", "mass-transferred", "mass-tuned", "lps"),
    ]
    assert any(note.endswith("fixed grid: plain-adaptive-3.") for note in made.notes)


def test_hundred_percent_is_never_rounded_up_to() -> None:
    pairs, agreed = 100_000, 99_999
    arrays = {"agreeing": [1.0] * (pairs // 5 - 1) + [0.8]}
    almost = labelled(
        "consistency", "mass", {"images": pairs // 5, "pairs": pairs, "agreeing": agreed, "bitwise": agreed}, **arrays
    )
    row = row_of(headline(group_of([almost])), "mass")
    assert row["circular consistency"] == "99.99 % [99.99, 100.00]"
    assert row["equal bit for bit"] == "99.99 %"


def test_bits_are_the_less_equal_of_both_protocols() -> None:
    records = [
        labelled("adversary", "mass", {"images": 4, "bitwise": 4, "correct": 4, "correct_worst": 4}),
        labelled("consistency", "mass", {"images": 4, "pairs": 20, "agreeing": 20, "bitwise": 19}),
    ]
    assert row_of(headline(group_of(records)), "mass")["equal bit for bit"] == "95.00 %"


def test_segmenters_have_their_own_columns() -> None:
    row = row_of(headline(group_of(made_up("voc", units=6, images=10))), "mass")
    assert list(row)[1:6] == ["mIoU", "mASCC", "mASSC", "same label under the worst shift", "equal bit for bit"]
    assert row["mIoU"] == "85.00 %"
    assert row["mASCC"] == "100.00 %"


def test_what_was_not_measured_has_no_column() -> None:
    records = [one for one in made_up() if one.protocol == "accuracy"]
    assert list(row_of(headline(group_of(records)), "plain")) == ["network", "accuracy", "parameters"]


def two_architectures() -> list[Record]:
    others = [network(one, name=f"small-{one}", architecture="resnet20") for one in ("plain", "mass")]
    records = [*made_up(subjects=subjects_of(variants=("plain", "mass"))), *made_up(subjects=others)]
    slow = ("small-plain", "small-mass")
    return [
        replace(one, measures=dict(one.measures) | {"seconds": one.measures["seconds"] * 10})
        if one.protocol == "cost" and one.subject.name in slow
        else one
        for one in records
    ]


def test_networks_are_compared_with_the_plain_one_of_their_architecture() -> None:
    group = group_of(two_architectures())
    made = headline(group)
    assert row_of(made, "small-mass")["architecture"] == "resnet20"
    assert row_of(made, "small-mass")["time over plain's"] == "1.30"
    assert row_of(tables.accuracy(group), "small-mass")["less plain's (points)"].startswith("+5.00 [")
    assert row_of(tables.accuracy(group), "small-plain")["less plain's (points)"] == "\N{EN DASH}"


def test_adversary_table_says_what_is_lost_and_how_sure_that_is(group: Group) -> None:
    row = row_of(tables.adversary(group), "plain")
    assert row["accuracy, not shifted"].startswith("80.00 %")
    assert row["lost (points)"] == "\N{MINUS SIGN}40.00"
    assert row["shifts tried"] == "16 (all residues)"
    assert row["premise"] == "0"
    assert row_of(tables.adversary(group), "mass")["lost (points)"] == "0"


def test_worst_image_of_a_segmenter_is_shown() -> None:
    subject = network("plain", architecture="deeplabv3plus-resnet18")
    measures, arrays = {"images": 2.0, "lowest": 1.5, "bitwise": 1.0}, {"lowest": [1.0, 0.5]}
    worst = record("adversary", measures, arrays=arrays, subject=subject, where=source("voc"))
    row = row_of(tables.adversary(group_of([worst])), "plain")
    assert row["same label under the worst shift, mean"].startswith("75.00 %")
    assert row["of the worst image"] == "50.00 %"


def test_accuracy_falls_with_the_furthest_shift(group: Group) -> None:
    row = row_of(tables.furthest(group), "plain")
    assert [row[f"{distance} px"] for distance in (0, 1, 2, 4)] == ["80.00 %", "70.00 %", "60.00 %", "40.00 %"]
    assert set(list(row_of(tables.furthest(group), "lps").values())[1:]) == {"82.50 %"}


def test_random_shifts_and_crops_stand_side_by_side(group: Group) -> None:
    row = row_of(tables.pairs(group), "mass")
    assert row["pairs equal bit for bit"] == "100.00 %"
    assert row["crop consistency"].startswith("90.00 %")
    assert row["pairs of shifts"] == "800"


def test_published_figures_stand_beside_ours(group: Group) -> None:
    row = row_of(paper_table(group, "mass-2"), "mass")
    assert row == {
        "network": "mass",
        "accuracy": "85.00 % [79.38, 90.62]",
        "accuracy, published": "94.94 %",
        "circular consistency": "100.00 %",
        "circular consistency, published": "100 %",
    }
    made = paper_table(group, "mass-2")
    assert made is not None
    assert "Architecture: resnet18." in made.caption
    assert any("cannot be compared one by one" in note for note in made.notes)
    assert [row[0].text for row in made.rows] == ["plain", "lpf-tri-3", "plain-adaptive-3", "aps", "mass"]


def test_tables_of_other_data_are_left_out(group: Group) -> None:
    assert paper_table(group, "zhang-1") is None  # of VGG13
    assert paper_table(group, "lps-2") is None
    assert paper_table(group, "mass-5") is None
    imagenet = group_of(made_up("imagenet", synthetic=False))
    assert row_of(paper_table(imagenet, "lps-2"), "lps")["accuracy, published"] == "67.39 %"
    assert paper_table(imagenet, "mass-2") is None


def test_zhangs_table_shows_random_shifts_with_and_without_augmentation() -> None:
    shares = {"plain": (0.8, 0.9), "plain-shifts": (0.8, 0.95)}
    subjects = [network(variant, architecture="vgg13") for variant in shares]
    made = paper_table(group_of(made_up(subjects=subjects, shares=shares)), "zhang-1")
    assert row_of(made, "plain")["accuracy under a random shift, published"] == "87.4 %"
    assert row_of(made, "plain-shifts")["accuracy under a random shift, published"] == "93.7 %"


def test_weights_taken_over_are_compared_with_those_that_they_were(group: Group) -> None:
    made = paper_table(group, "mass-3")
    row = row_of(made, "aps-keep-transferred")
    assert row["difference (points)"].startswith("\N{MINUS SIGN}55.00 [")
    assert row["difference, published"] == "\N{MINUS SIGN}18.53"
    assert row_of(made, "aps-transferred")["accuracy, published"] == "\N{EN DASH}"  # not the authors' way
    assert made is not None
    assert [row[0].text for row in made.rows] == [
        "plain",
        "aps-keep-transferred",
        "aps-transferred",
        "mass-transferred",
    ]
    tuned = paper_table(group, "mass-4")
    assert row_of(tuned, "mass-tuned")["accuracy, published"] == "69.20 %"
    assert row_of(tuned, "mass-transferred")["difference (points)"].startswith("\N{MINUS SIGN}3.12")


def test_weights_are_followed_to_the_network_that_they_came_from() -> None:
    first, second = network("plain", name="first"), replace(network("plain", name="second"), weights="w")
    conversion = {"conversion": {"from": "plain", "weights": "w"}}  # and so of the same hash
    taken = [replace(network(one, details=conversion), weights="w") for one in ("aps-transferred", "mass-transferred")]
    tuned = network("mass-tuned", details={"training": {"start": {"variant": "mass", "weights": "w"}}})
    records = [*made_up(subjects=[first], shares={"plain": (0.5, 0.9)}), *made_up(subjects=[*taken, tuned, second])]
    group = group_of(records)
    made = paper_table(group, "mass-3")
    assert made is not None
    assert [row[0].text for row in made.rows] == ["second", "aps-transferred", "mass-transferred"]
    assert row_of(paper_table(group, "mass-4"), "mass-tuned")["difference (points)"] == "0"
    assert row_of(networks(group), "mass-tuned")["weights taken from"] == "mass-transferred"
    assert row_of(networks(group), "mass-transferred")["weights taken from"] == "second"
    assert row_of(networks(group), "first")["weights taken from"] == "\N{EN DASH}"


def test_weights_of_elsewhere_are_told_by_their_hash() -> None:
    words = {"conversion": {"from": "plain", "weights": "0123456789abcdef"}}
    group = group_of(made_up(subjects=[network("mass-transferred", details=words)]))
    assert row_of(networks(group), "mass-transferred")["weights taken from"] == "plain (0123456789ab)"


def test_segmenters_weights_have_no_published_accuracy() -> None:
    made = paper_table(group_of(made_up("voc")), "mass-3")
    assert made is not None
    assert made.title == "Weights taken over without training"
    assert made.columns == ("network", "mIoU", "difference (points)", "mASCC")
    assert not any("Published" in note for note in made.notes)
    assert row_of(paper_table(group_of(made_up("voc")), "mass-5"), "mass")["mIoU, published"] == "72.30 %"


def test_captions_count_images_and_name_the_protocol_that_saw_fewer() -> None:
    records = [one for one in made_up() if one.protocol != "adversary" or one.item == "unit 0"]
    made = headline(group_of(records))
    assert made is not None
    assert "accuracy on 160 images, circular consistency on 160 images, " in made.caption
    assert "every shift on 80 images; seed 0." in made.caption
    assert "160 images; seed 0." in (tables.accuracy(group_of(records)) or pytest.fail("no table")).caption


def test_networks_measured_on_other_images_or_seeds_are_pointed_out() -> None:
    records = [one for one in made_up() if one.subject.name != "aps" or one.item != "unit 1"]
    seeded = [
        replace(one, circumstances=replace(one.circumstances, seed=1)) if one.subject.name == "lps" else one
        for one in records
    ]
    notes = " ".join((tables.accuracy(group_of(seeded)) or pytest.fail("no table")).notes)
    assert "not measured on the same images in accuracy (plain 160" in notes
    assert "aps 80" in notes
    assert "different seeds" in notes
    assert not (tables.accuracy(group_of(made_up())) or pytest.fail("no table")).notes


@pytest.mark.parametrize("modality", ["cifar10", "imagenet", "voc"])
@pytest.mark.parametrize("synthetic", [True, False])
def test_every_caption_names_the_data_and_says_whether_they_are_synthetic(modality: str, synthetic: bool) -> None:
    group = group_of(made_up(modality, synthetic=synthetic))
    made = [part for section in sections(group) for part in section.contents if isinstance(part, Table)]
    assert len(made) >= 9
    for table in made:
        assert ("synthetic" in table.caption.lower()) == synthetic
        assert group.source.name.removesuffix(" (synthetic)") in table.caption
        assert "seed " in table.caption
    assert len({table.name for table in made}) == len(made)


def test_damaged_records_leave_cells_empty() -> None:
    bare = [labelled("accuracy", "plain", {}), labelled("consistency", "plain", {"pairs": 0, "agreeing": 0}),
            labelled("adversary", "plain", {"images": 0})]  # fmt: skip
    made = headline(group_of(bare))
    assert made is None or all(cell.value is None or math.isfinite(cell.value) for row in made.rows for cell in row)


def test_a_network_of_ones_own_is_compared_with_what_it_was() -> None:
    arguments = {"factory": "mine:network", "sampling": "none"}
    original = replace(network("none", name="original", details={"arguments": arguments}), kind="Converted", weights="")
    words = {"arguments": arguments | {"sampling": "mass"}, "conversion": {"from": "none", "weights": ""}}
    converted = replace(network("mass-transferred", name="converted", details=words), kind="Converted")
    shares = {"none": (0.8, 0.9), "mass-transferred": (0.75, 1.0)}
    group = group_of(made_up(subjects=[converted, original], shares=shares))
    made = headline(group)
    assert made is not None
    assert [row[0].text for row in made.rows] == ["original", "converted"]
    assert row_of(made, "converted")["time over original's"] == "1.00"
    assert row_of(paper_table(group, "mass-3"), "converted")["difference (points)"].startswith("\N{MINUS SIGN}5.00 [")


def test_pretrained_segmenters_are_no_fine_tuned_ones() -> None:
    start = {"training": {"start": {"variant": "resnet18", "weights": "of a classifier"}}}
    variants = ("plain-tuned", "mass-tuned")
    subjects = [network(one, architecture="deeplabv3plus-resnet18", details=start) for one in variants]
    group = group_of(made_up("voc", subjects=subjects, shares={"plain-tuned": (0.8, 0.9), "mass-tuned": (0.85, 1.0)}))
    assert paper_table(group, "mass-4") is None
    assert row_of(paper_table(group, "mass-5"), "mass-tuned")["mIoU, published"] == "72.30 %"
    assert row_of(paper_table(group, "lps-5"), "plain-tuned")["mASCC, published"] == "95.42 %"
    assert row_of(tables.accuracy(group), "mass-tuned")["less plain-tuned's (points)"] == "+5.00"

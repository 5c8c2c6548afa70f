"""The opening of a report of labels follows from the numbers, and says no more than they do."""

from collections.abc import Sequence
from dataclasses import replace

from recon.records import Record
from recon.report.labels.answer import answer
from recon.report.selection import grouped
from tests.report.labels.made import labelled, made_up, network, subjects_of

MINUS = "\N{MINUS SIGN}"


def said(records: Sequence[Record]) -> str:
    return " ".join(answer(grouped(records)[0]))


def test_everything_measured_is_told() -> None:
    text = said(made_up())
    assert text.startswith("CIFAR-10, on synthetic data: what follows says nothing about photographs.")
    assert "mass-tuned and lps were exact, under every circular shift of 160 images and under 800 pairs" in text
    assert (
        "With plain only 86.00 % of pairs of shifts give one label (circular consistency), and its accuracy falls "
        in text
    )
    assert (
        "from 80.00 % to 40.00 % under the worst shift; 90.00 % with lpf-tri-3 and 90.00 % with plain-adaptive-3."
        in text
    )
    assert (
        "To use: mass, the exact network of the best accuracy (85.00 %); that differs from plain's by +5.00 [" in text
    )
    assert "it takes 1.30 times as long." in text
    assert f"{MINUS}55.00 points with aps-keep-transferred" in text
    assert f"and {MINUS}3.12 points with mass-transferred." in text
    assert "Weights taken over and trained on change it by 0 points with mass-tuned." in text


def test_true_data_are_named_without_a_warning() -> None:
    text = said(made_up("imagenet", synthetic=False))
    assert text.startswith("ImageNet: aps, ")
    assert "synthetic" not in text


def test_segmenters_have_their_own_words() -> None:
    text = said(made_up("voc"))
    assert "With plain only 88.20 % of the pixels keep their label (mASCC), under the worst shift 79.38 %" in text
    assert "the exact network of the best mIoU (85.00 %)" in text


def test_no_exact_network_is_said_to_be_none() -> None:
    text = said(made_up(synthetic=False, subjects=subjects_of(variants=("plain", "lpf-tri-3"))))
    assert text.startswith("CIFAR-10: no network was exact")
    assert "To use" not in text


def test_labels_that_stay_while_bits_differ_are_not_called_exact() -> None:
    records = [
        replace(one, measures=dict(one.measures) | {"bitwise": 0.0}) if one.subject.name == "lps" else one
        for one in made_up(subjects=subjects_of(variants=("plain", "mass", "lps")))
        if one.protocol != "cost"
    ]
    text = said(records)
    assert "mass was exact" in text
    assert "lps kept every label, yet bits of the logits differed." in text
    assert "100.00 % with lps" not in text


def test_what_was_not_measured_is_said_not_to_be() -> None:
    text = said([labelled("accuracy", "plain", {"images": 2, "correct": 1})])
    assert "whether shifts change the labels was not measured" in text.lower()
    assert "exact" not in text
    only_shifts = [one for one in made_up() if one.protocol == "consistency"]
    assert "The accuracy of exact networks was not measured, so that none can be recommended." in said(only_shifts)
    assert "weights" not in said(only_shifts)


def test_each_architecture_has_its_own_choice() -> None:
    others = [network(one, name=f"small-{one}", architecture="resnet20") for one in ("plain", "aps")]
    text = said([*made_up(), *made_up(subjects=others)])
    assert "To use (resnet18): mass," in text
    assert "To use (resnet20): small-aps, the only exact network (83.75 %); that differs from small-plain's" in text

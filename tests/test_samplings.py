"""The table of named samplings."""

import re
from dataclasses import FrozenInstanceError, replace
from itertools import product

import pytest

from recon.errors import ConfigError
from recon.samplings import SAMPLINGS, Sampling, find_sampling

OWN = Sampling("own", "A sampling of one's own.")


def test_table_has_the_published_samplings() -> None:
    assert list(SAMPLINGS) == ["plain", "lpf", "aps", "aps-keep", "lps", "mass", "mass-unpool"]


@pytest.mark.parametrize("name", SAMPLINGS)
def test_sampling_is_found_by_its_name_and_says_what_it_means(name: str) -> None:
    sampling = find_sampling(name)
    assert sampling is SAMPLINGS[name]
    assert sampling.name == name
    assert re.fullmatch(r"[A-Z].*\.", sampling.meaning)


def test_only_a_fixed_phase_is_not_equivariant() -> None:
    assert [name for name, sampling in SAMPLINGS.items() if not sampling.equivariant] == ["plain", "lpf"]


def test_axes_are_those_of_the_papers() -> None:
    axes = {name: (s.selection, s.look, s.down, s.up, s.blur) for name, s in SAMPLINGS.items()}
    assert axes == {
        "plain": ("fixed", "input", "max", "transposed", None),
        "lpf": ("fixed", "input", "max", "transposed", "tri-3"),
        "aps": ("norm", "result", "max", "transposed", None),
        "lps": ("learned", "result", "max", "transposed", None),
        "mass": ("norm", "input", "max", "transposed", None),
        "aps-keep": ("norm", "result", "keep", "transposed", None),
        "mass-unpool": ("norm", "input", "max", "unpool", None),
    }
    assert {(s.p, s.largest, s.blur_first) for s in SAMPLINGS.values()} == {(2.0, True, False)}


def test_sampling_itself_is_found() -> None:
    assert find_sampling(OWN) is OWN


def test_unknown_name_is_refused_with_the_nearest() -> None:
    message = (
        "sampling must be one of plain, lpf, aps, aps-keep, lps, mass, mass-unpool, got 'mas'; did you mean 'mass'?"
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        find_sampling("mas")
    with pytest.raises(ConfigError, match=r"got 'nothing of the kind'$"):
        find_sampling("nothing of the kind")


@pytest.mark.parametrize(
    ("axis", "known"),
    [
        ("selection", "fixed, norm, learned"),
        ("look", "input, result"),
        ("down", "keep, max, average, conv"),
        ("up", "zeros, transposed, unpool, nearest, bilinear"),
    ],
)
def test_unknown_word_is_refused_with_those_that_exist(axis: str, known: str) -> None:
    with pytest.raises(ConfigError, match=f"^{axis} must be one of {known}, got 'other'$"):
        replace(OWN, **{axis: "other"})  # type: ignore[arg-type]


@pytest.mark.parametrize("p", [1, 2, 1.0, 2.0, float("inf")])
def test_norms_of_the_papers_are_allowed(p: float) -> None:
    assert replace(OWN, p=p).p == p


@pytest.mark.parametrize("p", [0, 3, -1, 1.5, float("nan")])
def test_other_norms_are_refused(p: float) -> None:
    with pytest.raises(ConfigError, match=f"^p must be 1, 2 or infinity, got {p!r}$"):
        replace(OWN, p=p)


@pytest.mark.parametrize("down", ["keep", "average", "conv"])
def test_unpooling_without_maxima_is_refused(down: str) -> None:
    message = f"^up='unpool' needs down='max', whose maxima it puts back, got down='{down}'$"
    with pytest.raises(ConfigError, match=message):
        Sampling("own", "", down=down, up="unpool")  # type: ignore[arg-type]


def test_all_other_combinations_are_allowed() -> None:
    downs, ups = ("keep", "max", "average", "conv"), ("zeros", "transposed", "nearest", "bilinear")
    for selection, look, down, up in product(("fixed", "norm", "learned"), ("input", "result"), downs, ups):
        sampling = Sampling("own", "", selection, look, down, up, "bin-5", blur_first=True)  # type: ignore[arg-type]
        assert sampling.equivariant == (selection != "fixed")


def test_sampling_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        OWN.blur = "tri-3"  # type: ignore[misc]

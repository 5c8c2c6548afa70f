"""Numbers as people read them."""

import math

import pytest

from recon.report.cells import (
    NONE,
    change_text,
    decibel_text,
    error_text,
    interval_text,
    number,
    published_cell,
    quality_error_text,
    share_text,
    similarity_text,
    size_text,
)
from recon.report.statistics import Interval


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (error_text(1.2345e-4), "1.2·10⁻⁴"),
        (error_text(0.0), "0"),
        (error_text(5e-324), "4.9·10⁻³²⁴"),
        (error_text(math.inf), "∞"),
        (decibel_text(33.1), "33.10"),
        (change_text(-0.3), "−0.30"),
        (change_text(0.004), "+4.0·10⁻³"),
        (change_text(-math.inf), "−∞"),
        (size_text(-8.6e-4), "8.6·10⁻⁴"),
        (similarity_text(1.0), "1"),
        (similarity_text(1 - 1e-9), "1.0000"),
        (quality_error_text(0.0164), "0.0164"),
        (quality_error_text(0.0), "0"),
        (share_text(1 - 1e-12), "99.9 %"),
        (share_text(1e-12), "0.1 %"),
        (interval_text("33.1", Interval(32, 34.2), "32.0", "34.2"), "33.1 [32.0, 34.2]"),
        (interval_text("33.1", None, "", ""), "33.1"),
    ],
)
def test_text_of_a_number(text: str, wanted: str) -> None:
    assert text == wanted


def test_nan_is_no_number() -> None:
    assert number("nan", math.nan) is NONE


def test_published_figures_keep_their_digits() -> None:
    assert published_cell(9.56e-4, error_text).text == "9.56·10⁻⁴"
    assert published_cell(1.0, similarity_text).text == "1.0"
    assert published_cell(33.4, decibel_text).text == "33.40"
    assert published_cell(0.037, size_text).text == "0.037"
    assert published_cell(None, error_text) is NONE

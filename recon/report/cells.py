"""Measures as people read them: how many digits each has, and the cells of tables."""

import math
from collections.abc import Callable

from recon.report.notation import DASH, all_digits, fixed, scientific, special
from recon.report.parts import Cell
from recon.report.statistics import Interval

NONE = Cell(DASH, kind="none")


def error_text(value: float) -> str:
    """Write an error: two digits and the power of ten; an exact zero as 0.

    >>> error_text(1.234e-4), error_text(0.0)
    ('1.2·10⁻⁴', '0')
    """
    return scientific(value)


def decibel_text(value: float) -> str:
    """Write a level in dB, with two decimals."""
    return fixed(value, 2)


def change_text(value: float, *, decimals: int = 2) -> str:
    """Write a change with its sign; one too small for the decimals as a power of ten, and none as 0.

    >>> change_text(-0.304), change_text(4e-5), change_text(0.0)
    ('−0.30', '+4.0·10⁻⁵', '0')
    """
    tiny = abs(value) < 0.5 * 10**-decimals
    return scientific(value, sign=True) if tiny else fixed(value, decimals, sign=True)


def size_text(value: float) -> str:
    """Write the size of a change in dB, which may be tiny."""
    return change_text(abs(value)).removeprefix("+")


def strict_error_text(value: float) -> str:
    """Write an error where zero is the claim: 0.0 is said of an exact zero alone.

    >>> strict_error_text(0.0), strict_error_text(1.2e-16)
    ('0.0', '1.2·10⁻¹⁶')
    """
    return "0.0" if value == 0 else error_text(value)


def strict_size_text(value: float) -> str:
    """Write the size of a change in dB where zero is the claim: 0.00 is said of none at all alone.

    >>> strict_size_text(0.0), strict_size_text(-1.957), strict_size_text(4e-3)
    ('0.00', '1.96', '4.0·10⁻³')
    """
    return "0.00" if value == 0 else size_text(value)


def similarity_text(value: float) -> str:
    """Write an SSIM with four decimals; an exact 1 as 1.

    >>> similarity_text(0.99999), similarity_text(1.0)
    ('1.0000', '1')
    """
    return "1" if value == 1 else fixed(value, 4)


def quality_error_text(value: float) -> str:
    """Write an NMSE against the target, with four decimals unless it is small."""
    return fixed(value, 4) if value >= 1e-3 else error_text(value)


def share_text(value: float) -> str:
    """Write a share in percent; 100 % and 0 % are said of all and none alone.

    >>> share_text(1.0), share_text(0.99999), share_text(0.25), share_text(1e-6), share_text(0.0)
    ('100 %', '99.9 %', '25.0 %', '0.1 %', '0 %')
    """
    if value in (0, 1) or special(value):
        return special(value) or f"{value:.0%}".replace("%", " %")
    return f"{min(max(100 * value, 0.1), 99.9):.1f} %"


def percent_text(value: float) -> str:
    """Write a share in percent with two decimals; 100.00 % and 0.00 % are said of all and none alone.

    >>> percent_text(1.0), percent_text(0.999999), percent_text(0.8812), percent_text(1e-9), percent_text(0.0)
    ('100.00 %', '99.99 %', '88.12 %', '0.01 %', '0.00 %')
    """
    if value in (0, 1) or special(value):
        return special(value) or f"{100 * value:.2f} %"
    return f"{min(max(100 * value, 0.01), 99.99):.2f} %"


def points_text(value: float) -> str:
    """Write the difference of two shares in points of percent, with its sign.

    >>> points_text(-0.0493), points_text(0.0)
    ('−4.93', '0')
    """
    return change_text(100 * value)


def interval_text(value: str, interval: Interval | None, low: str, high: str) -> str:
    """Write a number with its interval, if it has one: 33.1 [32.0, 34.2]."""
    return value if interval is None else f"{value} [{low}, {high}]"


def number(text: str, value: float) -> Cell:
    """Give a number's cell, or that of none for NaN."""
    return NONE if math.isnan(value) else Cell(text, value)


def error(value: float) -> Cell:
    """Give an error's cell."""
    return number(error_text(value), value)


def share(value: float) -> Cell:
    """Give a share's cell."""
    return number(share_text(value), value)


def word(text: str) -> Cell:
    """Give a word's cell."""
    return Cell(text, kind="word")


def sentence(text: str) -> Cell:
    """Give the cell of whole sentences."""
    return Cell(text, kind="sentence")


def published_cell(value: float | None, text: Callable[[float], str]) -> Cell:
    """Give the cell of a published figure with the digits that were published, spelt much as `text` spells ours."""
    if value is None:
        return NONE
    if text is error_text or value < 5e-3:
        return Cell(all_digits(value), value, "published")
    written = f"{value:.2f}" if text is decibel_text else ("1.0" if value == 1 else f"{value:g}")  # 1.0: rounded
    return Cell(written, value, "published")

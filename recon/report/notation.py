"""How numbers are spelt wherever people read them: a true minus sign, and powers of ten with raised digits."""

import math

import numpy as np

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
DASH = "\N{EN DASH}"  # where there is nothing to show
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def special(value: float) -> str:
    """Write what has no digits, infinity and NaN; nothing for all else."""
    if math.isnan(value):
        return DASH
    return "" if math.isfinite(value) else ("∞" if value > 0 else f"{MINUS}∞")


def power_of_ten(power: int) -> str:
    """Write a power of ten.

    >>> power_of_ten(-12)
    '10⁻¹²'
    """
    return f"10{str(power).translate(_RAISED)}"


def scientific(value: float, *, sign: bool = False) -> str:
    """Write a number with two digits and a power of ten, which 1 to 10 do without; zero as it is.

    >>> scientific(0.000331), scientific(-9.99e-5), scientific(0), scientific(2)
    ('3.3·10⁻⁴', '−1.0·10⁻⁴', '0', '2.0')
    """
    if value == 0 or special(value):
        return special(value) or "0"
    return _raised(f"{value:+.1e}" if sign else f"{value:.1e}")


def all_digits(value: float) -> str:
    """Write a number with a power of ten and all digits that it has.

    >>> all_digits(9.56e-4), all_digits(1e-6)
    ('9.56·10⁻⁴', '10⁻⁶')
    """
    return _raised(np.format_float_scientific(value, trim="-")).removeprefix("1·")


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """Write a number with some decimals.

    >>> fixed(-0.304, 2), fixed(0.304, 2, sign=True)
    ('−0.30', '+0.30')
    """
    return special(value) or f"{value:{'+' if sign else ''}.{decimals}f}".replace("-", MINUS)


def short(value: float) -> str:
    """Write a number with three digits at least, and a power of ten where it is tiny or huge.

    >>> short(0.25), short(1234.5), short(-3), short(1e-6), short(4.66e10)
    ('0.25', '1,234', '−3', '1.0·10⁻⁶', '4.7·10¹⁰')
    """
    if value == 0 or special(value):
        return special(value) or "0"
    if not 1e-3 <= abs(value) < 1e6:
        return scientific(value)
    return (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}").replace("-", MINUS)


def _raised(spelt: str) -> str:
    """Spell 1.2e-04 with a raised power."""
    digits, _, power = spelt.replace("-", MINUS, spelt.startswith("-")).partition("e")
    return digits if int(power) == 0 else f"{digits}·{power_of_ten(int(power))}"

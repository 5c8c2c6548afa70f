"""Colours in pairs that can be told apart, and muted ones for what lies behind."""

from colorsys import hsv_to_rgb

import numpy as np

from recon.data.scenes.drawing import Image

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def vivid_pair(random: np.random.Generator, contrast: tuple[float, float]) -> tuple[Image, Image]:
    """Draw two colours (3, 1, 1) of other hues, one of them lighter, whose lumas differ by `contrast` or so."""
    hue = random.uniform()
    first = _colour(hue, random.uniform(0.45, 0.95), random.uniform(0.35, 0.95))
    other = _colour(hue + random.uniform(-0.22, 0.22), random.uniform(0.1, 0.7), random.uniform(0.5, 1.0))
    second = _at_luma(other, _luma(first) + _away(_luma(first), random.uniform(*contrast)))
    return (first, second) if random.uniform() < 0.5 else (second, first)


def muted(random: np.random.Generator, near: Image | None = None) -> Image:
    """Draw a colour (3, 1, 1) with little saturation, if given not far from another."""
    drawn = _colour(random.uniform(), random.uniform(0.1, 0.5), random.uniform(0.2, 0.9))
    return drawn if near is None else (np.float32(0.6) * near + np.float32(0.4) * drawn)


def _colour(hue: float, saturation: float, value: float) -> Image:
    return np.array(hsv_to_rgb(hue % 1, saturation, value), np.float32)[:, None, None]


def _luma(colour: Image) -> float:
    return float(LUMA @ colour[:, 0, 0])


def _away(luma: float, contrast: float) -> float:
    """Go to the side of a luma that has more room."""
    return contrast if luma < 0.5 else -contrast


def _at_luma(colour: Image, luma: float) -> Image:
    """Darken a colour towards black, or lighten it towards white, until it has a luma."""
    wanted, has = min(max(luma, 0.0), 1.0), _luma(colour)
    if wanted <= has:
        return colour * np.float32(wanted / max(has, 1e-6))
    return colour + (1 - colour) * np.float32((wanted - has) / max(1 - has, 1e-6))

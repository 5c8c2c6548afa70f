"""Outlines of objects: about the signed distance to each, negative inside, in the unit of its reach."""

import math
from collections.abc import Callable

import numpy as np

from recon.data.scenes.drawing import Image, ellipse_distance

Outline = Callable[[Image, Image], Image]


def disc(down: Image, right: Image) -> Image:
    """A full circle."""
    return np.hypot(down, right) - np.float32(0.84)


def ring(down: Image, right: Image) -> Image:
    """A circle with a round hole."""
    return np.abs(np.hypot(down, right) - np.float32(0.66)) - np.float32(0.29)


def square(down: Image, right: Image) -> Image:
    """A square whose sides are level before it is turned."""
    return np.maximum(np.abs(down), np.abs(right)) - np.float32(0.7)


def triangle(down: Image, right: Image) -> Image:
    """A triangle with three equal sides and one corner up."""
    corners = [-math.pi / 2 + 2 * math.pi * number / 3 for number in range(3)]
    middles = [(-math.sin(angle), -math.cos(angle)) for angle in corners]
    sides = [np.float32(y) * down + np.float32(x) * right for y, x in middles]
    return np.maximum(np.maximum(sides[0], sides[1]), sides[2]) - np.float32(0.5)


def star(down: Image, right: Image) -> Image:
    """A star with five points."""
    turn = 2 * math.pi / 5
    angle = np.abs((np.arctan2(right, -down) + turn / 2) % turn - turn / 2)  # from the middle of the nearest point
    distance = np.hypot(down, right)
    along, across = distance * np.cos(angle), distance * np.sin(angle)
    inner_y, inner_x = 0.5 * math.cos(turn / 2), 0.5 * math.sin(turn / 2)  # where two points meet
    length = math.hypot(1 - inner_y, inner_x)
    return (np.float32(inner_x) * (along - 1) + np.float32(1 - inner_y) * across) / np.float32(length)


def half_moon(down: Image, right: Image) -> Image:
    """A crescent."""
    return np.maximum(np.hypot(down, right) - np.float32(0.9), np.float32(0.7) - np.hypot(down, right - 0.55))


def cross(down: Image, right: Image) -> Image:
    """A cross with four equal arms."""
    down, right = np.abs(down), np.abs(right)
    return np.minimum(np.maximum(down - 0.3, right - 0.92), np.maximum(down - 0.92, right - 0.3))


def bar(down: Image, right: Image) -> Image:
    """A long bar."""
    return np.maximum(np.abs(down) - np.float32(0.97), np.abs(right) - np.float32(0.16))


def blob(down: Image, right: Image) -> Image:
    """An ellipse."""
    return ellipse_distance(down, right, centre=(0.0, 0.0), radii=(0.95, 0.6))


SHAPES: dict[str, Outline] = {
    outline.__name__.replace("_", "-"): outline
    for outline in (disc, ring, square, triangle, star, half_moon, cross, bar, blob)
}

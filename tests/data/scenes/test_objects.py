"""Pictures of objects: true outlines and patterns, wholly inside, and the same from the same seed."""

import math
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from recon.data.scenes.drawing import Grid, Image
from recon.data.scenes.objects.classes import CLASSES
from recon.data.scenes.objects.colours import LUMA, vivid_pair
from recon.data.scenes.objects.patterns import PATTERNS
from recon.data.scenes.objects.pictures import NOT_JUDGED, Look, Picture, draw
from recon.data.scenes.objects.shapes import SHAPES
from recon.data.scenes.objects.things import Thing

LOOK = Look(reach=(0.15, 0.3))
FINE = Grid((400, 400), 2.4 / 400, oversampling=1)  # -1.2 to 1.2 both ways
WHITE, BLACK = (np.full((3, 1, 1), value, np.float32) for value in (1, 0))
AREAS = {  # worked out by hand, of shapes with reach 1
    "disc": math.pi * 0.84**2,
    "ring": 2 * math.pi * 0.66 * 0.58,
    "square": 1.4**2,
    "triangle": 3 * math.sqrt(3) / 4,
    "star": 5 * math.sin(math.pi / 5) * 0.5,
    "cross": 2 * 1.84 * 0.6 - 0.6**2,
    "bar": 1.94 * 0.32,
    "blob": math.pi * 0.95 * 0.6,
}


def picture(seed: int, *, objects: int = 3, look: Look = LOOK, size: int = 64) -> Picture:
    """Draw a picture of some objects of all classes."""
    chosen = [CLASSES[(seed + 3 * number) % len(CLASSES)] for number in range(objects)]
    return draw(np.random.default_rng(seed), chosen, size, look)


def white_disc(reach: float) -> Thing:
    """A white disc, a little off the middle."""
    place, none = (0.3, -1.2), (0.0, 0.0)
    return Thing("disc", None, place, reach, 0.0, (WHITE, WHITE), 4.0, 0.0, none, shadow=None)


@pytest.mark.parametrize("shape", AREAS)
def test_areas_are_those_worked_out_by_hand(shape: str) -> None:
    inside = SHAPES[shape](FINE.y + 0 * FINE.x, FINE.x + 0 * FINE.y) < 0
    assert inside.mean() * 2.4**2 == pytest.approx(AREAS[shape], rel=0.02)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_reaches_further_than_its_reach(shape: str) -> None:
    distance = SHAPES[shape](FINE.y + 0 * FINE.x, FINE.x + 0 * FINE.y)
    far = np.hypot(FINE.y, FINE.x) > 1
    assert (distance[far] > -0.003).all()
    assert (distance < 0).any()


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "blob"])
def test_distances_grow_no_faster_than_one_walks(shape: str) -> None:
    distance = SHAPES[shape](FINE.y + 0 * FINE.x, FINE.x + 0 * FINE.y)
    steps = [np.abs(np.diff(distance, axis=axis)).max() / FINE.spacing for axis in (0, 1)]
    assert 0.9 < max(steps) < 1.01


PERIODS: dict[str, list[tuple[float, float]]] = {  # (down, right), after which a pattern is as before
    "striped": [(1, 0), (0, 0.37)],
    "wavy": [(1, 0), (0, 1 / 0.45)],
    "checked": [(math.sqrt(2), 0), (0, math.sqrt(2)), (math.sqrt(0.5), math.sqrt(0.5))],
    "dotted": [(1, 0), (0, 1)],
    "latticed": [(1, 0), (0, 1)],
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_repeat_after_their_period_and_mix_two_colours(pattern: str) -> None:
    values = PATTERNS[pattern](FINE.y, FINE.x)
    for down, right in PERIODS[pattern]:
        moved = PATTERNS[pattern](FINE.y + np.float32(down), FINE.x + np.float32(right))
        assert np.abs(moved - values).max() < 1e-4
    assert (values.min(), values.max()) == (0, 1)
    assert np.abs(PATTERNS[pattern](FINE.y + np.float32(0.3), FINE.x) - values).max() > 0.5


def test_neither_shape_nor_pattern_tells_the_class() -> None:
    assert len(set(CLASSES)) == len(CLASSES) == 10
    assert set(Counter(one.shape for one in CLASSES).values()) == {2}
    assert set(Counter(one.pattern for one in CLASSES).values()) == {2}


def test_the_colours_of_a_pair_can_be_told_apart() -> None:
    random = np.random.default_rng(0)
    pairs = [vivid_pair(random, (0.3, 0.5)) for _ in range(300)]
    contrasts = [abs(float(LUMA @ (first - second)[:, 0, 0])) for first, second in pairs]
    assert min(contrasts) > 0.299
    assert all(0 <= colour.min() <= colour.max() <= 1 for pair in pairs for colour in pair)


def test_edges_are_anti_aliased() -> None:
    for oversampling in (1, 3):
        grid = Grid((32, 32), 1.0, oversampling)
        canvas = np.zeros((3, 32 * oversampling, 32 * oversampling), np.float32)
        white_disc(9.0).paint(canvas, grid)
        cover = canvas[0] / (1 - 0.13 / 9 * (grid.y - 0.3 + grid.x + 1.2))
        assert cover.sum() == pytest.approx(math.pi * (0.84 * 9 * oversampling) ** 2, rel=0.005)
        assert ((cover > 0.1) & (cover < 0.9)).sum() > 20 * oversampling


def test_same_seed_gives_the_same_picture_and_another_another() -> None:
    first, again, other = picture(4), picture(4), picture(5)
    assert np.array_equal(first.values, again.values)
    assert np.array_equal(first.owners, again.owners)
    assert not np.array_equal(first.values, other.values)


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_objects_lie_wholly_inside(margin: float) -> None:
    """So that a circular shift cuts none that was whole: outlines may touch the border, pixels of objects do not."""
    look, width = Look(reach=(0.2, 0.4 - margin), margin=margin), int(64 * margin) + 1
    for seed in range(20):
        owners = picture(seed, look=look).owners
        border = np.ones_like(owners, dtype=bool)
        border[width:-width, width:-width] = False
        assert set(np.unique(owners[border])) <= {0, NOT_JUDGED}


def test_pixels_along_outlines_belong_to_nobody() -> None:
    """No pixel of an object is beside one of another object or of the background."""
    for seed in range(10):
        owners = picture(seed, objects=4).owners.astype(int)
        for one, next_ in ((owners[1:], owners[:-1]), (owners[:, 1:], owners[:, :-1])):
            judged = (one != NOT_JUDGED) & (next_ != NOT_JUDGED)
            assert (one == next_)[judged].all()


def test_owners_are_the_objects_in_their_order() -> None:
    """An object's share of the picture is that of its shape, here of a disc with known limits of its reach."""
    look = Look(reach=(0.25, 0.25))
    drawn = draw(np.random.default_rng(0), [CLASSES[0]], 64, look)
    assert drawn.classes == (CLASSES[0],)
    assert set(np.unique(drawn.owners)) == {0, 1, NOT_JUDGED}
    assert (drawn.owners == 1).sum() == pytest.approx(math.pi * (0.84 * 16 - 1) ** 2, rel=0.03)
    assert (drawn.owners == NOT_JUDGED).sum() == pytest.approx(4 * math.pi * 0.84 * 16, rel=0.05)


def test_objects_without_a_place_are_left_out() -> None:
    crowded = draw(np.random.default_rng(0), CLASSES, 64, Look(reach=(0.4, 0.4)))
    assert crowded.classes == CLASSES[:1]


def test_objects_hide_at_most_a_part_of_each_other() -> None:
    for seed in range(20):
        drawn = picture(seed, objects=4)
        counts = np.bincount(drawn.owners.ravel(), minlength=256)
        assert all(counts[number + 1] > 60 for number in range(len(drawn.classes)))


def test_patterns_fill_objects_in_two_colours() -> None:
    """Inside a striped disc the values lie in two groups; inside its plain sister in one."""
    plain, striped = (_inside(pattern) for pattern in (None, "striped"))
    assert plain.std() < 0.06
    assert striped.std() > 0.3


def test_pictures_are_bytes_in_colour_with_noise() -> None:
    quiet, loud = (picture(3, look=Look(reach=(0.2, 0.3), noise=(level, level))).values for level in (0.0, 0.1))
    assert loud.shape == (64, 64, 3)
    assert loud.dtype == np.uint8
    assert (loud.astype(float) - quiet).std() == pytest.approx(25.5, rel=0.1)


def _inside(pattern: str | None) -> NDArray[np.float32]:
    grid = Grid((32, 32), 1.0, oversampling=3)
    canvas: Image = np.zeros((3, 96, 96), np.float32)
    colours = (WHITE, BLACK)
    Thing("disc", pattern, (0.0, 0.0), 12.0, 0.0, colours, 6.0, 0.4, (0.1, 0.2), shadow=None).paint(canvas, grid)
    return grid.average(canvas[0])[10:22, 10:22]

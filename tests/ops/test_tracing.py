"""Recorded graphs: every function gives what it gives in eager mode, for other phases, batches and sizes too."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from recon.filters import filter_taps
from recon.ops import (
    adaptive_blur,
    anchor_pixel,
    blur,
    carry_position,
    choose_phase,
    dense_max,
    dense_mean,
    keep_phase,
    max_codes,
    max_pool_at,
    merge_phases,
    orbit_mean,
    pad_periodic,
    periodic_window,
    phase_energies,
    pixel_energies,
    place_phase,
    roll_images,
    split_phases,
    surroundings_hash,
    tied_phases,
    unpool,
    upsample_linear,
    upsample_nearest,
)
from recon.ops.exact_statistics import exact_moments
from recon.ops.tracing import recording
from tests.properties import Recorder, compiled, exported, same_bits, traced

RECORDERS = (traced, exported, compiled)


@dataclass(frozen=True, slots=True)
class Case:
    """A function of images and of one row of integers for each image, and what makes its other inputs.

    Args:
        function: what is recorded.
        rows: the least and the largest integer of the rows (B, 2), or None if there are none.
        more: makes a third input from the images.
    """

    function: Callable[..., Tensor]
    rows: tuple[int, int] | None = None
    more: Callable[[Tensor], Tensor] | None = None

    def inputs(self, batch: int, height: int, width: int) -> tuple[Tensor, ...]:
        """Give random inputs; every image has its own row."""
        x = torch.randn(batch, 2, height, width)
        rows = () if self.rows is None else (torch.randint(self.rows[0], self.rows[1] + 1, (batch, 2)),)
        return (x, *rows, *(() if self.more is None else (self.more(x),)))


def taps(name: str) -> Tensor:
    return torch.tensor(filter_taps(name))


def logits(x: Tensor) -> Tensor:
    return torch.randn(x.shape[0], 1, 9, *x.shape[2:])


def symmetric_hashes(x: Tensor) -> Tensor:
    """Hashes of images of equal columns."""
    return surroundings_hash(torch.randn_like(x)[..., :1].expand_as(x))


def chosen(x: Tensor) -> Tensor:
    """Find the anchor of blank and of other images, choose among tied phases, and carry the anchor there."""
    anchor = anchor_pixel(surroundings_hash(x))
    offset = choose_phase(tied_phases(phase_energies(x.round())), 2, 2, anchor)
    return torch.cat([offset, carry_position(anchor, offset, 2, tuple(x.shape[2:]))], 1)


CASES: dict[str, Case] = {
    "periodic_window, start of each": Case(lambda x, rows: periodic_window(x, rows, [5, 7]), rows=(-4, 4)),
    "periodic_window, known start": Case(lambda x: periodic_window(x, [-1, 0], [n + 2 for n in x.shape[2:]])),
    "periodic_window, padded and cut": Case(lambda x: periodic_window(x, [-2, -1], [n - 1 for n in x.shape[2:]])),
    "roll_images, shift of each": Case(lambda x, rows: roll_images(x, rows), rows=(-4, 4)),
    "roll_images, known shift": Case(lambda x: roll_images(x, [1, 2])),
    "pad_periodic": Case(lambda x: pad_periodic(x, [1, 2], [2, 1])),
    "keep_phase": Case(lambda x, rows: keep_phase(x, rows), rows=(0, 1)),
    "keep_phase, known offset": Case(lambda x: keep_phase(x, [1, 0])),
    "place_phase": Case(lambda x, rows: place_phase(x, rows), rows=(0, 1)),
    "place_phase, known offset": Case(lambda x: place_phase(x, [1, 0])),
    "split and merge": Case(lambda x: merge_phases(split_phases(x) * 2)),
    "dense_max": Case(lambda x: dense_max(x, 3)),
    "dense_mean": Case(lambda x: dense_mean(x, 3)),
    "max_pool_at": Case(lambda x, rows: max_pool_at(x, rows), rows=(0, 1)),
    "max_codes and unpool": Case(lambda x: unpool(split_phases(x).amax(1), max_codes(x))),
    "blur": Case(lambda x: blur(x, taps("bin-4"))),
    "blur, delayed": Case(lambda x: blur(x, taps("tri-3"), delayed=True)),
    "blur with a stride": Case(lambda x: blur(x, taps("rect-2"), stride=2)),
    "blur with a start": Case(lambda x, rows: blur(x, taps("tri-3"), stride=2, start=rows), rows=(-1, 1)),
    "adaptive_blur": Case(lambda x, weights: adaptive_blur(x, weights, 3), more=logits),
    "pixel_energies": Case(lambda x: pixel_energies(x)),
    "phase_energies": Case(lambda x: phase_energies(x, p=1)),
    "exact_moments": Case(lambda x: torch.cat(exact_moments(x))),
    "upsampling": Case(lambda x: upsample_linear(x) + upsample_nearest(x)),
    "hash, anchor and choice": Case(chosen),
    "orbit_mean": Case(lambda x, hashed: orbit_mean(x, hashed), more=symmetric_hashes),
}
WITHOUT_GRADIENT = ("phase_energies", "hash, anchor and choice", "orbit_mean")  # of integers, or in eager mode alone


@pytest.mark.parametrize("name", CASES)
def test_traced_form_is_the_eager_form_for_other_images_and_phases(name: str) -> None:
    case = CASES[name]
    graph = traced(case.function, *case.inputs(3, 4, 6))
    for _ in range(4):
        inputs = case.inputs(3, 4, 6)
        assert same_bits(graph(*inputs), case.function(*inputs))


@pytest.mark.parametrize("name", CASES)
def test_exported_form_is_the_eager_form_for_other_images_batches_and_sizes(name: str) -> None:
    case = CASES[name]
    graph = exported(case.function, *case.inputs(3, 4, 6))
    for batch, height, width in ((3, 4, 6), (1, 4, 6), (5, 8, 4), (2, 6, 10)):
        inputs = case.inputs(batch, height, width)
        assert same_bits(graph(*inputs), case.function(*inputs))


@pytest.mark.parametrize("name", CASES)
def test_compiled_form_is_the_eager_form_and_so_is_its_gradient(name: str) -> None:
    case = CASES[name]
    x, *others = case.inputs(3, 4, 6)
    graph = compiled(case.function, x.requires_grad_(), *others)
    for _ in range(3):
        x, *others = case.inputs(3, 4, 6)
        y, expected = graph(x.requires_grad_(), *others), case.function(x, *others)
        assert same_bits(y.detach(), expected.detach())
        if name not in WITHOUT_GRADIENT:
            weights = torch.randn_like(y)
            torch.testing.assert_close(torch.autograd.grad(y, x, weights), torch.autograd.grad(expected, x, weights))


@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("name", ["delta-1", "rect-2", "tri-3", "rect-5", "bin-7", "rect-9"])
def test_traced_blur_is_the_eager_one_for_every_stride(name: str, stride: int) -> None:
    for dims in (1, 2, 3):
        x = torch.randn(2, 2, *[12] * dims, dtype=torch.float64)
        for delayed in (False, True):

            def filtered(x: Tensor, delayed: bool = delayed) -> Tensor:
                return blur(x, taps(name), stride=stride, delayed=delayed)

            torch.testing.assert_close(traced(filtered, x)(x), filtered(x), rtol=1e-12, atol=1e-12)


def test_traced_placing_leaves_zeros_beside_values_that_are_not_finite() -> None:
    y, offset = torch.tensor([[[float("nan"), float("-inf"), -1.0, -0.0]]]), torch.tensor([[1]])
    graph = traced(lambda y, offset: place_phase(y, offset), y, offset)
    for other in (0, 1):
        assert same_bits(graph(y, torch.tensor([[other]])), place_phase(y, [other]))


@pytest.mark.parametrize("record", RECORDERS)
def test_recording_is_known_while_a_graph_is_recorded_and_only_then(record: Recorder) -> None:
    def sign(x: Tensor) -> Tensor:
        return x * (-1 if recording() else 1)

    x = torch.ones(2, 2, 4, 4)
    assert record(sign, x)(x).eq(-1).all()
    assert sign(x).eq(1).all()

"""Checks a file in its own runtime before it gets its name: what it computes, and how it takes shifts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from recon.clinical.export.cases import BATCH, HARD, SHIFTED, SIZES, Case, hard, noise, residues, small_size
from recon.clinical.export.graphs import Graph
from recon.clinical.export.wishes import Check
from recon.errors import ConfigError
from recon.metrics.equivariance import disagreement, equivariance_pair

TOLERANCE: Mapping[str, float] = {"float32": 1e-4, "float16": 2e-2}  # of a result's norm
_SHARE = 1e-3  # of the norm with the mean: less has no room in float32
_ALONE = "equivariance, one image at once"
_BY_PLACE = (
    ". PyTorch's own convolutions, which a recorded graph keeps, round a small image that comes alone by the place in "
    "it; export it as onnx, or as a bundle"
)


class ExportFailedError(ConfigError):
    """A file that did not pass its checks, and was not written."""

    def __init__(self, name: str, runtime: str, checks: Sequence[Check]) -> None:
        self.checks = checks
        missed = [check for check in checks if not check.passed]
        failed = "; ".join(
            f"{check.name}: {check.measured:.3g}, at most {check.bound:g} ({check.details})" for check in missed
        )
        advice = _BY_PLACE if [check.name for check in missed] == [_ALONE] and "PyTorch" in runtime else ""
        super().__init__(
            f"{name} must pass every check in {runtime} before it is written, got failures, and was not "
            f"written: {failed}{advice}"
        )


def checked(run: Callable[[Tensor], Tensor], graph: Graph, cases: Sequence[Case]) -> Iterator[Check]:
    """Give what is found, check by check.

    Results are compared relative to the norm of what the checkpoint gives less each image's mean (or to a thousandth of
    the norm with it, where that is more); shifts as `recon.metrics.equivariance_error` does, each image by itself: none
    may differ in a bit where the sampling is exact.
    """
    for group in (SIZES, SHIFTED, HARD):
        yield _parity(run, graph, group, [case for case in cases if case.group == group])
    yield _repeated(run, cases)
    image = noise(graph, small_size(graph))
    yield _equivariance(run, "equivariance", {"noise": image}, residues(graph), required=graph.exact)
    yield _equivariance(run, _ALONE, {"noise": image}, _some(graph), required=graph.exact, batch=1)
    yield _equivariance(
        run, "equivariance, blank and periodic images", hard(graph), _some(graph), required=graph.exact_on_ties
    )
    yield _other_sizes(run, graph)


def relative_difference(got: Tensor, case: Case) -> Tensor:
    """Give how far each image is from what was expected; infinity where it is another shape, or not a number."""
    if got.shape != case.expected.shape:
        return torch.tensor([float("inf")])
    expected, mean = case.expected.double(), case.mean.double()
    scale = torch.maximum(_norm(expected - mean), _SHARE * _norm(expected))
    error = _norm(got.double() - expected)
    return torch.where(error == 0, 0.0, error / scale).nan_to_num(nan=float("inf"), posinf=float("inf"))


def _norm(images: Tensor) -> Tensor:
    return images.flatten(1).norm(dim=1)


@torch.no_grad()
def _parity(run: Callable[[Tensor], Tensor], graph: Graph, group: str, cases: Sequence[Case]) -> Check:
    bound = TOLERANCE[graph.identity.precision]
    count = sum(len(case.images) for case in cases)
    found, tied = [], 0
    for case in cases:
        got = run(case.images)
        error = float(relative_difference(got, case).max())
        if error > bound and (least := _least(got, case)) <= bound:
            error, tied = least, tied + 1
        found.append((error, case.name))
    worst, where = max(found)
    details = f"relative difference from the checkpoint; of {count} images, largest at {where}"
    if tied:
        details += f"; at {tied} phases tie but for rounding, and it is from the checkpoint with another choice"
    return Check(f"parity, {group}", worst, bound, details)


def _least(got: Tensor, case: Case) -> float:
    """Give how far a result is from the nearest of what may come out as well; infinity where nothing else may."""
    others = (replace(case, expected=expected) for expected in case.others())
    return min((float(relative_difference(got, other).max()) for other in others), default=float("inf"))


@torch.no_grad()
def _repeated(run: Callable[[Tensor], Tensor], cases: Sequence[Case]) -> Check:
    some = [case.images for case in cases if case.group == SIZES]
    differing = sum(not torch.equal(run(images), run(images)) for images in some)
    return Check("repeated", float(differing), 0.0, f"of {len(some)} batches, those that differ when run again")


def _equivariance(
    run: Callable[[Tensor], Tensor],
    name: str,
    images: Mapping[str, Tensor],
    shifts: Tensor,
    *,
    required: bool,
    batch: int = BATCH,
) -> Check:
    """Try all shifts of all images, as many at once as a batch has."""
    differing, worst = 0, 0.0
    for image in images.values():
        for part in shifts.split(batch):
            pairs = zip(*equivariance_pair(run, image.repeat(len(part), 1, 1, 1), part), strict=True)
            errors = [disagreement(expected, got) for expected, got in pairs]
            worst = max(worst, *(error.nmse for error in errors))
            differing += sum(not error.bitwise for error in errors)
    tried = len(images) * len(shifts)
    details = f"of {tried} shifted images, those that differ in any bit; largest NMSE {worst:.3g}"
    return Check(name, float(differing), 0.0 if required else None, details)


def _some(graph: Graph) -> Tensor:
    """Give shifts (N, 2) of which each axis has every residue: one for each row's."""
    period = max(graph.identity.multiple, 2)
    rows = torch.arange(period)
    return torch.stack([rows, (3 * rows + 1) % period], dim=1)


@torch.no_grad()
def _other_sizes(run: Callable[[Tensor], Tensor], graph: Graph) -> Check:
    """Tell whether the file itself refuses what it is not for: recon's own reading does in any case."""
    height, width = small_size(graph)
    tried = [] if graph.identity.multiple == 1 else [(height + 1, width), (height, width - 1), (height + 1, width + 1)]
    taken = 0
    for size in tried:
        try:
            run(noise(graph, size))
            taken += 1
        except Exception:  # each runtime has kinds of its own
            continue
    details = f"of {len(tried)} that are no multiples, those that the file itself takes"
    return Check("other sizes", float(taken), None, details)

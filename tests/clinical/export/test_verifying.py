"""The checks before a file gets its name: what computes as the checkpoint does passes, and each fault is found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor

from recon.clinical.export import TOLERANCE, Check, ExportFailedError, Wishes, export_network, exporting, runtimes
from recon.clinical.export.cases import cases_of, residues
from recon.clinical.export.graphs import Graph, graph_of
from recon.clinical.export.ties import nudged
from recon.clinical.export.verifying import checked, relative_difference
from recon.clinical.models import ClinicalModel, open_model

Runs = Callable[[Tensor], Tensor]


def graph(model: ClinicalModel, scaling: str = "inside") -> Graph:
    return graph_of(model, Wishes(Path("out"), scaling=scaling))


def found(run: Runs, of: Graph, *, others: Sequence[Runs] = ()) -> Mapping[str, Check]:
    """Check a function that stands for a file of a graph; `others` is what it may compute where phases tie."""
    with torch.no_grad():
        cases = list(cases_of(of, of.module, (16, 16), lambda: iter(others)))
    return {check.name: check for check in checked(run, of, cases)}


def failed(run: Runs, of: Graph) -> set[str]:
    return {name for name, check in found(run, of).items() if not check.passed}


@pytest.mark.parametrize("scaling", ["inside", "outside"])
def test_checkpoint_itself_passes_every_check(scaling: str, small_model: ClinicalModel, small_ct_file: Path) -> None:
    for model in (small_model, open_model(str(small_ct_file))):
        assert failed(graph(model, scaling).module, graph(model, scaling)) == set()


def test_shifts_of_the_checks_choose_every_phase(small_model: ClinicalModel) -> None:
    of = graph(small_model)
    assert {tuple(shift) for shift in residues(of).tolist()} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    chosen: set[object] = set()

    def remember(module: object, inputs: object, outputs: tuple[Tensor, object]) -> None:
        offset = outputs[1].offset  # type: ignore[attr-defined]
        chosen.update(map(tuple, offset.tolist()) if offset.ndim > 1 else map(int, offset.tolist()))

    handle = small_model.module.downs[0].register_forward_hook(remember)  # type: ignore[union-attr, index]
    with torch.no_grad():
        list(cases_of(graph(small_model), small_model.module, (16, 16)))  # type: ignore[arg-type]
    handle.remove()
    assert len(chosen) == 4


class Faulty:
    """A file that does something else than its checkpoint, on some images."""

    def __init__(self, run: Runs, fault: str) -> None:
        self.run, self.fault, self.calls = run, fault, 0

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        self.calls += 1
        output = self.run(images)
        blank = bool((images == images[..., :1, :1]).all())
        wrong = {
            "everywhere": True,
            "nan": True,
            "on several images": len(images) == 5,
            "at one size": images.shape[-1] == images.shape[-2] == 32,
            "on blank images": blank and bool(images.any()),
            "in every other call": self.calls % 2 == 0,
        }
        if self.fault == "by its place":  # as what is not equivariant does
            output = output.clone()
            output[..., 0, 0] = torch.nextafter(output[..., 0, 0], torch.tensor(float("inf")))
        elif self.fault == "nan" or wrong.get(self.fault, False):
            output = output * (float("nan") if self.fault == "nan" else 1.01)
        return output


@pytest.mark.parametrize(
    ("fault", "checks"),
    [
        ("everywhere", {f"parity, {group}" for group in ("sizes and batches", "shifts that choose every phase")}),
        ("nan", {"parity, sizes and batches", "parity, blank and periodic images"}),
        ("on several images", {"parity, sizes and batches"}),
        ("at one size", {"parity, sizes and batches"}),
        ("on blank images", {"parity, blank and periodic images"}),
        ("in every other call", {"repeated", "equivariance"}),
        ("by its place", {"equivariance", "equivariance, one image at once"}),
    ],
)
def test_fault_is_found(fault: str, checks: set[str], small_model: ClinicalModel) -> None:
    of = graph(small_model)
    assert checks <= failed(Faulty(of.module, fault), of)


def test_another_choice_of_tied_phases_is_taken_on_blank_and_periodic_images_alone(small_model: ClinicalModel) -> None:
    of = graph(small_model)
    otherwise = Faulty(of.module, "everywhere")
    checks = found(otherwise, of, others=[of.module, otherwise])
    assert checks["parity, blank and periodic images"].passed
    assert "phases tie but for rounding" in checks["parity, blank and periodic images"].details
    assert not checks["parity, sizes and batches"].passed
    assert not checks["parity, shifts that choose every phase"].passed


def test_nudged_network_is_the_same_but_for_rounding(small_model: ClinicalModel) -> None:
    assert small_model.module is not None
    copies = list(islice(nudged(small_model.module), 2))
    image = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        own, first, second = (network(image) for network in (small_model.module, *copies))
    torch.testing.assert_close(first, own, rtol=1e-5, atol=1e-6)
    assert not torch.equal(first, own)
    assert not torch.equal(first, second)


def test_one_bit_of_equivariance_is_required_of_exact_samplings_alone(
    small_model: ClinicalModel, small_ct_file: Path
) -> None:
    plain = graph(open_model(str(small_ct_file)))
    of_plain, of_aps = found(plain.module, plain), found(graph(small_model).module, graph(small_model))
    assert of_plain["equivariance"].measured == 3  # of four shifts, all but none
    assert of_plain["equivariance"].bound is None
    assert of_aps["equivariance"].bound == 0
    assert of_aps["equivariance, blank and periodic images"].bound == 0


def test_ties_that_are_broken_by_place_are_told_and_not_judged(small_model: ClinicalModel) -> None:
    small_model.module.ties = "first"  # type: ignore[union-attr]
    of = graph(small_model)
    assert of.exact
    assert not of.exact_on_ties
    small_model.module.padding = "zeros"  # type: ignore[union-attr]
    assert not graph(small_model).exact


def test_difference_is_relative_to_what_the_network_adds_to_the_mean(small_model: ClinicalModel) -> None:
    with torch.no_grad():
        case = next(iter(cases_of(graph(small_model), graph(small_model).module, (16, 16))))
    shape = case.images.shape
    case = replace(case, expected=torch.full(shape, 1003.0), mean=torch.full((1, 1, 1, 1), 1000.0))
    by_hand = relative_difference(torch.full(shape, 1003.03), case)
    torch.testing.assert_close(by_hand, torch.tensor([0.01], dtype=torch.float64), rtol=1e-3, atol=0)
    assert relative_difference(case.expected[..., :1], case).tolist() == [float("inf")]
    of_mean = replace(case, expected=torch.full(shape, 1000.0))  # a thousandth of the norm with the mean
    torch.testing.assert_close(
        relative_difference(torch.full(shape, 1000.01), of_mean),
        torch.tensor([0.01], dtype=torch.float64),
        rtol=1e-2,
        atol=0,
    )


def test_file_that_fails_is_not_written_and_the_error_says_by_how_much(
    small_model: ClinicalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = runtimes.opened

    def opened(path: Path, kind: str, **options: object) -> tuple[Runs, str]:
        run, runtime = real(path, kind, **options)  # type: ignore[arg-type]
        return lambda images: run(images) * 1.01, runtime

    monkeypatch.setattr(exporting, "opened", opened)
    with pytest.raises(ExportFailedError, match=r"parity, sizes and batches: 0\.\d+, at most 0\.0001") as error:
        list(export_network(small_model, Wishes(tmp_path / "new" / "out", ("torchscript",), timing=False)))
    assert "was not written" in str(error.value)
    assert not (tmp_path / "new").exists()


def test_network_that_torch_rounds_by_place_is_told_what_to_export_instead() -> None:
    alone = Check("equivariance, one image at once", 5.0, 0.0, "of 8")
    assert "export it as onnx" in str(ExportFailedError("x.pt2", "torch.export on PyTorch 2.14", [alone]))
    assert "export it as onnx" not in str(ExportFailedError("x.onnx", "ONNX Runtime", [alone]))
    both = [alone, replace(alone, name="repeated")]
    assert "export it as onnx" not in str(ExportFailedError("x.pt2", "torch.export on PyTorch 2.14", both))


def test_tolerances_are_stated_for_each_precision() -> None:
    assert TOLERANCE == {"float32": 1e-4, "float16": 2e-2}

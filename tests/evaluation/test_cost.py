"""Cost: time by the clock, memory by hand."""

import os
import time

import pytest
import torch
from torch import Tensor

from recon.evaluation import cost
from recon.evaluation.cost import CostProtocol, median_seconds, peak_memory
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.records import Subject
from tests.evaluation.small import function_model, network_model, unet

CPU = torch.device("cpu")
SCALARS = 64  # bytes that a few numbers as tensors may take


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "SHORTEST", 0.02)


def measured(model: Model, study: Study) -> Measured:
    units = CostProtocol().units(model, study)
    assert units == [Unit(f"round {number}", (number,)) for number in range(cost.ROUNDS)]
    (found,) = CostProtocol().measure(model, units[0], study)
    return found


def test_later_rounds_measure_time_alone(mri: Study) -> None:
    model = network_model(unet())
    (found,) = CostProtocol().measure(model, CostProtocol().units(model, mri)[2], mri)
    assert set(found.measures) == {"seconds"}
    assert found.settings["round"] == 2


def test_what_is_measured(study: Study) -> None:
    network = unet("aps")
    parameters = sum(parameter.numel() for parameter in network.parameters())
    model = Model(Subject("aps", "UNet", parameters=parameters), network, module=network, batch_size=4)
    found = measured(model, study)
    assert found.scope == "set"
    assert set(found.measures) == {"parameters", "seconds", "throughput", "peak_memory"}
    assert found.measures["parameters"] == parameters
    assert found.settings == {"size": list(study.size), "threads": 1, "batch_size": 4, "round": 0}
    height, width = study.size
    assert found.measures["peak_memory"] > 4 * height * width * 4  # the first convolution's output, of 4 channels
    assert 0 < found.measures["seconds"] < 5
    assert found.measures["throughput"] > 0


def test_what_is_not_known_is_left_out(mri: Study) -> None:
    assert "parameters" not in measured(function_model(torch.relu), mri).measures
    assert "peak_memory" not in measured(Model(Subject("x", "onnx"), torch.relu), mri).measures


def test_time_is_that_of_one_image_and_throughput_that_of_batches(mri: Study) -> None:
    def sleepy(images: Tensor) -> Tensor:
        time.sleep(0.01 + 0.002 * len(images))
        return images

    found = measured(function_model(sleepy, batch_size=5), mri).measures
    assert 0.012 <= found["seconds"] < 0.018
    assert 5 / 0.03 < found["throughput"] <= 5 / 0.02


@pytest.mark.parametrize(
    ("pause", "shortest", "longest", "calls"), [(0.001, 0.0, 9, 5), (0.02, 0.15, 9, 8), (0.02, 9, 0.05, 3)]
)
def test_passes_are_at_least_five_and_a_second_and_at_most_so_long(
    pause: float, shortest: float, longest: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, done = 0.0, 0

    def work() -> None:
        nonlocal now, done
        now, done = now + pause, done + 1

    monkeypatch.setattr(cost, "SHORTEST", shortest)
    monkeypatch.setattr(cost, "LONGEST", longest)
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    assert median_seconds(work, CPU) == pytest.approx(pause)
    assert done == cost.WARM_UPS + calls


def test_slow_passes_among_others_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now, pauses = 0.0, iter([9.0, 9.0, 0.3, 0.1, 4.0, 0.2, 0.2])

    def work() -> None:
        nonlocal now
        now += next(pauses)

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    assert median_seconds(work, CPU) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("copies", "work"),
    [
        (0, lambda x: x),
        (1, lambda x: torch.relu(x)),
        (2, lambda x: (x + 1) * 2),
        (2, lambda x: ((x + 1) * 2).cos().sin()),  # what is freed counts no longer
        (3, lambda x: torch.stack([x, x, x])),
    ],
)
def test_peak_memory_is_that_of_the_tensors_held_at_once(copies: int, work: object) -> None:
    assert callable(work)
    x = torch.randn(1, 1, 100, 50)
    peak = peak_memory(lambda: work(x), CPU)
    assert copies * 20000 <= peak <= copies * 20000 + SCALARS


def test_the_profiler_keeps_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    peak_memory(lambda: torch.ones(3), CPU)
    assert capfd.readouterr() == ("", "")
    assert "KINETO_LOG_LEVEL" not in os.environ


def test_passes_are_in_the_precision_and_without_gradients(mri: Study) -> None:
    seen = set()

    def watch(images: Tensor) -> Tensor:
        seen.add((torch.is_autocast_enabled("cpu"), torch.is_grad_enabled(), tuple(images.shape)))
        return images

    measured(Model(Subject("x", "function"), watch, precision="bfloat16", batch_size=3), mri)
    assert seen == {(True, False, (1, 1, 24, 24)), (True, False, (3, 1, 24, 24))}


def test_wider_networks_take_more_memory(mri: Study) -> None:
    narrow, wide = (
        measured(network_model(unet(channels=channels), batch_size=1), mri).measures["peak_memory"]
        for channels in ((4, 8), (8, 16))
    )
    assert narrow < wide <= 2.5 * narrow


@pytest.mark.parametrize("words", ["profiler", "median", "after 2", "1 to 20 seconds", "batches"])
def test_the_convention_says_how(words: str, mri: Study) -> None:
    if "20" in words:
        words = f"{cost.SHORTEST:g} to 20 seconds"
    assert words in CostProtocol().convention(mri)


@pytest.mark.gpu
def test_peak_memory_on_a_gpu_is_that_of_the_tensors_held_at_once() -> None:
    x = torch.randn(1, 1, 1024, 1024, device="cuda")
    peak = peak_memory(lambda: (x + 1) * 2, x.device)
    assert peak == 2 * 4 * 1024 * 1024

"""Models: batches, precision, and what is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from recon.errors import ConfigError, DataError
from recon.evaluation.models import Model
from recon.evaluation.outputs import Task
from recon.records import Subject
from tests.evaluation.small import function_model, network_model, unet


@dataclass
class Watched:
    """Halves images, and notes the sizes and types of the batches."""

    sizes: list[int] = field(default_factory=list)
    dtypes: list[torch.dtype] = field(default_factory=list)
    gradients: list[bool] = field(default_factory=list)

    def __call__(self, images: Tensor) -> Tensor:
        """Halve."""
        self.sizes.append(len(images))
        self.gradients.append(torch.is_grad_enabled())
        output = torch.conv2d(images, torch.full((1, 1, 1, 1), 0.5, dtype=images.dtype))
        self.dtypes.append(output.dtype)
        return output


@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5])])
def test_images_are_given_in_batches_and_come_back_in_their_order(batch_size: int, sizes: list[int]) -> None:
    watched = Watched()
    counted: list[int] = []
    model = function_model(watched, batch_size=batch_size)
    model.on_pass = counted.append
    images = torch.randn(5, 1, 4, 6)
    assert torch.equal(model(images), images * 0.5)
    assert watched.sizes == counted == sizes


def test_nothing_is_recorded_for_gradients() -> None:
    watched = Watched()
    output = function_model(watched)(torch.randn(1, 1, 4, 4, requires_grad=True))
    assert not output.requires_grad
    assert watched.gradients == [False]


def test_float64_stays() -> None:
    assert function_model(Watched())(torch.randn(1, 1, 4, 4, dtype=torch.float64)).dtype == torch.float64


def test_precision_is_that_of_autocast_and_outputs_are_float32() -> None:
    watched = Watched()
    model = Model(Subject("x", "function"), watched, precision="bfloat16")
    assert model(torch.randn(1, 1, 4, 4)).dtype == torch.float32
    assert watched.dtypes == [torch.bfloat16]


def test_a_network_gives_what_it_gives_alone() -> None:
    network, images = unet("aps"), torch.randn(3, 1, 8, 12)
    model = network_model(network, batch_size=1)
    with torch.no_grad():
        wanted = torch.cat([network(image[None]) for image in images])
    assert torch.equal(model(images), wanted)
    assert model.name == "network"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: [x], "must give a tensor, got list"),
        (lambda x: x[:1], "must give images as many and as large as it gets"),
        (lambda x: x[..., :2], "must give images as many and as large as it gets"),
        (lambda x: x.sum(), "must give images as many and as large as it gets"),
        (lambda x: x + 0j, "must give real images"),
    ],
)
def test_what_gives_no_images_is_refused(function: Callable[[Tensor], Tensor], words: str) -> None:
    with pytest.raises(ConfigError, match=f"odd {words}"):
        function_model(function, "odd")(torch.randn(2, 1, 4, 4))


@pytest.mark.parametrize(
    ("task", "function", "words"),
    [
        ("classification", lambda x: x, r"must give logits \(images, classes\), got \(2, 1, 4, 4\) for"),
        ("classification", lambda x: x[:1].flatten(1), r"must give logits \(images, classes\)"),
        (
            "classification",
            lambda x: x[:, :, 0, :0].flatten(1),
            r"must give logits .*got \(2, 0\) for .*wrap it to give such logits",
        ),
        ("classification", lambda x: [x], "must give a tensor, got list; wrap it to give logits"),
        ("segmentation", lambda x: x.flatten(1), r"must give logits \(images, classes, height, width\)"),
        ("segmentation", lambda x: x[..., :2], r"must give logits .*as many and as large as the images"),
    ],
)
def test_what_gives_no_logits_of_its_task_is_refused(
    task: Task, function: Callable[[Tensor], Tensor], words: str
) -> None:
    with pytest.raises(ConfigError, match=f"odd {words}"):
        Model(Subject("odd", "function"), function, task=task)(torch.randn(2, 1, 4, 4))


@pytest.mark.parametrize(
    ("task", "shape"), [("classification", (5, 7)), ("segmentation", (5, 7, 4, 6)), ("reconstruction", (5, 1, 4, 6))]
)
def test_logits_come_back_in_the_images_order(task: Task, shape: tuple[int, ...]) -> None:
    outputs, images = torch.randn(shape), torch.arange(5.0).reshape(5, 1, 1, 1).expand(5, 1, 4, 6)
    model = Model(Subject("x", "function"), lambda x: outputs[x[:, 0, 0, 0].long()], batch_size=2, task=task)
    assert torch.equal(model(images), outputs)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_outputs_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(DataError, match="odd must give finite images"):
        function_model(lambda x: x * value, "odd")(torch.ones(2, 1, 4, 4))


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="batch_size must be a whole number of at least 1, got 0"):
        function_model(torch.relu, batch_size=0)
    with pytest.raises(ConfigError, match=r"precision must be one of .*did you mean 'float16'"):
        Model(Subject("x", "function"), torch.relu, precision="float15")  # type: ignore[arg-type]

"""The sampling pairs against the papers' equations, written out in NumPy, and against each other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.errors import ConfigError, DataError, ShapeError
from recon.filters import FILTERS, filter_taps
from recon.metrics import equivariance_error
from recon.nn import Anchor, FixedSelector, LearnedSelector, Phase, sampling_pair, selection_margin
from recon.nn.operations import StridedConvolution
from recon.ops import roll_images
from recon.samplings import SAMPLINGS, DownOperation, Look, Sampling, UpOperation
from tests.images import hard_images, ordinary_images
from tests.nn.test_exactness import failures, residues

Array = NDArray[np.float64]
EXACT = ("aps", "mass", "mass-unpool", "lps")


def pure(name: str) -> Sampling:
    """The sampling with nothing but polyphase sampling in it: keep the samples, insert zeros."""
    return replace(SAMPLINGS[name], down="keep", up="zeros", blur=None)


def shifted(x: Array, shift: Sequence[int]) -> Array:
    """T_k x: the image moved by k pixels."""
    return np.roll(x, tuple(shift), axis=tuple(range(-len(shift), 0)))


def phases_of(x: Array, stride: int, dims: int) -> dict[tuple[int, ...], Array]:
    """D_s T_-i x for all i: equation 7 of Rojas-Gomez et al., section 2 of Chaman and Dokmanic."""
    grid = (slice(None),) * (x.ndim - dims) + (slice(None, None, stride),) * dims
    return {i: shifted(x, [-k for k in i])[grid] for i in product(range(stride), repeat=dims)}


def zero_inserted(y: Array, stride: int, dims: int) -> Array:
    """U_s y: equation 1 of Chaman and Dokmanic."""
    z = np.zeros((*y.shape[: y.ndim - dims], *(n * stride for n in y.shape[y.ndim - dims :])))
    z[(slice(None),) * (y.ndim - dims) + (slice(None, None, stride),) * dims] = y
    return z


@pytest.mark.parametrize("p", [1.0, 2.0, float("inf")])
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_aps_is_that_of_the_paper(dims: int, stride: int, largest: bool, p: float) -> None:
    x = torch.randn(3, 2, *(stride * n for n in (3, 2, 4)[:dims]), dtype=torch.float64)
    down, up = sampling_pair(replace(pure("aps"), p=p, largest=largest), 2, stride=stride, dims=dims)
    y, phase = down(x)
    z = up(y, phase)
    for image, kept, offset, placed in zip(x.numpy(), y.numpy(), phase.offset.tolist(), z.numpy(), strict=True):
        phases = phases_of(image, stride, dims)
        norms = {i: np.linalg.norm(component.ravel(), p) for i, component in phases.items()}
        best = max(norms, key=lambda i: norms[i] if largest else -norms[i])
        assert tuple(offset) == best
        assert np.array_equal(kept, phases[best])  # D_2(T_-i x)
        assert np.array_equal(placed, shifted(zero_inserted(phases[best], stride, dims), best))  # equation 5


def test_aps_of_a_shift_is_a_shift_of_aps() -> None:
    """Equation 4, by hand: i = 1 has the larger norm, and an odd shift k moves the output by (k + 2 i - 1) / 2."""
    x = torch.tensor([[[1.0, 9.0, 2.0, 7.0, 3.0, 8.0, 0.0, 6.0]]])
    down, _ = sampling_pair(pure("aps"), 1, dims=1)
    y, phase = down(x)
    assert (y.tolist(), phase.offset.tolist()) == ([[[9.0, 7.0, 8.0, 6.0]]], [[1]])
    for k in range(-8, 9):
        moved, moved_phase = down(roll_images(x, [k]))
        i = 1
        expected = k // 2 if k % 2 == 0 else (k + 2 * i - 1) // 2
        assert torch.equal(moved, roll_images(y, [expected]))
        assert moved_phase.offset.item() == (i if k % 2 == 0 else 1 - i)


@pytest.mark.parametrize("operation", ["max", "average", "conv"])
def test_mass_is_its_three_steps(operation: DownOperation) -> None:
    spec = replace(SAMPLINGS["mass"], down=operation)
    x = torch.randn(3, 4, 8, 12)
    down, _ = sampling_pair(spec, 4)
    y, phase = down(x)
    for image, result, offset in zip(x, y, phase.offset, strict=True):
        phases = phases_of(image.double().numpy(), 2, 2)
        origin = max(phases, key=lambda i: float(np.square(phases[i]).sum()))  # 1. select the origin
        assert tuple(offset.tolist()) == origin
        moved = torch.roll(image, (-origin[0], -origin[1]), (1, 2))[None]  # 2. shift the image to fit it
        if operation == "conv":
            padded = torch.nn.functional.pad(moved, (1, 1, 1, 1), mode="circular")
            assert isinstance(down.operation, StridedConvolution)
            expected = torch.nn.functional.conv2d(
                padded, down.operation.conv.weight, down.operation.conv.bias, stride=2
            )
            torch.testing.assert_close(result, expected[0])
            continue
        else:
            pool = {"max": torch.nn.MaxPool2d(2), "average": torch.nn.AvgPool2d(2)}[operation]
            expected = pool(moved)  # 3. conduct the original operation
        assert torch.equal(result, expected[0])


def test_mass_puts_maxima_back_in_reverse_order() -> None:
    x = torch.randn(3, 4, 8, 12)
    down, up = sampling_pair("mass-unpool", 4)
    y, phase = down(x)
    z = up(y, phase)
    for image, placed, offset in zip(x, z, phase.offset.tolist(), strict=True):
        moved = torch.roll(image, (-offset[0], -offset[1]), (1, 2))[None]
        pooled, indices = torch.nn.functional.max_pool2d(moved, 2, return_indices=True)
        unpooled = torch.nn.functional.max_unpool2d(pooled, indices, [2, 2])
        assert torch.equal(placed, torch.roll(unpooled, tuple(offset), (2, 3))[0])


def logit(selector: LearnedSelector, phase: Array) -> float:
    """Equation 23: the mean over channels and pixels of a small circular convolutional network, in NumPy."""
    features = phase
    for layer, activate in ((selector.first, True), (selector.second, False)):
        weight, bias = layer.conv.weight.detach().numpy(), layer.conv.bias
        assert bias is not None
        total = np.zeros((weight.shape[0], *features.shape[1:])) + bias.detach().numpy()[:, None, None]
        for row, column in product(range(3), repeat=2):
            moved = shifted(features, (1 - row, 1 - column))
            total += np.einsum("oi,ihw->ohw", weight[:, :, row, column], moved)
        features = np.maximum(total, 0) if activate else total
    return float(features.mean())


def test_lps_is_that_of_the_paper() -> None:
    down, up = sampling_pair(pure("lps"), 4)
    down, up = down.double().eval(), up.eval()
    selector = down.selector
    assert isinstance(selector, LearnedSelector)
    x = torch.randn(5, 4, 8, 12, dtype=torch.float64)
    y, phase = down(x)
    z = up(y, phase)
    training_logits = selector.train()(x)
    for b, image in enumerate(x.numpy()):
        phases = phases_of(image, 2, 2)
        logits = [logit(selector, component) for component in phases.values()]  # equation 20, before the softmax
        np.testing.assert_allclose(training_logits[b].detach().numpy(), logits, rtol=1e-12)
        best = list(phases)[int(np.argmax(logits))]
        assert tuple(phase.offset[b].tolist()) == best  # equation 7
        assert np.array_equal(y[b].numpy(), phases[best])
        assert np.array_equal(z[b].numpy(), shifted(zero_inserted(phases[best], 2, 2), best))  # equation 24


def test_lps_in_training_mixes_down_and_up_alike() -> None:
    down, up = sampling_pair(pure("lps"), 4)
    down, up = down.double().train(), up.train()
    x = torch.randn(5, 4, 8, 12, dtype=torch.float64)
    y, phase = down(x)
    z = up(y, phase)
    assert phase.weights is not None
    weights = phase.weights.detach().numpy()
    np.testing.assert_allclose(weights.sum(1), 1)
    for b, image in enumerate(x.numpy()):
        phases = phases_of(image, 2, 2)
        mixed = sum(w * component for w, component in zip(weights[b], phases.values(), strict=True))  # equation 17
        np.testing.assert_allclose(y[b].detach().numpy(), mixed, rtol=1e-12)
        for k, component in enumerate(phases_of(z[b].detach().numpy(), 2, 2).values()):
            np.testing.assert_allclose(component, weights[b, k] * mixed, rtol=1e-12)  # equation 25


def test_lower_temperature_hardens_the_mixture() -> None:
    down, _ = sampling_pair(pure("lps"), 4)
    x = torch.randn(64, 4, 8, 8)
    sharpest = []
    for temperature in (10.0, 1.0, 0.01):
        assert isinstance(down.selector, LearnedSelector)
        down.selector.temperature.fill_(temperature)
        weights = down.train()(x)[1].weights
        assert weights is not None
        sharpest.append(float(weights.detach().amax(1).mean()))
    assert sharpest[0] < 0.5 < sharpest[1] < sharpest[2]
    assert sharpest[2] > 0.99


def test_the_learned_selection_works_in_float32_under_autocast() -> None:
    down, _ = sampling_pair("lps", 4)
    x = torch.randn(3, 4, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert down.train().selector(x.bfloat16()).dtype == torch.float32
        assert down.eval()(x)[1].offset.dtype == torch.int64


@pytest.mark.parametrize("blur", [None, "rect-2", "tri-3", "bin-5", "adaptive-3"])
@pytest.mark.parametrize(
    ("sampling", "dims", "stride"), [(s, d, 2) for s in EXACT for d in (1, 2, 3)] + [("aps", 2, 3)]
)
def test_gradients_are_right(sampling: str, dims: int, stride: int, blur: str | None) -> None:
    x = torch.randn(1, 2, *(stride * n for n in (4, 3, 2)[:dims]), dtype=torch.float64)
    for seed in range(100):  # until a small step does not change the choice
        torch.manual_seed(seed)
        down, up = sampling_pair(sampling, 2, blur=blur, dims=dims, stride=stride)
        down, up = down.double().eval(), up.double().eval()
        if selection_margin(down, x).item() > 1e-4:
            break
        x = torch.randn_like(x)

    def there_and_back(x: Tensor) -> Tensor:
        result: Tensor = up(*down(x))
        return result

    assert torch.autograd.gradcheck(there_and_back, (x.requires_grad_(),), fast_mode=True)


@pytest.mark.parametrize("blur", [None, "rect-2", "adaptive-3"])
@pytest.mark.parametrize("sampling", EXACT)
def test_gradients_of_gradients_are_right(sampling: str, blur: str | None) -> None:
    torch.manual_seed(2)
    down, up = sampling_pair(sampling, 1, blur=blur)
    down, up = down.double().eval(), up.double().eval()
    x = torch.randn(1, 1, 4, 6, dtype=torch.float64)
    assert selection_margin(down, x).item() > 1e-4

    def squared(x: Tensor) -> Tensor:
        result: Tensor = up(*down(x)).square()
        return result

    assert torch.autograd.gradgradcheck(squared, (x.requires_grad_(),), fast_mode=True)


@pytest.mark.parametrize("blur", [None, "tri-3"])
def test_gradients_of_the_soft_mixture_are_right(blur: str | None) -> None:
    down, up = sampling_pair("lps", 2, blur=blur)
    down, up = down.double().train(), up.double().train()

    def there_and_back(x: Tensor, *_: Tensor) -> Tensor:
        torch.manual_seed(3)  # the same noise every time
        result: Tensor = up(*down(x))
        return result

    x = torch.randn(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(there_and_back, (x, *down.parameters(), *up.parameters()), fast_mode=True)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("up_operation", ["zeros", "transposed", "nearest", "bilinear"])
@pytest.mark.parametrize("down_operation", ["keep", "max", "average", "conv"])
@pytest.mark.parametrize("look", ["input", "result"])
@pytest.mark.parametrize("blur_first", [False, True])
def test_any_selection_operation_and_partner_are_exact(
    look: Look, down_operation: DownOperation, up_operation: UpOperation, blur_first: bool, channels_last: bool
) -> None:
    spec = replace(
        SAMPLINGS["aps"], look=look, down=down_operation, up=up_operation, blur="tri-3", blur_first=blur_first
    )
    down, up = sampling_pair(spec, 3)
    x = torch.randn(3, 3, 8, 12)
    x = x.to(memory_format=torch.channels_last) if channels_last else x
    for shift in product(range(2), repeat=2):
        assert equivariance_error(lambda x: up(*down(x)), x, shift).bitwise
        assert equivariance_error(lambda x: up(*down(x)), x[:1], shift).bitwise


@pytest.mark.parametrize(("dims", "stride"), [(1, 2), (1, 5), (2, 3), (2, 4), (3, 2), (3, 3)])
@pytest.mark.parametrize("sampling", EXACT)
@pytest.mark.parametrize("blur", [None, "rect-2", "bin-5", "adaptive-3"])
def test_any_stride_and_dimension_is_exact(sampling: str, dims: int, stride: int, blur: str | None) -> None:
    down, up = sampling_pair(sampling, 2, stride=stride, dims=dims, blur=blur)
    down, up = down.eval(), up.eval()
    x = torch.randn(3, 2, *(stride * n for n in (2, 3, 1)[:dims]))
    for shift in product(range(stride), repeat=dims):
        assert equivariance_error(lambda x: up(*down(x)), x, shift).bitwise


@pytest.mark.parametrize("p", [1.0, 2.0, float("inf")])
@pytest.mark.parametrize("largest", [True, False])
def test_any_norm_is_exact(p: float, largest: bool) -> None:
    down, up = sampling_pair(replace(SAMPLINGS["mass"], p=p, largest=largest), 3)
    x = torch.randn(3, 3, 8, 12)
    for shift in product(range(2), repeat=2):
        assert equivariance_error(lambda x: up(*down(x)), x, shift).bitwise


@pytest.mark.parametrize("blur", FILTERS)
def test_any_filter_is_exact(blur: str) -> None:
    down, up = sampling_pair("aps", 3, blur=blur)
    x = torch.randn(3, 3, 8, 12)
    for shift in product(range(2), repeat=2):
        assert equivariance_error(lambda x: up(*down(x)), x, shift).bitwise


def test_a_pair_alone_breaks_accidental_ties() -> None:
    down, up = sampling_pair(pure("mass"), 1)
    down.eval()
    images = {
        name: hard_images()[name]
        for name in ("one pixel", "two equal pixels", "four equal pixels", "random signs", "mirror-symmetric phantom")
    }
    images["enlarged"] = ordinary_images()["enlarged twice"]
    shifts = residues(1)
    assert failures(lambda x: up(*down(x)), images, shifts) == {}
    down.ties = "first"
    assert "enlarged" in failures(lambda x: up(*down(x)), images, shifts)


@pytest.mark.parametrize("name", FILTERS)
def test_down_then_up_does_not_drift(name: str) -> None:
    """The mean position of an impulse stays, also for even filters: summed over the phases it may fall on."""
    down, up = sampling_pair(replace(pure("plain"), blur=name), 1, dims=1)
    response = torch.zeros(64, dtype=torch.float64)
    for phase in range(2):
        x = torch.zeros(1, 1, 64, dtype=torch.float64)
        x[..., 32 + phase] = 1
        response += up(*down(x))[0, 0].roll(-phase)
    places = torch.arange(64, dtype=torch.float64)
    assert float((places * response).sum() / response.sum()) == pytest.approx(32)
    assert float(response.sum()) == pytest.approx(2)  # the gain keeps the mean


def test_the_named_filter_is_the_one_applied() -> None:
    down, _ = sampling_pair(replace(pure("plain"), blur="bin-5"), 1, dims=1)
    x = torch.zeros(1, 1, 16, dtype=torch.float64)
    x[..., 8] = 1
    assert down(x)[0][0, 0, 3:6].tolist() == pytest.approx([filter_taps("bin-5")[k] for k in (4, 2, 0)])


def test_every_image_has_its_own_phase() -> None:
    x = torch.randn(1, 3, 8, 12)
    batch = torch.cat([torch.roll(x, shift, (2, 3)) for shift in product(range(2), repeat=2)])
    for sampling in EXACT:
        down, up = sampling_pair(sampling, 3)
        down, up = down.eval(), up.eval()
        y, phase = down(batch)
        assert len(set(map(tuple, phase.offset.tolist()))) == 4
        alone = torch.cat([up(*down(image[None])) for image in batch])
        assert torch.equal(up(y, phase), alone)


@pytest.mark.parametrize("sampling", ["plain", *EXACT])
def test_complex_images_are_two_channels(sampling: str) -> None:
    down, up = sampling_pair(sampling, 4, blur="tri-3")
    down, up = down.eval(), up.eval()
    x = torch.randn(3, 2, 8, 12, dtype=torch.complex64)
    y, phase = down(x)
    assert y.dtype == torch.complex64
    assert y.shape == (3, 2, 4, 6)
    z = up(y, phase)
    assert z.dtype == torch.complex64
    assert z.shape == x.shape
    real = torch.stack([x.real, x.imag], 2).flatten(1, 2)
    assert torch.equal(torch.view_as_real(z).movedim(-1, 2).flatten(1, 2), up(*down(real)))


def test_a_fixed_selector_keeps_the_phase_it_is_given() -> None:
    down, up = sampling_pair(pure("mass"), 1)
    down.selector = FixedSelector(offset=(1, 0))
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    y, phase = down(x)
    assert torch.equal(y, x[..., 1::2, ::2])
    assert torch.equal(up(y, phase)[..., 1::2, ::2], y)


def bad_calls() -> list[tuple[Callable[[], object], type[Exception], str]]:
    """Mistakes, the error of each, and words that it must have."""
    x = torch.zeros(1, 1, 5, 6)
    even = torch.zeros(2, 1, 4, 4)
    down, up = sampling_pair("aps", 1)
    unpool = sampling_pair("mass-unpool", 1)[1]
    return [
        (lambda: sampling_pair("apps", 1), ConfigError, "did you mean 'aps'"),
        (lambda: sampling_pair("aps", 1, blur="tri-4"), ConfigError, "tri"),
        (lambda: sampling_pair("aps", 1, blur="adaptive-1"), ConfigError, "at least 2"),
        (lambda: sampling_pair("aps", 1, stride=1), ConfigError, "stride must be a whole number of at least 2, got 1"),
        (lambda: sampling_pair("aps", 1, dims=4), ConfigError, "dims must be 1, 2 or 3, got 4"),
        (lambda: sampling_pair(replace(SAMPLINGS["lps"], up="unpool"), 1), ConfigError, "learned"),
        (lambda: down(x), ShapeError, "divisible by 2, got H=5, W=6"),
        (lambda: down(even[0]), ShapeError, r"shape \(batch, channels, H, W\), got \(1, 4, 4\)"),
        (lambda: down(even.long()), DataError, "floating-point"),
        (lambda: down(even / 0), DataError, "finite, got 32 values"),
        (lambda: up(down(even)), TypeError, "phase"),
        (lambda: up(even, down(even)[1].offset), DataError, "phase must be what the down layer returned"),
        (lambda: up(even, Phase(torch.zeros(3, 2, dtype=torch.int64))), ShapeError, "3 phases for 2 images"),
        (lambda: unpool(even, down(even)[1]), ConfigError, "codes"),
        (lambda: replace(SAMPLINGS["aps"], p=3), ConfigError, "p must be 1, 2 or infinity"),
        (lambda: replace(SAMPLINGS["aps"], down="maxi"), ConfigError, "did you mean 'max'"),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("case", range(len(bad_calls())))
def test_mistakes_are_named(case: int) -> None:
    call, error, words = bad_calls()[case]
    with pytest.raises(error, match=words):
        call()


def test_an_anchor_of_another_image_is_followed() -> None:
    """The rule that breaks ties is that of the network's input, not of the features, which may be more symmetric."""
    down = sampling_pair(pure("mass"), 1)[0].eval()
    features = torch.ones(1, 1, 4, 4)
    image = torch.zeros(1, 1, 4, 4)
    offsets = set()
    for shift in product(range(2), repeat=2):
        image.zero_()[..., shift[0], shift[1]] = 1
        offsets.add(tuple(down(features, Anchor(image))[1].offset[0].tolist()))
    assert len(offsets) == 4

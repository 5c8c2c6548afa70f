"""Layers: the first that breaks is the one that must, exact networks are exact at every one, and NMSE by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recon.data.batches import Draw
from recon.data.samples import Origin, Sample, Slices
from recon.errors import ConfigError
from recon.evaluation.features import largest_stride, layer_errors, placed_error
from recon.evaluation.layers import BROKEN, LayersProtocol
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured
from recon.evaluation.shifts import grid_of
from recon.evaluation.study import Study
from recon.nn import UNet
from recon.records import Source, Subject
from tests.evaluation.small import function_model, network_model

SMALL = (4, 8, 16)
EXACT = ["aps", "mass", "mass-unpool", "lps"]


class Noise(Slices):
    """Some slices of noise, 16 x 24, in one file."""

    def __init__(self, count: int = 3) -> None:
        self.images = torch.randn(count, 1, 16, 24, generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        """Count them."""
        return len(self.images)

    def __getitem__(self, key: int | Draw) -> Sample:
        """Give one."""
        index = key if isinstance(key, int) else key.index
        return Sample(self.images[index], None, 0.0, 1.0, 1.0, Origin("noise", "noise", index, "", "", True))

    @property
    def groups(self) -> Sequence[range]:
        """One file."""
        return [range(len(self))]


def study(count: int = 3, limit: int | None = None) -> Study:
    return Study(Noise(count), Source("noise", "mri", True, "noise"), limit=limit)


def unet(sampling: str, **arguments: object) -> UNet:
    torch.manual_seed(0)
    return UNet(1, 1, SMALL, sampling=sampling, **arguments).eval()  # type: ignore[arg-type]


def pooled() -> nn.Sequential:
    """A network by hand, that breaks at its only pooling."""
    torch.manual_seed(0)
    first = nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular")
    second = nn.Conv2d(4, 1, 3, padding=1, padding_mode="circular")
    return nn.Sequential(first, nn.ReLU(inplace=True), nn.MaxPool2d(2), second, nn.Upsample(scale_factor=2)).eval()


def other_model(network: nn.Module, *, period: int = 0, batch_size: int = 8) -> Model:
    subject = Subject("other", "function", period=period)
    return Model(subject, network, module=network, batch_size=batch_size)


def measured(model: Model, on: Study | None = None, *, count: int = 2) -> list[Measured]:
    protocol, on = LayersProtocol(count=count), on or study()
    return [found for unit in protocol.units(model, on) for found in protocol.measure(model, unit, on)]


def by_hand(reference: Tensor, features: Tensor, distance: tuple[int, int], stride: int) -> float:
    """The same error by numpy: every value repeated, and rolled."""
    repeat = np.ones((1, stride, stride))
    one, other = (np.kron(x.double().numpy(), repeat) for x in (reference, features))
    return float(np.square(other - np.roll(one, distance, (1, 2))).sum()) / stride**2


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_features_are_placed_as_if_repeated_and_rolled(stride: int) -> None:
    one, other = torch.randn(3, 4, 5), torch.randn(3, 4, 5)
    for distance in [(row, column) for row in range(-5, 14, 3) for column in range(-7, 17, 4)]:
        assert placed_error(one, other, distance, stride) == pytest.approx(by_hand(one, other, distance, stride))


@pytest.mark.parametrize("sampling", ["plain", "lpf"])
@pytest.mark.parametrize("norm", ["batch", None])
def test_plain_networks_break_at_their_first_pooling(sampling: str, norm: str | None) -> None:
    whole, *layers = measured(network_model(unet(sampling, norm=norm)))
    assert whole.settings["first"] == "downs.0"
    assert whole.measures["nmse"] > BROKEN
    assert 0 < whole.measures["bitwise"] < 1
    names = [layer.item for layer in layers]
    before = layers[: names.index("downs.0")]
    assert [layer.settings["kind"] for layer in before] == (
        ["Convolution", "BatchNorm2d", "ReLU"] * 2 if norm else ["Convolution", "ReLU"] * 2
    )
    assert all(layer.measures["nmse"] == 0 for layer in before)
    assert all(layer.measures["nmse"] > BROKEN for layer in layers[names.index("downs.0") :])


@pytest.mark.parametrize("blur", [None, "rect-2", "tri-3", "adaptive-3"])
@pytest.mark.parametrize("sampling", EXACT)
def test_exact_networks_are_exact_at_every_layer(sampling: str, blur: str | None) -> None:
    network = unet(sampling, blur=blur)
    found = layer_errors(network_model(network), study().data[0].input[None], grid_of(4, 4))  # type: ignore[union-attr]
    assert set(found.outputs) == {0}
    assert all(found.bitwise)
    assert {name for name, layer in found.layers.items() if set(layer.errors) != {0}} == set()
    assert {"encoder.0.0", "downs.0", "downs.1", "ups.0", "ups.1", "decoder.0.0", "head"} <= set(found.layers)
    assert {name: layer.stride for name, layer in found.layers.items() if "downs" in name or "ups" in name} == {
        "downs.0": 2,
        "downs.1": 4,
        "ups.1": 2,
        "ups.0": 1,
    }


@pytest.mark.parametrize("sampling", EXACT)
def test_exact_networks_are_not_looked_into(sampling: str) -> None:
    (whole,) = measured(network_model(unet(sampling)))
    assert whole == Measured("set", "", {"nmse": 0, "bitwise": 1}, settings={"first": "", "period": 4})


def test_borders_break_the_first_convolution() -> None:
    assert measured(network_model(unet("aps", padding="zeros")))[0].settings["first"] == "encoder.0.0"


def test_a_network_of_another_breaks_at_its_pooling_and_gives_the_values_of_a_loop() -> None:
    network, on = pooled(), study(2)
    whole, *layers = measured(other_model(network), on)
    assert whole.settings == {"first": "2", "period": 2, "layers": 5}
    assert [layer.item for layer in layers] == ["0", "1", "2", "3", "4"]
    assert [layer.settings["index"] for layer in layers] == [0, 1, 2, 3, 4]
    assert [layer.settings["stride"] for layer in layers] == [1, 1, 2, 2, 1]
    assert [layer.settings["kind"] for layer in layers] == ["Conv2d", "ReLU", "MaxPool2d", "Conv2d", "Upsample"]
    errors: dict[tuple[int, int], list[float]] = {}
    with torch.no_grad():
        for image in on.data.images:  # type: ignore[attr-defined]
            features = network[:3](image[None])[0]
            for shift in ((0, 0), (0, 1), (1, 0), (1, 1)):
                moved = network[:3](torch.roll(image, shift, (1, 2))[None])[0]
                power = float(features.double().square().sum())
                errors.setdefault(shift, []).append(by_hand(features, moved, shift, 2) / power)
    assert layers[2].arrays["nmse"] == pytest.approx([sum(values) / 2 for values in errors.values()])
    assert layers[2].measures["nmse"] == pytest.approx(max(max(values) for values in errors.values()))
    assert layers[2].measures["mean_nmse"] == pytest.approx(sum(sum(values) for values in errors.values()) / 8)


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_batches_change_nothing(batch_size: int) -> None:
    wanted = measured(network_model(unet("plain")))
    for one, other in zip(measured(network_model(unet("plain"), batch_size=batch_size)), wanted, strict=True):
        assert one.measures == pytest.approx(dict(other.measures), rel=1e-3, abs=1e-12)
        assert one.settings == other.settings


def test_what_breaks_after_the_last_layer_is_the_output() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.activation = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            activated: Tensor = self.activation(x)
            return activated * (torch.arange(x.shape[3]) % 2)

    whole, layer = measured(other_model(Masked()))
    assert whole.settings["first"] == "output"
    assert (layer.item, layer.measures["nmse"]) == ("activation", 0)


def test_a_layer_that_is_called_twice_is_two() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool, self.up = nn.AvgPool2d(2), nn.Upsample(scale_factor=4)
            self.again = self.pool

        def forward(self, x: Tensor) -> Tensor:
            upsampled: Tensor = self.up(self.again(self.pool(x)))
            return upsampled

    assert [layer.item for layer in measured(other_model(Twice()))] == ["", "pool", "pool#2", "up"]


def test_what_gives_no_image_is_left_out() -> None:
    """Vectors, tuples of others, and features whose grid is not the input's over a whole number."""

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vector, self.unpadded, self.last = nn.Flatten(), nn.Conv2d(1, 1, 3), nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            self.vector(x)
            self.unpadded(x)
            last: Tensor = self.last(x)
            return last * (torch.arange(x.shape[3]) % 2)

    assert [layer.item for layer in measured(other_model(Odd()))] == ["", "last"]


def test_the_period_of_another_network_is_its_largest_stride_up_to_64() -> None:
    image = torch.randn(1, 1, 16, 24)
    assert (
        largest_stride(other_model(nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(4), nn.Upsample(scale_factor=8))), image)
        == 8
    )
    squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Upsample(size=(128, 128)))
    assert largest_stride(other_model(squeeze), torch.randn(1, 1, 128, 128)) == 1


def test_hooks_are_gone_afterwards() -> None:
    network = unet("plain")
    measured(network_model(network))
    assert sum(len(module._forward_hooks) for module in network.modules()) == 0


def test_slices_are_spread_and_limited() -> None:
    model = network_model(unet("plain"))
    chosen = {
        (count, limit): [unit.indices for unit in LayersProtocol(count=count).units(model, study(8, limit))]
        for count, limit in ((2, None), (2, 1), (3, 4), (20, None))
    }
    assert chosen[2, None] == [(2, 6)]
    assert chosen[2, 1] == [(4,)]
    assert chosen[3, 4] == [(1, 5, 7)]  # of the slices 1, 3, 5 and 7
    assert chosen[20, None] == [tuple(range(8))]


def test_passes_are_foretold_for_an_exact_network() -> None:
    model, protocol, on = network_model(unet("aps")), LayersProtocol(), study()
    counted: list[int] = []
    model.on_pass = counted.append
    measured(model, on)
    (unit,) = protocol.units(model, on)
    assert 0 <= protocol.passes(model, unit, on) - sum(counted) <= 2


def test_closed_and_padded_networks_do_not_fit() -> None:
    protocol = LayersProtocol()
    assert "closed" in protocol.unfit(function_model(torch.relu), study())
    assert "16 x 24" in protocol.unfit(other_model(pooled(), period=32), study())
    assert protocol.unfit(other_model(pooled()), study()) == ""
    assert protocol.unfit(network_model(unet("plain")), study()) == ""
    with pytest.raises(ConfigError, match="count must be a whole number of at least 1, got 0"):
        LayersProtocol(count=0)

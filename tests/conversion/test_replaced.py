"""The table of what was replaced: whole, in short, and without this machine's folders."""

from pathlib import Path

import pytest
import torchvision.models.resnet as torchvision_resnet  # type: ignore[import-untyped]
from torch import nn

from recon.conversion.replaced import pairs_of, replaced_rows, shortened
from recon.nn import Converted
from tests.conversion.networks import Pyramid, small
from tests.evaluation.labels.small import classifier
from tests.evaluation.small import unet


@pytest.mark.parametrize(
    ("where", "short"),
    [
        (f"layer1.0.conv1 ({torchvision_resnet.__file__}:66)", "layer1.0.conv1 (torchvision/models/resnet.py:66)"),
        (f"{torchvision_resnet.__file__}:268", "torchvision/models/resnet.py:268"),
        ("conv (/some where/(else)/nets.py:3)", "conv (nets.py:3)"),
        ("conv", "conv"),
        ("", "the network itself"),
    ],
)
def test_places_are_named_as_they_are_imported(where: str, short: str) -> None:
    assert shortened(where) == short


def test_no_folder_of_this_machine_is_in_the_table() -> None:
    networks = [
        classifier("mass"),
        Converted("nets:small", small(), example=(1, 8, 8)),
        Converted("nets:Pyramid", Pyramid(), example=(1, 8, 8)),
    ]
    cells = [cell for network in networks for row in replaced_rows(network) for cell in row]  # type: ignore[arg-type]
    assert len(cells) > 50
    assert not any(str(Path(__file__).parents[2]) in cell or cell.startswith("/") for cell in cells)
    assert "down (tests/conversion/networks.py" in " ".join(cells)


def test_in_short_it_has_the_operations_that_sample_alone() -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(2, 1, 1), nn.Upsample(scale_factor=2)
    )
    made = Converted("nets:this", network, example=(1, 8, 8))
    head, *rows = replaced_rows(made)
    assert head == ("where", "operation", "stride", "grid", "phase")
    assert [row[0] for row in rows] == ["0", "1", "2", "3"]
    assert [row[0] for row in replaced_rows(made, sampling=True)[1:]] == ["1", "3"]


def test_unet_is_built_of_pairs_and_has_no_table() -> None:
    assert replaced_rows(unet("mass")) == []
    assert (pairs_of(unet("mass")), pairs_of(classifier("mass"))) == (2, 0)

"""Networks of torchvision, fastMRI and MONAI; the large ones with the same blocks, but fewer and thinner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from fastmri.models import Unet
from monai.networks.nets.attentionunet import AttentionUnet
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.segresnet import SegResNet
from monai.networks.nets.unet import UNet
from torch import Tensor, nn
from torchvision import models  # type: ignore[import-untyped]
from torchvision.models.convnext import CNBlockConfig, ConvNeXt  # type: ignore[import-untyped]
from torchvision.models.densenet import DenseNet  # type: ignore[import-untyped]
from torchvision.models.efficientnet import EfficientNet, MBConvConfig  # type: ignore[import-untyped]
from torchvision.models.regnet import BlockParams, RegNet  # type: ignore[import-untyped]
from torchvision.models.resnet import Bottleneck, ResNet  # type: ignore[import-untyped]
from torchvision.models.segmentation.deeplabv3 import DeepLabHead, DeepLabV3  # type: ignore[import-untyped]
from torchvision.models.segmentation.fcn import FCNHead  # type: ignore[import-untyped]
from torchvision.models.vgg import make_layers  # type: ignore[import-untyped]

from recon.nn.conversion import EquivariantNetwork, make_equivariant
from tests.nn.conversion.checks import prepared


@dataclass(frozen=True, slots=True)
class Case:
    """A network, and what it takes."""

    build: Callable[[], nn.Module]
    size: tuple[int, ...] = (32, 32)
    channels: int = 3
    shifts: int = 4


class Backbone(nn.Module):
    """The layers of a residual network up to the third, as DeepLabV3 reads them."""

    def __init__(self, network: ResNet) -> None:
        super().__init__()
        self.stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        self.layer1, self.layer2, self.layer3 = network.layer1, network.layer2, network.layer3

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Give the features of two layers."""
        aux = self.layer2(self.layer1(self.stem(x)))
        return {"out": self.layer3(aux), "aux": aux}


def thin_resnet(blocks: Sequence[int] = (1, 2, 3, 1), *, dilated: bool = False) -> ResNet:
    """A ResNet-101 with fewer and thinner blocks."""
    dilation = [False, dilated, dilated]
    return ResNet(Bottleneck, blocks, num_classes=10, width_per_group=8, replace_stride_with_dilation=dilation)


def thin_densenet() -> DenseNet:
    """A DenseNet-121 with fewer and thinner layers."""
    return DenseNet(8, (2, 3, 2, 2), 16, num_classes=10)


def thin_convnext() -> ConvNeXt:
    """A ConvNeXt-Large with fewer and thinner blocks."""
    widths = ((16, 24, 1), (24, 32, 1), (32, 48, 2), (48, None, 1))
    return ConvNeXt([CNBlockConfig(*width) for width in widths], layer_scale=0.5, num_classes=10)


def thin_vgg() -> nn.Sequential:
    """A VGG-13 with thinner layers: its features, and its classifier of 7 x 7 places."""
    features = make_layers([8, 8, "M", 16, 16, "M", 16, 16, "M", 32, 32, "M", 32, 32, "M"])
    classifier = (nn.Linear(32 * 7 * 7, 16), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(16, 10))
    return nn.Sequential(features, nn.AdaptiveAvgPool2d((7, 7)), nn.Flatten(1), *classifier)


def thin_deeplab(*, auxiliary: bool = False) -> DeepLabV3:
    """A DeepLabV3 with fewer and thinner blocks, and its dilations by 12 to 36 pixels divided by 6."""
    backbone = Backbone(thin_resnet((1, 1, 2, 1), dilated=True))
    return DeepLabV3(backbone, DeepLabHead(1024, 3, (2, 4, 6)), FCNHead(512, 3) if auxiliary else None)


def thin_efficientnet() -> EfficientNet:
    """An EfficientNet-B0 with fewer and thinner blocks."""
    fine, coarse = ((1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 1)), ((6, 3, 2, 40, 80, 1), (6, 5, 2, 80, 48, 1))
    blocks = (*fine, (6, 5, 2, 24, 40, 2), *coarse)
    return EfficientNet([MBConvConfig(*block) for block in blocks], dropout=0.2, num_classes=10)


def thin_regnet() -> RegNet:
    """A RegNet-Y with fewer and thinner blocks."""
    blocks = BlockParams.from_init_params(depth=6, w_0=16, w_a=16.0, w_m=2.0, group_width=8, se_ratio=0.25)
    return RegNet(blocks, num_classes=10)


MODELS: dict[str, Case] = {
    "fastmri Unet": Case(lambda: Unet(1, 1, 4, 3), channels=1),
    "monai UNet": Case(lambda: UNet(2, 1, 2, (4, 8, 16), (2, 2), num_res_units=2), (16, 16), 1),
    "monai BasicUNet": Case(lambda: BasicUNet(2, 1, 2, features=(4, 4, 8, 8, 16, 4)), channels=1),
    "monai SegResNet": Case(lambda: SegResNet(2, 8, 1, 2), channels=1),
    "monai AttentionUnet": Case(lambda: AttentionUnet(2, 1, 2, (4, 8, 16), (2, 2)), (16, 16), 1),
    "monai 3-D UNet": Case(lambda: UNet(3, 1, 2, (4, 8, 16), (2, 2), num_res_units=1), (16, 8, 8), 1),
    "resnet18": Case(lambda: models.resnet18(num_classes=10)),
    "thin resnet101": Case(thin_resnet),
    "thin densenet121": Case(thin_densenet),
    "mobilenet_v2": Case(lambda: models.mobilenet_v2(num_classes=10, width_mult=0.5)),
    "mobilenet_v3": Case(lambda: models.mobilenet_v3_small(num_classes=10, width_mult=0.5)),
    "thin vgg13": Case(thin_vgg),
    "thin convnext_large": Case(thin_convnext),
    "thin deeplabv3": Case(thin_deeplab, shifts=2),
    "googlenet": Case(lambda: models.googlenet(num_classes=10, aux_logits=False, init_weights=False), shifts=2),
    "thin efficientnet_b0": Case(thin_efficientnet),
    "shufflenet_v2": Case(lambda: models.shufflenet_v2_x0_5(num_classes=10)),
    "thin regnet": Case(thin_regnet),
}


@cache
def original(name: str) -> nn.Module:
    """Build a network, with numbers in its normalisations that are not those of the initialisation."""
    torch.manual_seed(0)
    return prepared(MODELS[name].build())


@cache
def converted(name: str, method: str = "mass") -> EquivariantNetwork:
    """Convert a network."""
    case = MODELS[name]
    return make_equivariant(original(name), method, example=torch.rand(1, case.channels, *case.size)).eval()

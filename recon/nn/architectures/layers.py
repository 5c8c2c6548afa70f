"""What the architectures share: the convolution with its normalisation, and the first weights."""

from torch import Tensor, nn


def convolution(n_in: int, n_out: int, kernel_size: int = 3, *, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """Give a convolution without bias that keeps the size of the image but for its stride."""
    padding = dilation * (kernel_size - 1) // 2
    return nn.Conv2d(n_in, n_out, kernel_size, stride, padding, dilation, bias=False)


def normalised(n_in: int, n_out: int, kernel_size: int = 3, *, dilation: int = 1) -> nn.Sequential:
    """Give a convolution, a batch normalisation and a ReLU."""
    return nn.Sequential(
        convolution(n_in, n_out, kernel_size, dilation=dilation), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)
    )


def mean_of_pixels(x: Tensor) -> Tensor:
    """Give the mean over the pixels of (B, C, H, W), (B, C), which no shift changes but for its rounding."""
    return nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)


def initialise(network: nn.Module) -> None:
    """Draw the weights of the convolutions anew, so that they keep the variance of the gradients (He et al. 2015)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)

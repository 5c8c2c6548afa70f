"""How close an output is to its target: NMSE, PSNR and SSIM, by the conventions of fastMRI and of LoDoPaB-CT."""

import math
from dataclasses import dataclass
from numbers import Real

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.errors import ConfigError, DataError, ShapeError
from recon.ops.checks import require_images
from recon.ops.tracing import recording

K1, K2 = 0.01, 0.03  # Wang et al. 2004


@dataclass(frozen=True, slots=True)
class Quality:
    """How close one image, or one volume, is to its target.

    Args:
        nmse: normalised mean squared error; 0 is best.
        psnr: peak signal-to-noise ratio in dB; infinite is best.
        ssim: structural similarity; 1 is best.
    """

    nmse: float
    psnr: float
    ssim: float


def nmse(output: Tensor, target: Tensor) -> Tensor:
    """Give the normalised mean squared error (B,) of images (B, C, H, W), in float64.

    NMSE = |output - target|**2 / |target|**2, over all pixels and channels of an image. Of a zero target it is 0 where
    the output is zero as well, and infinite (with a gradient of zero) where it is not. NaN where a pixel is NaN.

    >>> nmse(torch.tensor([[[[1.0, 2.0], [2.0, 0.0]]]]), torch.tensor([[[[1.0, 2.0], [2.0, 4.0]]]]))
    tensor([0.6400], dtype=torch.float64)
    """
    _require_alike(output, target)
    error = (output.double() - target.double()).square().flatten(1).sum(1)
    power = target.double().square().flatten(1).sum(1)
    ratio = error / torch.where(power == 0, 1.0, power)  # finite, for the sake of its gradient
    return torch.where((power == 0) & (error > 0), math.inf, ratio)


def psnr(output: Tensor, target: Tensor, data_range: float | Tensor) -> Tensor:
    """Give the peak signal-to-noise ratio (B,) of images (B, C, H, W) in dB, in float64.

    PSNR = 10 log10(data_range**2 / MSE), where MSE is the mean of (output - target)**2 over all pixels and channels of
    an image. Infinite, with no useful gradient, where output and target are equal.

    Args:
        output: images.
        target: images of the same shape.
        data_range: the peak, positive: a number for all images, or a tensor (B,). fastMRI takes the maximum of the
            target's volume, dival (LoDoPaB-CT) each target's maximum minus its minimum.

    >>> psnr(torch.full((1, 1, 8, 8), 0.1), torch.zeros(1, 1, 8, 8), 1.0)
    tensor([20.0000], dtype=torch.float64)
    """
    _require_alike(output, target)
    peak = _ranges(data_range, target)
    error = (output.double() - target.double()).square().flatten(1).mean(1)
    return 20 * torch.log10(peak) - 10 * torch.log10(error)


def ssim(output: Tensor, target: Tensor, data_range: float | Tensor, *, window: int = 7) -> Tensor:
    """Give the structural similarity (B,) of images (B, C, H, W), in float64.

    SSIM = (2 m_x m_y + c_1) (2 s_xy + c_2) / ((m_x**2 + m_y**2 + c_1) (s_xx + s_yy + c_2))

    with the means m and the unbiased (n / (n - 1), n = window**2) variances and covariance s of a square, unweighted
    window, c_1 = (0.01 data_range)**2 and c_2 = (0.03 data_range)**2, averaged over all places at which the window lies
    inside the image, and over the channels: what `skimage.metrics.structural_similarity` computes by default, as
    fastMRI and dival use it. Equal images give exactly 1. Differentiable everywhere, also at constant images.

    Reference: Wang et al. 2004, Image quality assessment, equation 13.

    Args:
        output: images.
        target: images of the same shape.
        data_range: a positive number for all images, or a tensor (B,); see `psnr`.
        window: side of the window in pixels, odd.

    >>> target = torch.arange(64.0).reshape(1, 1, 8, 8)
    >>> ssim(target, target, 63.0)
    tensor([1.], dtype=torch.float64)
    """
    _require_alike(output, target)
    _require_window(window, target)
    peak = _ranges(data_range, target).reshape(-1, 1, 1, 1)
    x, y = output.double(), target.double()  # the variances are small differences of large numbers
    unbiased = window**2 / (window**2 - 1)
    c1, c2 = (K1 * peak).square(), (K2 * peak).square()
    mean_x, mean_y = _window_means(x, window), _window_means(y, window)
    product, squares = mean_x * mean_y, mean_x.square() + mean_y.square()
    covariance = unbiased * (_window_means(x * y, window) - product)
    variances = unbiased * (_window_means(x.square() + y.square(), window) - squares)
    similarity = (2 * product + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))
    return similarity.flatten(1).mean(1)


def ssim_loss(output: Tensor, target: Tensor, data_range: float | Tensor, *, window: int = 7) -> Tensor:
    """Give the mean over the batch of 1 - SSIM, a scalar to be minimised: see `ssim`.

    Computed in float64, returned in the output's type, or in float32 if that has fewer digits. Its gradient is finite
    for all finite images, constant ones included.

    >>> output = torch.zeros(2, 1, 8, 8, requires_grad=True)
    >>> ssim_loss(output, torch.zeros(2, 1, 8, 8), 1.0)
    tensor(0., grad_fn=<ToCopyBackward0>)
    """
    loss = (1 - ssim(output, target, data_range, window=window)).mean()
    return loss.to(torch.promote_types(output.dtype, torch.float32))


@torch.no_grad()
def volume_quality(output: Tensor, target: Tensor, *, data_range: float | None = None) -> Quality:
    """Give the quality of a whole volume (S, 1, H, W) of slices, as fastMRI does.

    NMSE and PSNR are those of all pixels of the volume at once, SSIM is the mean over the slices; the data range of
    both is the maximum of the target's volume.

    Args:
        output: all slices of one volume.
        target: the same slices.
        data_range: another range than the target's maximum; needed where that is not positive.

    >>> volume_quality(torch.full((3, 1, 8, 8), 0.75), torch.ones(3, 1, 8, 8))
    Quality(nmse=0.0625, psnr=12.04..., ssim=0.960...)
    """
    _require_alike(output, target)
    if target.shape[0] == 0 or target.shape[1] != 1:
        raise ShapeError(f"a volume must have the shape (slices, 1, H, W), got {tuple(target.shape)}")
    if data_range is None:
        data_range = float(target.max())
        _require_peak(data_range > 0 and math.isfinite(data_range), "the maximum of the target's volume", data_range)
    slices = zip(output.split(1), target.split(1), strict=True)  # one by one, which needs little memory
    similarities = torch.cat([ssim(one, other, data_range) for one, other in slices])
    whole_output, whole_target = output.transpose(0, 1), target.transpose(0, 1)  # one image of S channels
    return Quality(
        nmse=float(nmse(whole_output, whole_target)),
        psnr=float(psnr(whole_output, whole_target, data_range)),
        ssim=float(similarities.mean()),
    )


@torch.no_grad()
def image_quality(output: Tensor, target: Tensor, *, data_range: float | Tensor | None = None) -> tuple[Quality, ...]:
    """Give the quality of each of the images (B, C, H, W), as dival does for LoDoPaB-CT.

    The data range of PSNR and SSIM is each target's own maximum minus its minimum.

    Args:
        output: images.
        target: images of the same shape.
        data_range: another range, for all images or (B,); needed where a target is constant.

    >>> target = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8)
    >>> image_quality(target + 0.125, target)
    (Quality(nmse=0.046..., psnr=18.06..., ssim=0.97...),)
    """
    _require_alike(output, target)
    if data_range is None:
        pixels = target.double().flatten(1)
        data_range = pixels.amax(1) - pixels.amin(1)
        least = float(data_range.min()) if len(data_range) else 1.0
        _require_peak(bool((data_range > 0).all()), "every target's maximum minus its minimum", least)
    values = (nmse(output, target), psnr(output, target, data_range), ssim(output, target, data_range))
    return tuple(Quality(*numbers) for numbers in zip(*(value.tolist() for value in values), strict=True))


def _window_means(x: Tensor, window: int) -> Tensor:
    """Average (B, C, H, W) over the windows that lie inside: (B, C, H - window + 1, W - window + 1)."""
    return F.avg_pool2d(F.avg_pool2d(x, (window, 1), stride=1), (1, window), stride=1)


def _require_alike(output: Tensor, target: Tensor) -> None:
    """Refuse what are not two batches of real images of one shape."""
    for x, name in ((output, "output"), (target, "target")):
        if isinstance(x, Tensor) and x.is_complex():
            raise DataError(f"{name} must be real, got {x.dtype}; take its magnitude first, {name}.abs()")
        require_images(x, 2, name=name)
    if output.shape != target.shape:
        raise ShapeError(
            f"output and target must have the same shape, got {tuple(output.shape)} and {tuple(target.shape)}; "
            f"crop or stack one of them"
        )
    if 0 in target.shape[1:]:
        raise ShapeError(f"output and target must have at least one pixel, got {tuple(target.shape)}")


def _require_window(window: int, x: Tensor) -> None:
    """Refuse a window without a middle or a variance, or larger than the images."""
    if isinstance(window, bool) or not isinstance(window, int) or window < 3 or window % 2 == 0:
        raise ConfigError(f"window must be an odd whole number of at least 3, got {window!r}")
    if window > min(x.shape[2:]):
        raise ShapeError(
            f"images must be at least as large as the window, {window} x {window}, got {tuple(x.shape[2:])}; give "
            f"larger images or a smaller window"
        )


def _ranges(data_range: float | Tensor, x: Tensor) -> Tensor:
    """Give the data range as a tensor (B,) or of one number (1,), positive, in float64 and where x is."""
    if not isinstance(data_range, Tensor | Real) or isinstance(data_range, bool):
        raise DataError(f"data_range must be a number or a tensor (B,), got {type(data_range).__name__}")
    ranges = torch.as_tensor(data_range, dtype=torch.float64, device=x.device)
    if ranges.ndim and ranges.shape != x.shape[:1]:
        raise ShapeError(
            f"data_range must be one number, or one for each of the {x.shape[0]} images, got a tensor of shape "
            f"{tuple(ranges.shape)}"
        )
    if not recording():  # a recorded graph cannot look
        fits = (ranges > 0) & ranges.isfinite()
        _require_peak(bool(fits.all()), "data_range", ranges[~fits].flatten()[:1])
    return ranges.reshape(-1)


def _require_peak(fits: bool, name: str, got: float | Tensor) -> None:
    """Raise an error unless the data range fits."""
    if not fits:
        raise DataError(
            f"{name} must be positive and finite, got {float(got):g}; PSNR and SSIM mean nothing without a range: "
            f"pass a positive data_range, or leave such images out"
        )

"""How each table of a certificate was measured, in words for who signs it; records have the formulas."""

from collections.abc import Mapping

from recon.evaluation.border import INSIDE
from recon.evaluation.equivariance import FURTHEST
from recon.records import Source

_PEAK = {"mri": "the largest value of the target's volume", "ct": "the target's largest less its smallest value"}
_WHOLE = {
    "mri": "As fastMRI measures it: NMSE and PSNR of all pixels of a volume, SSIM (windows of 7 x 7) as the mean of "
    "its slices",
    "ct": "As LoDoPaB-CT's authors measure it: NMSE, PSNR and SSIM (windows of 7 x 7) of each image",
}
_MOVED = {
    "mri": "The object moves by whole pixels and is measured again: its k-space takes the move, then the same "
    "undersampling, crop and scaling.",
    "ct": "The object moves by whole pixels and is measured again: it is projected and filtered back, without noise.",
}


def definitions(source: Source) -> Mapping[str, str]:
    """Give how it was measured, by the name of the table."""
    kind = source.modality
    clamp = source.settings.get("clamp")
    clamped = f" Targets are clamped at {clamp:g} deviations, as in training." if isinstance(clamp, float) else ""
    return {
        "Quality by stratum": f"{_WHOLE[kind]}; the peak is {_PEAK[kind]}. In brackets: 95 % bootstrap intervals, "
        f"which draw whole volumes; a single volume has none.{clamped}",
        "Quality of single slices": f"Slices as they lie, without any shift; the peak is {_PEAK[kind]}. Thirds are by "
        f"where a slice lies in its volume. In brackets: 95 % bootstrap intervals over volumes.",
        "The worst case over every shift": f"Each slice is shifted, reconstructed and moved back. PSNR is that of the "
        f"result against the target; NMSE is its squared difference from the result without a shift, over the energy "
        f"of that. Where shifts by whole periods change nothing, which is measured too, those below the period stand "
        f"for all that there are; where they do, random shifts by up to {FURTHEST} pixels are tried, or each of the "
        f"height x width.",
        "Inputs on which phases tie": "Made images, blank, striped or periodic, on which several phases are equally "
        "good, so that a network that chooses carelessly chooses another one after a shift. NMSE and difference are "
        "the largest over all shifts; ∞ is an output where there should be none.",
        "Fractions of a pixel": "The input is shifted by a fraction of a pixel, by its Fourier series, and the output "
        "is compared with the shifted output of the input itself. No network of this kind is exact here: what it does "
        "to single pixels makes frequencies that pixels cannot hold.",
        "Shifts that are not circular": f"Two crops of an image, some pixels apart downwards and to the right, are "
        f"reconstructed and compared on the pixels that both show; inside are those at least {INSIDE} pixels from the "
        f"border of either.",
        "The object moves before it is measured": f"{_MOVED[kind]} The outputs are compared after the same move, on "
        f"the pixels that come from inside the image. The floor is the same comparison of the two inputs: what no "
        f"network can mend.",
        "Selections and noise": "White Gaussian noise is added to the input, its deviation a share of the input's. "
        "Amplification is the relative error of the output over that of the input. The margin is the smallest relative "
        "gap between the two best phases; ∞ where no phase is selected.",
        "Two runs": "The model is opened twice, and both reconstruct the same images. The difference is of a pixel, at "
        "the network's scale.",
        "Speed and memory": "On this machine, whatever else it did: wall time of one image, median of several rounds; "
        "images in a second in batches; the most memory that one image takes. Told, and never part of a verdict on "
        "drift.",
    }

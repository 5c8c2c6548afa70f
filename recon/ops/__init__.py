"""Pure tensor functions over torch alone: phases, exact energies, periodic windows, blurs, symmetries."""

from recon.ops.blur import adaptive_blur, blur
from recon.ops.complex import as_channels, as_complex
from recon.ops.energies import phase_energies, pixel_energies
from recon.ops.periodic import pad_periodic, periodic_window, roll_images
from recon.ops.phases import keep_phase, merge_phases, phase_grid, phase_index, place_phase, split_phases
from recon.ops.pooling import dense_max, dense_mean, max_codes, max_pool_at, unpool
from recon.ops.resampling import upsample_linear, upsample_nearest
from recon.ops.selection import choose_phase, relative_gap, tied_phases
from recon.ops.symmetry import anchor_pixel, carry_position, is_symmetric, orbit_mean, surroundings_hash

__all__ = [
    "adaptive_blur",
    "anchor_pixel",
    "as_channels",
    "as_complex",
    "blur",
    "carry_position",
    "choose_phase",
    "dense_max",
    "dense_mean",
    "is_symmetric",
    "keep_phase",
    "max_codes",
    "max_pool_at",
    "merge_phases",
    "orbit_mean",
    "pad_periodic",
    "periodic_window",
    "phase_energies",
    "phase_grid",
    "phase_index",
    "pixel_energies",
    "place_phase",
    "relative_gap",
    "roll_images",
    "split_phases",
    "surroundings_hash",
    "tied_phases",
    "unpool",
    "upsample_linear",
    "upsample_nearest",
]

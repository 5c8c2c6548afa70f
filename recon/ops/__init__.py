"""Pure tensor functions over torch alone: phases, exact energies, windows, blurs, symmetries; MRI and CT physics."""

from recon.ops.beam_geometry import LODOPAB, ParallelBeam, lodopab_like
from recon.ops.blur import adaptive_blur, blur
from recon.ops.complex import as_channels, as_complex
from recon.ops.energies import phase_energies, pixel_energies
from recon.ops.filtered_back_projection import filtered_back_projection
from recon.ops.fourier import (
    cartesian_adjoint,
    cartesian_forward,
    centred_fft,
    centred_ifft,
    fourier_shift,
    move_kspace,
    sample_columns,
)
from recon.ops.intensity import centre_crop, normalise
from recon.ops.parallel_beam import back_project, project
from recon.ops.periodic import pad_periodic, periodic_window, roll_images
from recon.ops.phases import keep_phase, merge_phases, phase_grid, phase_index, place_phase, split_phases
from recon.ops.pooling import dense_max, dense_mean, max_codes, max_pool_at, unpool
from recon.ops.resampling import upsample_linear, upsample_nearest
from recon.ops.selection import choose_phase, relative_gap, tied_phases
from recon.ops.symmetry import anchor_pixel, carry_position, is_symmetric, orbit_mean, surroundings_hash

__all__ = [
    "LODOPAB",
    "ParallelBeam",
    "adaptive_blur",
    "anchor_pixel",
    "as_channels",
    "as_complex",
    "back_project",
    "blur",
    "carry_position",
    "cartesian_adjoint",
    "cartesian_forward",
    "centre_crop",
    "centred_fft",
    "centred_ifft",
    "choose_phase",
    "dense_max",
    "dense_mean",
    "filtered_back_projection",
    "fourier_shift",
    "is_symmetric",
    "keep_phase",
    "lodopab_like",
    "max_codes",
    "max_pool_at",
    "merge_phases",
    "move_kspace",
    "normalise",
    "orbit_mean",
    "pad_periodic",
    "periodic_window",
    "phase_energies",
    "phase_grid",
    "phase_index",
    "pixel_energies",
    "place_phase",
    "project",
    "relative_gap",
    "roll_images",
    "sample_columns",
    "split_phases",
    "surroundings_hash",
    "tied_phases",
    "unpool",
    "upsample_linear",
    "upsample_nearest",
]

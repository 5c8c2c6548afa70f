"""A coronal knee in proton-density contrast, with and without fat saturation, drawn from random numbers."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from recon.data.scenes.drawing import Grid, Image
from recon.data.scenes.knee.drawing import KneeDrawing, Signals
from recon.data.scenes.knee.joint import paint_joint
from recon.data.scenes.knee.patient import Patient
from recon.data.scenes.knee.tubes import Frame

PROTON_DENSITY = Signals(
    fat=0.80, septum=0.45, skin=0.34, marrow=0.64, red_marrow=0.42, muscle=0.33, fascia=0.22, cortex=0.06,
    cartilage=0.45, fluid=0.62, synovium=0.52, meniscus=0.09, tendon=0.07, cruciate=0.24, artery=0.10, vein=0.40,
    nerve=0.45, fat_saturated=False,
)  # fmt: skip
FAT_SATURATED = Signals(
    fat=0.185, septum=0.22, skin=0.40, marrow=0.165, red_marrow=0.25, muscle=0.32, fascia=0.12, cortex=0.05,
    cartilage=0.43, fluid=0.90, synovium=0.34, meniscus=0.10, tendon=0.07, cruciate=0.21, artery=0.16, vein=0.42,
    nerve=0.46, fat_saturated=True,
)  # fmt: skip
BLUR = (0.18, 0.27)  # mm, deviations along rows and columns


class Knee:
    """One patient's knee: slices at any depth on any grid, in both contrasts.

    Rows run from head to foot; z, in mm, from the front (negative) to the back, and the slices worth having lie within
    `depth / 2` of 0. Signals are free of noise, coils and phase, and exactly 0 in the air.
    """

    depth: float

    def __init__(self, random: np.random.Generator) -> None:
        """Draw the patient's anatomy, its lesions, and how the limb lies in the scanner."""
        self._patient = Patient(random)
        self._signals = tuple(signals.toned(self._patient.tones) for signals in (PROTON_DENSITY, FAT_SATURATED))
        front, back = self._patient.extent()
        self.depth = back - front + 5.0
        self._middle = (front + back) / 2

    def slice(self, z: float, grid: Grid, *, fat_saturated: bool) -> Image:
        """Give the (rows, columns) signal, float32 in [0, 1], at depth z on a grid."""
        depth = z + self._middle
        if not self._patient.skin.section(depth).visible:
            return np.zeros(grid.shape, np.float32)
        frame = Frame(depth, grid, self._patient.pose, self._patient.warp)
        drawing = KneeDrawing(self._patient, frame, self._signals[fat_saturated])
        drawing.skin_and_fat()
        drawing.muscles()
        drawing.vessels()
        drawing.tendons()
        paint_joint(drawing)
        return np.clip(grid.average(_blurred(drawing.finished(), grid.spacing / grid.oversampling)), 0, 1)


def _blurred(image: Image, step: float) -> Image:
    """Blur by about what the echo train's decay and the readout leave of the pixels; air stays 0."""
    for axis, deviation in enumerate(BLUR):
        image = gaussian_filter1d(image, deviation / step, axis=axis, mode="nearest", truncate=2.5)
    return image

"""A coronal knee in proton-density contrast, with and without fat saturation, drawn from random numbers."""

import numpy as np

from recon.data.scenes.drawing import Grid, Image
from recon.data.scenes.knee.drawing import KneeDrawing, Signals
from recon.data.scenes.knee.joint import paint_joint
from recon.data.scenes.knee.patient import Patient
from recon.data.scenes.knee.tubes import Frame

PROTON_DENSITY = Signals(
    fat=0.80, septum=0.45, skin=0.34, marrow=0.64, red_marrow=0.42, muscle=0.33, fascia=0.22, cortex=0.06,
    cartilage=0.47, fluid=0.62, synovium=0.52, meniscus=0.09, tendon=0.07, cruciate=0.24, artery=0.10, vein=0.40,
    nerve=0.45, fat_saturated=False,
)  # fmt: skip
FAT_SATURATED = Signals(
    fat=0.17, septum=0.21, skin=0.36, marrow=0.15, red_marrow=0.24, muscle=0.34, fascia=0.22, cortex=0.05,
    cartilage=0.54, fluid=0.88, synovium=0.34, meniscus=0.10, tendon=0.07, cruciate=0.22, artery=0.16, vein=0.72,
    nerve=0.46, fat_saturated=True,
)  # fmt: skip


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
        return np.clip(grid.average(drawing.finished()), 0, 1)

"""Painting one slice of a knee, from the skin inwards."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from recon.data.scenes.drawing import Image, Texture, inside, paint
from recon.data.scenes.knee.patient import Patient
from recon.data.scenes.knee.tubes import Frame, Tube, Window, shared_window

SKIN_SLICE = 4.0  # mm: the thickness over which slices see the body's surface


@dataclass(frozen=True, slots=True)
class Signals:
    """What each tissue gives in one contrast, of a maximum of 1."""

    fat: float
    septum: float
    skin: float
    marrow: float
    red_marrow: float
    muscle: float
    fascia: float
    cortex: float
    cartilage: float
    fluid: float
    synovium: float
    meniscus: float
    tendon: float
    cruciate: float
    artery: float
    vein: float
    nerve: float
    fat_saturated: bool

    def toned(self, tones: Mapping[str, float]) -> "Signals":
        """Give the same contrast in a patient some of whose tissues are brighter or darker by these factors."""
        return replace(self, **{name: getattr(self, name) * tone for name, tone in tones.items()})


class KneeDrawing:
    """The canvas of one slice, and the steps that paint it."""

    def __init__(self, patient: Patient, frame: Frame, signals: Signals) -> None:
        """Start with air."""
        self.patient, self.frame, self.signals = patient, frame, signals
        self.canvas = np.zeros(frame.y.shape, np.float32)
        self.body = np.zeros_like(self.canvas)
        self.under = np.zeros_like(self.canvas)  # of the body's share of a pixel, what lies under the skin
        self.fat, self.gain = np.zeros_like(self.canvas), np.zeros_like(self.canvas)

    def skin_and_fat(self) -> None:
        """Paint the skin and the fat under it, lobed by septa."""
        patient, frame, signals = self.patient, self.frame, self.signals
        window = frame.window(patient.skin.section(frame.z, thickness=SKIN_SLICE).box)
        self.body[window] = body = frame.overlap(patient.skin, window, thickness=SKIN_SLICE)
        lobules = frame.texture(patient.textures.lobules, window)
        strands = frame.texture(patient.textures.strands, window)
        septa = self._strands(lobules + 0.25 * strands, 8.0) * np.clip(0.55 + 0.5 * strands, 0, 0.85)
        septa = np.maximum(septa, self._strands(strands, 5.0) * np.clip(0.3 + 0.35 * lobules, 0, 0.6))
        self.gain[window] = gain = 1 + 0.05 * self._saturation(window)
        fat = signals.fat * gain * (1 + 0.03 * strands + 0.025 * lobules)
        self.fat[window] = fat = paint(fat, septa, signals.septum)
        under = frame.overlap(patient.fat, window, thickness=SKIN_SLICE) / np.maximum(body, 0.01)
        self.under[window] = under = np.minimum(under, 1)
        self.canvas[window] = paint(signals.skin * (1 + 0.1 * lobules), under, fat)

    def muscles(self) -> None:
        """Paint the deep compartment: fascia, and muscles parted by thin septa of fat."""
        patient, frame, signals = self.patient, self.frame, self.signals
        section = patient.envelope.section(frame.z)
        if not section.visible:
            return
        window = frame.window(section.box)
        envelope = frame.distance(section, window)
        patches = frame.texture(patient.textures.patches, window)
        fibres, bundles = (self._fibres(field, window) for field in (patient.textures.fibres, patient.textures.bundles))
        self._deep_fat(window, bundles)
        best, second = np.full_like(envelope, 30), np.full_like(envelope, 30)
        for tube in patient.muscles:
            section = tube.section(frame.z)
            if section.visible:
                part, local = shared_window(window, frame.window(section.box))
                distance = frame.distance(section, part)
                second[local] = np.minimum(second[local], np.maximum(best[local], distance))
                best[local] = np.minimum(best[local], distance)
        gap = 0.5 * (second - best) - np.maximum(0.45 + 0.4 * patches, 0.1) + 0.15 * fibres
        septa = np.clip(0.3 - gap, 0, 1)
        streaks = np.maximum(1 - np.abs(bundles + 0.25 * fibres) * 7, 0) * np.clip(0.7 * patches + 0.2 * fibres, 0, 0.6)
        edge = np.maximum(best, envelope + 0.8) + 0.2 * fibres + 0.3 * bundles + 0.8 * patches
        muscle = signals.muscle * (1 + 0.035 * fibres + 0.035 * bundles + 0.05 * patches)
        muscle = paint(muscle, np.maximum(septa, streaks), self.fat[window] * 0.85)
        self.canvas[window] = paint(self.canvas[window], inside(edge, 1.2), muscle)

    def _deep_fat(self, window: Window, bundles: Image) -> None:
        """Thread the fat under the fascia with strands of connective tissue."""
        mottle = self.frame.texture(self.patient.textures.mottle, window)
        threads = self._strands(mottle + 0.4 * bundles, 4.0) * np.clip(0.2 + 0.3 * bundles, 0, 0.5)
        fat = self.signals.fat * 0.92 * self.gain[window] * (1 + 0.03 * mottle + 0.02 * bundles)
        value = paint(fat, threads, self.signals.septum)
        cover = self.frame.overlap(self.patient.envelope, window)
        shell = cover - self.frame.overlap(self.patient.inner_envelope, window)
        fascia = np.maximum(shell, 0) * np.clip(0.95 + 0.12 * mottle + 0.15 * bundles, 0.3, 1.3)
        canvas = paint(self.canvas[window], cover, value)
        self.canvas[window] = paint(canvas, fascia, self.signals.fascia)

    def tendons(self) -> None:
        """Paint the tendons and the ligaments outside the joint."""
        patient, signals = self.patient, self.signals
        bands = [(tube, (signals.fascia + signals.fat) / 2, 0.0) for tube in patient.retinacula]
        for tube, signal, striped in bands + [(tube, signals.tendon, 0.6) for tube in patient.tendons]:
            section = tube.section(self.frame.z, thickness=3.0)
            if section.visible:
                window = self.frame.window(section.box)
                fibres = self.frame.texture(patient.textures.fibres, window)
                bundles = self.frame.texture(patient.textures.bundles, window)
                cover = self.frame.overlap(tube, window, fray=0.15 * fibres + 0.3 * bundles)
                value = signal * (1 + striped * np.maximum(fibres + bundles, -1))
                self.canvas[window] = paint(self.canvas[window], cover * self.under[window], value)

    def vessels(self) -> None:
        """Paint vessels and nerves."""
        patient, signals = self.patient, self.signals
        for name, tube in patient.vessels.items():
            kind = name.rsplit(" ", 1)[-1]
            self.tube(tube, {"artery": signals.artery, "vein": signals.vein}.get(kind, signals.nerve))
        for number, tube in enumerate(patient.branches):
            self.tube(tube, signals.artery if number % 2 else signals.vein)

    def tube(self, tube: Tube, value: float, *, striped: float = 0.1) -> None:
        """Paint a tube with fibres of this contrast."""
        section = tube.section(self.frame.z)
        if section.visible:
            window = self.frame.window(section.box)
            fibres = self.frame.texture(self.patient.textures.fibres, window)
            signal = value * (1 + striped * fibres)
            cover = self.frame.cover(section, window) * self.under[window]
            self.canvas[window] = paint(self.canvas[window], cover, signal)

    def finished(self) -> Image:
        """Give the canvas, with air around the body."""
        return self.canvas * self.body

    def _fibres(self, texture: Texture, window: Window, lean: float = 0.18) -> Image:
        """Evaluate a texture whose long direction leans towards the limb's axis going down, on both of its sides."""
        frame = self.frame
        y, x = frame.grid_y[window[0]], frame.grid_x[:, window[1]]
        if y.size < 2 or x.size < 2:
            return frame.texture(texture, window)
        step = float(x[0, 1] - x[0, 0])
        columns = np.abs(x[0] - frame.pose.offset[1]) / step
        shift = np.rint((y[:, 0] + 300) * (lean / step)).astype(np.int64)
        aside = np.rint(columns).astype(np.int64)
        shift -= shift.min()
        first = float(y[0, 0] + 300) * lean
        wide = np.arange(int(aside.max() + shift.max()) + 1, dtype=np.float32)[None, :] * step + first
        field = texture.at(frame.z, y, wide)
        rows = np.arange(len(shift)) * wide.shape[1] + shift
        return field.ravel().take(rows[:, None] + aside)

    def _strands(self, field: Image, sharpness: float) -> Image:
        """Give thin lines where a field rises through 0 to the right: open strands, not whole contours."""
        rise = np.zeros_like(field)
        np.subtract(field[:, 1:], field[:, :-1], out=rise[:, 1:])
        rise *= np.float32(4 / (self.frame.grid_x[0, 1] - self.frame.grid_x[0, 0]))
        rise -= np.float32(0.2)
        lines = np.maximum(1 - np.abs(field) * np.float32(sharpness), 0)
        lines *= np.clip(rise, 0, 1, out=rise)
        return lines

    def _saturation(self, window: Window) -> Image:
        """Give how much fat signal comes back where saturation fails, and a slow drift elsewhere."""
        frame, patient = self.frame, self.patient
        drift = frame.texture(patient.textures.bias, window)
        if not self.signals.fat_saturated:
            return drift
        edge = (frame.grid_y[window[0]] / 95) ** 2 + (frame.grid_x[:, window[1]] / 85) ** 2
        return 2 * drift + (40 * patient.saturation_failure) * np.maximum(edge + 0.15 * drift - 0.75, 0)

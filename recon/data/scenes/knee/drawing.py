"""Painting one slice of a knee, from the skin inwards."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from recon.data.scenes.drawing import Image, Texture, inside, paint
from recon.data.scenes.knee.patient import Patient
from recon.data.scenes.knee.tubes import Frame, Section, Tube, Window, shared_window


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
        self.fat = self.gain = self.canvas

    def skin_and_fat(self) -> None:
        """Paint the skin and the fat under it, lobed by septa."""
        patient, frame, signals = self.patient, self.frame, self.signals
        everything = (slice(None), slice(None))
        section = patient.skin.section(frame.z, thickness=4.0)
        window = frame.window(section.box)
        self.body[window] = frame.cover(section, window)
        lobules = frame.texture(patient.textures.lobules, everything)
        strands = frame.texture(patient.textures.strands, everything)
        self.canvas += signals.skin * (1 + 0.1 * lobules)
        septa = np.maximum(1 - np.abs(lobules + 0.3 * strands) * 6, 0) * np.clip(0.2 + 0.5 * strands, 0, 0.8)
        self.gain = 1 + 0.05 * self._saturation()
        self.fat = signals.fat * self.gain * (1 + 0.03 * strands + 0.025 * lobules)
        self.fat = paint(self.fat, septa, signals.septum)
        section = patient.fat.section(frame.z)
        if section.visible:
            window = frame.window(section.box)
            self.canvas[window] = paint(self.canvas[window], frame.cover(section, window), self.fat[window])

    def muscles(self) -> None:
        """Paint the deep compartment: fascia, and muscles parted by thin septa of fat."""
        patient, frame, signals = self.patient, self.frame, self.signals
        section = patient.envelope.section(frame.z)
        if not section.visible:
            return
        window = frame.window(section.box)
        envelope = frame.distance(section, window)
        patches = frame.texture(patient.textures.patches, window)
        self._deep_fat(section, window)
        best, second = np.full_like(envelope, 30), np.full_like(envelope, 30)
        for tube in patient.muscles:
            section = tube.section(frame.z)
            if section.visible:
                part, local = shared_window(window, frame.window(section.box))
                distance = frame.distance(section, part)
                second[local] = np.minimum(second[local], np.maximum(best[local], distance))
                best[local] = np.minimum(best[local], distance)
        fibres = self._fibres(patient.textures.fibres, window)
        bundles = self._fibres(patient.textures.bundles, window)
        gap = 0.5 * (second - best) - np.maximum(0.45 + 0.4 * patches, 0.1) + 0.15 * fibres
        septa = np.clip(0.3 - gap, 0, 1)
        streaks = np.clip((bundles + 0.5 * fibres + 0.4 * patches - 1.75) * 1.2, 0, 0.7)
        edge = np.maximum(best, envelope + 0.8) + 0.2 * fibres + 0.2 * bundles
        muscle = signals.muscle * (1 + 0.06 * fibres + 0.025 * bundles + 0.05 * patches)
        muscle = paint(muscle, np.maximum(septa, streaks), self.fat[window] * 0.85)
        self.canvas[window] = paint(self.canvas[window], inside(edge, 1.2), muscle)

    def _deep_fat(self, envelope: Section, window: Window) -> None:
        """Thread the fat under the fascia with strands of connective tissue."""
        textures = self.patient.textures
        bundles, mottle = self.frame.texture(textures.bundles, window), self.frame.texture(textures.mottle, window)
        threads = np.maximum(1 - np.abs(mottle + 0.4 * bundles) * 4, 0) * np.clip(0.1 + 0.3 * bundles, 0, 0.5)
        fat = self.signals.fat * 0.92 * self.gain[window] * (1 + 0.03 * mottle + 0.02 * bundles)
        value = paint(fat, threads, self.signals.septum)
        cover = self.frame.cover(envelope, window)
        broad = float(np.clip(envelope.half.max() / 12 - 1, 0, 1))
        line = inside(np.abs(self.frame.distance(envelope, window)) - 0.4, 0.8)
        fascia = line * np.clip(0.5 + 0.3 * mottle, 0, 0.9) * broad
        canvas = paint(self.canvas[window], cover, value)
        self.canvas[window] = paint(canvas, fascia, self.signals.fascia)

    def tendons(self) -> None:
        """Paint the tendons and the ligaments outside the joint."""
        for tube in self.patient.tendons:
            self.tube(tube, self.signals.tendon, striped=0.8)

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
            self.canvas[window] = paint(self.canvas[window], self.frame.cover(section, window), signal)

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

    def _saturation(self) -> Image:
        """Give how much fat signal comes back where saturation fails, and a slow drift elsewhere."""
        frame, patient = self.frame, self.patient
        drift = patient.textures.bias.at(frame.z, frame.grid_y, frame.grid_x)
        if not self.signals.fat_saturated:
            return drift
        edge = (frame.grid_y / 95) ** 2 + (frame.grid_x / 85) ** 2
        return 2 * drift + (40 * patient.saturation_failure) * np.maximum(edge + 0.15 * drift - 0.75, 0)

"""Painting the knee's joint: bones with their cartilage, menisci, cruciate ligaments, fluid and lesions."""

import numpy as np

from recon.data.scenes.drawing import Image, ellipse_distance, inside, paint
from recon.data.scenes.knee.bones import Bone, smooth_union
from recon.data.scenes.knee.drawing import KneeDrawing
from recon.data.scenes.knee.patient import Spot
from recon.data.scenes.knee.tubes import Window, shared_window, within_window


def paint_joint(drawing: KneeDrawing) -> None:
    """Paint the bones, and between them cartilage, menisci and fluid."""
    femur, tibia = drawing.patient.bones.femur(drawing.frame), drawing.patient.bones.tibia(drawing.frame)
    _paint_effusion(drawing, femur)
    _paint_gap(drawing, femur, tibia)
    drawing.tube(drawing.patient.cruciate, drawing.signals.cruciate, striped=0.45)
    drawing.tube(drawing.patient.posterior_cruciate, drawing.signals.tendon, striped=0.3)
    _paint_bone(drawing, femur, "femur")
    _paint_bone(drawing, tibia, "tibia")
    section = drawing.patient.bones.fibula_tube.section(drawing.frame.z)
    if section.visible:
        window = drawing.frame.window(section.box)
        distance = drawing.frame.distance(section, window)
        _paint_bone(drawing, Bone(window, distance, np.zeros_like(distance)), "fibula")
    patella = drawing.patient.bones.patella(drawing.frame)
    if patella is not None:
        _paint_bone(drawing, patella, "patella")


def _paint_bone(drawing: KneeDrawing, bone: Bone, name: str) -> None:
    """Paint a bone: cortex, and in it marrow with trabeculae, a growth scar and lesions."""
    window, distance = bone.window, bone.distance
    if distance.size == 0:
        return
    patient, frame, signals = drawing.patient, drawing.frame, drawing.signals
    y, x = frame.y[window], frame.x[window]
    mottle = frame.texture(patient.textures.mottle, window)
    patches = frame.texture(patient.textures.patches, window)
    cartilage = np.clip((2.3 + 0.25 * mottle - distance) / 0.7 + 0.5, 0, 1) * bone.articular
    distance = distance + (0.3 * mottle + 0.35 * patches) * (1 - 0.8 * bone.articular)
    value = signals.cartilage * (0.78 + 0.16 * np.clip(distance, 0, 2.4) + 0.06 * mottle)  # darker towards the bone
    canvas = paint(drawing.canvas[window], cartilage, value)
    trabeculae = frame.texture(patient.textures.trabeculae, window)
    pale = np.clip(0.25 + 0.3 * mottle + 0.3 * patches + 0.08 * trabeculae, 0.05, 0.7) * (1 - 0.7 * bone.articular)
    canvas = paint(canvas, inside(distance, 0.7), signals.cortex + pale * (0.6 * signals.marrow))
    thick = {"femur": np.clip((-y - 52) / 12, 0, 3.6), "tibia": np.clip((y - 42) / 12, 0, 3.8)}.get(name, 0.2)
    marrow = signals.marrow * drawing.gain[window] * (1 + 0.045 * trabeculae + 0.035 * mottle)
    red = np.clip(0.5 + 0.8 * mottle, 0, 1) * patient.red_marrow
    if name in ("femur", "tibia"):
        middle = -75 if name == "femur" else 75
        marrow = paint(marrow, red * np.clip(1.2 - np.abs(y - middle) / 45, 0, 1), signals.red_marrow)
        scar = patient.scars[0] + 4 * np.cos(x / 7.5) if name == "femur" else patient.scars[1] - 3 * np.cos(x / 11)
        line = np.clip(1.4 - np.abs(y - scar - 0.6 * mottle), 0, 1) * patient.scar_strength
        marrow = paint(marrow, line * np.clip(0.6 + 0.5 * mottle, 0, 1), signals.cortex * 2.5)
    for spots, diffuse in ((patient.oedema, True), (patient.cysts, False)):
        for spot in spots:
            marrow = _with_lesion(drawing, marrow, spot, window, diffuse=diffuse)
    inner = distance + thick * (1 + 0.15 * patches) + bone.cortex * np.clip(1 + 0.45 * mottle, 0.4, 2)
    inner = _moved_down(inner, patient.chemical_shift / float(frame.grid_y[1, 0] - frame.grid_y[0, 0]))
    drawing.canvas[window] = paint(canvas, inside(inner + 0.06 * trabeculae, 1.1), marrow)


def _with_lesion(drawing: KneeDrawing, marrow: Image, spot: Spot, window: Window, *, diffuse: bool) -> Image:
    """Lay a lesion over marrow: a diffuse oedema or a cyst."""
    depth = drawing.patient.build.table_depth(drawing.frame.z, y=spot.centre[0], x=spot.centre[1])
    t = (depth - spot.centre[2]) / spot.radii[2]
    if abs(t) >= 1:
        return marrow
    scale = float(np.sqrt(1 - t * t))
    radii = (spot.radii[0] * scale, spot.radii[1] * scale)
    frame, signals, textures = drawing.frame, drawing.signals, drawing.patient.textures
    distance = ellipse_distance(frame.y[window], frame.x[window], centre=spot.centre[:2], radii=radii)
    if diffuse:
        distance = (
            distance + 3.0 * frame.texture(textures.patches, window) + 1.5 * frame.texture(textures.mottle, window)
        )
        value = signals.fluid * 0.75 if signals.fat_saturated else signals.marrow * 0.6
        return paint(marrow, inside(distance, 8.0) * spot.strength, value)
    return paint(marrow, inside(distance, 0.6) * spot.strength, signals.fluid)


def _paint_effusion(drawing: KneeDrawing, femur: Bone) -> None:
    """Paint joint fluid along the sides of the femur and in the pouch above the kneecap."""
    frame, patient = drawing.frame, drawing.patient
    depth = patient.build.table_depth(frame.z, y=-30, x=0)
    amount = patient.effusion * float(np.interp(depth, [-42, -34, -20, 0, 15], [0.6, 1.5, 1.0, 0.5, 0]))
    if amount < 0.3:
        return
    window = femur.window
    y = frame.y[window]
    height = np.clip((y + 62) / 12, 0, 1) * np.clip((4 - y) / 6, 0, 1)
    uneven = np.clip(0.4 + 0.9 * frame.texture(patient.textures.patches, window), 0, 2)
    cover = inside(femur.distance - (1.6 * amount) * height * uneven, 0.8) * np.clip(height * 4, 0, 1)
    drawing.canvas[window] = paint(drawing.canvas[window], cover, drawing.signals.fluid)


def _paint_gap(drawing: KneeDrawing, femur: Bone, tibia: Bone) -> None:
    """Paint what lies between femur and tibia: capsule and synovium in the notch, fluid, the menisci."""
    frame, patient, signals = drawing.frame, drawing.patient, drawing.signals
    window = frame.window((-14, 16, -46, 46))
    y, x = frame.y[window], frame.x[window]
    if y.size == 0:
        return
    above, below = _over(femur, window), _over(tibia, window)
    nearest = np.maximum(above, below)
    depth = patient.build.table_depth(frame.z, y=0, x=0)
    span = 39 * float(np.sqrt(max(1 - ((depth - 2) / 30) ** 2, 0)))
    nearest = np.maximum(nearest, np.abs(y - 2) - 5)
    present = float(np.clip((depth + 20) / 6, 0, 1))
    joint = inside(nearest - 7.0, 2) * inside(np.abs(x) - span, 1.5)
    sides = np.clip((np.abs(x) - 6) / 4, 0, 1)
    canvas = paint(drawing.canvas[window], joint * (0.8 * present) * (0.4 + 0.6 * sides), signals.synovium)
    line = inside(nearest - 2.6, 1.0) * inside(np.abs(x) - span + 2, 1.5) * present * sides
    canvas = paint(canvas, line, signals.fluid)
    for side in (-1, 1):
        canvas = _with_meniscus(drawing, canvas, side, x, y, above, below)
    drawing.canvas[window] = canvas


def _with_meniscus(
    drawing: KneeDrawing, canvas: Image, side: int, x: Image, y: Image, above: Image, below: Image
) -> Image:
    """Paint the meniscus of one side: what its C-shaped outline leaves between the cartilages."""
    patient, signals = drawing.patient, drawing.signals
    middle = 20.5
    depth = patient.build.table_depth(drawing.frame.z, y=0, x=side * middle) - 1.0
    if abs(depth) > 24:
        return canvas
    outer = 18.6 * float(np.sqrt(1 - (depth / 24.5) ** 2))
    inner = 7.0 * float(np.sqrt(max(1 - (depth / 13.5) ** 2, 0)))
    u = (x * side - middle) / patient.bones.size
    ring = np.maximum(np.abs(u) - outer, inner - np.abs(u))
    if abs(depth) < 11:
        ring = np.maximum(ring, -u)
    horn = 1 - inner / 7.0  # 0 in the body of the meniscus, 1 in its horns
    height = np.minimum(1 + 2.2 * horn + (0.62 - 0.5 * horn) * (np.abs(u) - inner), 7 - 2.5 * horn)
    level = float(patient.bones.plateau(drawing.frame.z, np.asarray([side * 26.0], np.float32))[0])
    wedge = np.maximum(1.9 - np.minimum(above, below), below - 2.2 - height)
    wedge = -smooth_union(-np.maximum(wedge, y - (level - 0.5)), -ring, 1.6)
    present = float(np.clip((24 - abs(depth)) / 4, 0, 1))
    canvas = paint(canvas, inside(wedge, 0.6) * present, signals.meniscus)
    if patient.tear is not None and patient.tear[0] == side and abs(depth - patient.tear[1]) < 5:
        line = inside(np.abs(y - 4.0 + 0.25 * u) - 0.35, 0.6) * inside(wedge, 0.5)
        canvas = paint(canvas, line * 0.8, signals.fluid)
    return canvas


def _moved_down(image: Image, rows: float) -> Image:
    """Move an image down by the nearest whole number of rows, repeating the edge: where fat appears to lie."""
    whole = round(rows)
    return image[np.clip(np.arange(len(image)) - whole, 0, len(image) - 1)] if whole else image


def _over(bone: Bone, window: Window) -> Image:
    """Bring a bone's distances to another window, and large ones outside."""
    result = np.full((window[0].stop - window[0].start, window[1].stop - window[1].start), 30, np.float32)
    part, local = shared_window(window, bone.window)
    result[local] = bone.distance[within_window(part, bone.window)]
    return result

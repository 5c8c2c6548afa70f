"""What the report draws of the worst case: the inputs, target and outputs of every network for one slice and shift."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recon.evaluation.models import Model
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.files import written_whole
from recon.metrics.quality import psnr
from recon.ops.periodic import roll_images
from recon.records import Record, Word

PICTURES = "pictures"


def worst_record(records: Sequence[Record]) -> Record | None:
    """Give the record of the worst case: the largest change of PSNR over all networks, slices and shifts.

    Where no PSNR changes, that of the largest equivariance error.
    """
    found = [record for record in records if record.protocol == "worst" and record.slice is not None]

    def rank(record: Record) -> tuple[float, float]:
        change = abs(record.measures["delta_psnr"])
        return (0.0 if np.isnan(change) else change, record.measures["nmse"])

    return max(found, key=rank, default=None)


def draw_worst_case(models: Sequence[Model], study: Study, records: Sequence[Record], out: Path) -> Path | None:
    """Write the pictures of the worst case for all models, without their scaling, as a plain NumPy archive.

    It holds input, shifted_input and target (H, W), outputs and shifted_outputs (N, H, W) (the latter of the shifted
    input, moved back), the models' names (N,), and what they are of as JSON in `about`.
    """
    worst = worst_record(records)
    if worst is None:
        return None
    path = out / PICTURES / f"worst-{study.modality}.npz"
    batch = study.batch(Unit("worst case", (int(str(worst.settings["index"])),)))
    assert batch.target is not None  # the worst case was measured against it
    rows, columns = shift = _pair(worst.settings["shift"])
    moved = roll_images(batch.input, shift)
    outputs = torch.cat([model(batch.input) for model in models])
    backs = torch.cat([roll_images(model(moved), (-rows, -columns)) for model in models])
    pairs = [batch.undo(images.double()) for images in (outputs, backs)]
    target = batch.undo(batch.target.double())
    bitwise = [bool(torch.equal(one, other)) for one, other in zip(outputs, backs, strict=True)]
    about = _about(worst, study) | _compared(pairs, target, float(batch.data_range)) | {"bitwise": bitwise}
    arrays = {
        "input": batch.undo(batch.input)[0, 0],
        "shifted_input": batch.undo(moved)[0, 0],
        "target": target[0, 0].float(),
        "outputs": pairs[0][:, 0].float(),
        "shifted_outputs": pairs[1][:, 0].float(),
    }
    with written_whole(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            names=np.array([model.name for model in models]),
            about=np.array(json.dumps(about)),
            **{name: array.cpu().numpy() for name, array in arrays.items()},
        )
    return path


def _about(worst: Record, study: Study) -> dict[str, Word]:
    """Say what the pictures are of."""
    return {
        "shift": _pair(worst.settings["shift"]),
        "item": worst.item,
        "slice": worst.slice,
        "group": worst.group,
        "source": study.source.name,
        "synthetic": study.source.synthetic,
        "of": worst.subject.name,
    }


def _compared(pairs: Sequence[Tensor], target: Tensor, peak: float) -> dict[str, Word]:
    """Give the PSNR of the outputs and of those of the shifted input, and the change between them."""
    before, after = (psnr(images, target.expand_as(images), peak).tolist() for images in pairs)
    changes = [new - old for old, new in zip(before, after, strict=True)]
    return {"peak": peak, "psnr": before, "shifted_psnr": after, "delta_psnr": changes}


def _pair(words: Word) -> tuple[int, int]:
    """Read a shift as a record has it."""
    rows, columns = words if isinstance(words, list | tuple) else (0, 0)
    return int(str(rows)), int(str(columns))

"""The demo: every kind of sampling, trained and measured on synthetic knees and chests that are small enough."""

from pathlib import Path

from recon.data.sets import SetName
from recon.experiments.experiment import Branch, Experiment, Measurement, Synthetic
from recon.recipes import recipe

VARIANTS = ("plain", "plain-shifts", "lpf3", "aps", "aps3", "mass", "mass-unpool", "lps")
SIZE = 64  # pixels along each side: what two cores can train sixteen networks on in minutes

_WHOLE = ("quality", "equivariance", "ood")  # of every test slice, and of all photographs
_FEW = ("worst", "hard", "subpixel", "border", "physics", "stability", "layers")  # each of a few slices


def demo(out: Path, *, quick: bool = False) -> Experiment:
    """Give the demo; `quick` shows in a fifth of the time that everything works, and no more than that."""
    made = Synthetic(8, 6, SIZE) if quick else Synthetic(20, 16, SIZE)
    limit = 2 if quick else 12
    measurements = (
        Measurement(_WHOLE, limit=12 if quick else None),
        Measurement(_FEW, limit=limit),
        Measurement(("cost",), alone=True),
    )

    def branch(modality: SetName) -> Branch:
        other: SetName = "ct" if modality == "mri" else "mri"
        return Branch(
            modality,
            data=out / "data" / modality,
            variants=VARIANTS,
            recipes=(
                recipe(modality),
                recipe(f"demo/{modality}"),
                *([recipe("demo/quick")] if quick else []),
            ),
            measurements=measurements,
            made=made,
            other=out / "data" / other,
        )

    title = f"{'Quick demo' if quick else 'Demo'}: reconstruction under shifts"
    return Experiment("quick demo" if quick else "demo", title, out, (branch("mri"), branch("ct")))

"""The synthetic data sets that experiments are made on."""

from dataclasses import asdict

from recon.data.synthetic.make import Chosen, LabelledSet, SyntheticSet
from recon.experiments.experiment import Branch, Synthetic


def set_of(branch: Branch) -> Chosen:
    """Give the data set that is to be made for a branch."""
    assert branch.made is not None  # none other is asked for
    words = asdict(branch.made)
    if isinstance(branch.made, Synthetic):
        assert branch.modality in ("mri", "ct")
        return SyntheticSet(branch.modality, **words)
    assert branch.modality in ("cifar10", "imagenet", "voc")
    return LabelledSet(branch.modality, **words)

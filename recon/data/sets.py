"""The data sets by their words: slices of MRI and CT, and labelled pictures."""

from typing import Literal

SetName = Literal["mri", "ct", "cifar10", "imagenet", "voc"]

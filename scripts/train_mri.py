"""Train a network on fastMRI's single-coil knees, or on the embedded synthetic ones where no folder is given.

    python scripts/train_mri.py --sampling aps --blur tri-3 --data data/fastmri
    python scripts/train_mri.py --sampling mass --small --trainer.max_epochs 5

The recipe is configs/mri.yaml. Options that are not listed here go to `recon train` as they are.
"""

import sys

from recon.training.shortcut import run

if __name__ == "__main__":
    sys.exit(run("mri", __doc__ or "", sys.argv[1:]))

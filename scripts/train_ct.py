"""Train a network on LoDoPaB-CT, or on the embedded synthetic chests where no folder is given.

    python scripts/train_ct.py --sampling aps --blur tri-3 --data data/lodopab
    python scripts/train_ct.py --sampling mass --small --trainer.max_epochs 5

The recipe is configs/ct.yaml. Options that are not listed here go to `recon train` as they are.
"""

import sys

from recon.training.shortcut import run

if __name__ == "__main__":
    sys.exit(run("ct", __doc__ or "", sys.argv[1:]))

"""Reproduces a table of the APS-U paper: `recon reproduce` as a script, for queues that start Python files.

python scripts/reproduce_paper.py aps-table1 --data data/fastmri
"""

import sys

from recon.cli import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", *sys.argv[1:]]))

"""Evaluates networks: `recon evaluate` as a script, for queues and launchers that start Python files."""

import sys

from recon.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))

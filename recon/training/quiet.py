"""Lightning without the remarks that only puzzle: advertisements, deprecations within libraries, advice on loaders."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_REMARKS = ("💡 Tip", "TPU available")
_WARNINGS = (
    ".*LeafSpec.* is deprecated",
    "The number of training batches .* is smaller than the logging interval",
    "The '.*_dataloader' does not have many workers",
    "It is recommended to use .*sync_dist=True",  # what is not summed up comes from the first process
    "LightningCLI's args parameter",  # we are from a command line
)


class _NoRemarks(logging.Filter):
    """Drops remarks that begin in a known way."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether to keep a record."""
        return not record.getMessage().startswith(_REMARKS)


@contextmanager
def quiet() -> Iterator[None]:
    """Leave the remarks out meanwhile."""
    log, remarks = logging.getLogger("pytorch_lightning.utilities.rank_zero"), _NoRemarks()
    log.addFilter(remarks)
    try:
        with warnings.catch_warnings():
            for message in _WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        log.removeFilter(remarks)


@contextmanager
def silent() -> Iterator[None]:
    """Leave out meanwhile all that Lightning says of seeds and devices, since nothing is trained."""
    logs = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)

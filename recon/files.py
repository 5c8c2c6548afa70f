"""Files that appear only when they are whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recon.errors import DataError, ReconError


@contextmanager
def written_whole(path: Path, *, refusal: type[ReconError] = DataError) -> Iterator[Path]:
    """Give a path beside the file to write to; it takes the file's name at the end, and goes if something fails.

    `refusal` is the error that is raised where the file cannot be written.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "errno" not in str(error):  # HDF5 tells of a full disk that way, too
            raise
        raise refusal(f"{path} cannot be written: {error}; choose another folder, or make room") from error
    finally:
        with suppress(OSError):  # as where the folder is a file: that was said above
            partial.unlink(missing_ok=True)

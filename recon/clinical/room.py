"""Whether there is room for results, asked before the work begins."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from recon.errors import ConfigError
from recon.files import holds

_WORDS = {
    **dict.fromkeys((errno.EACCES, errno.EPERM), "where you may not write"),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "which is no folder"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "where there is no room left"),
    errno.EROFS: "which can only be read",
    errno.ENOENT: "where nothing can be made",
    errno.ENAMETOOLONG: "below which a name is too long",
}


def require_room(folder: Path, *, or_file: bool = False) -> None:
    """Refuse a folder in which nothing can be written: it and a file are made, and taken away again.

    Where the result may be a file, one that is there is looked at with its folder.
    """
    if or_file and holds(folder.is_file):
        folder = folder.parent
    above = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    made = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    trial = folder / f".trial.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b"trial")
    except OSError as error:
        why = _WORDS.get(error.errno or 0, f"where it cannot be done ({error.strerror or error})")
        raise ConfigError(
            f"--out {folder} must be where files can be written, got {above}, {why}; choose another"
        ) from error
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)
        for empty in made:
            with suppress(OSError):  # as where it could not be made, or somebody else has put something there
                empty.rmdir()

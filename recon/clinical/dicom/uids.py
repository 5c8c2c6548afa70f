"""UIDs of results: the same result has the same, another has another."""

import uuid
from hashlib import sha256

from pydicom.uid import UID


def uid_of(*parts: str | bytes) -> UID:
    """Give the UID of what the parts say, as a UUID of their hash under 2.25 (PS3.5, B.2).

    Nothing is random: who sends a result twice does not double it in an archive. The parts cannot be found from it.
    """
    found = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "little") + data)
    return UID(f"2.25.{uuid.UUID(bytes=found.digest()[:16], version=5).int}")

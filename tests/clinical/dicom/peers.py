"""Peers of a node: what sends it series, and what takes its results."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import BaseServer

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, MRImageStorage
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.transport import ThreadedAssociationServer

from recon.clinical.dicom.node import Node, running
from recon.clinical.dicom.peers import Peer, Settings
from recon.clinical.models import ClinicalModel
from tests.clinical.dicom.helpers import identity, model, slices_of

CLASSES = (CTImageStorage, EnhancedCTImageStorage, MRImageStorage)
PATIENCE = 60.0  # seconds
ECHO = "1.2.840.10008.1.1"


@dataclass
class Archive:
    """What an archive was sent; `answer` gives its status for each image."""

    port: int = 0
    images: list[Dataset] = field(default_factory=list)
    answer: Callable[[Dataset], int] = lambda dataset: 0x0000


@contextmanager
def archive(port: int = 0, *, titles: Sequence[str] = ()) -> Iterator[Archive]:
    """Run an archive that keeps what it is sent in memory."""
    ae, found = AE(ae_title="ARCHIVE"), Archive()
    ae.require_called_aet = True
    ae.require_calling_aet = list(titles)
    for uid in CLASSES:
        ae.add_supported_context(uid)

    def store(event: evt.Event) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        status = found.answer(dataset)
        if status == 0:
            found.images.append(dataset)
        return status

    server = ae.make_server(
        ("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, store)], server_class=ThreadedAssociationServer
    )
    threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    found.port = server.server_address[1]
    try:
        yield found
    finally:
        BaseServer.shutdown(server)
        server.server_close()


@contextmanager
def node(
    model: ClinicalModel, spool: Path, forward: int, said: list[str] | None = None, **settings: object
) -> Iterator[Node]:
    """Run a node that gives an archive's port its results; a series is complete at release, however slow all is."""
    words: dict[str, object] = {"quiet_time": 3600.0, "at_release": True, "retry": 0.2, "port": 0, **settings}
    chosen = Settings("RECON", forward=Peer("127.0.0.1", forward, "ARCHIVE"), spool=spool, **words)  # type: ignore[arg-type]
    with running(model, chosen, (said if said is not None else []).append) as found:
        yield found


def associated(files: Sequence[Path], port: int, *, aet: str = "SCANNER", called: str = "RECON") -> Association:
    """Open an association for files, each as it is encoded."""
    ae = AE(ae_title=aet)
    for file in files:
        header = pydicom.dcmread(file, stop_before_pixels=True)
        context = (header.SOPClassUID, [header.file_meta.TransferSyntaxUID])
        if context not in [(known.abstract_syntax, known.transfer_syntax) for known in ae.requested_contexts]:
            ae.add_requested_context(*context)
    return ae.associate("127.0.0.1", port, ae_title=called)


def send(files: Sequence[Path], port: int, *, aet: str = "SCANNER", called: str = "RECON") -> list[int]:
    """Send files in one association; give the statuses."""
    association = associated(files, port, aet=aet, called=called)
    if not association.is_established:
        return []
    try:
        return [association.send_c_store(file).Status for file in files]
    finally:
        association.release()


def wait_for(condition: Callable[[], object], *, patience: float = PATIENCE) -> None:
    """Wait until something holds."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def delivered(said: list[str], count: int = 1) -> bool:
    """Tell whether a node has said of so many series that they were delivered."""
    return sum("delivered" in text for text in said) == count


def values(found: Archive) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Give the slices that an archive has, in the order of their numbers."""
    return np.stack([slices_of(d) for d in sorted(found.images, key=lambda d: int(d.InstanceNumber))])


def brighter() -> ClinicalModel:
    """Give a model that adds 10 HU."""
    return model("ct", lambda images: images + 10 / identity("ct").scaling.scale)

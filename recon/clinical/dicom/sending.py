"""Delivers results to a peer (C-STORE); what it does not take stays where it is."""

from collections.abc import Callable
from pathlib import Path

import pydicom
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association

from recon.clinical.dicom.headers import CLASSES
from recon.clinical.dicom.peers import Peer

_WARNINGS = (0x0107, 0x0116, 0xB000, 0xB006, 0xB007)  # stored, with a remark


class PeerAwayError(Exception):
    """A peer takes nothing now, whatever is to be sent."""


def deliver(folder: Path, peer: Peer, *, aet: str, stopping: Callable[[], bool]) -> str:
    """Send the files of a folder, and remove each when the peer has it; give what went wrong, or nothing."""
    files = sorted(folder.rglob("*.dcm"))
    if not files:
        return ""
    association = _associated(peer, aet)
    try:
        for file in files:
            if stopping():
                return "the node stops"
            if problem := _sent(association, file):
                return problem
            file.unlink()
    finally:
        if association.is_established:
            association.release()
    return ""


def _associated(peer: Peer, aet: str) -> Association:
    """Open an association for all that is sent."""
    ae = AE(ae_title=aet)
    for uid in CLASSES:
        ae.add_requested_context(uid, ExplicitVRLittleEndian)
        ae.add_requested_context(uid, ImplicitVRLittleEndian)  # apart, for those who take nothing else
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    ae.connection_timeout = 10
    try:
        association = ae.associate(peer.host, peer.port, ae_title=peer.aet)
    except OSError:
        raise PeerAwayError("its name is not known here") from None
    if association.is_rejected:
        answer = association.acceptor.primitive
        raise PeerAwayError(f"it refused the association: {answer.reason_str if answer else 'it does not say why'}")
    if association.rejected_contexts and not association.accepted_contexts:
        raise PeerAwayError("it takes neither CT nor MR images")
    if not association.is_established:
        raise PeerAwayError("it cannot be reached")
    return association


def _sent(association: Association, file: Path) -> str:
    """Send a file; give what went wrong, or nothing."""
    try:
        status = association.send_c_store(pydicom.dcmread(file))
    except (ValueError, RuntimeError, AttributeError) as error:  # no accepted context, or the association has ended
        return f"it does not take such images, or has closed the association ({type(error).__name__})"
    code = status.get("Status")
    if code is None:
        return "it did not answer"
    return "" if code == 0 or code in _WARNINGS else f"it answered with status 0x{code:04X}"

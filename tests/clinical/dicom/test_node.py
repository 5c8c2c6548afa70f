"""A node takes series, reconstructs and delivers them, and does as it is told."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE

from recon.clinical.dicom.peers import Peer, Settings, peer_from
from recon.clinical.processing import processing_of
from recon.errors import ConfigError
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import identity, model, only
from tests.clinical.dicom.peers import ECHO, archive, associated, brighter, delivered, node, send, values, wait_for
from tests.clinical.dicom.test_spool import there


def test_series_goes_through(tmp_path: Path) -> None:
    files, said = phantoms.write_series(tmp_path / "in", order=[3, 1, 4, 0, 2]), list[str]()
    with archive(titles=["RECON"]) as to, node(brighter(), tmp_path / "spool", to.port, said) as at:
        assert send(files, at.port) == [0] * 5
        wait_for(lambda: delivered(said))
    assert np.array_equal(values(to), phantoms.stored() - 1024 + 10)
    assert {d.file_meta.TransferSyntaxUID for d in to.images} == {"1.2.840.10008.1.2.1"}
    assert there(tmp_path / "spool") == {}


def test_images_are_what_the_file_would_give(tmp_path: Path) -> None:
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    with archive() as to, node(brighter(), tmp_path / "spool", to.port, said) as at:
        send(files, at.port)
        wait_for(lambda: delivered(said))
    source, by = only(tmp_path / "in"), brighter()
    told = replace(identity(), processing=processing_of(source, by))  # as `recon reconstruct` does
    source.write(by(source.read()), told, tmp_path / "out")
    by_file = {pydicom.dcmread(file).SOPInstanceUID for file in (tmp_path / "out").iterdir()}
    assert {d.SOPInstanceUID for d in to.images} == by_file


def test_compressed_images_are_taken(tmp_path: Path) -> None:
    shown = phantoms.stored(3, (40, 48))
    files, said = phantoms.write_series(tmp_path / "in", values=shown), list[str]()
    for file in files:
        dataset = pydicom.dcmread(file)
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        dataset.save_as(file)
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        assert send(files, at.port) == [0] * 3
        wait_for(lambda: delivered(said))
    assert np.array_equal(values(to), shown - 1024)


def test_frames_go_through(tmp_path: Path) -> None:
    said = list[str]()
    phantoms.enhanced(phantoms.stored()).save_as(tmp_path / "all.dcm", enforce_file_format=True)
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        assert send([tmp_path / "all.dcm"], at.port) == [0]
        wait_for(lambda: delivered(said))
    assert np.array_equal(to.images[0].pixel_array, phantoms.stored())


def test_echo_is_answered(tmp_path: Path) -> None:
    with node(model(), tmp_path / "spool", 1) as at:
        ae = AE(ae_title="SCANNER")
        ae.add_requested_context(ECHO)
        association = ae.associate("127.0.0.1", at.port, ae_title="RECON")
        assert association.send_c_echo().Status == 0
        association.release()


def test_series_is_complete_after_a_quiet_time_not_before(tmp_path: Path) -> None:
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    with archive() as to, node(model(), tmp_path / "spool", to.port, said, quiet_time=3.0, at_release=False) as at:
        for file in files:  # an association for each, as some scanners do
            assert send([file], at.port) == [0]
            time.sleep(0.1)
        assert said == []
        wait_for(lambda: delivered(said))
    assert len(to.images) == 5


def test_series_is_complete_at_release_where_that_is_wanted(tmp_path: Path) -> None:
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        send(files, at.port)
        wait_for(lambda: delivered(said))
    assert len(to.images) == 5


def test_series_is_not_complete_when_an_association_breaks(tmp_path: Path) -> None:
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        association = associated(files, at.port)
        for file in files[:2]:
            association.send_c_store(file)
        association.abort()
        time.sleep(0.5)
        assert said == []
        send(files[2:], at.port)
        wait_for(lambda: delivered(said))
    assert len(to.images) == 5


def test_series_that_two_associations_bring_in_turns_is_complete_when_both_have_ended(tmp_path: Path) -> None:
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        first, second = associated(files, at.port), associated(files, at.port)
        for association, file in zip((first, second, first, second), files, strict=False):
            assert association.send_c_store(file).Status == 0
        first.release()
        time.sleep(0.5)
        assert said == []
        assert second.send_c_store(files[4]).Status == 0
        second.release()
        wait_for(lambda: delivered(said))
    assert len(to.images) == 5


def test_unknown_callers_and_names_are_refused(tmp_path: Path) -> None:
    files = phantoms.write_series(tmp_path / "in", values=phantoms.stored(1))
    said = list[str]()
    with node(model(), tmp_path / "spool", 1, said, calling=["SCANNER"]) as at:
        assert send(files, at.port, aet="STRANGER") == []
        assert send(files, at.port, called="ANOTHER") == []
        wait_for(lambda: len(said) == 2)
        assert send(files, at.port, aet="SCANNER") == [0]
    assert said[0] == "refused an association of 'STRANGER' with 'RECON': Calling AE title not recognised"
    assert said[1] == "refused an association of 'SCANNER' with 'ANOTHER': Called AE title not recognised"


def test_what_is_no_ct_or_mr_image_or_is_deflated_is_not_taken(tmp_path: Path) -> None:
    ae = AE(ae_title="SCANNER")
    ae.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    ae.add_requested_context(CTImageStorage, DeflatedExplicitVRLittleEndian)
    ae.add_requested_context(SecondaryCaptureImageStorage, ImplicitVRLittleEndian)
    with node(model(), tmp_path / "spool", 1) as at:
        association = ae.associate("127.0.0.1", at.port, ae_title="RECON")
        taken = [(c.abstract_syntax, c.transfer_syntax[0]) for c in association.accepted_contexts]
        refused = {c.abstract_syntax: c.result for c in association.rejected_contexts}
        association.release()
    assert taken == [(CTImageStorage, ExplicitVRLittleEndian)]
    assert refused == {CTImageStorage: 0x04, SecondaryCaptureImageStorage: 0x03}  # this encoding, this class


def test_association_that_is_one_too_many_is_refused_and_told_of(tmp_path: Path) -> None:
    files, said = phantoms.write_series(tmp_path / "in", values=phantoms.stored(1)), list[str]()
    with node(model(), tmp_path / "spool", 1, said) as at:
        opened = [associated(files, at.port) for _ in range(11)]
        assert [association.is_established for association in opened] == [True] * 10 + [False]
        wait_for(lambda: any("Local limit exceeded" in text for text in said))
        for association in opened[:10]:
            association.release()
        wait_for(lambda: send(files, at.port) == [0])


def test_node_listens_on_this_machine_alone_unless_told(tmp_path: Path) -> None:
    with node(model(), tmp_path / "one", 1) as at:
        assert at.address[0] == "127.0.0.1"
    with node(model(), tmp_path / "two", 1, bind="0.0.0.0") as at:
        assert at.address[0] == "0.0.0.0"


def test_a_scanner_that_is_connected_is_told_of_a_stop(tmp_path: Path) -> None:
    ae = AE(ae_title="SCANNER")
    ae.add_requested_context(ECHO)
    with node(model(), tmp_path / "spool", 1) as at:
        association = ae.associate("127.0.0.1", at.port, ae_title="RECON")
        assert association.is_established
    wait_for(lambda: association.is_aborted)


def test_address_that_is_taken_is_refused(tmp_path: Path) -> None:
    with (
        node(model(), tmp_path / "one", 1) as at,
        pytest.raises(ConfigError, match="choose another port"),
        node(model(), tmp_path / "two", 1, port=at.port),
    ):
        pass


@pytest.mark.parametrize("text", ["", "host", "host:104", "host:x:AET", ":104:AET", "host:0:AET", "host:70000:AET"])
def test_forward_that_is_no_peer_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        peer_from(text)


@pytest.mark.parametrize("text", ["host:104:", f"host:104:{'A' * 17}", "host:104:A\\B", "host:104:\u00c4"])
def test_title_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        peer_from(text)


def test_forward_takes_addresses_with_colons() -> None:
    assert peer_from("[::1]:104:ARCHIVE") == Peer("::1", 104, "ARCHIVE")


@pytest.mark.parametrize("words", [{"aet": ""}, {"port": -1}, {"port": 1 << 16}, {"quiet_time": -1.0}])
def test_settings_that_make_no_sense_are_refused(words: dict[str, object], tmp_path: Path) -> None:
    usual: dict[str, object] = {"aet": "RECON", "port": 0, "forward": Peer("host", 1, "A"), "spool": tmp_path}
    with pytest.raises(ConfigError):
        Settings(**{**usual, **words})  # type: ignore[arg-type]

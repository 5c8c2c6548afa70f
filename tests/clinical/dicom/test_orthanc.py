"""A node between a scanner and a real Orthanc: what arrives there is what was sent, pixel for pixel."""

import io
import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pydicom
import pytest

from recon.clinical.dicom.node import running
from recon.clinical.dicom.peers import Peer, Settings
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import WEIGHTS, model
from tests.clinical.dicom.peers import send, wait_for

PROGRAM = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Orthanc is not installed")


@dataclass(frozen=True)
class Orthanc:
    """Where an Orthanc listens."""

    http: int
    dicom: int

    def get(self, path: str) -> bytes:
        """Ask its REST interface."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/{path}", timeout=20) as answer:
            return bytes(answer.read())

    def answers(self) -> bool:
        """Tell whether it is up."""
        try:
            return bool(self.get("system"))
        except (URLError, OSError):
            return False

    def images(self) -> list[pydicom.FileDataset]:
        """Give what it holds, in the order of the instances' numbers."""
        names = json.loads(self.get("instances"))
        found = [pydicom.dcmread(io.BytesIO(self.get(f"instances/{name}/file"))) for name in names]
        return sorted(found, key=lambda dataset: int(dataset.InstanceNumber))


def free_port() -> int:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """Run an Orthanc with all that it keeps in a folder of the test's."""
    assert PROGRAM is not None
    found = Orthanc(free_port(), free_port())
    settings = {
        "Name": "test",
        "StorageDirectory": str(tmp_path / "storage"),
        "IndexDirectory": str(tmp_path / "index"),
        "Plugins": [],
        "HttpPort": found.http,
        "DicomPort": found.dicom,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    with subprocess.Popen(
        [PROGRAM, str(tmp_path / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(found.answers)
            yield found
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_orthanc_gets_the_series(modality: str, orthanc: Orthanc, tmp_path: Path) -> None:
    files, said = phantoms.write_series(tmp_path / "in", modality, order=[4, 2, 0, 1, 3]), list[str]()
    settings = Settings(
        "RECON", 0, Peer("127.0.0.1", orthanc.dicom, "ORTHANC"), tmp_path / "spool", quiet_time=60, at_release=True
    )
    with running(model("ct" if modality == "CT" else "mri"), settings, said.append) as node:
        assert send(files, node.port) == [0] * 5
        wait_for(lambda: any("delivered" in text for text in said))
    stored = orthanc.images()
    assert np.array_equal(np.stack([dataset.pixel_array for dataset in stored]), phantoms.stored())
    sent = {pydicom.dcmread(file).InstanceNumber: pydicom.dcmread(file) for file in files}
    for dataset in stored:
        source = sent[dataset.InstanceNumber]
        for name in (
            "ImagePositionPatient",
            "ImageOrientationPatient",
            "PixelSpacing",
            "StudyInstanceUID",
            "PatientID",
        ):
            assert dataset[name] == source[name]
        assert dataset.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert WEIGHTS in dataset.SoftwareVersions
    (series,) = json.loads(orthanc.get("series?expand"))
    assert series["MainDicomTags"]["SeriesDescription"].startswith("RESEARCH ONLY recon")


def test_results_wait_while_orthanc_is_away(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    away = Settings(
        "RECON", 0, Peer("127.0.0.1", free_port(), "ORTHANC"), tmp_path / "spool", quiet_time=60, at_release=True
    )
    with running(model(), away, said.append) as node:
        send(files, node.port)
        wait_for(lambda: any("cannot be reached" in text for text in said))
    found: Orthanc = request.getfixturevalue("orthanc")
    there = Settings(
        "RECON", 0, Peer("127.0.0.1", found.dicom, "ORTHANC"), tmp_path / "spool", quiet_time=60, at_release=True
    )
    with running(model(), there, said.append):
        wait_for(lambda: any("delivered" in text for text in said))
    assert np.array_equal(np.stack([dataset.pixel_array for dataset in found.images()]), phantoms.stored())

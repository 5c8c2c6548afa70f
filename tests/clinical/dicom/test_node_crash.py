"""A series that ends the node's process is tried a few times, after all others, and then put aside."""

import signal
import subprocess
import sys
from pathlib import Path

from torch import Tensor

from recon.clinical.dicom.spool import Spool
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import model
from tests.clinical.dicom.peers import archive, delivered, node, wait_for
from tests.clinical.dicom.test_spool import there

DEADLY = """
import os, signal, sys
from pathlib import Path
from tests.clinical.dicom.helpers import model
from tests.clinical.dicom.peers import node, wait_for
with node(model("ct", lambda images: os.kill(os.getpid(), signal.SIGKILL)), Path(sys.argv[1]), 1):
    wait_for(lambda: False)
"""


def received(root: Path, series: str = "1", *, crashes: int = 0) -> str:
    """Put a series into a spool that has come as a whole, and has ended the process so often; give its name."""
    spool, uid = Spool(root), f"{phantoms.ROOT}.2.{series}"
    for file in phantoms.write_series(root.parent / "in" / series, series=series):
        spool.keep(uid, file.name, file.read_bytes())
    name = spool.complete(spool.name_of(uid))
    if crashes:
        (root / "received" / name / "attempts").write_text("." * crashes)
    return name


def test_attempt_that_kills_the_process_is_counted_and_made_again(tmp_path: Path) -> None:
    spool, said = tmp_path / "spool", list[str]()
    name = received(spool)
    ended = subprocess.run([sys.executable, "-c", DEADLY, str(spool)], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert Spool(spool).attempts(name) == 1
    with archive() as to, node(model(), spool, to.port, said):
        wait_for(lambda: delivered(said))
    assert "attempt 2 of 3" in said[0]
    assert there(spool) == {}


def test_series_that_has_ended_the_process_three_times_is_put_aside_until_it_is_put_back(tmp_path: Path) -> None:
    spool, said, calls = tmp_path / "spool", list[str](), list[int]()

    def counted(images: Tensor) -> Tensor:
        calls.append(len(images))
        return images

    bad, _ = received(spool, "1", crashes=3), received(spool, "2")
    with archive() as to, node(model("ct", counted), spool, to.port, said):
        wait_for(lambda: delivered(said))
        wait_for(lambda: there(spool) == {"failed": 1})
        assert calls == [5]
        (aside,) = [text for text in said if "failed" in text]
        assert bad[:8] in aside
        assert "ended 3 times" in aside
        assert "ended 3 times" in (spool / "failed" / bad / "reason.txt").read_text()
        (spool / "failed" / bad).rename(spool / "received" / bad)
        wait_for(lambda: delivered(said, 2))
    assert calls == [5, 5]
    assert there(spool) == {}


def test_series_that_has_ended_the_process_comes_after_all_others(tmp_path: Path) -> None:
    spool, said = tmp_path / "spool", list[str]()
    names = [received(spool, "1", crashes=2), received(spool, "2", crashes=1), received(spool, "3")]
    with archive() as to, node(model(), spool, to.port, said):
        wait_for(lambda: delivered(said, 3))
    done = [text.partition(":")[0] for text in said if "slices reconstructed" in text]
    assert done == [f"series {name[:8]}" for name in reversed(names)]

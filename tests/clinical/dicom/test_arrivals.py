"""A series is complete when nothing more of it is to be expected, and not before."""

from pathlib import Path

import pytest

from recon.clinical.dicom.arrivals import Arrivals
from recon.clinical.dicom.spool import Spool
from tests.clinical.dicom.test_spool import there


def bring(arrivals: Arrivals, number: int, *, association: int) -> None:
    """Bring an image of the series by an association, which stays open."""
    with arrivals.arriving(arrivals.spool.name_of("1.2"), association):
        arrivals.spool.keep("1.2", f"1.2.{number}", b"image")


def images(arrivals: Arrivals, quiet_time: float = 0) -> int:
    """Give how many images the series has that is complete now; 0 where it is not."""
    root = arrivals.spool.root / "received"
    return sum(len(list((root / name).iterdir())) for name in arrivals.take_complete(quiet_time))


def test_series_is_not_complete_while_an_image_of_it_comes(tmp_path: Path) -> None:
    arrivals = Arrivals(Spool(tmp_path))
    bring(arrivals, 1, association=1)
    with arrivals.arriving(arrivals.spool.name_of("1.2"), 2):
        arrivals.ended(2, complete=False)  # whatever becomes of the association
        arrivals.ended(1, complete=True)
        assert images(arrivals) == 0
        arrivals.spool.keep("1.2", "1.2.2", b"second")
    assert images(arrivals) == 2
    assert images(arrivals) == 0


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_series_of_two_associations_is_complete_at_the_release_of_the_last(
    order: tuple[int, int], tmp_path: Path
) -> None:
    arrivals = Arrivals(Spool(tmp_path))
    for number in range(4):
        bring(arrivals, number, association=1 + number % 2)
    arrivals.ended(order[0], complete=True)
    assert images(arrivals, 3600) == 0
    bring(arrivals, 4, association=order[1])
    arrivals.ended(order[1], complete=True)
    assert images(arrivals, 3600) == 5


def test_series_is_not_quiet_while_an_association_is_open_that_has_sent_of_it(tmp_path: Path) -> None:
    arrivals = Arrivals(Spool(tmp_path))
    bring(arrivals, 1, association=1)
    arrivals.ended(2, complete=True)
    assert images(arrivals) == 0
    arrivals.ended(1, complete=False)
    assert images(arrivals, 3600) == 0
    assert images(arrivals) == 1


def test_association_that_stays_open_and_sends_no_more_of_a_series_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals = Arrivals(Spool(tmp_path))
    bring(arrivals, 1, association=1)
    assert images(arrivals) == 0
    monkeypatch.setattr("recon.clinical.dicom.arrivals.IDLE", 0.0)
    assert images(arrivals) == 1


def test_image_that_could_not_be_kept_leaves_no_series(tmp_path: Path) -> None:
    arrivals = Arrivals(Spool(tmp_path))
    with pytest.raises(OSError, match="disk"), arrivals.arriving("series", 1):
        raise OSError("disk")
    arrivals.ended(1, complete=True)
    assert arrivals.take_complete(0) == []
    assert there(tmp_path) == {}


def test_what_a_stop_has_left_waits_anew(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.keep("1.2", "1.2.1", b"image")
    arrivals = Arrivals(spool)
    assert arrivals.take_complete(3600) == []
    assert len(arrivals.take_complete(0)) == 1

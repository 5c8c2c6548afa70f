"""Libraries say nothing while DICOM is read, in every thread, and speak again afterwards."""

import logging
import threading
import warnings

import pytest
from pydicom.dataset import Dataset

from recon.clinical.dicom.quiet import quiet

BAD = "Tellname is no date"


def provoke() -> None:
    """Make pydicom quote a value that it does not like."""
    Dataset().PatientBirthDate = BAD


def test_library_would_quote_a_value(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.warns(UserWarning, match="Tellname"):
        provoke()
    assert "Tellname" in caplog.text


def test_nothing_is_said_in_quiet(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        with quiet(), quiet():
            provoke()
        with quiet():
            provoke()
    assert (warned, caplog.text) == ([], "")


def test_libraries_speak_again_also_after_an_error() -> None:
    level = logging.getLogger("pydicom").level
    with pytest.raises(RuntimeError), quiet(), quiet():
        raise RuntimeError
    assert logging.getLogger("pydicom").level == level
    with pytest.warns(UserWarning, match="Tellname"):
        provoke()


def test_one_thread_that_ends_does_not_wake_the_others(caplog: pytest.LogCaptureFixture) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with quiet():
            inside.set()
            go_on.wait(20)

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20)
    with warnings.catch_warnings(record=True) as warned:
        with quiet():
            pass
        provoke()
    go_on.set()
    thread.join()
    assert (warned, caplog.text) == ([], "")


def test_other_warnings_are_heard_afterwards() -> None:
    with quiet():
        pass
    with pytest.warns(UserWarning, match="mine"):
        warnings.warn("mine", stacklevel=1)

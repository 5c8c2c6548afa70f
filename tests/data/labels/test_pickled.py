"""Pickles read without loading: the same values as pickle's own, and nothing that could run."""

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recon.data.labels.pickled import read_pickle, value_of
from recon.errors import DataError
from tests.data.labels.files import Field, noise, python2_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
SHARED = noise(2, 3)


def read(tmp_path: Path, content: bytes) -> object:
    """Read bytes as a file."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_pickle(path)


def same(a: object, b: object) -> bool:
    """Tell whether values are of the same kinds and equal, arrays with the types of their numbers."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype.newbyteorder("=") == b.dtype.newbyteorder("=") and np.array_equal(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and type(a) is type(b):
        return len(a) == len(b) and all(same(*pair) for pair in zip(a, b, strict=True))
    return type(a) is type(b) and a == b


PLAIN: dict[str, object] = {
    "whole numbers": [0, 1, -1, 255, 256, 65535, 65536, -(2**31), 2**31, 2**70, -(2**70), 2**2100],
    "words": ["", "a", "Fußgänger", "line\nbreak", "ü" * 300, "\\"],
    "bytes": [b"", b"a", bytes(range(256)), b"x" * 300],
    "constants": [None, True, False],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((1,), [2])],
    "dictionaries": {"a": 1, b"b": {"c": []}, 3: {}},
    "long lists": list(range(2500)),
    "many keys": {n: str(n) for n in range(2500)},
    "a shared list": [[1, 2]] * 3,
    "a shared array": [SHARED, SHARED, {"again": SHARED}],
}
ARRAYS: dict[str, NDArray[np.generic]] = {
    "bytes": noise(7, 3072),
    "Fortran order": np.asfortranarray(noise(5, 6)),
    "strided": noise(8, 8)[::2, 1::3],
    "transposed": noise(2, 3, 4).transpose(2, 0, 1),
    "empty": np.zeros((0, 3072), np.uint8),
    "a number": np.array(7, np.int64),
    "other order of bytes": np.arange(6, dtype=">i4").reshape(2, 3),
    "long": np.arange(-3, 3, dtype=np.int64),
    "truths": np.array([True, False]),
    "read only": np.frombuffer(bytes(range(12)), np.uint8).reshape(3, 4),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", PLAIN)
def test_plain_values_are_those_of_pickle(name: str, protocol: int) -> None:
    content = pickle.dumps(PLAIN[name], protocol=protocol)
    assert same(value_of(content), pickle.loads(content))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_those_of_pickle(name: str, protocol: int) -> None:
    content = pickle.dumps({b"data": ARRAYS[name], b"again": [ARRAYS[name]]}, protocol=protocol)
    assert same(value_of(content), pickle.loads(content))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_names_of_numpy_1_and_2_are_both_known(protocol: int) -> None:
    content = pickle.dumps(ARRAYS["strided"], protocol=protocol)
    old, new = b"numpy.core.", b"numpy._core."
    assert (old in content) != (new in content)
    length = content.find(new if new in content else old) - 1  # of the module's name, where the opcode tells it
    other = content.replace(new, old) if new in content else content.replace(old, new)
    if protocol >= 4:
        change = len(old) - len(new) if new in content else len(new) - len(old)
        other = other[:length] + bytes([other[length] + change]) + other[length + 1 :]
        frame = int.from_bytes(other[3:11], "little") + change
        other = other[:3] + frame.to_bytes(8, "little") + other[11:]
    assert same(value_of(other), ARRAYS["strided"])


def test_what_python_2_wrote_is_read_as_bytes() -> None:
    content = python2_pickle(
        {"labels": [3, 0], "data": noise(2, 3072), "filenames": ["a.png", "b.png"], "batch_label": "one", "count": 500}
    )
    expected = pickle.loads(content, encoding="bytes")
    assert same(value_of(content), expected)
    assert expected[b"filenames"] == [b"a.png", b"b.png"]
    assert np.array_equal(expected[b"data"], noise(2, 3072))


def test_text_pickles_of_python_2_are_read() -> None:
    content = b"(dp1\nS'num_vis'\np2\nI3072\nsS'label_names'\np3\n(lp4\nS'airplane'\np5\nag5\nasS'flag'\nI01\ns."
    expected = {b"num_vis": 3072, b"label_names": [b"airplane", b"airplane"], b"flag": True}
    assert same(value_of(content), expected)
    assert pickle.loads(content, encoding="bytes") == expected


class Reduced:
    """Something whose pickle calls a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Say what is called."""
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_calls_are_refused_and_not_made(protocol: int, tmp_path: Path) -> None:
    made = tmp_path / "made"
    content = pickle.dumps({"data": Reduced(os.mkdir, str(made))}, protocol=protocol)
    with pytest.raises(DataError, match=r"got the name '(posix|nt)\.mkdir' at byte \d+; it was not loaded"):
        read(tmp_path, content)
    assert not made.exists()
    pickle.loads(content)
    assert made.exists()  # that is what it would have done


HARMFUL: dict[str, bytes] = {
    "os.system": pickle.dumps(Reduced(os.system, "true")),
    "eval": pickle.dumps(Reduced(eval, "1")),
    "another of NumPy's": b"cnumpy\nload\n(U\x01xtR.",
    "a class of NumPy's": b"cnumpy\nmemmap\n.",
    "another of codecs'": b"c_codecs\ndecode\n(U\x01xtR.",
    "a nested name": b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.",
    "an instance": b"(S'x'\nios\nsystem\n.",
    "an object": b"(cnumpy\nndarray\no.",
    "a new object": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "a class": pickle.dumps(OrderedDict(a=1)),
    "a registered extension": b"\x80\x02\x82\x01.",
    "a thing from elsewhere": b"Px\n.",
    "a buffer from elsewhere": b"\x80\x05\x97.",
    "a float": pickle.dumps(1.5),
    "a set": pickle.dumps({1}),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_all_else_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=r"^the (name|opcode) "):
        value_of(HARMFUL[name])


def test_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError(f"called with {arguments}")

    content = pickle.dumps(ARRAYS["bytes"], protocol=2)
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, fail)
    monkeypatch.setattr("builtins.__import__", fail)
    found = value_of(content)
    monkeypatch.undo()
    assert same(found, ARRAYS["bytes"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"U\x02u1", b"U\x02O8", "an array of the type 'O8', where whole numbers must be"),
        (b"U\x02u1", b"U\x02V1", "an array of the type 'V1'"),
        (b"U\x02u1", b"U\x02i3", "an array of the type 'i3'"),
        (b"U\x02u1", b"U\x02u4", "an array that needs 24576 bytes and has 6144"),
        (b"M\x00\x0c", b"M\x01\x0c", "an array that needs 6146 bytes and has 6144"),
        (b"M\x02\x00", b"J\xfe\xff\xff\xff", "an array whose shape is none"),
        (b"M\x02\x00", b"U\x012", "an array whose shape is none"),
        (b"K\x01M\x02\x00", b"K\x02M\x02\x00", "a state that fits neither"),  # of another version
        (b"U\x01|", b"U\x01!", "a state that fits neither"),
        (b"cnumpy\nndarray", b"cnumpy\ndtype", "arguments that make no array"),
        (b"U\x02u1K\x00K\x01\x87R", b"U\x02u1\x85R", "arguments that make no type"),
        (b"\x89T", b"NT", "a state that fits neither"),
        (b"Rq\x83", b"q\x83", "a state that fits neither"),  # arguments of which nothing was made
        (b"](K", b"}(K", "entries for a dict, where a list must be"),
        (b"}q\x01(", b"]q\x01(", "entries for a list, where a dictionary must be"),
        (b"U\x06labels", b"]", "a key of the kind list"),
        (b"u.", b"0.", "the opcode POP"),
        (b"u.", b".", "4 values and 1 open marks at its end"),
        (b"}q\x01(U\x06", b"}q\x01((U\x06", "bytes that are broken"),
    ],
)
def test_what_does_not_fit_is_refused(old: bytes, new: bytes, message: str) -> None:
    content = python2_pickle({"labels": [3, 0], "data": noise(2, 3072)})
    assert content.count(old) == 1
    with pytest.raises(DataError, match=message):
        value_of(content.replace(old, new))


def test_an_array_of_objects_is_refused() -> None:
    for protocol in PROTOCOLS:
        with pytest.raises(DataError, match=r"^an array of the type 'O8'|^the (opcode|name) "):
            value_of(pickle.dumps(np.array([{}, []], dtype=object), protocol=protocol))


@pytest.mark.parametrize("protocol", [None, *PROTOCOLS])
def test_a_file_cut_off_anywhere_is_refused(protocol: int | None) -> None:
    fields: dict[str, Field] = {"labels": [3, 0], "data": noise(2, 40), "filenames": ["a.png"]}
    content = python2_pickle(fields) if protocol is None else pickle.dumps(fields, protocol=protocol)
    assert isinstance(value_of(content), dict)
    for length in range(len(content)):
        with pytest.raises(DataError):
            value_of(content[:length])


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(DataError, match=r"^2 more bytes after its end"):
        value_of(pickle.dumps([1]) + b"ab")


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
def test_changed_bytes_never_raise_another_error() -> None:
    content = python2_pickle({"labels": [3, 0], "data": noise(2, 40), "filenames": ["a.png"]})
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(2000):
        changed = bytearray(content)
        for place in random.integers(len(content), size=random.integers(1, 4)):
            changed[place] = random.integers(256)
        try:
            value_of(bytes(changed))
        except DataError:
            refused += 1
    assert refused > 500


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*nothing: No such file"):
        read_pickle(tmp_path / "nothing")

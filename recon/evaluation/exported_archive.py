"""Archives of torch.export, rebuilt from the parts that cannot run code of the file's maker; all others are refused."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, Union

import torch

from recon.errors import DataError

Json: TypeAlias = Union[str, int, float, bool, Sequence["Json"], Mapping[str, "Json"], None]  # noqa: UP007

MODEL, SAMPLES = "models/model.json", "data/sample_inputs/model.pt"
_KEPT = re.compile(r"archive_format|archive_version|byteorder|\.data/version|data/(weights|constants)/\w+(\.json)?")
_DROPPED = re.compile(r"data/sample_inputs/.*|extra/.*|\.data/serialization_id")
_CONFIGS = re.compile(r"data/(weights|constants)/\w+_config\.json")
_PAYLOAD = re.compile(r"(weight|tensor)_\d+", re.ASCII)

_NAME = re.compile(r"[A-Za-z_]\w*|", re.ASCII)
_PATH = re.compile(r"(?!.*__)\w*(\.\w+)*", re.ASCII)  # of a weight in its network: encoder.0.weight
_PATHS = ("parameter_name", "buffer_name", "tensor_constant_name", "fqn", "buffers_to_mutate", "config", "path_name")
_TEXTS = ("as_string", "as_strings", "torch_version")  # never more than words: arguments of operators, a version
_EMPTIED: Mapping[str, Json] = {"metadata": {}, "guards_code": [], "treespec_namedtuple_fields": {}}

_SPECS = (None, "builtins.tuple", "builtins.list", "builtins.dict")
_OPERATORS = re.compile(
    r"_operator\.(add|sub|mul|neg|pow|floordiv|truediv|mod|eq|ne|lt|le|gt|ge|and_|or_|not_|getitem|pos|lshift|rshift)"
    r"|torch\.(sym_\w+|_sym_sqrt)|math\.(ceil|floor|trunc)"
    r"|torch\.ops\.higher_order\.(wrap_with_set_grad_enabled|wrap_with_autocast|cond)",
    re.ASCII,
)
_ATEN = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)", re.ASCII)
_WITH_FILES = ("from_file", "save")
_EXPRESSION = re.compile(
    r"(?:\b(?:Add|Mul|Pow|Integer|Rational|Float|Symbol|Max|Min|Abs|Mod|And|Or|Not|Equality|Unequality|LessThan"
    r"|GreaterThan|StrictLessThan|StrictGreaterThan|FloorDiv|ModularIndexing|Where|PythonMod|CleanDiv|CeilToInt"
    r"|FloorToInt|CeilDiv|LShift|RShift|PowByNatural|FloatPow|FloatTrueDiv|IntTrueDiv|TruncToFloat|TruncToInt"
    r"|RoundToInt|RoundDecimal|ToFloat|Identity|floor|ceiling|true|false|True|False|None|positive|negative|nonnegative"
    r"|integer|real|nonzero|finite|precision)\b|'(?:[A-Za-z_]\w*|[-+]?[\d.]+)'|\d++|[-+*(),= ])*+",
    re.ASCII,
)


def checked_archive(data: bytes, *, where: str) -> bytes:
    """Rebuild an archive that `torch.export.save` of torch 2.9 or later wrote, without what could run code.

    `torch.export.load` alone trusts its file: it unpickles what is marked so, loads compiled libraries, evaluates sizes
    and guards as Python, and finds operators by following names from torch to anything that torch imports. Here

    - sample inputs, guards, metadata and extra files are left out, as evaluation does not need them;
    - pickled tensors and objects, compiled code, and everything unknown are refused;
    - operators must be those of ATen that touch no files, arithmetic of sizes, or switch gradients or autocast;
    - sizes must be expressions of numbers and symbols, and names must be names, since both become Python code;
    - devices become the CPU.

    What remains trusted is torch: that ATen's operators check their arguments. A program can also need more memory or
    time than there is.
    """
    parts = _parts(data, where)
    if any(name.startswith("data/aotinductor/") for name in parts):
        raise DataError(f"{where} holds compiled code, which is not run; save the program with torch.export.save")
    if MODEL not in parts or "archive_format" not in parts:
        raise DataError(
            f"{where} must be a program that torch.export.save of torch 2.9 or later wrote as its only one, got "
            f"another archive, or one that is cut short; copy or export it again"
        )
    rebuilt = io.BytesIO()
    with zipfile.ZipFile(rebuilt, "w") as archive:
        for name, content in parts.items():
            if name == MODEL or _CONFIGS.fullmatch(name):
                cleaned = _cleaned(_parsed(content, where), "", where)
                archive.writestr(f"program/{name}", json.dumps(cleaned))
            elif _KEPT.fullmatch(name):
                archive.writestr(f"program/{name}", content)
            elif not _DROPPED.fullmatch(name):
                raise _refused(where, "a part", name)
        archive.writestr(f"program/{SAMPLES}", b"")
    return rebuilt.getvalue()


def _parts(data: bytes, where: str) -> dict[str, bytes]:
    """Read all of an archive, whose parts' names begin with a folder of any name.

    Parts lie in it as they are, as `torch.export.save` writes them: packed ones could unpack to more than there is room
    for, and so could many that lie on top of each other.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            packed = any(part.compress_type != zipfile.ZIP_STORED for part in parts)
            if packed or sum(part.file_size for part in parts) > len(data):
                raise DataError(
                    f"{where} must hold its parts as they are, got ones that are packed, or are larger than the file; "
                    f"export it again"
                )
            return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    except DataError:
        raise
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise DataError(
            f"{where} must be a whole file of torch.export.save, got one that cannot be read: {error}; copy or export "
            f"it again"
        ) from error


def _parsed(content: bytes, where: str) -> Json:
    try:
        parsed: Json = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} holds a description that cannot be understood: {error}; export it again") from error
    return parsed


def _cleaned(value: Json, key: str, where: str) -> Json:
    """Give a description with everything in it checked or taken away; `key` is what holds the value."""
    if key in _EMPTIED:
        return _EMPTIED[key]
    if isinstance(value, Mapping):
        if value.keys() == {"type", "index"}:
            return {"type": "cpu", "index": None}
        if value.get("use_pickle") or "as_custom_obj" in value:
            raise _refused(where, "an object", str(value.get("path_name", value.get("as_custom_obj")))[:60])
        if key != "range_constraints":  # its keys are only compared
            for name in value:
                _require(_PATH if key in _PATHS else _NAME, name, where, "a name")
        return {name: _cleaned(entry, name, where) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(entry, key, where) for entry in value]
    if isinstance(value, str) and key not in _TEXTS:
        _CHECKS.get(key, _require_name)(value, where)
    return value


def _require_name(text: str, where: str) -> None:
    _require(_NAME, text, where, "a name")


def _require_path(text: str, where: str) -> None:
    _require(_PATH, text, where, "a name")


def _require_payload(text: str, where: str) -> None:
    _require(_PAYLOAD, text, where, "an object")


def _require_expression(text: str, where: str) -> None:
    _require(_EXPRESSION, text, where, "a size")


def _require_operator(text: str, where: str) -> None:
    """Look operators of ATen up, so that nothing else that hangs on their names passes for one."""
    if _OPERATORS.fullmatch(text):
        return
    found = _ATEN.fullmatch(text)
    if found and found[1] not in _WITH_FILES:
        packet = getattr(torch.ops.aten, found[1], None)
        overload = getattr(packet, found[2], None)
        if isinstance(packet, torch._ops.OpOverloadPacket) and isinstance(overload, torch._ops.OpOverload):
            return
    raise _refused(where, "an operator", text)


def _require_spec(text: str, where: str) -> None:
    """Check how arguments are nested: tuples, lists, and dictionaries with names for keys."""
    try:
        version, spec = json.loads(text)
        if version != 1:
            raise ValueError(f"its version is {version}")
        _require_node(spec, where)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{where} has arguments that cannot be understood: {error}; export it again") from error


def _require_node(spec: Mapping[str, Json], where: str) -> None:
    context, children = spec["context"], spec["children_spec"]
    names = json.loads(context) if isinstance(context, str) else context
    if spec["type"] not in _SPECS or not isinstance(children, list) or not isinstance(names, list | None):
        raise _refused(where, "an argument", str(spec["type"]))
    for name in names or []:
        _require(_NAME, str(name), where, "a name")
    for child in children:
        _require_node(child, where)


_CHECKS: Mapping[str, Callable[[str, str], None]] = {
    "target": _require_operator,
    "as_operator": _require_operator,
    "expr_str": _require_expression,
    "in_spec": _require_spec,
    "out_spec": _require_spec,
    **dict.fromkeys(_PATHS, _require_path),
    "path_name": _require_payload,
}


def _require(pattern: re.Pattern[str], text: str, where: str, kind: str) -> None:
    if not pattern.fullmatch(text):
        raise _refused(where, kind, text)


def _refused(where: str, kind: str, what: str) -> DataError:
    return DataError(
        f"{where} holds {kind} that could run code of its own, or is unknown: {what[:60]!r}; export a network of plain "
        f"torch operators again, or name the network itself as module:function"
    )

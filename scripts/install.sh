#!/bin/sh
# What `make install` runs: makes .venv if it is missing or broken, and installs recon there, editable and with what the
# tests need, unless nothing changed since the last time. Uses uv when it is there and pip otherwise.
# PYTHON names the Python to make .venv with; without it, the first that fits of python3, python3.13, python3.12, python3.11.
set -eu
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-}
EXTRAS=dev
STAMP=.venv/.recon-installed # what was installed: written last, so that an interrupted installation leaves none

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

fits() {
    case "$(version_of "$1")" in 3.11 | 3.12 | 3.13) true ;; *) false ;; esac
}

fail() {
    echo "make install: $1" >&2
    exit 1
}

state() {
    pwd -P # an editable installation points here
    .venv/bin/python -V
    echo "$EXTRAS"
    cat pyproject.toml
}

chosen_python() {
    if [ -n "$PYTHON" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.13 python3.12 python3.11
    fi
    for python in "$@"; do
        if fits "$python"; then
            "$python" -c 'import sys; print(sys._base_executable)' # not that of an active .venv, which is about to go
            return
        fi
    done
    version=$("$1" -V 2>&1) || version="no Python that runs"
    fail "recon needs Python 3.11, 3.12 or 3.13, but $1 is $version; name one: make install PYTHON=/path/to/python3.12"
}

make_venv() {
    python=$(chosen_python)
    rm -rf .venv
    echo "Making .venv with $("$python" -V)"
    trap 'rm -rf .venv' EXIT # half a .venv is worse than none
    trap 'exit 130' INT TERM
    if [ -n "$uv" ]; then
        uv venv --quiet --seed --python "$python" .venv
    else
        "$python" -m venv .venv
    fi
    trap - EXIT INT TERM
}

uv=$(command -v uv || true)
if ! fits .venv/bin/python; then
    if [ -e .venv ]; then
        echo "The Python of .venv is missing or does not fit: making .venv anew"
    fi
    make_venv
elif [ -n "$PYTHON" ] && [ "$(version_of "$PYTHON")" != "$(version_of .venv/bin/python)" ]; then
    fail ".venv has $(.venv/bin/python -V), which PYTHON=$PYTHON is not; remove .venv to have it made anew"
elif state | cmp -s - "$STAMP"; then
    exit 0
elif [ -z "$uv" ] && ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "The pip of .venv is missing: making .venv anew"
    make_venv
fi

echo "Installing recon into .venv (the first time takes minutes, and about 6 GB: PyTorch with its CUDA libraries)"
rm -f "$STAMP"
state >"$STAMP.new"
if [ -n "$uv" ]; then
    uv pip install --python .venv/bin/python --editable ".[$EXTRAS]"
else
    .venv/bin/python -m pip install --editable ".[$EXTRAS]"
fi
mv "$STAMP.new" "$STAMP"

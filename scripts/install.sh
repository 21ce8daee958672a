#!/bin/sh
# Makes the virtual environment if need be and installs connectapp into it: install.sh PYTHON VENV WHAT
# With uv where it is found, else with venv and pip.
set -eu
python=$1 venv=$2 what=$3

stop() {
    echo "make: $1" >&2
    exit 1
}

command -v "$python" > /dev/null ||
    stop "there is no $python; install Python 3.11 or later (Debian: apt-get install python3-venv)"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "$python is Python $version, connectapp needs 3.11 or later: install one and say PYTHON=python3.11 make …"

if command -v uv > /dev/null; then
    [ -x "$venv/bin/python" ] || uv venv --quiet --python "$python" "$venv"
    UV_COMPILE_BYTECODE=1 uv pip install --quiet --python "$venv/bin/python" --constraint constraints.txt --editable "$what"
else
    "$python" -c 'import ensurepip, venv' 2> /dev/null ||
        stop "$python cannot make virtual environments; install its venv package (Debian: apt-get install python3-venv)"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    echo "installing into $venv; this takes a minute, and only when what is needed has changed"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable "$what"
fi

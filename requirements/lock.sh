#!/bin/sh
# Writes one hash-locked requirements file per supported Python, from pyproject.toml.
# Usage: requirements/lock.sh python3.11 python3.12 python3.13      (run on purpose, never by `make`)
# No index host may appear in the result: a mirror is each machine's own business.
set -eu
cd "$(dirname "$0")/.."
for python in "$@"; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    venv=$(mktemp -d)
    "$python" -m venv "$venv"
    "$venv/bin/pip" install -q --upgrade pip pip-tools
    CUSTOM_COMPILE_COMMAND="requirements/lock.sh" "$venv/bin/pip-compile" -q --strip-extras --allow-unsafe \
        --generate-hashes --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-annotate \
        ${UPGRADE:+--upgrade} --extra dev --output-file "requirements/py$version.txt" pyproject.toml
    rm -rf "$venv"
    echo "requirements/py$version.txt: $(grep -c '==' "requirements/py$version.txt") packages"
done

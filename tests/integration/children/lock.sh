#!/bin/sh
# Pins what the test of children needs, in requirements.txt: what the matrix has too, in its versions.
# To run, with Python 3.9 or newer: tests/integration/children/lock.sh
set -eu

cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet uv==0.13.9
"$tmp/venv/bin/uv" pip compile --quiet \
    --universal --python-version 3.9 --constraint ../matrix/requirements.txt \
    --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
    --custom-compile-command tests/integration/children/lock.sh - <requirements.in >"$tmp/new"
cat "$tmp/new" >requirements.txt

#!/bin/sh
# Pins what the matrix needs: for each Python the newest releases that support it, in requirements.txt.
# To run, with Python 3.9 or newer: tests/integration/matrix/lock.sh
set -eu

cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet uv==0.13.9
"$tmp/venv/bin/uv" pip compile --quiet \
    --universal --python-version 3.9 \
    --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
    --custom-compile-command tests/integration/matrix/lock.sh - <requirements.in >"$tmp/new"
cat "$tmp/new" >requirements.txt

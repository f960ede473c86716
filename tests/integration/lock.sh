#!/bin/sh
# Pins what the tests of real distributions need, in the requirements.txt of their folders: for the
# matrix the newest releases for each Python, for the others what the matrix has too, in its versions.
# To run, with Python 3.9 or newer: tests/integration/lock.sh
set -eu

cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet uv==0.13.9

# FOLDER OPTION...
lock() {
    folder=$1
    shift
    "$tmp/venv/bin/uv" pip compile --quiet \
        --universal --python-version 3.9 "$@" \
        --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
        --custom-compile-command tests/integration/lock.sh - <"$folder/requirements.in" >"$tmp/new"
    cat "$tmp/new" >"$folder/requirements.txt"
}

lock matrix
lock sources --constraint matrix/requirements.txt
lock children --constraint matrix/requirements.txt

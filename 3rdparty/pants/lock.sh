#!/bin/sh
# Pins what the launcher `pants` installs, and what CI needs to test on Pants 2.16.
# To run, with Python 3.9 or newer: 3rdparty/pants/lock.sh
set -eu

cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet uv==0.13.9

# lock FILE REQUIREMENT...: one set of versions that suits Python 3.7 to 3.9 on Linux and macOS, with
# the hashes of every file of each release. (pip-compile pins for the Python and platform it runs on.)
lock() {
    file=$1
    shift
    printf '%s\n' "$@" | "$tmp/venv/bin/uv" pip compile --quiet \
        --universal --python-version 3.7 --fork-strategy fewest \
        --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
        --custom-compile-command 3rdparty/pants/lock.sh - >"$tmp/new"
    cat "$tmp/new" >"$file"
}

# The pex CLI. Pants itself requires a release that does not know Python 3.12 and newer. Of the releases
# that know 3.14, this is the last one whose "latest" pip, which pants.toml asks for, runs on 3.9.
lock pex.txt pex==2.92.3
lock 2.17.1.txt pantsbuild.pants==2.17.1
lock 2.16.1.txt pantsbuild.pants==2.16.1
lock 2.16.1-test.txt pantsbuild.pants==2.16.1 pantsbuild.pants.testutil==2.16.1 hypothesis zstandard

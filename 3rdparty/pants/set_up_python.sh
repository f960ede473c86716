#!/bin/sh
# Prints the Python of a set-up that the launcher `pants` has made: the newest one that works, since
# set-ups of older pins remain.
#
#   3rdparty/pants/set_up_python.sh PANTS_VERSION
set -eu

version=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pants-pyoxidizer
newest=
for ready in "$cache"/pants-"$version"-*.??????/ready; do
    # It does not run once the Python is gone that the set-up was made with.
    if "${ready%/*}/venv/bin/python" -c '' 2>/dev/null &&
        { [ -z "$newest" ] || [ -n "$(find "$ready" -newer "$newest")" ]; }; then
        newest=$ready
    fi
done
if [ -z "$newest" ]; then
    echo "$0: Pants $version is not set up in $cache; run \`PANTS_VERSION=$version ./pants\` first." >&2
    exit 1
fi
printf '%s\n' "${newest%/*}/venv/bin/python"

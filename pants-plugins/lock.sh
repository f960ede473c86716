#!/bin/sh
# Pins the tools that the plugin brings along: for Pants 2.16 and 2.17, and once more in `locks`, for
# Pants 2.30 and newer.
# To run, with a python3 that is 3.11 or older: pants-plugins/lock.sh
set -eu

cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Lockfiles of newer releases of Pex cannot be read by all older ones. So it is the one that Pants
# 2.17 has by default.
sed -n '/^pex==/,/[^\\]$/p' 3rdparty/pants/2.17.1.txt >"$tmp/requirements.txt"
version=$(sed -n 's/^pex==\([^ ]*\).*/\1/p' "$tmp/requirements.txt")
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" download --quiet --no-deps --only-binary=:all: --require-hashes \
    --requirement "$tmp/requirements.txt" --dest "$tmp/wheels"
"$tmp/venv/bin/pip" install --quiet --no-index "$tmp"/wheels/*
"$tmp/venv/bin/pex" "pex==$version" --no-pypi --find-links "$tmp/wheels" \
    --console-script pex --output-file "$tmp/pex" --no-strip-pex-env
content=$("$tmp/venv/bin/python" -c '
import hashlib, sys
with open(sys.argv[1], "rb") as pex:
    content = pex.read()
print(hashlib.sha256(content).hexdigest(), len(content), sep="|")
' "$tmp/pex")
known=
for platform in linux_x86_64 linux_arm64 macos_x86_64 macos_arm64; do
    known="$known'v$version|$platform|$content', "
done

# The version of pip is written into the lockfiles, and Pants 2.16 refuses one that it does not know,
# such as the one that Pants 2.17 has by default.
plugin=pants-plugins/pants_pyoxidizer
./pants --pex-cli-version="v$version" --pex-cli-url-template="file://$tmp/pex" \
    --pex-cli-known-versions="[$known]" --python-pip-version=23.1 \
    --generate-lockfiles-custom-command=pants-plugins/lock.sh \
    --pyoxidizer-lockfile=$plugin/pyoxidizer.lock \
    --pyoxidizer-report-lockfile=$plugin/report.lock \
    generate-lockfiles --resolve=pyoxidizer --resolve=pyoxidizer-report

# Older Pants reads the metadata in the header. Pants 2.32 and newer demands a file with it; where
# there is one, Pants 2.30 and 2.31 cannot read a lockfile with a header.
mkdir -p $plugin/locks
for name in pyoxidizer report; do
    sed -n '/^\/\/ --- BEGIN /,/^\/\/ --- END /s/^\/\/ \([^-]\)/\1/p' \
        $plugin/$name.lock >$plugin/locks/$name.lock.metadata
    sed '/^\/\//d; /^$/d' $plugin/$name.lock >$plugin/locks/$name.lock
done

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Makes the same input the same executable, whatever the folders and the machine.

A part of the cargo driver. PyOxidizer writes artifacts into a new temporary folder, for cargo to
build with. What varies in them is put in order here, and rustc is kept from writing where they, and
the sources of crates, lie.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Dict, Mapping

from ..formats import ar_archive
from ..formats.packed_resources import UnknownFormat, normalize

PACKED_RESOURCES = "packed-resources"
LIBPYTHON = "libpython3.a"
# What PyOxidizer compiles or writes itself. The rest of libpython is from the Python's archive.
TEMPORARY_MEMBER = re.compile(r"[0-9a-f]{16}-config\.o|libpython\.[0-9]+\.o")

TEMPORARY_URL = re.compile(rb'("url": "file:///)[^"]*/')
ARCHIVE_INFO = re.compile(rb'("archive_info": )\{[^{}]*(\{[^{}]*\}[^{}]*)?\}')
CHECKSUM = re.compile(
    rb'^("?(?:(?:\.\./)+bin/|[^/\r\n]+/direct_url\.json)[^\r\n]*),[^,\r\n]*,[0-9]*(?=\r?$)',
    re.MULTILINE,
)


def normalize_artifacts(env: Mapping[str, str]) -> None:
    """Rewrite those of PyOxidizer's artifacts that are in random order."""
    folder = artifacts(env)
    normalize_packed_resources(folder / PACKED_RESOURCES)
    order_members(folder / LIBPYTHON)


def artifacts(env: Mapping[str, str]) -> Path:
    return Path(env["PYO3_CONFIG_FILE"]).parent


def normalize_packed_resources(path: Path) -> None:
    """Rewrite the file if need be; leave alone what we do not understand."""
    if not path.is_file():
        return
    data = path.read_bytes()
    try:
        normalized = normalize(data, normalize_metadata)
    except UnknownFormat:
        return
    if normalized != data:
        path.write_bytes(normalized)


def normalize_metadata(name: bytes, content: bytes) -> bytes:
    """What a file of a distribution's metadata shall contain, instead of `content`.

    pip records the temporary path of a wheel that it was given, its hash, in which the times of a
    wheel's making are, and the path of Python in the first line of a script. So the checksum of a
    script, which is not even packaged, differs as well.
    """
    if name == b"direct_url.json":
        return ARCHIVE_INFO.sub(rb"\1{}", TEMPORARY_URL.sub(rb"\1", content))
    return CHECKSUM.sub(rb"\1,,", content) if name == b"RECORD" else content


def order_members(path: Path) -> None:
    """Move the temporary members to the end, where they may be already.

    PyOxidizer sorts members by path, and which of two folders comes first depends on the machine.
    """
    if not path.is_file():
        return
    try:
        names = [name for name, _ in ar_archive.members(path.read_bytes())]
    except ar_archive.ArError:
        return  # As rustc will say.
    temporary = [name for name in names if TEMPORARY_MEMBER.fullmatch(name)]
    if temporary and names[-len(temporary) :] != temporary:
        # PyOxidizer has called `ar`, too.
        subprocess.run(["ar", "ms", path, *temporary], check=True)


def rustc_env(env: Mapping[str, str]) -> Dict[str, str]:
    """Variables for cargo, so that rustc replaces the paths that differ from build to build.

    `RUSTFLAGS` would do that as well, but cargo hashes them into each crate's symbols and state.
    """
    return {
        "RUSTC_WRAPPER": os.path.join(os.path.dirname(os.path.abspath(__file__)), "rustc_wrapper"),
        # Of the artifacts, the project and the target folder.
        "PANTS_PYOXIDIZER_TEMP": str(artifacts(env).parent),
        "PANTS_PYOXIDIZER_STD": standard_library(env.get("RUSTC", "rustc")),
    }


def standard_library(rustc: str) -> str:
    """`PATH=VIRTUAL` of the standard library's sources; empty without an answer from `rustc`.

    Rust writes the virtual path, but the real one where the component rust-src is installed.
    """
    try:
        sysroot, version = (
            subprocess.run([rustc, *args], check=True, capture_output=True).stdout.decode()
            for args in (["--print", "sysroot"], ["-vV"])
        )
    except (OSError, subprocess.CalledProcessError):
        return ""  # Cargo will say what is wrong.
    commit = re.search(r"^commit-hash: (.+)$", version, re.MULTILINE)
    name = commit[1] if commit else "unknown"
    return f"{sysroot.rstrip()}/lib/rustlib/src/rust=/rustc/{name}"

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Makes executables reproducible: independent of folders and of the machine.

Part of the cargo driver. PyOxidizer writes artifacts for cargo into a new temporary folder. This
module normalizes what varies in them, and keeps rustc from recording the paths of artifacts and of
the sources of crates.
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
# Members that PyOxidizer compiles or writes. All others come from the archive of the Python.
TEMPORARY_MEMBER = re.compile(r"[0-9a-f]{16}-config\.o|libpython\.[0-9]+\.o")

TEMPORARY_URL = re.compile(rb'("url": "file:///)[^"]*/')
ARCHIVE_INFO = re.compile(rb'("archive_info": )\{[^{}]*(\{[^{}]*\}[^{}]*)?\}')
CHECKSUM = re.compile(
    rb'^("?(?:(?:\.\./)+bin/|[^/\r\n]+/direct_url\.json)[^\r\n]*),[^,\r\n]*,[0-9]*(?=\r?$)',
    re.MULTILINE,
)


def normalize_artifacts(env: Mapping[str, str]) -> None:
    """Sort what PyOxidizer's artifacts hold in random order."""
    folder = artifacts(env)
    normalize_packed_resources(folder / PACKED_RESOURCES)
    order_members(folder / LIBPYTHON)


def artifacts(env: Mapping[str, str]) -> Path:
    return Path(env["PYO3_CONFIG_FILE"]).parent


def normalize_packed_resources(path: Path) -> None:
    """Rewrite the file if necessary. A file of an unknown format stays as it is."""
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
    """The reproducible content of a file of a distribution's metadata.

    pip records the temporary path of a wheel and its hash, which depends on the time at which the
    wheel was built. It also records the checksums of scripts, which depend on the path of Python in
    their first line, although the scripts are not packaged.
    """
    if name == b"direct_url.json":
        return ARCHIVE_INFO.sub(rb"\1{}", TEMPORARY_URL.sub(rb"\1", content))
    return CHECKSUM.sub(rb"\1,,", content) if name == b"RECORD" else content


def order_members(path: Path) -> None:
    """Move temporary members to the end, unless they are already there.

    PyOxidizer sorts members by path, and the order of the two folders depends on the machine.
    """
    if not path.is_file():
        return
    try:
        names = [name for name, _ in ar_archive.members(path.read_bytes())]
    except ar_archive.ArError:
        return  # rustc will report it.
    temporary = [name for name in names if TEMPORARY_MEMBER.fullmatch(name)]
    if temporary and names[-len(temporary) :] != temporary:
        # PyOxidizer needs `ar` as well, so it is there.
        subprocess.run(["ar", "ms", path, *temporary], check=True)


def rustc_env(env: Mapping[str, str]) -> Dict[str, str]:
    """Variables with which rustc replaces paths that differ between builds.

    `RUSTFLAGS` could do that as well, but cargo hashes it into the symbols of each crate.
    """
    return {
        "RUSTC_WRAPPER": os.path.join(os.path.dirname(os.path.abspath(__file__)), "rustc_wrapper"),
        # The parent of the artifacts, the project and the target folder.
        "PANTS_PYOXIDIZER_TEMP": str(artifacts(env).parent),
        "PANTS_PYOXIDIZER_STD": standard_library(env.get("RUSTC", "rustc")),
    }


def standard_library(rustc: str) -> str:
    """`PATH=VIRTUAL` for the sources of the standard library, or "" if `rustc` does not answer.

    Rust records the virtual path, unless the component rust-src is installed.
    """
    try:
        sysroot, version = (
            subprocess.run([rustc, *args], check=True, capture_output=True).stdout.decode()
            for args in (["--print", "sysroot"], ["-vV"])
        )
    except (OSError, subprocess.CalledProcessError):
        return ""  # Cargo will report it.
    commit = re.search(r"^commit-hash: (.+)$", version, re.MULTILINE)
    name = commit[1] if commit else "unknown"
    return f"{sysroot.rstrip()}/lib/rustlib/src/rust=/rustc/{name}"

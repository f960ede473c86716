# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Reads and writes archives in python-build-standalone's "full" format.

The format is a zstd-compressed tar file with all paths below `python/`. What is read may be damaged
or malicious.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
from typing import IO, Iterable, Mapping, cast

import zstandard

from .libpython import Unusable
from .packed_tree import is_packed

PYTHON_JSON = "PYTHON.json"
ROOT = "python"
ZSTD_MAGIC, GZIP_MAGIC = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"
CHUNK = 1 << 20

# A low level suffices for an archive that is only passed between processes. The output depends on
# the number of threads, so that is fixed.
ZSTD_LEVEL = 1
ZSTD_THREADS = 2
# The mtime of all files. Zip files cannot store times before 1980.
FIXED_TIME = 1_000_000_000

# The entries that PyOxidizer accepts and reads.
KEPT = re.compile(
    r"(PYTHON\.json|LICENSE\.rst|(build|lib|licenses|install/(include|lib|lib64))/.*)"
)
# Everything else in `bin` links to it or starts it.
EXECUTABLE = re.compile(r"install/bin/python3\.\d+")
STDLIB = re.compile(r"install/(?:lib|lib64)/python3\.\d+/(?P<path>.*)")
# Symlinks for the linker, to a library that is not linked.
UNUSED_LINK = re.compile(r"install/(lib|lib64)/[^/]*")

OUTSIDE = f"which is outside `{ROOT}/`, the root of such archives"
INSTALL_ONLY = (
    "is an `install_only` archive, which has no object files to link; use the `full` archive of the"
    " same release, whose name ends in `-full.tar.zst`"
)


def unpack(archive: str, root: str) -> None:
    """Extracts what PyOxidizer needs to `root`, without the leading `python/`.

    Replaces links with copies of the files that they refer to.

    Raises:
        Unusable: when the archive is damaged, malicious, or of another kind.
    """
    links: dict[str, str] = {}
    others = False
    with open(archive, "rb") as file:
        check_magic(file.read(4))
        file.seek(0)
        stream = io.BufferedReader(Frames(file), CHUNK)
        try:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    others = unpack_member(tar, member, root, links) or others
                check_end(tar)
        except (tarfile.TarError, zstandard.ZstdError, EOFError, ValueError) as error:
            raise Unusable(f"is damaged ({error})") from None
    if not os.path.isfile(os.path.join(root, PYTHON_JSON)):
        raise Unusable(INSTALL_ONLY if others else "has no python/PYTHON.json")
    copy_links(root, links)


def check_magic(magic: bytes) -> None:
    if magic.startswith(GZIP_MAGIC):
        raise Unusable(INSTALL_ONLY)
    if magic != ZSTD_MAGIC:
        raise Unusable("is not a zstd-compressed tar file")


class Frames(io.RawIOBase):
    """The decompressed zstd frames of a file. Unlike zstandard's own reader, it detects a truncated
    frame."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = zstandard.ZstdDecompressor().decompressobj()
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        while not self._output:
            data = self._file.read(CHUNK)
            if not data and not self._decompressor.eof:
                raise Unusable("is truncated: the compressed data ends early")
            if not data:
                return 0
            self._output = memoryview(self._decompress(data))
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def _decompress(self, data: bytes) -> bytes:
        output = []
        while data:
            if self._decompressor.eof:
                self._decompressor = zstandard.ZstdDecompressor().decompressobj()
            output.append(self._decompressor.decompress(data))
            data = self._decompressor.unused_data
        return b"".join(output)


def check_end(tar: tarfile.TarFile) -> None:
    """Rejects trailing data: the tarfile module mistakes an invalid header for the end."""
    file = cast(IO[bytes], tar.fileobj)  # None only if the archive is closed.
    for rest in iter(lambda: file.read(CHUNK), b""):
        if rest.strip(b"\0"):
            raise Unusable("is damaged (invalid header in the middle)")


def unpack_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, root: str, links: dict[str, str]
) -> bool:
    """Writes a file, or records a link. Returns whether the path is typical of `install_only`."""
    path = inside(member.name, "")
    if path is None:
        raise Unusable(f"contains {member.name}, {OUTSIDE}")
    if member.isdir():
        return False
    if member.issym() or member.islnk():
        # Targets of hard links are relative to the top of the archive.
        folder = os.path.dirname(member.name) if member.issym() else ""
        target = inside(member.linkname, folder)
        if target is None:
            raise Unusable(f"contains {member.name}, a link to {member.linkname}, {OUTSIDE}")
        if is_kept(path) and not UNUSED_LINK.fullmatch(path):
            links[path] = target
    elif not member.isreg():
        raise Unusable(f"contains {member.name}, which is not a file, folder or link")
    elif is_kept(path):
        content = cast(IO[bytes], tar.extractfile(member))  # None only for folders and links.
        with open(writable(root, path), "wb") as file:
            shutil.copyfileobj(content, file, CHUNK)
    return path.startswith(("bin/", "lib/python"))


def inside(path: str, folder: str) -> str | None:
    """`path`, relative to `folder` of the archive, as relative to `ROOT`; None if it is outside."""
    top, _, rest = os.path.normpath(os.path.join(folder, path)).partition("/")
    return rest if top == ROOT and "\0" not in path else None


def is_kept(path: str) -> bool:
    in_stdlib = STDLIB.fullmatch(path)
    if in_stdlib and not in_stdlib["path"].startswith("lib-dynload/"):
        return is_packed(in_stdlib["path"])
    return bool(KEPT.fullmatch(path) or EXECUTABLE.fullmatch(path))


def writable(root: str, path: str) -> str:
    file = os.path.join(root, path)
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
    except OSError:
        raise Unusable(f"contains {path}, but a parent folder of it is a file") from None
    if os.path.isdir(file):
        raise Unusable(f"contains {path} both as a folder and as a file")
    return file


def copy_links(root: str, links: Mapping[str, str]) -> None:
    """Skips links to folders, to skipped files, and to nothing."""
    for path, target in links.items():
        for _ in links:
            target = links.get(target, target)
        source = os.path.join(root, target)
        if os.path.isfile(source) and source != os.path.join(root, path):
            shutil.copyfile(source, writable(root, path))


def write_archive(root: str, output: str) -> None:
    """Packs all files below `root` as `python/...`, reproducibly."""
    paths = [
        os.path.relpath(os.path.join(folder, name), root)
        for folder, _, names in os.walk(root)
        for name in names
    ]
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, threads=ZSTD_THREADS)
    with open(output, "wb") as file, compressor.stream_writer(file) as stream:
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path in archive_order(paths):
                with open(os.path.join(root, path), "rb") as content:
                    tar.addfile(tar_entry(path, os.fstat(content.fileno()).st_size), content)


def archive_order(paths: Iterable[str]) -> list[str]:
    """PYTHON.json comes last: PyOxidizer takes its presence for a complete extraction."""
    return sorted(paths, key=lambda path: (path == PYTHON_JSON, path))


def tar_entry(path: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"python/{path}")
    entry.size = size
    entry.mtime = FIXED_TIME
    is_executable = path.startswith("install/bin/") or ".so" in os.path.basename(path)
    entry.mode = 0o755 if is_executable else 0o644
    return entry

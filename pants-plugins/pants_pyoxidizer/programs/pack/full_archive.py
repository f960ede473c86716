# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Unpacks python-build-standalone's "full" archives, which may be damaged or hostile.

Such an archive is a tar file, compressed with zstd, with all paths below `python/`.
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

# The archive only goes from one process to the next. The number of threads is fixed because the
# bytes depend on it.
ZSTD_LEVEL = 1
ZSTD_THREADS = 2
# For all files; later than 1980, where the times in zip files begin.
FIXED_TIME = 1_000_000_000

# What PyOxidizer accepts beside each other, and reads.
KEPT = re.compile(
    r"(PYTHON\.json|LICENSE\.rst|(build|lib|licenses|install/(include|lib|lib64))/.*)"
)
# All else in `bin` is links to it, or scripts that start it.
EXECUTABLE = re.compile(r"install/bin/python3\.\d+")
STDLIB = re.compile(r"install/(?:lib|lib64)/python3\.\d+/(?P<path>.*)")
# Names for the linker, of a library that is not linked.
UNUSED_LINK = re.compile(r"install/(lib|lib64)/[^/]*")

OUTSIDE = f"which lies outside of `{ROOT}/`, the root of such archives"
INSTALL_ONLY = (
    "is of the kind `install_only`, without the objects to link a binary from; take the `full`"
    " archive of the same release, whose name ends in `-full.tar.zst`"
)


def unpack(archive: str, root: str) -> None:
    """Writes what PyOxidizer needs below `root`, without the leading `python/`.

    A link is replaced by a copy of its file.

    Raises:
        Unusable: when that cannot be done.
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
        raise Unusable("is no tar file that is compressed with zstd")


class Frames(io.RawIOBase):
    """What is in the zstd frames of a file. Unlike zstandard's own reader, it misses the rest of a
    frame that is cut off."""

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
                raise Unusable("is cut off: it ends in the middle of the compressed data")
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
    """To the tarfile module, a broken header looks like the end."""
    file = cast(IO[bytes], tar.fileobj)  # None is for archives that are closed.
    for rest in iter(lambda: file.read(CHUNK), b""):
        if rest.strip(b"\0"):
            raise Unusable("is damaged (a broken header in the middle)")


def unpack_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, root: str, links: dict[str, str]
) -> bool:
    """Writes a file, or notes where a link leads to. Whether it is a part of an installation."""
    path = inside(member.name, "")
    if path is None:
        raise Unusable(f"holds {member.name}, {OUTSIDE}")
    if member.isdir():
        return False
    if member.issym() or member.islnk():
        # Hard links are seen from the top.
        folder = os.path.dirname(member.name) if member.issym() else ""
        target = inside(member.linkname, folder)
        if target is None:
            raise Unusable(f"holds {member.name}, a link to {member.linkname}, {OUTSIDE}")
        if is_kept(path) and not UNUSED_LINK.fullmatch(path):
            links[path] = target
    elif not member.isreg():
        raise Unusable(f"holds {member.name}, which is neither a file, a folder nor a link")
    elif is_kept(path):
        content = cast(IO[bytes], tar.extractfile(member))  # None is for folders and links.
        with open(writable(root, path), "wb") as file:
            shutil.copyfileobj(content, file, CHUNK)
    return path.startswith(("bin/", "lib/python"))


def inside(path: str, folder: str) -> str | None:
    """`path`, seen from `folder` of the archive, relative to `ROOT`; None if it is not below."""
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
        raise Unusable(f"holds {path} below what is a file") from None
    if os.path.isdir(file):
        raise Unusable(f"holds {path} as a folder and as a file")
    return file


def copy_links(root: str, links: Mapping[str, str]) -> None:
    """Links to folders, to what is not kept, and to nothing are left out."""
    for path, target in links.items():
        for _ in links:
            target = links.get(target, target)
        source = os.path.join(root, target)
        if os.path.isfile(source) and source != os.path.join(root, path):
            shutil.copyfile(source, writable(root, path))


def write_archive(root: str, output: str) -> None:
    """All files below `root`, as `python/...`; the same files give the same bytes."""
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
    """PyOxidizer takes an extraction as complete when PYTHON.json is there, so that comes last."""
    return sorted(paths, key=lambda path: (path == PYTHON_JSON, path))


def tar_entry(path: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"python/{path}")
    entry.size = size
    entry.mtime = FIXED_TIME
    is_executable = path.startswith("install/bin/") or ".so" in os.path.basename(path)
    entry.mode = 0o755 if is_executable else 0o644
    return entry

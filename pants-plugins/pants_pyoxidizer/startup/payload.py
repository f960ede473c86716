# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The payload: a program's modules and files in one blob, and what to run.

    contents ... | files | index | footer

Files and index are dicts in version 2 of the marshal format, which all Pythons read and write alike.
(The bytecode in the contents fits only one of them.) Files are {path: contents}, and read only when
one is wanted: few programs read any when they start, and sources make them many. The index has

    modules     {path without suffix: (path of the source, whether it is a package, code)}
    files       where the files are
    namespaces  paths of packages without `__init__`
    start       (module or None, function or None)

Paths are relative to a root like site-packages, with "/". Code, contents and files are (offset, size,
CRC-32, whether zlib compressed it). A module's code may be None; then its source is among the
files. The footer is five little-endian numbers of 8 bytes (size of all that comes before the
footer, size of the index, CRC-32 of the index and the settings, format, settings), then MAGIC. The
settings are the sum of HAS_PROGRAM, OFFERS_INTERPRETER and HEEDS_VARIABLES. `process.rs` reads them
before there is a Python.

A payload is appended to an executable, or is a file beside it (see `find`). Those that
`make_payload` writes for single wheels have the same format, and nothing to start.
"""

import marshal
import os
import sys
from binascii import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` would cost 5 ms at each start.
    from typing import Any, BinaryIO, Dict, Iterable, Mapping, Optional, Tuple, Union

    Extent = Tuple[int, int, int, bool]
    Module = Tuple[str, bool, Optional[Extent]]

MAGIC = b"PANTSPYX"
FORMAT = 1
NUMBER_SIZE = 8
FOOTER_SIZE = 5 * NUMBER_SIZE + len(MAGIC)
MARSHAL_VERSION = 2

SUFFIX = ".payload"  # Of a payload that lies beside its executable.

HAS_PROGRAM = 1  # There is something to start.
OFFERS_INTERPRETER = 2  # Whoever starts the executable may ask for a Python instead.
HEEDS_VARIABLES = 4  # Those that `python` heeds, such as PYTHONUNBUFFERED, count.


class PayloadError(Exception):
    """The payload is missing or damaged."""


class Payload:
    """A payload in a file; `start` is (module or None, function or None)."""

    def __init__(self, path: str, data: "memoryview", index: "Dict[str, Any]") -> None:
        self.path = path
        self.modules: "Dict[str, Module]" = index["modules"]
        self.namespaces: "Tuple[str, ...]" = index["namespaces"]
        self.start: "Tuple[Optional[str], Optional[str]]" = index["start"]
        self._data = data
        self._files_at: "Extent" = index["files"]
        self._files: "Optional[Dict[str, Extent]]" = None

    @property
    def files(self) -> "Dict[str, Extent]":
        """By path; raises PayloadError as `read` does."""
        if self._files is None:
            self._files = marshal.loads(self.read(self._files_at))
        return self._files

    def read(self, contents: "Extent") -> "Union[bytes, memoryview]":
        """Raises PayloadError when the data is not what was written."""
        offset, size, checksum, is_compressed = contents
        data = self._data[offset : offset + size]
        if len(data) != size or crc32(data) != checksum:
            raise PayloadError(damaged(self.path))
        if is_compressed:
            import zlib

            return zlib.decompress(data)
        return data


def damaged(path: str) -> str:
    return f"{path} is damaged; to fix, get a new copy"


def find(executable: str) -> Payload:
    """The payload at the end of an executable, or else beside it.

    Raises:
        PayloadError: when there is none, or it is damaged.
    """
    sidecar = executable + SUFFIX
    payload = open_file(executable)
    if payload is None and os.path.exists(sidecar):
        payload = open_file(sidecar)
        if payload is None:
            raise PayloadError(damaged(sidecar))
    if payload is None:
        raise PayloadError(
            f"the program is missing: nothing is appended to {executable} (a tool such as strip "
            f"may have removed it, or a download was cut short), and there is no {sidecar}; "
            "to fix, get a new copy"
        )
    return payload


def open_file(path: str) -> "Optional[Payload]":
    """The payload that a file ends with, if any."""
    import mmap

    # Else the mapping keeps a descriptor of its own, which no one needs.
    options: "Any" = {"trackfd": False} if sys.version_info >= (3, 13) else {}
    try:
        with open(path, "rb") as file:
            # A mapping stays valid when the file is replaced, or a daemon closes all descriptors.
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ, **options))
    except ValueError:  # It is empty.
        return None
    except OSError as error:
        raise PayloadError(f"cannot read {path}: {error.strerror}") from None
    return parse(path, view)


def parse(path: str, view: "memoryview") -> "Optional[Payload]":
    """The payload that `view`, the content of the file `path`, ends with, if any."""
    footer = bytes(view[-FOOTER_SIZE:])
    if not footer.endswith(MAGIC):
        return None
    size, index_size, checksum, version, settings = (
        int.from_bytes(footer[start : start + NUMBER_SIZE], "little")
        for start in range(0, 5 * NUMBER_SIZE, NUMBER_SIZE)
    )
    end = len(view) - FOOTER_SIZE
    index = view[end - index_size : end]
    is_whole = index_size <= size <= end and checksum_of(index, settings) == checksum
    if version != FORMAT or not is_whole:
        raise PayloadError(damaged(path))
    return Payload(path, view[end - size : end], marshal.loads(index))


def checksum_of(index: "Union[bytes, memoryview]", settings: int) -> int:
    return crc32(settings.to_bytes(NUMBER_SIZE, "little"), crc32(index))


class Writer:
    """Writes a payload to a file, from its current position.

    Of several modules or files with one path, the first one counts, except that a package precedes
    a module of its name, as in a folder. `compress` is for what is seldom read, such as sources, or,
    given to the constructor, for all of it: reading takes longer then.
    """

    def __init__(self, file: "BinaryIO", compress: bool = False) -> None:
        self._file = file
        self._compress = compress
        self._size = 0
        self.modules: "Dict[str, Module]" = {}
        self.files: "Dict[str, Extent]" = {}

    def add_file(self, path: str, data: bytes, compress: bool = False) -> None:
        if path not in self.files:
            self.files[path] = self._write(data, compress or self._compress)

    def add_module(
        self, name: str, path: str, is_package: bool, code: "Optional[bytes]" = None
    ) -> None:
        """`name` is a path without suffix; for a package, that of its folder."""
        if self._is_hidden(name, is_package):
            return
        contents = None if code is None else self._write(code, self._compress)
        self.modules[name] = (path, is_package, contents)

    def add_payload(self, payload: Payload) -> None:
        """Add all contents of another payload, but not what it starts."""
        shift = self._size
        for name, (path, is_package, code) in payload.modules.items():
            if not self._is_hidden(name, is_package):
                self.modules[name] = (path, is_package, _shifted(code, shift) if code else None)
        for path, contents in payload.files.items():
            self.files.setdefault(path, _shifted(contents, shift))
        size, *_ = payload._files_at  # That of all contents, which files follow.
        self._file.write(payload._data[:size])
        self._size += size

    def finish(
        self,
        module: "Optional[str]" = None,
        function: "Optional[str]" = None,
        interpreter: bool = False,
        variables: bool = False,
    ) -> None:
        files = marshal.dumps(dict(sorted(self.files.items())), MARSHAL_VERSION)
        settings = HAS_PROGRAM if module else 0
        settings += OFFERS_INTERPRETER if interpreter else 0
        settings += HEEDS_VARIABLES if variables else 0
        index = marshal.dumps(
            {
                "modules": dict(sorted(self.modules.items())),
                "files": self._write(files),
                "namespaces": tuple(namespaces(self.modules)),
                "start": (module, function),
            },
            MARSHAL_VERSION,
        )
        self._file.write(index)
        checksum = checksum_of(index, settings)
        for number in (self._size + len(index), len(index), checksum, FORMAT, settings):
            self._file.write(number.to_bytes(NUMBER_SIZE, "little"))
        self._file.write(MAGIC)

    def _is_hidden(self, name: str, is_package: bool) -> bool:
        there = self.modules.get(name)
        return there is not None and (there[1] or not is_package)

    def _write(self, data: bytes, compress: bool = False) -> "Extent":
        if compress:
            import zlib

            data = zlib.compress(data, 9)
        offset = self._size
        self._file.write(data)
        self._size += len(data)
        return offset, len(data), crc32(data), compress


def _shifted(contents: "Extent", shift: int) -> "Extent":
    offset, *rest = contents
    return (offset + shift, *rest)  # type: ignore[return-value]


def namespaces(modules: "Mapping[str, Module]") -> "Iterable[str]":
    """The folders that hold modules, but are not regular packages (PEP 420)."""
    folders = set()
    for name in modules:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return sorted(folder for folder in folders if not _is_package(modules, folder))


def _is_package(modules: "Mapping[str, Module]", folder: str) -> bool:
    return folder in modules and modules[folder][1]

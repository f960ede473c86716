# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Reads static libraries (`ar` archives).

The format is ar(5): a magic number, then members, each with a 60-byte header in ASCII columns and
data, padded to an even offset. The name column has 16 bytes. GNU and System V store longer names in
a member `//`, and put `/OFFSET` into the column; BSD and macOS put `#1/LENGTH` there, and start the
data with LENGTH bytes of name.

`ar x` does not work here: when two members have the same name, as in some libpythons, the second
overwrites the first.
"""

from __future__ import annotations

from typing import Iterator

MAGIC = b"!<arch>\n"
THIN_MAGIC = b"!<thin>\n"
HEADER_SIZE = 60
# The linker's symbol indexes. Whoever rewrites the archive rebuilds them.
SYMBOL_INDEXES = (
    "/",
    "/SYM64/",
    "__.SYMDEF",
    "__.SYMDEF SORTED",
    "__.SYMDEF_64",
    "__.SYMDEF_64 SORTED",
)


class ArError(Exception):
    """The file is not a readable static library."""


def members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The name and content of each member, in order, without the symbol index."""
    if data.startswith(THIN_MAGIC):
        raise ArError("is a thin archive, which does not contain its object files")
    if not data.startswith(MAGIC):
        raise ArError("is not a static library")
    long_names = b""
    offset = len(MAGIC)
    while offset < len(data):
        header = data[offset : offset + HEADER_SIZE]
        if (
            len(header) < HEADER_SIZE
            or header[58:60] != b"`\n"
            or not header[48:58].strip().isdigit()
        ):
            raise ArError(f"has a malformed member header at offset {offset}")
        start = offset + HEADER_SIZE
        end = start + int(header[48:58])
        if end > len(data):
            raise ArError(f"is truncated in the member at offset {offset}")
        name = header[:16].decode("utf-8", "replace").rstrip()
        if name == "//":
            long_names = data[start:end]
        else:
            if name.startswith("#1/") and name[3:].isdigit():
                length = int(name[3:])
                name = data[start : start + length].rstrip(b"\0").decode("utf-8", "replace")
                start += length
            elif name.startswith("/") and name[1:].isdigit():
                name = long_names[int(name[1:]) :].split(b"\n", 1)[0].decode("utf-8", "replace")
            if name not in SYMBOL_INDEXES:
                # GNU terminates names with a slash, so that they can contain spaces.
                yield name[:-1] if name.endswith("/") else name, data[start:end]
        offset = end + end % 2


def unique_names(names: list[str]) -> list[str]:
    """File names for members: base names, numbered where an earlier member has the same one.

    `["a.o", "b.o", "a.o"]` gives `["a.o", "b.o", "a-2.o"]`.
    """
    seen: dict[str, int] = {}
    taken = set()
    result = []
    for name in names:
        base = name.rsplit("/", 1)[-1]
        unique = base
        while unique in taken or (unique != base and unique in names):
            seen[base] = seen.get(base, 1) + 1
            stem, dot, suffix = base.rpartition(".")
            unique = f"{stem}-{seen[base]}.{suffix}" if dot else f"{base}-{seen[base]}"
        taken.add(unique)
        result.append(unique)
    return result

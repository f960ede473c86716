# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Normalizes the "packed resources" that PyOxidizer embeds, so that builds are reproducible.

The format is version 3 of the crate python-packed-resources 0.12. Integers are little-endian:

    b"pyembed\\x03"
    u8 number of sections, u32 size of their index, u32 number of resources, u32 size of their index
    section index: for each section, its resource field (u8) and its size (u64)
    resource index: for each resource, its fields (u8), each followed by the lengths of its values
    sections: the values of one field, for all resources in the order of the index

PyOxidizer sorts the resources. But it keeps the data files and the metadata of a package in hash
maps, and writes them in an order that varies from process to process.
"""

import struct
from dataclasses import dataclass
from typing import Callable, Dict, List, Tuple

MAGIC = b"pyembed\x03"
HEADER = struct.Struct("<BIII")

# In both indexes.
END_OF_INDEX = 0x00
START_OF_ENTRY = 0x01
END_OF_ENTRY = 0xFF
# In the section index.
SECTION_FIELD = 0x02
SECTION_SIZE = 0x03
# In the resource index: the lengths that follow a field.
LENGTHS = {
    **{field: struct.Struct("") for field in (0x04, 0x05, *range(0x16, 0x1D))},
    0x03: struct.Struct("<H"),
    **{field: struct.Struct("<I") for field in (*range(0x06, 0x0B), *range(0x0F, 0x14), 0x1E)},
    **{field: struct.Struct("<Q") for field in (0x0D, 0x1D)},
}
# The names of shared libraries: a count, then lengths.
NAMES = 0x0E
# The hash maps: a count, then pairs of the lengths of a name and its value.
METADATA = 0x0C
PAIRS = {
    **{field: struct.Struct("<HQ") for field in (0x0B, METADATA)},
    **{field: struct.Struct("<HI") for field in (0x14, 0x15)},
}


class UnknownFormat(Exception):
    """The data is not packed resources of the supported version."""


@dataclass(frozen=True)
class Section:
    start: int
    end: int
    size_offset: int  # Where the section index stores the size.


def normalize(data: bytes, edit: Callable[[bytes, bytes], bytes]) -> bytes:
    """The same resources, with the data files and metadata of each sorted by name.

    `edit` takes the name and content of a metadata file of a distribution, and returns its new
    content, of any length.

    Raises:
        UnknownFormat: when the data is not understood.
    """
    try:
        if not data.startswith(MAGIC):
            raise UnknownFormat("unexpected magic number")
        _, sections_size, _, resources_size = HEADER.unpack_from(data, len(MAGIC))
        first = len(MAGIC) + HEADER.size
        resources = first + sections_size
        blobs = resources + resources_size
        sections = _read_sections(data, first, blobs)
        index = bytearray(data[resources:blobs])
        normalized = _normalize_pairs(data, index, sections, edit)
        head = bytearray(data[:resources])
        parts = []
        for field, section in sections.items():
            parts.append(normalized.get(field, data[section.start : section.end]))
            struct.pack_into("<Q", head, section.size_offset, len(parts[-1]))
        return b"".join((head, index, *parts))
    except (struct.error, IndexError):
        raise UnknownFormat("truncated data") from None


def _read_sections(data: bytes, offset: int, start: int) -> Dict[int, Section]:
    """The sections by field, in order; the first one begins at `start`."""
    sections = {}
    field = -1
    while data[offset] != END_OF_INDEX:
        kind = data[offset]
        offset += 1
        if kind == SECTION_FIELD:
            field = data[offset]
            offset += 1
        elif kind == SECTION_SIZE:
            end = start + struct.unpack_from("<Q", data, offset)[0]
            sections[field] = Section(start, end, offset)
            start = end
            offset += 8
        elif kind not in (START_OF_ENTRY, END_OF_ENTRY):
            raise UnknownFormat(f"unknown section property {kind:#x}")
    if start != len(data):
        raise UnknownFormat("section sizes do not add up")
    return sections


def _normalize_pairs(
    data: bytes,
    index: bytearray,
    sections: Dict[int, Section],
    edit: Callable[[bytes, bytes], bytes],
) -> Dict[int, bytes]:
    """The new content of the sections with pairs, whose lengths in `index` are updated."""
    ends = {field: section.start for field, section in sections.items()}
    normalized: Dict[int, List[bytes]] = {}
    offset = 0
    while index[offset] != END_OF_INDEX:
        field = index[offset]
        offset += 1
        if field in LENGTHS:
            offset += LENGTHS[field].size
        elif field == NAMES:
            offset += 2 + 2 * struct.unpack_from("<H", index, offset)[0]
        elif field in PAIRS:
            count = struct.unpack_from("<I", index, offset)[0]
            lengths = index[offset + 4 : offset + 4 + count * PAIRS[field].size]
            pairs, ends[field] = _read_pairs(data, PAIRS[field], lengths, ends.get(field, 0))
            if field == METADATA:
                pairs = [(name, edit(name, content)) for name, content in pairs]
            packed = (PAIRS[field].pack(len(name), len(value)) for name, value in pairs)
            index[offset + 4 : offset + 4 + len(lengths)] = b"".join(packed)
            normalized.setdefault(field, []).extend(part for pair in pairs for part in pair)
            offset += 4 + len(lengths)
        elif field not in (START_OF_ENTRY, END_OF_ENTRY):
            raise UnknownFormat(f"unknown resource field {field:#x}")
    return {field: b"".join(parts) for field, parts in normalized.items() if field in sections}


def _read_pairs(
    data: bytes, code: struct.Struct, lengths: bytes, end: int
) -> Tuple[List[Tuple[bytes, bytes]], int]:
    """The pairs that begin at `end`, sorted by name, and the offset where they end."""
    pairs = []
    for pair in code.iter_unpack(lengths):
        name, value = end, end + pair[0]
        end = value + pair[1]
        pairs.append((data[name:value], data[value:end]))
    if end > len(data):
        raise UnknownFormat("truncated data")
    return sorted(pairs), end

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Reads symbols, symbol versions, needed libraries and relocations of ELF files; renames symbols.

Supports 64-bit little-endian files only, which is all that PyOxidizer builds on Linux. The layouts
are from elf(5) and, for versions, from the Linux Standard Base, chapter "Symbol Versioning".

Wheels contain files of any origin, so nothing in a file is trusted: whatever its bytes, each method
returns or raises `ElfError`.
"""

from __future__ import annotations

import re
import struct
from array import array
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Iterable, Iterator, Mapping

MAGIC = b"\x7fELF"
SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_DYNAMIC, SHT_NOBITS, SHT_DYNSYM = 1, 2, 4, 6, 8, 11
SHT_GNU_VERDEF, SHT_GNU_VERNEED, SHT_GNU_VERSYM = 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
SHF_ALLOC = 0x2
DT_NEEDED, DT_SONAME = 1, 14
STT_TLS = 6
EM_X86_64, EM_AARCH64 = 62, 183
SYMBOL = struct.Struct("<IBBHQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
DYNAMIC_ENTRY = struct.Struct("<QQ")
WORD = struct.Struct("<I")
# Entries of linked lists, whose last field is the distance to the next entry.
VERNEED, VERNAUX = struct.Struct("<HHIII"), struct.Struct("<IHHII")
VERDEF = struct.Struct("<HHHHIII")
RELOCATION_SIZE = 3 * 8

# Relocations of position-dependent code, by machine. They store an absolute address in too few bits
# to be relocated at load time, so linkers reject them in PIE executables, which rustc builds.
# From the psABIs: R_X86_64_{32,32S,16,8}; R_AARCH64_ABS{32,16} and R_AARCH64_MOVW_UABS_*.
POSITION_DEPENDENT: dict[int, frozenset[int]] = {
    EM_X86_64: frozenset({10, 11, 12, 14}),
    EM_AARCH64: frozenset({258, 259, *range(263, 270)}),
}
_GLIBC_VERSION = re.compile(r"GLIBC_([0-9]{1,9}(?:\.[0-9]{1,9})*)")


class ElfError(Exception):
    """The file is not an ELF file, is of an unsupported kind, or is damaged."""


@dataclass(frozen=True)
class Section:
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    header: int  # Offset of the section's header in the file.


@dataclass(frozen=True)
class Symbol:
    name: str
    is_local: bool
    is_weak: bool
    is_defined: bool
    is_thread_local: bool


class ElfFile:
    def __init__(self, data: bytes) -> None:
        if data[:4] != MAGIC:
            raise ElfError("is not an ELF file")
        if data[4:6] != b"\x02\x01" or len(data) < 64:
            raise ElfError("is not a 64-bit little-endian ELF file")
        self.data = data
        (self.machine,) = struct.unpack_from("<H", data, 18)
        self.sections = self._read_sections()

    def _read_sections(self) -> tuple[Section, ...]:
        (start,) = struct.unpack_from("<Q", self.data, 40)
        (count,) = struct.unpack_from("<H", self.data, 60)
        if not count or start + count * SECTION.size > len(self.data):
            raise ElfError("has no section headers")
        offsets = range(start, start + count * SECTION.size, SECTION.size)
        headers = [SECTION.unpack_from(self.data, offset) for offset in offsets]
        if any(h[4] + h[5] > len(self.data) for h in headers if h[1] != SHT_NOBITS):
            raise ElfError("is truncated")
        return tuple(
            Section(h[1], h[2], h[4], h[5], h[6], h[7], offset)
            for h, offset in zip(headers, offsets)
        )

    def _unpack(self, layout: struct.Struct, offset: int) -> tuple[Any, ...]:
        if offset + layout.size > len(self.data):
            raise ElfError("is truncated")
        return layout.unpack_from(self.data, offset)

    def _section(self, index: int) -> Section:
        if index >= len(self.sections):
            raise ElfError(f"refers to section {index} of {len(self.sections)}")
        return self.sections[index]

    def _string(self, offset: int) -> str:
        end = self.data.find(b"\0", offset)
        if end < 0:
            raise ElfError("has an unterminated string")
        return self.data[offset:end].decode("utf-8", "replace")

    def _linked_string(self, section: Section, offset: int) -> str:
        return self._string(self._section(section.link).offset + offset)

    def _table(self, section: Section, entry_size: int) -> bytes:
        """The content of a section whose entries have this size."""
        content = self.content(section)
        if len(content) % entry_size:
            raise ElfError(f"has a table of {len(content)} bytes for {entry_size}-byte entries")
        return content

    def _chain(
        self, layout: struct.Struct, offset: int, count: int
    ) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """At most `count` entries of a linked list, with their offsets."""
        for _ in range(count):
            entry = self._unpack(layout, offset)
            yield offset, entry
            if not entry[-1]:  # The end of the list, whatever the count.
                return
            offset += entry[-1]

    def content(self, section: Section) -> bytes:
        return self.data[section.offset : section.offset + section.size]

    def _of_type(self, section_type: int) -> Section | None:
        return next((s for s in self.sections if s.type == section_type), None)

    def symbols(self, table: int) -> Iterator[Symbol]:
        """In order. `table` is SHT_SYMTAB (object files) or SHT_DYNSYM (linked files)."""
        section = self._of_type(table)
        if section is None:
            return
        for name, info, _, section_index, _, _ in SYMBOL.iter_unpack(
            self._table(section, SYMBOL.size)
        ):
            binding = info >> 4
            yield Symbol(
                self._linked_string(section, name),
                is_local=binding == 0,
                is_weak=binding == 2,
                is_defined=section_index != 0,
                is_thread_local=info & 0xF == STT_TLS,
            )

    def exported(self) -> set[str]:
        """Names of the defined dynamic symbols."""
        return {s.name for s in self.symbols(SHT_DYNSYM) if s.is_defined and not s.is_local}

    def imported(self) -> set[str]:
        """Names of the undefined dynamic symbols."""
        return {s.name for s in self.symbols(SHT_DYNSYM) if not s.is_defined and s.name}

    def _dynamic(self, tag: int) -> list[str]:
        section = self._of_type(SHT_DYNAMIC)
        if section is None:
            return []
        entries = DYNAMIC_ENTRY.iter_unpack(self._table(section, DYNAMIC_ENTRY.size))
        return [
            self._linked_string(section, value) for entry_tag, value in entries if entry_tag == tag
        ]

    def needed(self) -> list[str]:
        return self._dynamic(DT_NEEDED)

    def soname(self) -> str | None:
        return next(iter(self._dynamic(DT_SONAME)), None)

    def needed_versions(self) -> set[str]:
        """Names of the symbol versions required at load time, such as `GLIBC_2.34`."""
        section = self._of_type(SHT_GNU_VERNEED)
        if section is None:
            return set()
        return {
            self._linked_string(section, name)
            for offset, (_, count, _, first, _) in self._chain(
                VERNEED, section.offset, section.info
            )
            for _, (_, _, _, name, _) in self._chain(VERNAUX, offset + first, count)
        }

    def default_versions(self) -> dict[str, str]:
        """For each exported symbol, the version that a linker binds new references to."""
        definitions, indexes = self._of_type(SHT_GNU_VERDEF), self._of_type(SHT_GNU_VERSYM)
        if definitions is None or indexes is None:
            return {}
        names: dict[int, str] = {}
        for offset, (_, _, index, _, _, first, _) in self._chain(
            VERDEF, definitions.offset, definitions.info
        ):
            (name,) = self._unpack(WORD, offset + first)
            names[index] = self._linked_string(definitions, name)
        # Bit 15 hides a version from the linker; index 1 is the unversioned base.
        return {
            symbol.name: names[index]
            for symbol, index in zip(self.symbols(SHT_DYNSYM), array("H", self._table(indexes, 2)))
            if symbol.is_defined and index > 1 and index in names
        }

    def is_position_dependent(self) -> bool:
        """Whether this object cannot be linked into a PIE executable."""
        forbidden = POSITION_DEPENDENT.get(self.machine, frozenset())
        for section in self.sections:
            # Debug information contains such relocations, too, but is never loaded.
            if section.type == SHT_RELA and self._section(section.info).flags & SHF_ALLOC:
                words = array("Q", self._table(section, RELOCATION_SIZE))
                # The type is the lower half of the second word.
                if not forbidden.isdisjoint(word & 0xFFFFFFFF for word in set(words[1::3])):
                    return True
        return False


def with_soname(data: bytes, soname: str) -> bytes:
    """A copy of a shared library, for the linker only, with the given SONAME.

    The linker finds strings through the section headers, the dynamic linker through the program
    headers. So the new string table can be appended to the file, where only the section header
    refers to it, and everything else stays in place. Code and data are zeroed: the linker does not
    read them, and zeros compress well.
    """
    elf = ElfFile(data)
    dynamic = elf._of_type(SHT_DYNAMIC)
    if dynamic is None or elf.soname() is None:
        raise ElfError("has no SONAME")
    strings = elf._section(dynamic.link)
    table = elf.content(strings)
    result = bytearray(data)
    for section in elf.sections:
        if section.type == SHT_PROGBITS:
            result[section.offset : section.offset + section.size] = bytes(section.size)
    new_table = table + soname.encode() + b"\0"
    _move_section(result, strings, len(result), len(new_table))
    for offset in range(dynamic.offset, dynamic.offset + dynamic.size, DYNAMIC_ENTRY.size):
        if DYNAMIC_ENTRY.unpack_from(data, offset)[0] == DT_SONAME:
            DYNAMIC_ENTRY.pack_into(result, offset, DT_SONAME, len(table))
    return bytes(result) + new_table


def with_renamed_symbols(data: bytes, names: Mapping[str, str]) -> bytes:
    """A copy of an object file with defined and undefined symbols renamed.

    Assemblers let symbols share strings and suffixes of strings. So the new names are appended to a
    copy of the string table, which is appended to the file.
    """
    elf = ElfFile(data)
    symbols = elf._of_type(SHT_SYMTAB)
    if symbols is None:
        return data
    strings = elf._section(symbols.link)
    table, result = elf.content(strings), bytearray(data)
    for index, symbol in enumerate(elf.symbols(SHT_SYMTAB)):
        if symbol.name in names:
            struct.pack_into("<I", result, symbols.offset + index * SYMBOL.size, len(table))
            table += names[symbol.name].encode() + b"\0"
    if table == elf.content(strings):
        return data
    _move_section(result, strings, len(result), len(table))
    return bytes(result) + table


def _move_section(data: bytearray, section: Section, offset: int, size: int) -> None:
    struct.pack_into("<QQ", data, section.header + 24, offset, size)


@lru_cache(maxsize=None)
def glibc_version(name: str) -> tuple[int, ...] | None:
    """`GLIBC_2.34` as `(2, 34)`; None for private versions and those of other libraries."""
    match = _GLIBC_VERSION.fullmatch(name)
    return tuple(map(int, match[1].split("."))) if match else None


def newest_glibc(versions: Iterable[str]) -> str | None:
    """The newest glibc version among the names, such as `2.34`; None if there is none."""
    numbers = [number for number in map(glibc_version, versions) if number]
    return ".".join(map(str, max(numbers))) if numbers else None

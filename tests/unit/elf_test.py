# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_pyoxidizer.programs.formats import elf
from pants_pyoxidizer.programs.formats.elf import ElfError, ElfFile
from unit.waiting import time_limit

# The same examples each time, however slow the machine, and nothing written.
settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")

SOURCE = 'extern int puts(const char *); int f(void) { return puts("x"); } __thread int g;\n'
VERSION_SCRIPT = "GLIBC_2.1 { local: *; };\nGLIBC_9.5 { global: f; g; } GLIBC_2.1;\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A shared library and an object file, as a compiler makes them."""
    folder = tmp_path_factory.mktemp("elf")
    (folder / "x.c").write_text(SOURCE)
    (folder / "versions").write_text(VERSION_SCRIPT)
    link = ["-shared", "-fPIC", "-Wl,-soname,libx.so.1", "-Wl,--version-script,versions"]
    for name, flags in (("libx.so", link), ("x.o", ["-c", "-g"])):
        subprocess.run(["cc", "x.c", "-o", name, *flags], cwd=folder, check=True)
    return [Path(folder, name).read_bytes() for name in ("libx.so", "x.o")]


def read_all(data: bytes) -> list[object]:
    """What each method finds in a file; `ElfError` where it refuses. Other errors escape."""

    def symbols(table: int) -> list[elf.Symbol]:
        return list(ElfFile(data).symbols(table))

    found: list[object] = []
    for read in (
        lambda: symbols(elf.SHT_SYMTAB),
        lambda: symbols(elf.SHT_DYNSYM),
        lambda: sorted(ElfFile(data).exported()),
        lambda: sorted(ElfFile(data).imported()),
        lambda: ElfFile(data).needed(),
        lambda: ElfFile(data).soname(),
        lambda: elf.newest_glibc(ElfFile(data).needed_versions()),
        lambda: elf.newest_glibc(ElfFile(data).default_versions().values()),
        lambda: ElfFile(data).is_position_dependent(),
        lambda: elf.with_soname(data, "liby.so"),
        lambda: elf.with_renamed_symbols(data, {"f": "renamed"}),
    ):
        try:
            found.append(read())
        except ElfError:
            found.append(ElfError)
    return found


def test_what_a_compiler_makes_is_read(files: list[bytes]) -> None:
    library, object_file = (ElfFile(data) for data in files)
    assert library.soname() == "libx.so.1"
    assert library.needed() == ["libc.so.6"]
    versions = library.default_versions()
    assert (versions["f"], versions["g"]) == ("GLIBC_9.5", "GLIBC_9.5")
    assert elf.newest_glibc(library.needed_versions()) is not None
    assert {s.name for s in object_file.symbols(elf.SHT_SYMTAB) if s.is_thread_local} == {"g"}
    assert read_all(files[0]).count(ElfError) == 0
    assert read_all(files[1]).count(ElfError) == 1  # It has no SONAME.


def test_a_truncated_file_is_refused_wherever_it_ends(files: list[bytes]) -> None:
    for data in files:
        # The section headers are at the end.
        for size in {*range(200), *range(0, len(data), 97), *range(len(data) - 200, len(data))}:
            with pytest.raises(ElfError):
                ElfFile(data[:size])


# Where the fields are that lead elsewhere.
STRUCTURED = (
    elf.SHT_SYMTAB,
    elf.SHT_RELA,
    elf.SHT_DYNAMIC,
    elf.SHT_DYNSYM,
    elf.SHT_GNU_VERDEF,
    elf.SHT_GNU_VERNEED,
    elf.SHT_GNU_VERSYM,
)


def places(data: bytes) -> list[tuple[int, int]]:
    """Offset and size of the file's header, of each section's, and of the sections with fields."""
    sections = ElfFile(data).sections
    return [
        (0, 64),
        *((section.header, elf.SECTION.size) for section in sections),
        *((s.offset, s.size) for s in sections if s.type in STRUCTURED),
        (0, len(data)),
    ]


def mutate(draw: st.DataObject, original: bytes) -> bytes:
    data = bytearray(original)
    for _ in range(draw.draw(st.integers(1, 3))):
        place: tuple[int, int] = draw.draw(st.sampled_from(places(original)))
        start, size = place
        width = draw.draw(st.sampled_from([1, 2, 4, 8]))
        offset = min(start + draw.draw(st.integers(0, size - 1)), len(data) - width)
        value = draw.draw(
            st.one_of(
                st.integers(0, 80),
                st.sampled_from([256**width - 1, 256**width // 2, len(data), len(data) - 1]),
                st.integers(0, 256**width - 1),
            )
        )
        data[offset : offset + width] = (value % 256**width).to_bytes(width, "little")
    return bytes(data)


@settings(max_examples=1500)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(files: list[bytes], draw: st.DataObject) -> None:
    data = mutate(draw, draw.draw(st.sampled_from(files)))
    with time_limit(60):
        read_all(data)


@given(st.binary())
def test_what_only_begins_like_an_elf_file_is_read_or_refused(rest: bytes) -> None:
    read_all(b"\x7fELF\x02\x01" + rest)


def section_field(data: bytes, section_type: int, offset: int) -> int:
    """Where in the file a field of the header of the first section of this type is."""
    return next(s.header + offset for s in ElfFile(data).sections if s.type == section_type)


@pytest.mark.parametrize("section_type", [elf.SHT_GNU_VERNEED, elf.SHT_GNU_VERDEF])
def test_a_wrong_count_of_versions_ends_with_the_list(
    files: list[bytes], section_type: int
) -> None:
    data = bytearray(files[0])
    struct.pack_into("<I", data, section_field(data, section_type, 44), 0xFFFFFFFF)
    with time_limit(10):
        assert ElfFile(bytes(data)).needed_versions() == ElfFile(files[0]).needed_versions()
        assert ElfFile(bytes(data)).default_versions() == ElfFile(files[0]).default_versions()


@pytest.mark.parametrize(
    ("section_type", "field", "value", "message"),
    [
        (elf.SHT_DYNAMIC, 40, 999, "refers to section 999 of "),  # sh_link
        (elf.SHT_DYNAMIC, 32, 17, "has a table of 17 bytes for 16-byte entries"),  # sh_size
        (elf.SHT_DYNSYM, 32, 25, "has a table of 25 bytes for 24-byte entries"),
        (elf.SHT_GNU_VERNEED, 24, "end", "is truncated"),  # sh_offset
    ],
)
def test_damage_is_named(
    files: list[bytes], section_type: int, field: int, value: int | str, message: str
) -> None:
    data = bytearray(files[0])
    if value == "end":
        struct.pack_into("<QQ", data, section_field(data, section_type, field), len(data), 0)
    else:
        struct.pack_into("<I", data, section_field(data, section_type, field), value)
    damaged = ElfFile(bytes(data))
    with pytest.raises(ElfError, match=f"^{message}"):
        damaged.needed()
        damaged.exported()
        damaged.needed_versions()


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("GLIBC_2.34", (2, 34)),
        ("GLIBC_2.3.4", (2, 3, 4)),
        ("GLIBC_PRIVATE", None),
        ("GLIBC_2.", None),
        ("GLIBC_\N{SUPERSCRIPT TWO}", None),
        ("GLIBC_1234567890", None),
        ("ZLIB_3", None),
    ],
)
def test_versions_of_glibc(name: str, version: tuple[int, ...] | None) -> None:
    assert elf.glibc_version(name) == version

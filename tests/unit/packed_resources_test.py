# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import struct

import pytest

from pants_pyoxidizer.programs.formats.packed_resources import UnknownFormat, normalize

START, END, NAME = b"\x01", b"\xff", b"\x03"
PACKAGE, SOURCE, DEPENDENCIES = b"\x04", b"\x06", b"\x0e"
DATA, METADATA, DATA_FILES, METADATA_FILES = b"\x0b", b"\x0c", b"\x14", b"\x15"


def pack(sections: dict[bytes, bytes], resources: list[bytes]) -> bytes:
    """As the crate python-packed-resources does."""
    section_index = b"".join(
        START + b"\x02" + field + b"\x03" + struct.pack("<Q", len(blob)) + END
        for field, blob in sections.items()
    )
    index = b"".join(START + resource + END for resource in resources)
    header = struct.pack(
        "<BIII", len(sections), len(section_index) + 1, len(resources), len(index) + 1
    )
    blobs = b"".join(sections.values())
    return b"pyembed\x03" + header + section_index + b"\0" + index + b"\0" + blobs


def lengths(code: str, *numbers: int) -> bytes:
    return struct.pack(f"<{code}", *numbers)


def two_packages(first: bool) -> bytes:
    """Two packages with data files and metadata, each in one of two orders."""

    def order(*pairs: bytes) -> bytes:
        return b"".join(pairs if first else reversed(pairs))

    one = NAME + lengths("H", 2) + PACKAGE + SOURCE + lengths("I", 6)
    # With the number of what there is, and each one's lengths.
    one += DATA + lengths("I", 2) + order(lengths("HQ", 3, 4), lengths("HQ", 3, 2))
    one += METADATA + lengths("I", 2) + order(lengths("HQ", 8, 1), lengths("HQ", 6, 1))
    one += DEPENDENCIES + lengths("HH", 1, 4)
    two = NAME + lengths("H", 2)
    two += DATA + lengths("I", 2) + order(lengths("HQ", 1, 0), lengths("HQ", 1, 1))
    two += DATA_FILES + lengths("I", 2) + order(lengths("HI", 1, 5), lengths("HI", 2, 6))
    two += METADATA_FILES + lengths("I", 1) + lengths("HI", 1, 5)
    sections = {
        NAME: b"aabb",
        SOURCE: b"source",
        DATA: order(b"one1111", b"two22") + order(b"x", b"yy"),
        METADATA: order(b"METADATAm", b"RECORDr"),
        DEPENDENCIES: b"libz",
        DATA_FILES: order(b"flib/f", b"gglib/gg"),
        METADATA_FILES: b"Rlib/R",
    }
    return pack(sections, [one, two])


def keep(name: bytes, content: bytes) -> bytes:
    return content


def test_pairs_are_sorted_by_name() -> None:
    assert two_packages(first=True) != two_packages(first=False)
    assert normalize(two_packages(first=True), keep) == two_packages(first=True)
    assert normalize(two_packages(first=False), keep) == two_packages(first=True)


def test_metadata_is_edited() -> None:
    edited = normalize(two_packages(first=True), lambda name, content: name + content + b"!")
    assert b"METADATAMETADATAm!RECORDRECORDr!libz" in edited
    assert lengths("HQHQ", 8, 10, 6, 8) in edited
    assert len(edited) == len(two_packages(first=True)) + 16
    # What was edited can be read again.
    assert normalize(edited, keep) == edited


def test_no_resources() -> None:
    empty = pack({}, [])
    assert normalize(empty, keep) == empty


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"pyembed\x02", "unexpected magic number"),
        (b"pyembed\x03", "truncated data"),
        (pack({NAME: b"a"}, [NAME + lengths("H", 1)])[:-1], "section sizes do not add up"),
        (pack({}, [b"\x7f"]), "unknown resource field 0x7f"),
        (pack({}, [])[:-2] + b"\x7f\0\0", "unknown section property 0x7f"),
        (pack({DATA: b"a"}, [DATA + lengths("IHQ", 1, 1, 99)]), "truncated data"),
    ],
)
def test_what_is_unknown_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UnknownFormat, match=message):
        normalize(data, keep)

# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
import zstandard

from pants_pyoxidizer.programs.pack import full_archive
from pants_pyoxidizer.programs.pack.libpython import Unusable
from unit.full_archives import compressed, file_entry, link_entry

PYTHON_JSON = file_entry("python/PYTHON.json", b"{}")


def unpack(tmp_path: Path, data: bytes) -> dict[str, str]:
    archive, root = tmp_path / "cpython.tar.zst", tmp_path / "root"
    archive.write_bytes(data)
    root.mkdir()
    full_archive.unpack(str(archive), str(root))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cpython.tar.zst", "root"]
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


def refused(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(Unusable) as caught:
        unpack(tmp_path, data)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["cpython.tar.zst"]
    return str(caught.value)


def test_what_pyoxidizer_needs_is_unpacked(tmp_path: Path) -> None:
    folder = tarfile.TarInfo("python/install/lib")
    folder.type = tarfile.DIRTYPE
    kept = [
        "PYTHON.json",
        "LICENSE.rst",
        "build/Objects/a.o",
        "build/lib/libssl.a",
        "install/bin/python3.11",
        "install/include/python3.11/Python.h",
        "install/lib/libpython3.11.so.1.0",
        "install/lib/python3.11/json/__init__.py",
        "install/lib/python3.11/lib-dynload/math.so",
        "licenses/LICENSE.cpython.txt",
    ]
    left_out = [
        "extra.txt",
        "install/bin/2to3",
        "install/share/man/python.1",
        "install/lib/python3.11/config-3.11/libpython3.11.a",
        "install/lib/python3.11/__pycache__/os.pyc",
        "install/lib/python3.11/site-packages/pip/__init__.py",
        "install/lib/python3.11/test/test_os.py",
    ]
    entries = [file_entry(f"python/{path}", path.encode()) for path in kept + left_out]
    files = unpack(tmp_path, compressed([(folder, b""), *entries]))
    assert files == {path: path for path in kept}


def test_links_become_copies(tmp_path: Path) -> None:
    entries = [
        PYTHON_JSON,
        (link_entry("python/licenses/second", "first"), b""),
        (link_entry("python/licenses/first", "../build/x/../file"), b""),
        (link_entry("python/build/hard", "python/build/file", tarfile.LNKTYPE), b""),
        file_entry("python/build/file", b"content"),
        (link_entry("python/install/bin/python3.11", "python3.11.real"), b""),
        # These lead nowhere, to a folder, in a circle, or to what is not needed.
        (link_entry("python/build/nowhere", "missing"), b""),
        (link_entry("python/build/folder", "../licenses"), b""),
        (link_entry("python/build/one", "two"), b""),
        (link_entry("python/build/two", "one"), b""),
        (link_entry("python/install/lib/libpython3.11.so", "libpython3.11.so.1.0"), b""),
        (link_entry("python/install/bin/python3", "python3.11"), b""),
    ]
    assert unpack(tmp_path, compressed(entries)) == {
        "PYTHON.json": "{}",
        "build/file": "content",
        "build/hard": "content",
        "licenses/first": "content",
        "licenses/second": "content",
    }


def test_several_frames(tmp_path: Path) -> None:
    data = zstandard.ZstdDecompressor().decompress(compressed([PYTHON_JSON]))
    frames = [zstandard.ZstdCompressor().compress(data[i : i + 512]) for i in range(0, 4096, 512)]
    rest = zstandard.ZstdCompressor().compress(data[4096:])
    assert unpack(tmp_path, b"".join([*frames, rest])) == {"PYTHON.json": "{}"}


OUTSIDE = "which is outside `python/`, the root of such archives"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (file_entry("/etc/passwd"), f"contains /etc/passwd, {OUTSIDE}"),
        (file_entry("python/../../evil"), f"contains python/../../evil, {OUTSIDE}"),
        (file_entry("pythonic/evil"), f"contains pythonic/evil, {OUTSIDE}"),
        (file_entry("evil"), f"contains evil, {OUTSIDE}"),
        (
            (link_entry("python/build/a", "../../../etc/passwd"), b""),
            f"contains python/build/a, a link to ../../../etc/passwd, {OUTSIDE}",
        ),
        (
            (link_entry("python/build/a", "/etc/passwd"), b""),
            f"contains python/build/a, a link to /etc/passwd, {OUTSIDE}",
        ),
        (
            (link_entry("python/build/a", "etc/passwd", tarfile.LNKTYPE), b""),
            f"contains python/build/a, a link to etc/passwd, {OUTSIDE}",
        ),
        (
            (link_entry("python/build/null", "", tarfile.CHRTYPE), b""),
            "contains python/build/null, which is not a file, folder or link",
        ),
        (
            (link_entry("python/build/pipe", "", tarfile.FIFOTYPE), b""),
            "contains python/build/pipe, which is not a file, folder or link",
        ),
        (file_entry("python/PYTHON.json/evil"), "has no python/PYTHON.json"),
    ],
)
def test_hostile_archives(
    tmp_path: Path, entry: tuple[tarfile.TarInfo, bytes], message: str
) -> None:
    assert refused(tmp_path, compressed([entry])) == message


def test_a_file_below_a_file(tmp_path: Path) -> None:
    entries = [PYTHON_JSON, file_entry("python/build/a", b"a"), file_entry("python/build/a/b")]
    assert (
        refused(tmp_path, compressed(entries))
        == "contains build/a/b, but a parent folder of it is a file"
    )


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    entries = [
        file_entry("python/licenses/text", b"text"),
        (link_entry("python/build/link", "../licenses"), b""),
        file_entry("python/build/link/text", b"other text"),
        PYTHON_JSON,
    ]
    assert unpack(tmp_path, compressed(entries)) == {
        "PYTHON.json": "{}",
        "build/link/text": "other text",
        "licenses/text": "text",
    }


INSTALL_ONLY = (
    "is an `install_only` archive, which has no object files to link; use the `full` archive of the "
    "same release, whose name ends in `-full.tar.zst`"
)


def test_install_only_archives(tmp_path: Path) -> None:
    assert refused(tmp_path, b"\x1f\x8b\x08\x00 gzip") == INSTALL_ONLY
    (tmp_path / "root").rmdir()
    entries = [file_entry("python/bin/python3.11"), file_entry("python/lib/python3.11/os.py")]
    assert refused(tmp_path, compressed(entries)) == INSTALL_ONLY


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a zstd-compressed tar file"),
        (b"version https://git-lfs", "is not a zstd-compressed tar file"),
        (
            compressed([PYTHON_JSON])[:-9],
            "is truncated: the compressed data ends early",
        ),
        (compressed([PYTHON_JSON])[:7], "is truncated: the compressed data ends early"),
        (
            zstandard.ZstdCompressor().compress(
                zstandard.ZstdDecompressor().decompress(
                    compressed([file_entry("python/build/a", b"a" * 5000), PYTHON_JSON])
                )[:3000]
            ),
            "is damaged (unexpected end of data)",
        ),
        (zstandard.ZstdCompressor().compress(b"text" * 1000), "is damaged (invalid header)"),
    ],
)
def test_damaged_archives(tmp_path: Path, data: bytes, message: str) -> None:
    assert refused(tmp_path, data) == message


def test_a_flipped_bit_in_a_header(tmp_path: Path) -> None:
    tar = zstandard.ZstdDecompressor().decompress(
        compressed([file_entry("python/build/a", b"a"), PYTHON_JSON])
    )
    position = tar.index(b"python/PYTHON.json")
    broken = tar[:position] + b"P" + tar[position + 1 :]
    assert refused(tmp_path, zstandard.ZstdCompressor().compress(broken)) == (
        "is damaged (invalid header in the middle)"
    )


def test_a_wrong_checksum_of_the_compressed_data(tmp_path: Path) -> None:
    tar = zstandard.ZstdDecompressor().decompress(compressed([PYTHON_JSON]))
    data = zstandard.ZstdCompressor(write_checksum=True).compress(tar)
    message = refused(tmp_path, data[:-1] + bytes([data[-1] ^ 1]))
    assert message.startswith("is damaged (zstd ")


# --- What is written ---


def test_archive_order() -> None:
    paths = ["PYTHON.json", "licenses/x", "build/b", "install/lib/z", "build/a"]
    assert full_archive.archive_order(paths) == [
        "build/a",
        "build/b",
        "install/lib/z",
        "licenses/x",
        "PYTHON.json",
    ]


def unpacked(path: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            return [(entry, (tar.extractfile(entry) or stream).read()) for entry in tar]


def test_archive_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    contents = {
        "PYTHON.json": b"{}",
        "install/bin/python3": b"#!",
        "install/lib/libpython3.11.so.1.0": b"\x7fELF",
        f"install/lib/{'long' * 40}.py": b"pass",
        "build/core/a.o": b"a" * 100_000,
    }
    archives = []
    for number, order in enumerate((list(contents), list(reversed(contents)))):
        root = tmp_path / str(number)
        for path in order:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(contents[path])
            os.utime(root / path, (number, number))
        archives.append(tmp_path / f"{number}.tar.zst")
        full_archive.write_archive(str(root), str(archives[-1]))
    assert archives[0].read_bytes() == archives[1].read_bytes()

    entries = unpacked(archives[0])
    assert {e.name[len("python/") :]: content for e, content in entries} == contents
    assert entries[-1][0].name == "python/PYTHON.json"
    assert {(e.uid, e.gid, e.uname, e.gname, e.mtime) for e, _ in entries} == {
        (0, 0, "", "", 1_000_000_000)
    }
    assert {e.name: e.mode for e, _ in entries if e.mode != 0o644} == {
        "python/install/bin/python3": 0o755,
        "python/install/lib/libpython3.11.so.1.0": 0o755,
    }

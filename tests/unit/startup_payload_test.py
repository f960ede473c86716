# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import io
import os
import zlib
from binascii import crc32
from pathlib import Path
from typing import Any, Callable

import pytest

from pants_pyoxidizer.startup.payload import (
    FOOTER_SIZE,
    MAGIC,
    Payload,
    PayloadError,
    Writer,
    find,
    namespaces,
    open_file,
    parse,
)
from unit.payloads import everything


def written(
    *writes: Callable[[Writer], None], start: tuple[Any, ...] = (), compress: bool = False
) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, compress)
    for write in writes:
        write(writer)
    writer.finish(*start)
    return file.getvalue()


def parsed(data: bytes) -> Payload:
    payload = parse("app", memoryview(data))
    assert payload is not None
    return payload


def write_app(writer: Writer) -> None:
    writer.add_module("app", "app/__init__.py", True, b"init")
    writer.add_module("app/main", "app/main.py", False, b"main")
    writer.add_module("app/odd", "app/odd.py", False)
    writer.add_file("app/odd.py", b"?")
    writer.add_file("app/empty.txt", b"")
    writer.add_module("ns/a/tool", "ns/a/tool.py", False, b"tool")


APP: dict[str, Any] = {
    "modules": {
        "app": ("app/__init__.py", True, b"init"),
        "app/main": ("app/main.py", False, b"main"),
        "app/odd": ("app/odd.py", False, None),
        "ns/a/tool": ("ns/a/tool.py", False, b"tool"),
    },
    "files": {"app/empty.txt": b"", "app/odd.py": b"?"},
    "namespaces": ("ns", "ns/a"),
    "start": (None, None),
}
NOTHING: dict[str, Any] = {"modules": {}, "files": {}, "namespaces": (), "start": (None, None)}


# --- There and back


def test_what_is_written_is_read() -> None:
    assert everything(parsed(written(write_app))) == APP


def test_what_is_compressed_is_read_as_it_was() -> None:
    assert everything(parsed(written(write_app, compress=True))) == APP


def test_what_is_compressed_is_smaller() -> None:
    def write(writer: Writer) -> None:
        writer.add_file("a.txt", b"a" * 10_000)
        writer.add_module("a", "a.py", False, b"b" * 10_000)

    plain, compressed = (len(written(write, compress=it)) for it in (False, True))
    assert plain > 20_000
    assert compressed < 400


def test_where_contents_are_and_whether_they_are_compressed() -> None:
    def write(writer: Writer) -> None:
        writer.add_module("a", "a.py", False, b"code")
        writer.add_file("a.txt", b"text")

    plain, compressed = parsed(written(write)), parsed(written(write, compress=True))
    code, text = zlib.compress(b"code", 9), zlib.compress(b"text", 9)
    assert (plain.modules, plain.files) == (
        {"a": ("a.py", False, (0, 4, crc32(b"code"), False))},
        {"a.txt": (4, 4, crc32(b"text"), False)},
    )
    assert (compressed.modules, compressed.files) == (
        {"a": ("a.py", False, (0, len(code), crc32(code), True))},
        {"a.txt": (len(code), len(text), crc32(text), True)},
    )


def test_a_file_alone_may_be_compressed() -> None:
    def write(writer: Writer) -> None:
        writer.add_module("a", "a.py", False, b"code")
        writer.add_file("a.py", b"text", compress=True)
        writer.add_file("a.txt", b"text")

    payload, text = parsed(written(write)), zlib.compress(b"text", 9)
    assert payload.modules == {"a": ("a.py", False, (0, 4, crc32(b"code"), False))}
    assert payload.files == {
        "a.py": (4, len(text), crc32(text), True),
        "a.txt": (4 + len(text), 4, crc32(b"text"), False),
    }
    assert payload.read(payload.files["a.py"]) == b"text"


def test_where_files_are_is_read_when_one_is_wanted() -> None:
    data = bytearray(written(lambda writer: writer.add_file("a.txt", b"text")))
    data[len(b"text")] ^= 1
    payload = parsed(bytes(data))
    assert payload.modules == {}
    with pytest.raises(PayloadError):
        payload.files  # noqa: B018


def test_a_payload_may_be_empty() -> None:
    assert everything(parsed(written())) == NOTHING


@pytest.mark.parametrize("start", [("app", None), ("app.cli", "App.main")])
def test_what_starts(start: tuple[str, str | None]) -> None:
    assert everything(parsed(written(start=start))) == {**NOTHING, "start": start}


@pytest.mark.parametrize(
    ("start", "settings"),
    [
        ((), 0),
        (("app", None), 1),
        (("app", "main", True, False), 1 + 2),
        (("app", None, False, True), 1 + 4),
        ((None, None, True, True), 2 + 4),
    ],
)
def test_the_settings_come_last(start: tuple[Any, ...], settings: int) -> None:
    assert written(start=start)[-16:] == settings.to_bytes(8, "little") + MAGIC


@pytest.mark.parametrize("before", [b"", b"executable", MAGIC, written(write_app)])
def test_it_is_read_from_the_end_of_any_file(before: bytes) -> None:
    assert everything(parsed(before + written(write_app))) == APP


def test_it_is_written_from_the_position_of_the_file() -> None:
    file = io.BytesIO(b"executable")
    file.seek(0, os.SEEK_END)
    writer = Writer(file)
    write_app(writer)
    writer.finish()
    assert file.getvalue() == b"executable" + written(write_app)


def test_the_index_is_sorted() -> None:
    def write(writer: Writer) -> None:
        for name in ("b", "a", "c"):
            writer.add_module(name, f"{name}.py", False)
            writer.add_file(f"{name}.py", b"")

    payload = parsed(written(write))
    assert [*payload.modules, *payload.files] == ["a", "b", "c", "a.py", "b.py", "c.py"]


def test_the_footer() -> None:
    """Other programs may read it; see the module's docstring."""
    data = written(write_app)
    footer = data[-FOOTER_SIZE:]
    numbers = [int.from_bytes(footer[i : i + 8], "little") for i in range(0, 40, 8)]
    assert FOOTER_SIZE == 48
    assert footer[40:] == b"PANTSPYX"
    assert (numbers[0], numbers[3]) == (len(data) - 48, 1)


# --- Merging


def add(*writes: Callable[[Writer], None], compress: bool = False) -> Callable[[Writer], None]:
    part = written(*writes, start=("ignored", "too"), compress=compress)
    payload = parsed(b"before" + part)
    return lambda writer: writer.add_payload(payload)


def write_other(writer: Writer) -> None:
    writer.add_module("app/main", "app/main.py", False, b"other")
    writer.add_module("app/odd", "app/odd.py", False, b"other")
    writer.add_module("ns", "ns/__init__.py", True, b"ns")
    writer.add_file("app/empty.txt", b"other")
    writer.add_file("other.txt", b"other")


def test_parts_are_put_together_and_the_first_counts() -> None:
    payload = parsed(written(add(write_app), add(), add(write_other), start=("app", "run")))
    assert everything(payload) == {
        "modules": {**APP["modules"], "ns": ("ns/__init__.py", True, b"ns")},
        "files": {**APP["files"], "other.txt": b"other"},
        "namespaces": ("ns/a",),
        "start": ("app", "run"),
    }


def test_what_is_there_already_counts_and_more_may_follow() -> None:
    def write_more(writer: Writer) -> None:
        writer.add_file("more.txt", b"more")

    payload = parsed(written(write_other, add(write_app), write_more))
    assert everything(payload) == {
        "modules": {
            "app": ("app/__init__.py", True, b"init"),
            "app/main": ("app/main.py", False, b"other"),
            "app/odd": ("app/odd.py", False, b"other"),
            "ns": ("ns/__init__.py", True, b"ns"),
            "ns/a/tool": ("ns/a/tool.py", False, b"tool"),
        },
        "files": {
            "app/empty.txt": b"other",
            "app/odd.py": b"?",
            "more.txt": b"more",
            "other.txt": b"other",
        },
        "namespaces": ("ns/a",),
        "start": (None, None),
    }


@pytest.mark.parametrize("are_parts", [False, True])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 3, 2)])
def test_a_package_comes_before_a_module_of_its_name(
    are_parts: bool, order: tuple[int, ...]
) -> None:
    writes: list[Callable[[Writer], None]] = [
        lambda writer: writer.add_module("app", "app.py", False, b"a module"),
        lambda writer: writer.add_module("app", "app/__init__.py", True, b"a package"),
        lambda writer: writer.add_module("app", "app.py", False, b"another module"),
        lambda writer: writer.add_module("app", "app/__init__.py", True, b"another package"),
    ]
    chosen = [writes[index] for index in order]
    if are_parts:
        chosen = [add(write) for write in chosen]
    payload = parsed(written(*chosen))
    path, is_package, code = payload.modules["app"]
    assert (path, is_package) == ("app/__init__.py", True)
    assert code is not None and bytes(payload.read(code)) == b"a package"


@pytest.mark.parametrize("first", [False, True])
def test_some_parts_may_be_compressed(first: bool) -> None:
    parts = add(write_app, compress=first), add(write_other, compress=not first)
    assert everything(parsed(written(*parts))) == {
        "modules": {**APP["modules"], "ns": ("ns/__init__.py", True, b"ns")},
        "files": {**APP["files"], "other.txt": b"other"},
        "namespaces": ("ns/a",),
        "start": (None, None),
    }


def test_a_part_alone_is_the_same() -> None:
    assert written(add(write_app)) == written(write_app)
    compressed = written(write_app, compress=True)
    assert written(add(write_app, compress=True)) == compressed


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ({}, ()),
        ({"a": False, "b": True, "b/c": False}, ()),
        ({"a/b/c": False}, ("a", "a/b")),
        ({"a/b": True, "a/b/c": False}, ("a",)),
        ({"a": True, "a/b/c": False}, ("a/b",)),
        # A module of the same name comes first, as on the filesystem; but it has no submodules.
        ({"a": False, "a/b": False}, ("a",)),
    ],
)
def test_namespaces(modules: dict[str, bool], found: tuple[str, ...]) -> None:
    index: dict[str, Any] = {name: ("", is_package, None) for name, is_package in modules.items()}
    assert tuple(namespaces(index)) == found


# --- Damage

WHOLE = b"executable" + written(write_app, start=("app", None))
DAMAGED = "app is damaged; to fix, get a new copy"


@pytest.mark.parametrize("data", [b"", b"x", b"\x7fELF" * 99, MAGIC[1:], WHOLE[:-1], WHOLE + b"\n"])
def test_files_without_a_payload(data: bytes) -> None:
    assert parse("app", memoryview(data)) is None


def refusal(data: bytes) -> str:
    """What is said about it, be it at once or when all is read."""
    with pytest.raises(PayloadError) as e:
        everything(parsed(data))
    return str(e.value)


def changed(data: bytes, position: int) -> bytes:
    data_ = bytearray(data)
    data_[position] ^= 0x55
    return bytes(data_)


@pytest.mark.parametrize("position", range(-FOOTER_SIZE, -len(MAGIC)))
def test_each_byte_of_the_footer_matters(position: int) -> None:
    assert refusal(changed(WHOLE, position)) == DAMAGED


@pytest.mark.parametrize("compress", [False, True])
def test_each_byte_of_the_index_and_of_the_contents_matters(compress: bool) -> None:
    whole = written(write_app, compress=compress)
    for position in range(len(whole) - FOOTER_SIZE):
        assert refusal(changed(whole, position)) == DAMAGED


@pytest.mark.parametrize("kept", [FOOTER_SIZE, FOOTER_SIZE + 1, FOOTER_SIZE + 60])
def test_what_lost_its_beginning(kept: int) -> None:
    assert refusal(WHOLE[-kept:]) == DAMAGED


def test_the_magic_alone() -> None:
    assert refusal(MAGIC) == DAMAGED


def test_bytes_that_are_gone_from_the_middle() -> None:
    assert refusal(WHOLE[:12] + WHOLE[15:]) == DAMAGED


def test_contents_are_read_one_by_one() -> None:
    payload = parsed(changed(WHOLE, len(b"executable")))  # The first content.
    with pytest.raises(PayloadError):
        payload.read(payload.modules["app"][2])  # type: ignore[arg-type]
    assert payload.read(payload.modules["app/main"][2]) == b"main"  # type: ignore[arg-type]


# --- Files


def test_a_payload_at_the_end_of_an_executable_comes_first(tmp_path: Path) -> None:
    executable = tmp_path / "app"
    executable.write_bytes(b"executable" + written(write_app))
    (tmp_path / "app.payload").write_bytes(written())
    payload = find(str(executable))
    assert (payload.path, everything(payload)) == (str(executable), APP)


@pytest.mark.parametrize("executable", [b"executable", b""])
def test_a_payload_beside_an_executable(tmp_path: Path, executable: bytes) -> None:
    (tmp_path / "app").write_bytes(executable)
    (tmp_path / "app.payload").write_bytes(written(write_app))
    payload = find(str(tmp_path / "app"))
    assert (payload.path, everything(payload)) == (f"{tmp_path}/app.payload", APP)


def test_no_payload(tmp_path: Path) -> None:
    executable = tmp_path / "app"
    executable.write_bytes(b"executable")
    with pytest.raises(PayloadError) as e:
        find(str(executable))
    assert str(e.value) == (
        f"the program is missing: nothing is appended to {executable} (a tool such as strip may "
        f"have removed it, or a download was cut short), and there is no {executable}.payload; "
        "to fix, get a new copy"
    )


@pytest.mark.parametrize("beside", [b"", WHOLE[:-1], WHOLE[-FOOTER_SIZE:]])
def test_a_payload_beside_that_is_damaged(tmp_path: Path, beside: bytes) -> None:
    (tmp_path / "app").write_bytes(b"executable")
    (tmp_path / "app.payload").write_bytes(beside)
    with pytest.raises(PayloadError) as e:
        find(str(tmp_path / "app"))
    assert str(e.value) == f"{tmp_path}/app.payload is damaged; to fix, get a new copy"


def test_a_damaged_end_is_not_made_good_by_what_lies_beside(tmp_path: Path) -> None:
    (tmp_path / "app").write_bytes(WHOLE[-FOOTER_SIZE:])
    (tmp_path / "app.payload").write_bytes(WHOLE)
    with pytest.raises(PayloadError) as e:
        find(str(tmp_path / "app"))
    assert str(e.value) == f"{tmp_path}/app is damaged; to fix, get a new copy"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PayloadError) as e:
        open_file(str(tmp_path / "app"))
    assert str(e.value) == f"cannot read {tmp_path}/app: No such file or directory"


def test_it_outlives_its_file(tmp_path: Path) -> None:
    file = tmp_path / "app"
    file.write_bytes(WHOLE)
    payload = open_file(str(file))
    assert payload is not None
    file.unlink()
    file.write_bytes(b"a new version")
    assert everything(payload) == {**APP, "start": ("app", None)}

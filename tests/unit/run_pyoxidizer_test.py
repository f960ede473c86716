# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path

import pytest

from pants_pyoxidizer.programs.run_pyoxidizer import (
    EXTRACTED,
    SHOWN_LINES,
    extraction_lock,
    failure,
    find_executables,
)

INSTALL = "x86_64-unknown-linux-gnu/debug/install"


def write(folder: Path, name: str, content: bytes, mode: int = 0o755) -> str:
    path = folder / INSTALL / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return hashlib.sha256(content).hexdigest()


def test_the_executable_is_found_by_its_content(tmp_path: Path) -> None:
    built = write(tmp_path, "nested/other-name", b"\x7fELF built")
    write(tmp_path, "bin", b"\x7fELF something else")
    write(tmp_path, "lib/x.so", b"\x7fELF library")
    assert find_executables(tmp_path, {built}, "bin") == [f"{INSTALL}/nested/other-name"]


def test_of_several_executables_the_one_with_the_name_is_meant(tmp_path: Path) -> None:
    built = {write(tmp_path, name, b"\x7fELF " + name.encode()) for name in ("bin", "tool")}
    assert find_executables(tmp_path, built, "bin") == [f"{INSTALL}/bin"]
    assert find_executables(tmp_path, built, "another") == []


def test_without_a_driver_the_name_counts(tmp_path: Path) -> None:
    write(tmp_path, "bin", b"\x7fELF")
    write(tmp_path, "doc/bin", b"text", mode=0o644)
    assert find_executables(tmp_path, None, "bin") == [f"{INSTALL}/bin"]


def test_what_no_driver_noted_was_not_built(tmp_path: Path) -> None:
    write(tmp_path, "bin", b"\x7fELF")
    assert find_executables(tmp_path, set(), "bin") == []


def test_a_failure_shows_the_last_lines() -> None:
    assert failure("one\ntwo\n", 3) == "PyOxidizer failed with exit status 3.\none\ntwo"
    log = "\n".join(f"line {number}" for number in range(SHOWN_LINES + 5))
    heading, first, *_ = failure(log, 1).splitlines()
    assert heading == (
        f"PyOxidizer failed with exit status 1. These are the last {SHOWN_LINES} of "
        f"{SHOWN_LINES + 5} lines; with `--keep-sandboxes=on_failure`, all are in pyoxidizer.log."
    )
    assert first == "line 5"


def test_half_an_extraction_is_removed_and_a_whole_one_is_shared(tmp_path: Path) -> None:
    cache = tmp_path / "0123"
    (cache / "half").mkdir(parents=True)
    with open(tmp_path / "0123.lock", "w") as other:
        with extraction_lock(cache):
            assert not (cache / "half").exists()
            with pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
            (cache / EXTRACTED).touch()
        with extraction_lock(cache):
            assert (cache / EXTRACTED).exists()
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)

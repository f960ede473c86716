# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Mapping

import pytest

from pants_pyoxidizer.programs.cargo import locked_folders
from pants_pyoxidizer.programs.cargo.locked_folders import LOCK, Lock
from pants_pyoxidizer.programs.pyoxidizer import run_pyoxidizer
from pants_pyoxidizer.programs.pyoxidizer.extraction import (
    ARCHIVE,
    EXTRACTED,
    ExtractionLock,
    writable,
)
from pants_pyoxidizer.programs.pyoxidizer.run_pyoxidizer import (
    SHOWN_LINES,
    environment,
    failure,
    find_executables,
    foreign_configuration,
    normalize_files,
    refusal,
    strip_libraries,
)
from unit.waiting import wait_for

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
        f"{SHOWN_LINES + 5} lines. To see all, use `--keep-sandboxes=on_failure` and read "
        "pyoxidizer.log."
    )
    assert first == "line 5"


def test_a_failure_shows_no_password() -> None:
    shown = failure("resolving https://jane:secret@example.com/python.tar.zst\n", 1)
    assert shown.endswith("\nresolving https://****@example.com/python.tar.zst")


EXTRACTED_FILE = "python_distributions/python.0123/python/install/lib/os.py"


def extract(cache: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def is_alone(cache: Path) -> bool:
    """Whether who comes now has to wait."""
    with open(cache / LOCK) as other:
        try:
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_half_an_extraction_is_removed_and_a_whole_one_is_shared(tmp_path: Path) -> None:
    cache = tmp_path / "0123"
    extract(cache, {"half": ""})
    with ExtractionLock(cache) as lock:
        assert not (cache / "half").exists()
        assert is_alone(cache)
        extract(cache, {EXTRACTED_FILE: "import sys"})
        lock.share()
        assert not is_alone(cache)
    extract(cache, {f"{EXTRACTED_FILE}c": "bytecode"})
    with ExtractionLock(cache) as lock:
        assert lock.is_shared and not is_alone(cache)


@pytest.mark.parametrize(
    "damage",
    [
        lambda cache: (cache / EXTRACTED_FILE).unlink(),
        lambda cache: (cache / EXTRACTED_FILE).write_text("import"),
        lambda cache: (cache / EXTRACTED).write_text("{"),
    ],
)
def test_what_is_no_longer_whole_is_extracted_again(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """As when a cleaner removed files that nobody had read for long."""
    cache = tmp_path / "0123"
    with ExtractionLock(cache) as lock:
        extract(cache, {EXTRACTED_FILE: "import sys"})
        lock.share()
    damage(cache)
    with ExtractionLock(cache) as lock:
        assert not lock.is_shared and is_alone(cache)
        assert [path.name for path in cache.iterdir()] == [LOCK]


def run_fake(
    folder: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> tuple[Path, threading.Thread]:
    """Start `run` with a PyOxidizer that is a shell script; it runs in the cache's folder."""
    cache = folder / "0123"
    script = folder / "pyoxidizer"
    script.write_text(f"#!/bin/sh\ncd {cache}\n{program}\n")
    script.chmod(0o755)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(run_pyoxidizer, "pyoxidizer_executable", lambda: str(script))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # Not of this thread.

    def run() -> None:
        with ExtractionLock(cache) as extraction:
            run_pyoxidizer.run((), {"PATH": os.defpath}, extraction)

    return cache, threading.Thread(target=run)


def set_last_use(cache: Path, days_ago: float) -> None:
    then = time.time() - days_ago * 24 * 3600
    os.utime(cache / LOCK, (then, then))


def extract_whole(cache: Path) -> None:
    with ExtractionLock(cache) as lock:
        extract(cache, {EXTRACTED_FILE: "import sys"})
        lock.share()


def test_before_a_python_is_extracted_those_are_removed_that_nobody_uses(tmp_path: Path) -> None:
    for age in (1, 20, 40, 50, 60):
        extract_whole(tmp_path / str(age))
        set_last_use(tmp_path / str(age), age)
    with ExtractionLock(tmp_path / "60") as in_use:
        assert in_use.is_shared
        set_last_use(tmp_path / "60", 60)
        extract_whole(tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "20", "60", "new"]
    assert (tmp_path / "60" / EXTRACTED_FILE).exists()


def test_none_is_removed_when_nothing_is_extracted(tmp_path: Path) -> None:
    for age in (1, 2, 3, 40):
        extract_whole(tmp_path / str(age))
        set_last_use(tmp_path / str(age), age)
    with ExtractionLock(tmp_path / "1") as lock:
        assert lock.is_shared
    assert len(list(tmp_path.iterdir())) == 4


def test_no_build_loses_its_python_to_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Builds with ten Pythons at once, where one alone is kept and all seem old."""
    monkeypatch.setattr(locked_folders, "ALWAYS_KEPT", 1)
    extractions: list[str] = []

    def build(seed: int) -> None:
        choose = random.Random(seed)
        for _ in range(100):
            cache = tmp_path / str(choose.randrange(10))
            with ExtractionLock(cache) as lock:
                if not lock.is_shared:
                    extractions.append(cache.name)
                    extract(cache, {EXTRACTED_FILE: cache.name})
                    time.sleep(0.01)
                    lock.share()
                time.sleep(0.001)
                assert (cache / EXTRACTED_FILE).read_text() == cache.name
            with Lock(cache / LOCK) as unused:
                if unused.take(exclusive=True, wait=False):
                    set_last_use(cache, 40)

    with ThreadPoolExecutor(max_workers=4) as threads:
        list(threads.map(build, range(4)))
    assert len(extractions) > len(set(extractions)), "Nothing was removed."


def test_others_wait_for_the_extraction_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = "python_distributions/python.0123/python"
    cache, first = run_fake(
        tmp_path,
        monkeypatch,
        f"mkdir -p {folder}; touch {ARCHIVE}; printf '{{' > {folder}/PYTHON.json; touch begun\n"
        f"while ! [ -e go ]; do sleep 0.05; done\n"
        f"""printf '"version": "7"}}' >> {folder}/PYTHON.json; touch extracted\n"""
        "while ! [ -e end ]; do sleep 0.05; done\nexit 1",
    )
    first.start()
    wait_for(lambda: (cache / "begun").exists(), seconds=10)
    time.sleep(0.3)
    assert is_alone(cache)
    (cache / "go").touch()
    wait_for(lambda: not is_alone(cache), seconds=10)
    assert first.is_alive()
    (cache / "end").touch()
    first.join()
    # That it failed afterwards does not matter.
    with ExtractionLock(cache) as lock:
        assert lock.is_shared


def test_what_pyoxidizer_downloads_counts_when_all_has_succeeded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = "python_distributions/python.0123/python"
    program = f"mkdir -p {folder}; echo '{{\"version\": 7}}' > {folder}/PYTHON.json; sleep 0.3"
    for status in (1, 0):
        cache, build = run_fake(tmp_path, monkeypatch, f"{program}; exit {status}")
        build.start()
        build.join()
        with ExtractionLock(cache) as lock:
            assert lock.is_shared == (status == 0)


def test_a_cache_that_cannot_be_written_is_not_used(tmp_path: Path) -> None:
    cache = tmp_path / "caches/0123"
    assert writable(cache) == cache
    (tmp_path / "file").touch()
    assert writable(tmp_path / "file") is None
    assert writable(tmp_path / "file/0123") is None


def test_the_environment_of_pyoxidizer() -> None:
    own = {"PATH": "/", "PANTS_PYOXIDIZER_PATH": "/usr/bin", "HOME": "/home"}
    assert environment(own) == {
        "PATH": "/usr/bin",
        "PANTS_PYOXIDIZER_PATH": "/usr/bin",
        "PANTS_PYOXIDIZER_PYTHON": sys.executable,
        "HOME": "/home",
        "TMPDIR": os.path.abspath("__tmp"),
        "PIP_FIND_LINKS": "",
        "PYTHONHASHSEED": "0",
    }


def test_pip_is_told_of_folders_with_a_space_in_their_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = tmp_path / "a sandbox"
    sandbox.mkdir()
    monkeypatch.chdir(sandbox)
    own = {"PATH": "/", "PANTS_PYOXIDIZER_PATH": "/usr/bin"}
    folder = f"file://{tmp_path}/a%20sandbox"
    found = environment(own, [".", "third_party"])["PIP_FIND_LINKS"]
    assert found == f"{folder} {folder}/third_party"


def test_rust_is_found_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "rust").symlink_to("/home/user/.rustup/toolchains/stable")
    env = environment(
        {"PANTS_PYOXIDIZER_PATH": "/usr/bin", "PANTS_PYOXIDIZER_RUST": str(tmp_path / "rust")}
    )
    assert env["RUSTC"] == "/home/user/.rustup/toolchains/stable/bin/rustc"
    assert env["PANTS_PYOXIDIZER_CARGO"] == "/home/user/.rustup/toolchains/stable/bin/cargo"


@pytest.mark.parametrize("folder", ["home", "home/sandboxes", "home/sandboxes/0123"])
@pytest.mark.parametrize("name", ["config.toml", "config"])
def test_a_configuration_of_cargos_above_is_found(tmp_path: Path, folder: str, name: str) -> None:
    sandbox = tmp_path / "home/sandboxes/0123"
    (sandbox / "below/.cargo").mkdir(parents=True)
    (sandbox / "below/.cargo/config.toml").touch()
    assert foreign_configuration(sandbox) is None
    path = tmp_path / folder / ".cargo" / name
    path.parent.mkdir()
    path.touch()
    assert foreign_configuration(sandbox) == path
    assert f"cargo would read {path}, " in refusal(path)
    assert f"a folder that is not below {tmp_path / folder}." in refusal(path)


def test_what_a_template_has_in_files_is_normalized(tmp_path: Path) -> None:
    index = b"\x01\x0b\x02\0\0\0" + b"".join(b"\x01\0" + bytes([n]) + bytes(7) for n in (1, 2))
    data = b"pyembed\x03" + (1).to_bytes(1, "little")
    for number in (14, 1, len(index) + 2):
        data += number.to_bytes(4, "little")
    data += b"\x01\x02\x0b\x03\x05" + bytes(7) + b"\xff\0" + index + b"\xff\0"
    write(tmp_path, "lib/resources", data + b"b1a22")
    write(tmp_path, "lib/other", b"text")
    write(tmp_path, "lib/x-1.dist-info/RECORD", b"../../bin/x,sha256=1,2\n")
    (tmp_path / "nowhere").symlink_to("missing")
    normalize_files(tmp_path)
    assert (tmp_path / INSTALL / "lib/resources").read_bytes().endswith(b"a22b1")
    assert (tmp_path / INSTALL / "lib/other").read_bytes() == b"text"
    record = tmp_path / INSTALL / "lib/x-1.dist-info/RECORD"
    assert record.read_bytes() == b"../../bin/x,,\n"


def test_libraries_are_stripped(tmp_path: Path) -> None:
    for name in ("lib/b.so", "lib/package/a.so", "lib/data", "tool.so"):
        write(tmp_path, name, b"whole")
    (tmp_path / INSTALL / "lib/link.so").symlink_to("b.so")
    tools = tmp_path / "tools"
    strip = tools / "strip"
    tools.mkdir()
    strip.write_text(
        '#!/bin/sh\n[ "$1" = --strip-unneeded ] || exit 1\nshift\n'
        'for file; do printf less >"$file"; done\n'
    )
    strip.chmod(0o755)
    strip_libraries(tmp_path, str(tmp_path))
    assert (tmp_path / INSTALL / "lib/b.so").read_bytes() == b"whole"
    strip_libraries(tmp_path, str(tools))
    contents = {
        name: (tmp_path / INSTALL / name).read_bytes()
        for name in ("lib/b.so", "lib/package/a.so", "lib/data", "tool.so")
    }
    assert contents == {
        "lib/b.so": b"less",
        "lib/package/a.so": b"less",
        "lib/data": b"whole",
        "tool.so": b"whole",
    }

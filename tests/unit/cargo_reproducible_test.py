# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pants_pyoxidizer.programs.cargo import reproducible as reproducible
from pants_pyoxidizer.programs.formats import packed_resources
from pants_pyoxidizer.programs.formats.ar_archive import members

WRAPPER = Path(reproducible.__file__).with_name("rustc_wrapper")


def archive(path: Path, names: list[str]) -> None:
    for name in names:
        path.with_name(name).write_text(f"of {name}")
    subprocess.run(["ar", "qS", path.name, *names], cwd=path.parent, check=True)


@pytest.mark.parametrize(
    "names",
    [
        ["0123456789abcdef-config.o", "libpython.10.o", "a.o", "config.o"],
        ["a.o", "config.o", "0123456789abcdef-config.o", "libpython.10.o"],
    ],
)
def test_temporary_members_come_last(names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "libpython3.a"
    archive(path, names)
    reproducible.order_members(path)
    expected = ["a.o", "config.o", "0123456789abcdef-config.o", "libpython.10.o"]
    assert list(members(path.read_bytes())) == [(n, f"of {n}".encode()) for n in expected]


def test_what_is_not_there_or_unknown_is_left_alone(tmp_path: Path) -> None:
    env = {"PYO3_CONFIG_FILE": str(tmp_path / "pyo3.txt")}
    reproducible.normalize_artifacts(env)
    assert list(tmp_path.iterdir()) == []
    for name in ("packed-resources", "libpython3.a"):
        (tmp_path / name).write_text(name)
    reproducible.normalize_artifacts(env)
    for name in ("packed-resources", "libpython3.a"):
        assert (tmp_path / name).read_text() == name


def test_packed_resources_are_sorted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproducible, "normalize", lambda data, _: packed_resources.MAGIC + data)
    path = tmp_path / "packed-resources"
    path.write_text("x")
    reproducible.normalize_artifacts({"PYO3_CONFIG_FILE": str(tmp_path / "pyo3.txt")})
    assert path.read_bytes() == packed_resources.MAGIC + b"x"


def test_rustc_replaces_paths(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    for registry in ("one", "two"):
        (home / "registry/src" / registry).mkdir(parents=True)
    rustc = tmp_path / "rustc"
    rustc.write_text(
        "#!/bin/sh\nif [ $1 = -vV ]; then echo 'rustc 1.62.1'; echo 'commit-hash: 0123'; "
        "else echo '/the sysroot'; fi\n"
    )
    rustc.chmod(0o755)
    config = f"{tmp_path}/project tmp/artifacts/pyo3.txt"
    env = reproducible.rustc_env({"PYO3_CONFIG_FILE": config, "RUSTC": str(rustc)})
    assert env == {
        "RUSTC_WRAPPER": str(WRAPPER),
        "PANTS_PYOXIDIZER_TEMP": f"{tmp_path}/project tmp",
        "PANTS_PYOXIDIZER_STD": "/the sysroot/lib/rustlib/src/rust=/rustc/0123",
    }
    result = subprocess.run(
        ["sh", str(WRAPPER), "printf", "%s\\n", "--crate-name", "a b"],
        env={"PATH": "/usr/bin:/bin", "CARGO_HOME": str(home), **env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines() == [
        "--crate-name",
        "a b",
        f"--remap-path-prefix={tmp_path}/project tmp=/pyoxidizer",
        f"--remap-path-prefix={home}/registry/src/one=/crates",
        f"--remap-path-prefix={home}/registry/src/two=/crates",
        "--remap-path-prefix=/the sysroot/lib/rustlib/src/rust=/rustc/0123",
    ]


@pytest.mark.parametrize("primary", ["", "1"])
def test_the_executable_gets_the_main_program_that_is_named(primary: str) -> None:
    result = subprocess.run(
        ["sh", str(WRAPPER), "printf", "%s\\n", "--crate-name", "main", "src/main.rs", "-C", "x"],
        env={
            "PATH": "/usr/bin:/bin",
            "CARGO_HOME": "/nowhere",
            "CARGO_PRIMARY_PACKAGE": primary,
            "PANTS_PYOXIDIZER_MAIN": "/a sandbox/main/main.rs",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    own = "--crate-name main /a sandbox/main/main.rs -C x --remap-path-prefix=/a sandbox/main=src"
    expected = own if primary else "--crate-name main src/main.rs -C x"
    assert result.stdout.replace("\n", " ").startswith(f"{expected} --remap-path-prefix=/nowhere")


def test_without_rustc_its_sources_have_no_other_path() -> None:
    assert reproducible.standard_library("/nowhere/rustc") == ""


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            b"RECORD",
            b"../../bin/f2py,sha256=1YOV-_u,293\r\nx-1.dist-info/RECORD,,\r\nx.py,sha256=a,1\r\n"
            b'"../../../bin/a,b",sha256=c,4\r\nx-1.dist-info/direct_url.json,sha256=d,5\r\n',
            b"../../bin/f2py,,\r\nx-1.dist-info/RECORD,,\r\nx.py,sha256=a,1\r\n"
            b'"../../../bin/a,b",,\r\nx-1.dist-info/direct_url.json,,\r\n',
        ),
        (b"RECORD", b"../../bin/f2py,sha256=1,2\nx.py,,\n", b"../../bin/f2py,,\nx.py,,\n"),
        (
            b"direct_url.json",
            b'{"archive_info": {}, "url": "file:///tmp/sandbox/dist/x-1-py3-none-any.whl"}',
            b'{"archive_info": {}, "url": "file:///x-1-py3-none-any.whl"}',
        ),
        (
            b"direct_url.json",
            b'{"archive_info": {"hash": "sha256=a", "hashes": {"sha256": "a"}}, "url": "x"}',
            b'{"archive_info": {}, "url": "x"}',
        ),
        (b"direct_url.json", b'{"url": "https://h/x.whl"}', b'{"url": "https://h/x.whl"}'),
        (b"METADATA", b"../../bin/f2py,sha256=1,2", b"../../bin/f2py,sha256=1,2"),
    ],
)
def test_metadata(name: bytes, content: bytes, expected: bytes) -> None:
    assert reproducible.normalize_metadata(name, content) == expected

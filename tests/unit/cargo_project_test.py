# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from pants_pyoxidizer.programs.cargo.project import LinkInputs, Project, Unusable, library_digest

TRIPLE = "x86_64-unknown-linux-gnu"
HASH = "0123456789abcdef"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".rustc_info.json", True),
        ("debug/.cargo-lock", False),
        (f"debug/deps/libcc-{HASH}.rlib", True),
        (f"{TRIPLE}/debug/my-app", False),
        (f"{TRIPLE}/debug/my-app.d", False),
        (f"{TRIPLE}/release/deps/my_app-{HASH}", False),
        (f"{TRIPLE}/debug/deps/my_app-{HASH}.d", False),
        (f"{TRIPLE}/debug/.fingerprint/my-app-{HASH}/bin-my-app", False),
        (f"debug/build/my-app-{HASH}/build-script-build", False),
        (f"debug/build/serde-{HASH}/build-script-build", True),
        (f"{TRIPLE}/debug/build/serde-{HASH}/out/x.rs", True),
        (f"{TRIPLE}/debug/build/jemalloc-sys-{HASH}/out/lib/libjemalloc.a", False),
        (f"{TRIPLE}/debug/build/jemalloc-sys-{HASH}/output", True),
        (f"{TRIPLE}/debug/incremental/cc-x/s/dep-graph.bin", False),
        (f"{TRIPLE}/debug/deps/libmy-app-2-{HASH}.rlib", True),
    ],
)
def test_is_crate(path: str, expected: bool) -> None:
    assert Project("my-app", "", 'name = "cc"\n').is_crate(PurePath(path)) is expected


def test_is_crate_when_the_binary_has_the_name_of_one() -> None:
    project = Project("cc", "", 'name = "cc"\n')
    assert project.is_crate(PurePath(f"debug/deps/libcc-{HASH}.rlib"))
    assert not project.is_crate(PurePath(f"{TRIPLE}/debug/deps/cc-{HASH}"))


def test_link_inputs(tmp_path: Path) -> None:
    """As PyOxidizer writes them for a shared libpython, and for static libraries beside it."""
    folders = [tmp_path / name for name in ("lib", "build", "empty", "artifacts")]
    for folder in folders:
        folder.mkdir()
    (folders[0] / "libpython3.9.so").write_text("so")
    (folders[1] / "libssl.a").write_text("first")
    (folders[3] / "libssl.a").write_text("second")
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "pyo3.txt").write_text(
        "version=3.9\n"
        "executable=/tmp/x/python3.9\n"
        "extra_build_script_line=cargo:rustc-link-lib=python3.9\n"
        f"extra_build_script_line=cargo:rustc-link-search=native={tmp_path}/lib\n"
        f"extra_build_script_line=cargo:rustc-link-search=native={tmp_path}/build\n"
        f"extra_build_script_line=cargo:rustc-link-search={tmp_path}/link\n"
        f"extra_build_script_line=cargo:rustc-link-search=native={tmp_path}/artifacts\n"
        "extra_build_script_line=cargo:rustc-link-lib=static:+whole-archive=ssl\n"
        "extra_build_script_line=cargo:rustc-link-lib=framework=CoreFoundation\n"
    )
    link = LinkInputs.read(str(tmp_path / "pyo3.txt"))
    assert link.config == (
        "version=3.9\n"
        "executable=python\n"
        "extra_build_script_line=cargo:rustc-link-lib=python3.9\n"
        "extra_build_script_line=cargo:rustc-link-search=native=@LIBRARIES@\n"
        "extra_build_script_line=cargo:rustc-link-search=native=@LIBRARIES@\n"
        f"extra_build_script_line=cargo:rustc-link-search={tmp_path.resolve()}/empty\n"
        "extra_build_script_line=cargo:rustc-link-search=native=@LIBRARIES@\n"
        "extra_build_script_line=cargo:rustc-link-lib=static:+whole-archive=ssl\n"
        "extra_build_script_line=cargo:rustc-link-lib=framework=CoreFoundation\n"
    )
    assert link.libraries == (
        ("libpython3.9.so", folders[0] / "libpython3.9.so"),
        ("libssl.a", folders[1] / "libssl.a"),
    )


def member(name: bytes, content: bytes) -> bytes:
    header = name.ljust(16) + b"0           0     0     644     " + b"%-10d`\n" % len(content)
    return header + content + b"\n" * (len(content) % 2)


@pytest.mark.parametrize(
    "archives",
    [
        # GNU: a table of long names.
        [
            member(b"/", index) + member(b"//", names) + member(b"/0", b"one") + member(b"a/", b"2")
            for index, names in (
                (b"1234", b"libpython.1.random.o/\n"),
                (b"56", b"libpython.2.o/\n"),
            )
        ],
        # BSD: the name comes before the content.
        [
            member(b"#1/20", b"__.SYMDEF SORTED".ljust(20, b"\0") + index)
            + member(b"#1/8", name.ljust(8, b"\0") + b"one")
            + member(b"2.o", b"2")
            for index, name in ((b"1234", b"long1.o"), (b"5678", b"long2.o"))
        ],
    ],
    ids=["GNU", "BSD"],
)
def test_a_static_library_is_its_content(archives: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "libpython3.a"
    digests = []
    for archive in (*archives, archives[0].replace(b"one", b"two")):
        path.write_bytes(b"!<arch>\n" + archive)
        digests.append(library_digest(path))
    assert digests[0] == digests[1] != digests[2]
    assert path.read_bytes() != archives[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"!<thin>\n", "libpython3.a is a thin archive"),
        (b"!<arch>\n" + member(b"a/", b"content")[:30], "libpython3.a is damaged"),
    ],
)
def test_static_libraries_that_cannot_be_kept(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "libpython3.a"
    path.write_bytes(content)
    with pytest.raises(Unusable, match=message):
        library_digest(path)

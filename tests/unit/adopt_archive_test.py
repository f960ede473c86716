# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from pants_pyoxidizer.programs.pack import adopt_archive
from pants_pyoxidizer.programs.pack.cpython import PACKED_VERSIONS
from pants_pyoxidizer.programs.pack.libpython import Unusable
from unit import full_archives
from unit.full_archives import Files, published, with_facts

TRIPLE = "x86_64-unknown-linux-gnu"
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def facts(**changes: Any) -> dict[str, Any]:
    build_info = {
        "core": {"objs": ["build/a.o"], "links": []},
        "extensions": {},
        "inittab_object": "build/config.o",
        "inittab_source": "build/config.c",
        "inittab_cflags": ["-DNDEBUG"],
        "object_file_format": "elf",
    }
    known: dict[str, Any] = {
        "version": "8",
        "target_triple": TRIPLE,
        "build_options": "pgo",
        "optimizations": "pgo",
        "python_tag": "cp311",
        "python_config_vars": {"Py_DEBUG": "0"},
        "python_implementation_cache_tag": "cpython-311",
        "python_implementation_hex_version": 0x030B07F0,
        "python_implementation_name": "cpython",
        "python_implementation_version": ["3", "11", "7", "final", "0"],
        "python_version": "3.11.7",
        "python_major_minor_version": "3.11",
        "python_paths": {"include": "install/include", "stdlib": "install/lib/python3.11"},
        "python_paths_abstract": {},
        "python_stdlib_test_packages": [],
        "python_suffixes": {},
        "python_bytecode_magic_number": "a70d0d0a",
        "python_symbol_visibility": "global-default",
        "python_extension_module_loading": ["builtin"],
        "run_tests": "build/run_tests.py",
    }
    return {**known, **changes, "build_info": {**build_info, **changes.pop("build_info", {})}}


def extension(**changes: Any) -> dict[str, Any]:
    known = {"in_core": False, "init_fn": "PyInit_x", "links": [], "objs": [], "required": False}
    return {**known, "variant": "default", **changes}


# --- What PYTHON.json says


def written(root: Path, text: str) -> str:
    (root / "PYTHON.json").write_text(text)
    return str(root)


def test_facts_of_both_versions_are_read(tmp_path: Path) -> None:
    for version in ("7", "8"):
        known = facts(version=version, build_info={"extensions": {"x": [extension()]}})
        assert adopt_archive.read_facts(written(tmp_path, json.dumps(known))) == known


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "has a PYTHON.json that cannot be read (Expecting property name"),
        ("[]", "has a PYTHON.json of version None, but only 7 and 8 are known"),
        ('{"version": "6"}', "has a PYTHON.json of version 6, but only 7 and 8 are known"),
        ('{"version": "9"}', "has a PYTHON.json of version 9, but only 7 and 8 are known"),
        (
            '{"version": "8"}',
            "has a PYTHON.json without a proper `target_triple`, which PyOxidizer",
        ),
        (json.dumps(facts(python_version=3.11)), "without a proper `python_version`"),
        (json.dumps(facts(build_info={"core": []})), "without a proper `build_info.core`"),
        (json.dumps(facts(build_info={"core": {}})), "without a proper `build_info.core.objs`"),
        (
            json.dumps(facts(build_info={"extensions": {"x": [extension(variant=None)]}})),
            "without a proper `build_info.extensions.x.variant`",
        ),
        (
            json.dumps(facts(build_info={"extensions": {"x": ["y"]}})),
            "without a proper `build_info.extensions.x.in_core`",
        ),
        (
            json.dumps(facts(build_info={"extensions": {"x": extension()}})),
            "without a proper `build_info.extensions.x`",
        ),
        (
            json.dumps(facts(build_info={"core": {"objs": [], "links": ["m"]}})),
            "without a proper `build_info.core.links.name`",
        ),
    ],
)
def test_facts_that_are_not_understood(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Unusable) as caught:
        adopt_archive.read_facts(written(tmp_path, text))
    assert message in str(caught.value)


@pytest.mark.parametrize("minor", [version[1] for version in PACKED_VERSIONS])
@pytest.mark.parametrize("options", ["noopt", "pgo", "pgo+lto"])
def test_facts_that_are_accepted(minor: int, options: str) -> None:
    adopt_archive.check_facts(
        facts(python_version=f"3.{minor}.1", build_options=options, optimizations=options), TRIPLE
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"python_implementation_name": "pypy"},
            "holds pypy, but only CPython can be embedded",
        ),
        (
            {"target_triple": "x86_64-unknown-linux-musl"},
            f"is for x86_64-unknown-linux-musl, but binaries are built for {TRIPLE}: linked with "
            "musl, a binary could load no extension module from a file, be it of the standard "
            f"library or of a wheel; take the archive for {TRIPLE}",
        ),
        (
            {"target_triple": "aarch64-unknown-linux-gnu"},
            f"is for aarch64-unknown-linux-gnu, but binaries are built for {TRIPLE}; take the "
            "archive for that",
        ),
        (
            {"target_triple": "x86_64_v3-unknown-linux-gnu"},
            f"is for x86_64_v3-unknown-linux-gnu, but binaries are built for {TRIPLE}; take the "
            "archive for that",
        ),
        (
            {"target_triple": "x86_64-apple-darwin"},
            f"is for x86_64-apple-darwin, but binaries are built for {TRIPLE}; take the archive "
            "for that",
        ),
        (
            {"build_info": {"object_file_format": "llvm-bitcode:18.1.8"}},
            "holds no machine code but LLVM bitcode for LTO, which only a linker of that LLVM could "
            "take; take an archive without `lto` in its name, as `pgo` or `noopt`",
        ),
        (
            {"build_options": "freethreaded+pgo", "python_version": "3.13.0"},
            "holds a free-threaded build, which PyOxidizer cannot embed; take an ordinary one",
        ),
        (
            {"python_config_vars": {"Py_GIL_DISABLED": "1"}},
            "holds a free-threaded build, which PyOxidizer cannot embed; take an ordinary one",
        ),
        (
            {"build_options": "debug"},
            "holds a debug build, whose extension modules are other ones; take an ordinary one",
        ),
        (
            {"version": "7", "build_options": None, "optimizations": "debug"},
            "holds a debug build, whose extension modules are other ones; take an ordinary one",
        ),
        (
            {"python_config_vars": {"Py_DEBUG": "1"}},
            "holds a debug build, whose extension modules are other ones; take an ordinary one",
        ),
        (
            {"python_version": "3.8.18"},
            "holds Python 3.8.18, but only 3.9, 3.10, 3.11, 3.12, 3.13 can be embedded",
        ),
        (
            {"python_version": "3.14.0"},
            "holds Python 3.14.0, but only 3.9, 3.10, 3.11, 3.12, 3.13 can be embedded",
        ),
    ],
)
def test_facts_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Unusable) as caught:
        adopt_archive.check_facts(facts(**changes), TRIPLE)
    assert str(caught.value) == message


# --- Files that PYTHON.json names


def tree(root: Path) -> str:
    for path in ("build/a.o", "build/config.o", "install/bin/python3.11", "install/include/x"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    (root / "install/lib/python3.11").mkdir(parents=True)
    return str(root)


def test_files_that_are_there(tmp_path: Path) -> None:
    tested = {"_testcapi": [extension(objs=["build/tests_are_left_out.o"])]}
    adopt_archive.check_files(facts(build_info={"extensions": tested}), tree(tmp_path))


@pytest.mark.parametrize(
    ("changes", "what", "path"),
    [
        ({"license_path": "../../etc/passwd"}, "file", "../../etc/passwd"),
        ({"license_path": "/etc/passwd"}, "file", "/etc/passwd"),
        ({"build_info": {"core": {"objs": ["build/b.o"], "links": []}}}, "file", "build/b.o"),
        ({"build_info": {"core": {"objs": [7], "links": []}}}, "file", "7"),
        ({"build_info": {"inittab_object": "build"}}, "file", "build"),
        (
            {"build_info": {"extensions": {"x": [extension(shared_lib="/lib/x.so")]}}},
            "file",
            "/lib/x.so",
        ),
        (
            {"build_info": {"extensions": {"x": [extension(license_paths=["licenses/x"])]}}},
            "file",
            "licenses/x",
        ),
        (
            {
                "build_info": {
                    "extensions": {"x": [extension(links=[{"name": "a", "path_static": "/a.a"}])]}
                }
            },
            "file",
            "/a.a",
        ),
        ({"python_major_minor_version": "3.10"}, "file", "install/bin/python3.10"),
        ({"python_paths": {"include": "install/../..", "stdlib": ""}}, "folder", "install/../.."),
        ({"python_paths": {"include": "install/include"}}, "folder", "None"),
    ],
)
def test_files_that_are_not_there(
    tmp_path: Path, changes: dict[str, Any], what: str, path: str
) -> None:
    with pytest.raises(Unusable) as caught:
        adopt_archive.check_files(facts(**changes), tree(tmp_path))
    assert str(caught.value) == (
        f"names the {what} {path} in its PYTHON.json, but does not hold it"
    )


# --- With a real Python


@pytest.fixture(scope="module", autouse=True)
def pip() -> Iterator[None]:
    with full_archives.pip():
        yield


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return full_archives.packed(sys.executable, tmp_path_factory.mktemp("packed"))


def adopt(folder: Path, files: Files, links: dict[str, str] | None = None) -> tuple[int, Path]:
    archive = full_archives.write(folder / "cpython.tar.zst", files, links or {})
    output = folder / "python.tar.zst"
    status = adopt_archive.main(
        [
            *("--archive", str(archive), "--target-triple", TRIPLE),
            *("--output", str(output), "--report", str(folder / "report.json")),
        ]
    )
    return status, output


@pytest.mark.parametrize("version", ["7", "8"])
def test_an_adopted_archive_is_as_a_packed_python(
    tmp_path: Path, packed: Files, version: str
) -> None:
    files, links = published(packed, version)
    if version == "8":
        files = with_facts(files, lambda it: it.update(build_options="pgo", optimizations="pgo"))
    status, output = adopt(tmp_path, files, links)
    assert status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cpython.tar.zst",
        "python.tar.zst",
        "report.json",
    ]
    adopted, expected = full_archives.read(output), dict(packed)
    new, old = (json.loads(them.pop("PYTHON.json")) for them in (adopted, expected))
    library = f"install/lib/libpython{old['python_major_minor_version']}.so.1.0"
    assert adopted.pop(library) == expected.pop(library, b"no library")
    assert adopted == expected
    assert new == {**old, "optimizations": "noopt" if version == "7" else "pgo"}

    report = json.loads((tmp_path / "report.json").read_text())
    assert report["version"] == old["python_version"]
    assert report["target_triple"] == TRIPLE
    assert f"glibc-max-symbol-version:{report['glibc']}" in old["crt_features"]


@pytest.mark.parametrize("minor_version", ["3.12", "3.13"])
def test_newer_pythons_get_what_pyoxidizer_needs(tmp_path: Path, minor_version: str) -> None:
    """Adapters for its `PyConfig`, and a `distutils`."""
    pythons = sorted(PYENV.glob(f"versions/{minor_version}.*/bin/python{minor_version}"))
    if not pythons:
        pytest.skip(f"pyenv has no Python {minor_version}")
    packed = full_archives.packed(str(pythons[0]), tmp_path)
    stdlib = f"install/lib/python{minor_version}"
    files, links = published(full_archives.unadapted(str(pythons[0]), tmp_path), "7")
    assert not any(path.startswith(f"{stdlib}/distutils/") for path in files)
    status, output = adopt(tmp_path, files, links)
    assert status == 0
    adopted = full_archives.read(output)
    library = f"install/lib/libpython{minor_version}.so.1.0"
    assert adopted.pop(library) == packed.get(library, b"no library")
    expected = {path: content for path, content in packed.items() if path != library}
    assert adopted.keys() == expected.keys()
    assert [path for path in expected if adopted[path] != expected[path]] == []
    assert (
        b"pants_pyoxidizer_import"
        in adopted[f"install/include/python{minor_version}/pants_pyoxidizer.h"]
    )

    status, output = adopt(tmp_path, packed)
    assert status == 0
    assert full_archives.read(output) == packed


def test_an_archive_of_pack_cpython_stays_as_it_is(tmp_path: Path, packed: Files) -> None:
    status, output = adopt(tmp_path, packed)
    assert status == 0
    assert full_archives.read(output) == packed


def bitcode(files: Files) -> Files:
    (path,) = (path for path in files if path.endswith("/abstract.o"))
    return {**files, path: b"BC\xc0\xde" + files[path]}


def other_version(files: Files) -> Files:
    return with_facts(files, lambda it: it.update(python_version="3.9.99"))


def without_table(files: Files) -> Files:
    return {**files, "build/Objects/config.o": files["build/Objects/abstract.o"]}


def that_does_not_start(files: Files) -> Files:
    (path,) = (path for path in files if path.startswith("install/bin/python3."))
    return {**files, path: b"#!/bin/sh\necho no >&2; exit 1\n"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (bitcode, "holds no machine code but LLVM bitcode for LTO (abstract.o)"),
        (other_version, "but its PYTHON.json says 3.9.99"),
        (without_table, "does not define _PyImport_Inittab"),
        (that_does_not_start, "holds an interpreter that does not start here: it "),
        (lambda files: {"PYTHON.json": b"{}"}, "has a PYTHON.json of version None, but only"),
    ],
)
def test_archives_that_cannot_be_adopted(
    tmp_path: Path,
    packed: Files,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Files], Files],
    message: str,
) -> None:
    status, output = adopt(tmp_path, change(published(packed, "8")[0]))
    said = capsys.readouterr().err
    assert (status, output.exists()) == (1, False)
    assert said.startswith("cpython.tar.zst: ") and message in said
    assert said.count("\n") == 1 and str(tmp_path) not in said


def test_what_objects_import(packed: Files) -> None:
    (path,) = (path for path in packed if path.endswith("/abstract.o"))
    (symbols,) = adopt_archive.imported([[("abstract.o", packed[path])]])
    assert "PyErr_Format" in symbols and "PyObject_Type" not in symbols


def test_a_static_library_that_is_none(
    tmp_path: Path, packed: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    def link(it: dict[str, Any]) -> None:
        it["build_info"]["core"]["links"] = [{"name": "x", "path_static": "build/lib/libx.a"}]

    files = with_facts({**published(packed, "8")[0], "build/lib/libx.a": b"text"}, link)
    status, _ = adopt(tmp_path, files)
    assert (status, capsys.readouterr().err) == (
        1,
        "cpython.tar.zst: holds build/lib/libx.a, which is not a static library\n",
    )

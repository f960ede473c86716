# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pants_pyoxidizer.programs.pack import python_json
from pants_pyoxidizer.programs.pack.cpython import PACKED_VERSIONS
from pants_pyoxidizer.programs.pack.libpython import Unusable

TRIPLE = "x86_64-unknown-linux-gnu"


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
        assert python_json.read_facts(written(tmp_path, json.dumps(known))) == known


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "has an invalid PYTHON.json (Expecting property name"),
        ("[]", "has a PYTHON.json of version None, but only 7 and 8 are supported"),
        ('{"version": "6"}', "has a PYTHON.json of version 6, but only 7 and 8 are supported"),
        ('{"version": "9"}', "has a PYTHON.json of version 9, but only 7 and 8 are supported"),
        (
            '{"version": "8"}',
            "has a PYTHON.json in which `target_triple`, which PyOxidizer needs, is missing or has the"
            " wrong type",
        ),
        (
            json.dumps(facts(python_version=3.11)),
            "in which `python_version`, which PyOxidizer needs, is missing or",
        ),
        (
            json.dumps(facts(build_info={"core": []})),
            "in which `build_info.core`, which PyOxidizer needs, is missing or",
        ),
        (
            json.dumps(facts(build_info={"core": {}})),
            "in which `build_info.core.objs`, which PyOxidizer needs, is missing or",
        ),
        (
            json.dumps(facts(build_info={"extensions": {"x": [extension(variant=None)]}})),
            "in which `build_info.extensions.x.variant`, which PyOxidizer needs, is missing or",
        ),
        (
            json.dumps(facts(build_info={"extensions": {"x": ["y"]}})),
            "in which `build_info.extensions.x.in_core`, which PyOxidizer needs, is missing or",
        ),
        (
            json.dumps(facts(build_info={"extensions": {"x": extension()}})),
            "in which `build_info.extensions.x`, which PyOxidizer needs, is missing or",
        ),
        (
            json.dumps(facts(build_info={"core": {"objs": [], "links": ["m"]}})),
            "in which `build_info.core.links.name`, which PyOxidizer needs, is missing or",
        ),
    ],
)
def test_facts_that_are_not_understood(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Unusable) as caught:
        python_json.read_facts(written(tmp_path, text))
    assert message in str(caught.value)


@pytest.mark.parametrize("minor", [version[1] for version in PACKED_VERSIONS])
@pytest.mark.parametrize("options", ["noopt", "pgo", "pgo+lto"])
def test_facts_that_are_accepted(minor: int, options: str) -> None:
    python_json.check_facts(
        facts(python_version=f"3.{minor}.1", build_options=options, optimizations=options), TRIPLE
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"python_implementation_name": "pypy"},
            "contains pypy, but only CPython can be embedded",
        ),
        (
            {"target_triple": "x86_64-unknown-linux-musl"},
            f"is for x86_64-unknown-linux-musl, but binaries are built for {TRIPLE}: a binary "
            "linked with musl cannot load extension modules of the standard library or of wheels; use "
            f"the archive for {TRIPLE}",
        ),
        (
            {"target_triple": "aarch64-unknown-linux-gnu"},
            f"is for aarch64-unknown-linux-gnu, but binaries are built for {TRIPLE}; use the "
            f"archive for {TRIPLE}",
        ),
        (
            {"target_triple": "x86_64_v3-unknown-linux-gnu"},
            f"is for x86_64_v3-unknown-linux-gnu, but binaries are built for {TRIPLE}; use the "
            f"archive for {TRIPLE}",
        ),
        (
            {"target_triple": "x86_64-apple-darwin"},
            f"is for x86_64-apple-darwin, but binaries are built for {TRIPLE}; use the archive "
            f"for {TRIPLE}",
        ),
        (
            {"build_info": {"object_file_format": "llvm-bitcode:18.1.8"}},
            "contains LLVM bitcode for LTO instead of machine code; use an archive without `lto` in "
            "its name, such as one with `pgo` or `noopt`",
        ),
        (
            {"build_options": "freethreaded+pgo", "python_version": "3.13.0"},
            "is a free-threaded build, which PyOxidizer cannot embed; use a build with the GIL",
        ),
        (
            {"python_config_vars": {"Py_GIL_DISABLED": "1"}},
            "is a free-threaded build, which PyOxidizer cannot embed; use a build with the GIL",
        ),
        (
            {"build_options": "debug"},
            "is a debug build, whose ABI is incompatible with release extension modules; use a release "
            "build",
        ),
        (
            {"version": "7", "build_options": None, "optimizations": "debug"},
            "is a debug build, whose ABI is incompatible with release extension modules; use a release "
            "build",
        ),
        (
            {"python_config_vars": {"Py_DEBUG": "1"}},
            "is a debug build, whose ABI is incompatible with release extension modules; use a release "
            "build",
        ),
        (
            {"python_version": "3.8.18"},
            "contains Python 3.8.18, but only 3.9, 3.10, 3.11, 3.12, 3.13 can be embedded",
        ),
        (
            {"python_version": "3.14.0"},
            "contains Python 3.14.0, but only 3.9, 3.10, 3.11, 3.12, 3.13 can be embedded",
        ),
    ],
)
def test_facts_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Unusable) as caught:
        python_json.check_facts(facts(**changes), TRIPLE)
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
    python_json.check_files(facts(build_info={"extensions": tested}), tree(tmp_path))


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
        python_json.check_files(facts(**changes), tree(tmp_path))
    assert str(caught.value) == (
        f"lists the {what} {path} in its PYTHON.json, but does not contain it"
    )

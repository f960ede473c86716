# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from pants_pyoxidizer.programs.pack import adopt_archive
from unit import full_archives
from unit.full_archives import Files, published, with_facts

TRIPLE = "x86_64-unknown-linux-gnu"
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


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
        files = with_facts(
            files, lambda facts: facts.update(build_options="pgo", optimizations="pgo")
        )
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
    return with_facts(files, lambda facts: facts.update(python_version="3.9.99"))


def without_table(files: Files) -> Files:
    return {**files, "build/Objects/config.o": files["build/Objects/abstract.o"]}


def that_does_not_start(files: Files) -> Files:
    (path,) = (path for path in files if path.startswith("install/bin/python3."))
    return {**files, path: b"#!/bin/sh\necho no >&2; exit 1\n"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (bitcode, "contains LLVM bitcode for LTO instead of machine code (abstract.o)"),
        (other_version, "but its PYTHON.json says 3.9.99"),
        (without_table, "does not define _PyImport_Inittab"),
        (that_does_not_start, "contains an interpreter that does not start here: it "),
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
    def link(facts: dict[str, Any]) -> None:
        facts["build_info"]["core"]["links"] = [{"name": "x", "path_static": "build/lib/libx.a"}]

    files = with_facts({**published(packed, "8")[0], "build/lib/libx.a": b"text"}, link)
    status, _ = adopt(tmp_path, files)
    assert (status, capsys.readouterr().err) == (
        1,
        "cpython.tar.zst: contains build/lib/libx.a, which is not a static library\n",
    )

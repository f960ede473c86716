# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Archives as python-build-standalone publishes them, made from a CPython of this machine."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping
from unittest import mock

import zstandard

from pants_pyoxidizer.programs.pack import pack_cpython, packed_tree

Files = dict[str, bytes]


@contextlib.contextmanager
def pip() -> Iterator[None]:
    """Makes a pip importable, which is packed along and which not each Python has that runs tests."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(
        sys, "path", [folder, *sys.path]
    ), mock.patch.dict(sys.modules):
        for path, content in {
            "pip/__init__.py": "",
            "pip/__main__.py": "print('pip 23.0')\n",
            "pip-23.0.dist-info/METADATA": "Name: pip\nVersion: 23.0\n",
        }.items():
            (Path(folder) / path).parent.mkdir(exist_ok=True)
            (Path(folder) / path).write_text(content)
        sys.modules.pop("pip", None)
        yield


def packed(python: str, folder: Path) -> Files:
    """What `pack_cpython` makes of a Python, by paths as PYTHON.json has them."""
    archive = folder / "packed.tar.zst"
    with pip():
        pack_cpython.pack(python, str(archive))
    return read(archive)


def unadapted(python: str, folder: Path) -> Files:
    """The same with the objects as they are, also where PyOxidizer needs others."""
    with mock.patch.object(packed_tree, "adapted_object", lambda _, data: data):
        return packed(python, folder)


def read(archive: Path) -> Files:
    with archive.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            return {
                entry.name.partition("/")[2]: (tar.extractfile(entry) or stream).read()
                for entry in tar
            }


def write(archive: Path, files: Mapping[str, bytes], links: Mapping[str, str] = {}) -> Path:
    entries = [
        *(file_entry(f"python/{path}", content) for path, content in files.items()),
        *((link_entry(f"python/{path}", target), b"") for path, target in links.items()),
    ]
    archive.write_bytes(compressed(entries))
    return archive


def file_entry(name: str, content: bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    return entry, content


def link_entry(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def compressed(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry, content in entries:
            tar.addfile(entry, io.BytesIO(content))
    return bytes(zstandard.ZstdCompressor(level=1).compress(file.getvalue()))


def with_facts(files: Files, change: Callable[[dict[str, Any]], None]) -> Files:
    facts = json.loads(files["PYTHON.json"])
    change(facts)
    return {**files, "PYTHON.json": json.dumps(facts).encode()}


def published(files: Files, version: str) -> tuple[Files, dict[str, str]]:
    """The files and links of a published archive with the same Python.

    Its objects lie in folders of the source tree, and libpython is there as a shared library, too.
    It has its own pip, tests, other scripts and links, and nothing that is there for PyOxidizer.
    """
    facts = json.loads(files["PYTHON.json"])
    minor_version = facts["python_major_minor_version"]
    stdlib, include = facts["python_paths"]["stdlib"], facts["python_paths"]["include"]

    def moved(path: str) -> str:
        return path.replace("build/core/", "build/Objects/")

    ours = [f"{include}/pants_pyoxidizer.h", "build/kept_bytecode.py", "PYTHON.json"]
    if b"raise ModuleNotFoundError" in files[f"{stdlib}/distutils/__init__.py"]:
        ours += [f"{stdlib}/distutils/__init__.py", f"{stdlib}/distutils/command/__init__.py"]
    result = {
        moved(path): content
        for path, content in files.items()
        if path not in ours and not path.startswith(("build/pip/", f"{stdlib}/site-packages/"))
    }
    links = {
        "install/bin/python3": f"python{minor_version}",
        "install/bin/python": "python3",
        f"install/lib/libpython{minor_version}.so": f"libpython{minor_version}.so.1.0",
        "install/share/terminfo": "../lib/terminfo",
    }
    for path in links:
        result.pop(path, None)
    result.update(
        {
            f"install/lib/libpython{minor_version}.so.1.0": result.get(
                f"install/lib/libpython{minor_version}.so.1.0", b"no library"
            ),
            "install/bin/pip3": b"#!/bin/sh\nexit 9\n",
            "install/bin/idle3": b"#!/bin/sh\n",
            f"{stdlib}/site-packages/pip/__init__.py": b"raise SystemExit('the old pip')\n",
            f"{stdlib}/test/test_os.py": b"",
            f"{stdlib}/config-{minor_version}/libpython{minor_version}.a": b"!<arch>\n",
            f"{stdlib}/__pycache__/os.cpython.pyc": b"",
            "extra/notes.txt": b"",
        }
    )
    build = facts["build_info"]
    build["core"]["objs"] = list(map(moved, build["core"]["objs"]))
    build["core"]["static_lib"] = f"{stdlib}/config-{minor_version}/libpython{minor_version}.a"
    build["core"]["shared_lib"] = f"install/lib/libpython{minor_version}.so.1.0"
    build["inittab_object"] = moved(build["inittab_object"])
    build["inittab_cflags"] = ["-DNDEBUG", "-fPIC"]
    build["extensions"]["_testcapi"] = [
        {
            **{"in_core": False, "init_fn": "PyInit__testcapi", "links": [], "objs": []},
            **{"required": False, "variant": "default"},
        }
    ]
    facts.update(
        version=version,
        libpython_link_mode="shared",
        crt_features=["glibc-dynamic", "glibc-max-symbol-version:2.17"],
        python_exe=f"install/bin/python{minor_version}",
        optimizations="noopt",
    )
    if version == "8":
        facts["build_options"] = "noopt"
    return {**result, "PYTHON.json": json.dumps(facts).encode()}, links

# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import io
import json
import struct
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import zstandard

from pants_pyoxidizer.programs.formats.elf import SHT_DYNAMIC, ElfFile
from pants_pyoxidizer.programs.report.list_libraries import main

PYTHON_JSON = {
    "build_info": {
        "core": {
            "links": [
                {"name": "m", "system": True},
                # A shared libpython.
                {
                    "name": "python3.11",
                    "system": True,
                    "path_static": "build/link/libpython3.11.so",
                },
            ]
        },
        "extensions": {
            "_ssl": [{"links": [{"name": "ssl", "path_static": "build/lib/libssl.a"}]}],
            "_hashlib": [{"links": [{"name": "ssl", "path_static": "build/lib/libssl.a"}]}],
            "zlib": [{"links": [{"name": "z", "system": True}]}],
        },
    }
}


def compile_c(folder: Path, output: str, source: str, *flags: str) -> None:
    file = folder / "source.c"
    file.write_text(source)
    argv = ["cc", str(file), "-o", str(folder / output), *flags]
    subprocess.run(argv, check=True)
    file.unlink()


def write_archive(path: Path) -> None:
    content = json.dumps(PYTHON_JSON).encode()
    entry = tarfile.TarInfo("python/PYTHON.json")
    entry.size = len(content)
    tar_file = io.BytesIO()
    with tarfile.open(fileobj=tar_file, mode="w") as tar:
        other = tarfile.TarInfo("python/install/lib/PYTHON.json")
        tar.addfile(other)
        tar.addfile(entry, io.BytesIO(content))
    path.write_bytes(zstandard.ZstdCompressor().compress(tar_file.getvalue()))


def listed(tmp_path: Path, *args: str) -> dict[str, Any]:
    output = tmp_path / "libraries.json"
    assert main([*args, "--output", str(output), str(tmp_path / "root")]) == 0
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def test_what_lies_beside_the_executable_is_none_of_the_system(tmp_path: Path) -> None:
    lib = tmp_path / "root/lib"
    lib.mkdir(parents=True)
    shared = ("-shared", "-fPIC", "-Wl,--no-as-needed")
    compile_c(lib, "libown.so", "int own(void) { return 1; }", *shared, "-Wl,-soname,libown.so")
    compile_c(
        lib.parent,
        "program",
        "int own(void); int main(void) { return own(); }",
        f"-L{lib}",
        "-lown",
        "-Wl,--no-as-needed",
        "-lm",
    )
    (lib / "data.bin").write_bytes(b"\x7fELF but no more")
    assert listed(tmp_path) == {"system": ["libc.so.6", "libm.so.6"], "static": []}

    (lib / "libown.so").unlink()
    assert listed(tmp_path)["system"] == ["libc.so.6", "libm.so.6", "libown.so"]


def test_a_damaged_library_of_a_wheel_hides_no_other_one(tmp_path: Path) -> None:
    lib = tmp_path / "root/lib"
    lib.mkdir(parents=True)
    compile_c(lib, "whole.so", "int f(void) { return 1; }", "-shared", "-Wl,--no-as-needed", "-lm")
    whole = (lib / "whole.so").read_bytes()
    (dynamic,) = (s for s in ElfFile(whole).sections if s.type == SHT_DYNAMIC)
    for name, offset, value in (("link", 40, 0xFFFF), ("size", 32, 17)):
        damaged = bytearray(whole)
        struct.pack_into("<I", damaged, dynamic.header + offset, value)
        (lib / f"{name}.so").write_bytes(damaged)
    assert listed(tmp_path)["system"] == ["libc.so.6", "libm.so.6"]


def test_the_archive_says_what_is_inside_its_python(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    archive = tmp_path / "python.tar.zst"
    write_archive(archive)
    assert listed(tmp_path, "--archive", str(archive)) == {"system": [], "static": ["ssl"]}

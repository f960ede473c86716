# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Lists the libraries that an executable and its sidecar files are linked with.

usage: report.list_libraries [--archive python.tar.zst] --output FILE ROOT

FILE is JSON. "system" lists the SONAMEs that files below ROOT need and do not include, so that the
machine that runs the executable must have them; it is empty on macOS. "static" lists the names of
the libraries that are linked statically into the archive's Python, according to its PYTHON.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import zstandard

from ..formats import elf

PYTHON_JSON = "python/PYTHON.json"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive")
    parser.add_argument("--output", required=True)
    parser.add_argument("root", type=Path)
    options = parser.parse_args(argv)
    static = static_libraries(read_python_json(options.archive)) if options.archive else []
    report = {"system": system_libraries(options.root), "static": static}
    Path(options.output).write_text(json.dumps(report, indent=1))
    return 0


def system_libraries(root: Path) -> list[str]:
    files = [path for path in root.rglob("*") if path.is_file()]
    shipped = {path.name for path in files}
    needed = {os.path.basename(soname) for path in files for soname in needed_by(path)}
    return sorted(needed - shipped - {""})


def needed_by(path: Path) -> list[str]:
    with path.open("rb") as file:
        if file.read(len(elf.MAGIC)) != elf.MAGIC:
            return []
    try:
        return list(elf.ElfFile(path.read_bytes()).needed())
    except elf.ElfError:  # Some packages contain broken ELF files, for example as test data.
        return []


def read_python_json(archive: str) -> dict[str, Any]:
    with open(archive, "rb") as file:
        with zstandard.ZstdDecompressor().stream_reader(file) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for entry in tar:
                    content = tar.extractfile(entry) if entry.name == PYTHON_JSON else None
                    if content is not None:
                        found: dict[str, Any] = json.load(content)
                        return found
    return {}


def static_libraries(python_json: Mapping[str, Any]) -> list[str]:
    # A shared libpython has a `path_static` as well, for the linker, but is a system library.
    return sorted(
        {
            link["name"]
            for link in links(python_json.get("build_info", {}))
            if link.get("path_static") and not link.get("system")
        }
    )


def links(build_info: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from build_info.get("core", {}).get("links", ())
    for variants in build_info.get("extensions", {}).values():
        for variant in variants:
            yield from variant.get("links", ())


if __name__ == "__main__":
    sys.exit(main())

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Packs a CPython of the build machine into an archive that PyOxidizer 0.24 accepts as its Python.

usage: pack.pack_cpython --python PYTHON --output python.tar.zst --report report.json

The archive has python-build-standalone's "full" format, with a PYTHON.json of version 7, which
PyOxidizer's `standalone_distribution.rs` reads. A template uses it with
`PythonDistribution(sha256=..., local_path=..., flavor="standalone")`.

A suitable static libpython is linked into the binary. Without one, the shared libpython becomes a
sidecar file in `lib`, like the modules of `lib-dynload` (see `packed_python_json.shared_core`).

If the Python cannot be packed, prints one sentence to stderr and exits with status 1. The program
requires Python 3.8 or newer and the package `zstandard`, and packs the `pip` that it can import.
The code for macOS follows PyOxidizer's source, and is untested.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from typing import Any, Iterable, Sequence

from ..formats import elf
from . import libpython
from .cpython import CPython, Refusal, check, probe
from .full_archive import PYTHON_JSON, write_archive
from .libpython import Library
from .packed_python_json import python_json
from .packed_tree import Tree, extension_modules, try_copy, write_pip, write_tree


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", required=True, help="the interpreter to pack")
    parser.add_argument("--output", required=True, help="the archive to write, named *.tar.zst")
    parser.add_argument("--report", required=True, help="the JSON report to write, on the Python")
    options = parser.parse_args(argv)
    python = os.path.realpath(options.python)  # The path that messages show.
    try:
        report = pack(python, options.output)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except (OSError, elf.ElfError) as error:
        print(f"{python}: cannot be packed: {error}", file=sys.stderr)
        return 1
    with open(options.report, "w") as file:
        json.dump(report, file, indent=1)
    return 0


def pack(python: str, output: str) -> dict[str, Any]:
    """Writes the archive; returns the report.

    Raises:
        Refusal: when the Python cannot be packed.
    """
    cpython = probe(python)
    check(cpython)
    library = libpython.find_library(cpython)
    extensions = extension_modules(cpython)
    images = [library.image, *(extension.image for extension in extensions)]
    glibc = libpython.lowest_glibc(library, images, cpython.libc)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(output))) as root:
        tree = Tree(os.path.realpath(root), cpython)
        write_tree(tree, library, extensions)
        write_pip(tree)
        try_copy(tree)
        facts = python_json(tree, library, extensions, glibc)
        tree.write(PYTHON_JSON, json.dumps(facts, indent=1, sort_keys=True).encode())
        write_archive(tree.root, output)
    return report(cpython, library, images, glibc, output)


def report(
    cpython: CPython,
    library: Library,
    images: Iterable[libpython.Image],
    glibc: str | None,
    output: str,
) -> dict[str, Any]:
    """The facts that the plugin reads. `images` are of all shipped shared libraries."""
    with open(output, "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    return {
        "version": cpython.version,
        "cache_tag": cpython.cache_tag,
        "target_triple": cpython.target_triple,
        "link_mode": library.link_mode,
        "library": os.path.basename(library.path),
        "glibc": glibc,
        "sha256": sha256,
        # SONAMEs that the target machine must have, besides glibc.
        "shared_libraries": sorted({soname for image in images for soname in image.libraries}),
    }


if __name__ == "__main__":
    sys.exit(main())

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Compiles the modules below folders, except those that already have bytecode.

usage: python compile_files.py FOLDER...

The packed Python runs this for the plain files of a template. pip could compile them, but records
its temporary folder and the time in the bytecode. Here the same sources give the same bytecode,
which is valid whatever the files' times. Modules that do not compile stay sources.
"""

import contextlib
import importlib.util
import os
import py_compile
import sys
from typing import Sequence


def main(folders: Sequence[str]) -> None:
    for root in folders:
        for folder, subfolders, names in os.walk(root):
            subfolders.sort()
            for name in sorted(names):
                if name.endswith(".py"):
                    compile_file(os.path.join(folder, name), root)


def compile_file(path: str, root: str) -> None:
    if os.path.exists(importlib.util.cache_from_source(path)):
        return
    with contextlib.suppress(py_compile.PyCompileError, OSError, RecursionError):
        py_compile.compile(
            path,
            dfile=os.path.relpath(path, root),  # An import replaces it by where the module is.
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


if __name__ == "__main__":
    main(sys.argv[1:])

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Compiles the modules below folders, but for those that have bytecode already.

usage: python compile_files.py FOLDER...

The packed Python runs this for what a template has in plain files. pip, which could do it, writes
its temporary folder and the time into the bytecode. Here the same sources give the same bytes, which
hold whatever the times of files. What does not compile stays source.
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

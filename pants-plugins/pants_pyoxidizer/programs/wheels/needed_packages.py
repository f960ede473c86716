# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds the packages that a module cannot be imported without, by its syntax tree."""

from __future__ import annotations

import ast
import os
import sys
from functools import lru_cache
from typing import Container

# Standard modules that only some Pythons since 3.8 have.
_SINCE = """
    graphlib tomllib zoneinfo asynchat asyncore binhex distutils formatter imp lib2to3 parser
    smtpd symbol aifc audioop cgi cgitb chunk crypt imghdr mailcap msilib nis nntplib
    ossaudiodev pipes sndhdr spwd sunau telnetlib uu xdrlib winreg winsound _winapi msvcrt
    """.split()


def needed_packages(tree: ast.Module, modules: Container[str]) -> tuple[str, ...]:
    """The top-level packages that a module imports unconditionally.

    Neither `modules`, those of its wheel, nor the standard library count.
    """
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
    tops = {name.partition(".")[0] for name in names}
    return tuple(sorted(top for top in tops if top not in modules and top not in _stdlib()))


@lru_cache(maxsize=None)
def _stdlib() -> frozenset[str]:
    """Top-level names in the standard library of this Python or of another one."""
    folder = os.path.dirname(os.__file__)
    files = [*os.listdir(folder), *_listed(os.path.join(folder, "lib-dynload"))]
    return frozenset(
        {*sys.builtin_module_names, *(file.partition(".")[0] for file in files), *_SINCE}
    )


def _listed(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Writes the C that is forced into the table of built-in modules, which PyOxidizer generates.

It is what newer CPythons lack for PyOxidizer 0.24; 3.9 and 3.10 lack nothing.
"""

from __future__ import annotations

from .cpython import CPython
from .libpython import Library
from .pyconfig_adapter import adapters_c

# Since 3.11 `PyImport_FrozenModules` is NULL, which PyOxidizer's start-up code dereferences. An
# empty table would not do.
_FROZEN_MODULES = """\
#include "Python.h"
{definition}{table}__attribute__((constructor)) static void pants_pyoxidizer_frozen_modules(void) {{
  if (!PyImport_FrozenModules) PyImport_FrozenModules = {name};
}}
"""
_BOOTSTRAP = """\
extern const struct _frozen *_PyImport_FrozenBootstrap;
_Static_assert(sizeof(struct _frozen) == 4 * sizeof(void *), "struct _frozen has another size");
"""
# An entry has four words for PyOxidizer, and three for CPython since 3.13. In this table, the former
# finds the names of all of `_PyImport_FrozenBootstrap`. The latter finds the first one alone, since
# word 3 is NULL; but it has looked into `_PyImport_FrozenBootstrap` before.
_BOOTSTRAP_OF_BOTH_SIZES = """\
static const void *const pants_pyoxidizer_frozen[16] = {
  [0] = "_frozen_importlib", [4] = "_frozen_importlib_external", [8] = "zipimport",
};
_Static_assert(sizeof(struct _frozen) == 3 * sizeof(void *), "struct _frozen has another size");
"""


def forced_header(cpython: CPython, library: Library) -> str:
    """The C for this CPython; empty if it needs none."""
    version = cpython.version_info[:2]
    if version < (3, 11):
        return ""
    # The table of built-in modules is linked into a binary when something there wants a symbol of
    # it. The objects of a static libpython want the table. With a shared one, which has a table of
    # its own, it is this definition that is wanted.
    shared = library.link_mode == "shared"
    frozen_modules = _FROZEN_MODULES.format(
        definition="const struct _frozen *PyImport_FrozenModules = 0;\n" if shared else "",
        table=_BOOTSTRAP if version < (3, 13) else _BOOTSTRAP_OF_BOTH_SIZES,
        name="_PyImport_FrozenBootstrap"
        if version < (3, 13)
        else "(const struct _frozen *)pants_pyoxidizer_frozen",
    )
    return frozen_modules + adapters_c(cpython, library) + anchors_c(library.anchors)


def anchors_c(symbols: tuple[str, ...]) -> str:
    """Links the objects that define these symbols into the binary, also if it wants none of them.

    Extension modules may: `_interpreters` of 3.13 does.
    """
    if not symbols:
        return ""
    names = [f"pants_pyoxidizer_anchor_{number}" for number in range(len(symbols))]
    declarations = "".join(
        f'extern char {name} __asm__("{symbol}");\n' for name, symbol in zip(names, symbols)
    )
    table = "".join(f"  &{name},\n" for name in names)
    return (
        f"{declarations}__attribute__((used))\n"
        f"static const void *const pants_pyoxidizer_anchors[] = {{\n{table}}};\n"
    )

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Generates a C header to include in the table of built-in modules, which PyOxidizer generates.

The header adds what PyOxidizer 0.24 needs and CPython 3.11 and newer no longer have.
"""

from __future__ import annotations

from .cpython import CPython
from .libpython import Library
from .pyconfig_adapter import adapters_c

# Since 3.11, `PyImport_FrozenModules` is NULL, which PyOxidizer's start-up code dereferences. An
# empty table does not suffice.
_FROZEN_MODULES = """\
#include "Python.h"
{definition}{table}__attribute__((constructor)) static void pants_pyoxidizer_frozen_modules(void) {{
  if (!PyImport_FrozenModules) PyImport_FrozenModules = {name};
}}
"""
_BOOTSTRAP = """\
extern const struct _frozen *_PyImport_FrozenBootstrap;
_Static_assert(sizeof(struct _frozen) == 4 * sizeof(void *), "struct _frozen has a wrong size");
"""
# PyOxidizer reads entries of four words, CPython 3.13 and newer entries of three. In this table,
# PyOxidizer finds all names of `_PyImport_FrozenBootstrap`. CPython finds only the first, since
# word 3 is NULL, but has already searched `_PyImport_FrozenBootstrap` by then.
_BOOTSTRAP_OF_BOTH_SIZES = """\
static const void *const pants_pyoxidizer_frozen[16] = {
  [0] = "_frozen_importlib", [4] = "_frozen_importlib_external", [8] = "zipimport",
};
_Static_assert(sizeof(struct _frozen) == 3 * sizeof(void *), "struct _frozen has a wrong size");
"""


def forced_header(cpython: CPython, library: Library) -> str:
    """The header for this CPython; empty if it needs none."""
    version = cpython.version_info[:2]
    if version < (3, 11):
        return ""
    # The linker includes the table of built-in modules only if it resolves an undefined symbol. The
    # objects of a static libpython refer to the table itself. A shared libpython has its own table,
    # so this definition has to be what pulls it in.
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
    """Makes the linker include the objects with these symbols, even if nothing refers to them.

    Extension modules may need them: `_interpreters` of 3.13 does.
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

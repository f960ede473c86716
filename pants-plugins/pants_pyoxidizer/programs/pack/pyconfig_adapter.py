# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Lets PyOxidizer 0.24 configure CPythons whose `PyConfig` layout it does not know.

PyOxidizer's start-up code (pyembed 0.24) takes CPython's structs from pyo3-ffi 0.17, whose newest
`PyConfig` is that of CPython 3.11. To a newer CPython, it would pass a struct that is too short,
with fields at wrong offsets. So the five functions that take a `PyConfig` are renamed in CPython's
objects and replaced with adapters that copy from one layout to the other.

The adapters are C code, generated from the headers of one CPython, and compiled with the table of
built-in modules. A CPython without a field that PyOxidizer may set is rejected here; the compiler
asserts the rest.
"""

from __future__ import annotations

import os
import re
from typing import Mapping

from ..formats import elf
from .cpython import CPython, Refusal
from .libpython import Library

# `PyConfig` of CPython 3.11 on Linux, as in pyo3-ffi's `initconfig.rs`: types with their fields.
_LAYOUT = """\
int: _config_init isolated use_environment dev_mode install_signal_handlers use_hash_seed
unsigned long: hash_seed
int: faulthandler tracemalloc import_time code_debug_ranges show_ref_count dump_refs
wchar_t *: dump_refs_file
int: malloc_stats
wchar_t *: filesystem_encoding filesystem_errors pycache_prefix
int: parse_argv
PyWideStringList: orig_argv argv xoptions warnoptions
int: site_import bytes_warning warn_default_encoding inspect interactive optimization_level
int: parser_debug write_bytecode verbose quiet user_site_directory configure_c_stdio buffered_stdio
wchar_t *: stdio_encoding stdio_errors check_hash_pycs_mode
int: use_frozen_modules safe_path pathconfig_warnings
wchar_t *: program_name pythonpath_env home platlibdir
int: module_search_paths_set
PyWideStringList: module_search_paths
wchar_t *: stdlib_dir executable base_executable prefix base_prefix exec_prefix base_exec_prefix
int: skip_source_first_line
wchar_t *: run_command run_module run_filename
int: _install_importlib _init_main _isolated_interpreter _is_python_build
"""
LAYOUT: dict[str, str] = {
    name: kind
    for kind, names in (line.split(": ") for line in _LAYOUT.splitlines())
    for name in names.split()
}
# Moved to `PyInterpreterConfig` in 3.12. pyembed does not set it, so nothing is lost.
UNUSED = frozenset(["_isolated_interpreter"])

# The functions with a `PyConfig` that pyembed calls, and their new names in CPython's objects.
REAL_NAMES: dict[str, str] = {
    name: f"pants_pyoxidizer_{name}"
    for name in (
        "PyConfig_InitPythonConfig",
        "PyConfig_InitIsolatedConfig",
        "PyConfig_SetBytesString",
        "PyConfig_SetBytesArgv",
        "Py_InitializeFromConfig",
    )
}

# The functions of a static libpython are renamed; those of a shared one are looked up. The adapters
# are hidden from extension modules: a module that uses these functions gets the real ones of a
# shared libpython, and does not load with a static one, where the names are undefined.
_STATIC = """\
extern void pants_pyoxidizer_PyConfig_InitPythonConfig(PyConfig *);
extern void pants_pyoxidizer_PyConfig_InitIsolatedConfig(PyConfig *);
extern PyStatus pants_pyoxidizer_PyConfig_SetBytesString(PyConfig *, wchar_t **, const char *);
extern PyStatus pants_pyoxidizer_PyConfig_SetBytesArgv(PyConfig *, Py_ssize_t, char *const *);
extern PyStatus pants_pyoxidizer_Py_InitializeFromConfig(const PyConfig *);
"""
_SHARED = """\
#include <dlfcn.h>
#define PANTS_PYOXIDIZER_REAL(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))
#define pants_pyoxidizer_PyConfig_InitPythonConfig PANTS_PYOXIDIZER_REAL(PyConfig_InitPythonConfig)
#define pants_pyoxidizer_PyConfig_InitIsolatedConfig \\
  PANTS_PYOXIDIZER_REAL(PyConfig_InitIsolatedConfig)
#define pants_pyoxidizer_PyConfig_SetBytesString PANTS_PYOXIDIZER_REAL(PyConfig_SetBytesString)
#define pants_pyoxidizer_PyConfig_SetBytesArgv PANTS_PYOXIDIZER_REAL(PyConfig_SetBytesArgv)
#define pants_pyoxidizer_Py_InitializeFromConfig PANTS_PYOXIDIZER_REAL(Py_InitializeFromConfig)
"""

_ADAPTERS = """\
#include "Python.h"
#include <stddef.h>

/* PyConfig as PyOxidizer knows it. This CPython has the SAME fields, but not the UNUSED ones. Its
   new fields keep their initial values: $NEW. */
#define PANTS_PYOXIDIZER_FIELDS(SAME, UNUSED) \\
$FIELDS

#define PANTS_PYOXIDIZER_DECLARE(type, field) type field;
typedef struct {
  PANTS_PYOXIDIZER_FIELDS(PANTS_PYOXIDIZER_DECLARE, PANTS_PYOXIDIZER_DECLARE)
} pants_pyoxidizer_config;
_Static_assert(sizeof(pants_pyoxidizer_config) == 424, "PyConfig is not laid out as in pyo3-ffi");

#define PANTS_PYOXIDIZER_NOTHING(type, field)
#define PANTS_PYOXIDIZER_CHECK(type, field) \\
  _Static_assert(__builtin_types_compatible_p(type, __typeof__(((PyConfig *)0)->field)), \\
                 "PyConfig." #field " is not of the type " #type);
PANTS_PYOXIDIZER_FIELDS(PANTS_PYOXIDIZER_CHECK, PANTS_PYOXIDIZER_NOTHING)

/* Structs that PyOxidizer passes unchanged must have the layout that it knows. */
#define PANTS_PYOXIDIZER_AT(type, field, offset) \\
  _Static_assert(offsetof(type, field) == offset, #type "." #field " is at a wrong offset")
PANTS_PYOXIDIZER_AT(PyPreConfig, _config_init, 0);
PANTS_PYOXIDIZER_AT(PyPreConfig, parse_argv, 4);
PANTS_PYOXIDIZER_AT(PyPreConfig, isolated, 8);
PANTS_PYOXIDIZER_AT(PyPreConfig, use_environment, 12);
PANTS_PYOXIDIZER_AT(PyPreConfig, configure_locale, 16);
PANTS_PYOXIDIZER_AT(PyPreConfig, coerce_c_locale, 20);
PANTS_PYOXIDIZER_AT(PyPreConfig, coerce_c_locale_warn, 24);
PANTS_PYOXIDIZER_AT(PyPreConfig, utf8_mode, 28);
PANTS_PYOXIDIZER_AT(PyPreConfig, dev_mode, 32);
PANTS_PYOXIDIZER_AT(PyPreConfig, allocator, 36);
_Static_assert(sizeof(PyPreConfig) == 40, "PyPreConfig has a wrong size");
PANTS_PYOXIDIZER_AT(PyWideStringList, length, 0);
PANTS_PYOXIDIZER_AT(PyWideStringList, items, 8);
_Static_assert(sizeof(PyWideStringList) == 16, "PyWideStringList has a wrong size");
PANTS_PYOXIDIZER_AT(PyStatus, func, 8);
PANTS_PYOXIDIZER_AT(PyStatus, err_msg, 16);
PANTS_PYOXIDIZER_AT(PyStatus, exitcode, 24);
_Static_assert(sizeof(PyStatus) == 32, "PyStatus has a wrong size");

$REAL
#define PANTS_PYOXIDIZER_COPY(type, field) to->field = from->field;
static void pants_pyoxidizer_export(pants_pyoxidizer_config *to, const PyConfig *from) {
  PANTS_PYOXIDIZER_FIELDS(PANTS_PYOXIDIZER_COPY, PANTS_PYOXIDIZER_NOTHING)
}

/* Starts from the same initial configuration as `from`, isolated or not. */
static void pants_pyoxidizer_import(PyConfig *to, const pants_pyoxidizer_config *from) {
  pants_pyoxidizer_PyConfig_InitIsolatedConfig(to);
  if (to->_config_init != from->_config_init) pants_pyoxidizer_PyConfig_InitPythonConfig(to);
  PANTS_PYOXIDIZER_FIELDS(PANTS_PYOXIDIZER_COPY, PANTS_PYOXIDIZER_NOTHING)
}

#define PANTS_PYOXIDIZER_ADAPTER(type, name, parameters) \\
  __attribute__((visibility("hidden"))) type pants_pyoxidizer_old_##name parameters __asm__(#name); \\
  type pants_pyoxidizer_old_##name parameters

PANTS_PYOXIDIZER_ADAPTER(void, PyConfig_InitPythonConfig, (pants_pyoxidizer_config *old)) {
  PyConfig config;
  pants_pyoxidizer_PyConfig_InitPythonConfig(&config);
  pants_pyoxidizer_export(old, &config);
}

PANTS_PYOXIDIZER_ADAPTER(void, PyConfig_InitIsolatedConfig, (pants_pyoxidizer_config *old)) {
  PyConfig config;
  pants_pyoxidizer_PyConfig_InitIsolatedConfig(&config);
  pants_pyoxidizer_export(old, &config);
}

/* Sets only `field`, which points into `old`. */
PANTS_PYOXIDIZER_ADAPTER(PyStatus, PyConfig_SetBytesString,
                         (pants_pyoxidizer_config *old, wchar_t **field, const char *value)) {
  PyConfig config;
  pants_pyoxidizer_import(&config, old);
  return pants_pyoxidizer_PyConfig_SetBytesString(&config, field, value);
}

PANTS_PYOXIDIZER_ADAPTER(PyStatus, PyConfig_SetBytesArgv,
                         (pants_pyoxidizer_config *old, Py_ssize_t argc, char *const *argv)) {
  PyConfig config;
  pants_pyoxidizer_import(&config, old);
  PyStatus status = pants_pyoxidizer_PyConfig_SetBytesArgv(&config, argc, argv);
  pants_pyoxidizer_export(old, &config);
  return status;
}

PANTS_PYOXIDIZER_ADAPTER(PyStatus, Py_InitializeFromConfig, (const pants_pyoxidizer_config *old)) {
  PyConfig config;
  pants_pyoxidizer_import(&config, old);
  return pants_pyoxidizer_Py_InitializeFromConfig(&config);
}
"""


def adapters_c(cpython: CPython, library: Library) -> str:
    """The adapters for this CPython; empty if it needs none."""
    if not cpython.needs_adapters:
        return ""
    with open(os.path.join(cpython.include, "cpython/initconfig.h")) as file:
        fields = pyconfig_fields(file.read())
    problem = _problem(fields, library)
    if problem:
        raise Refusal(
            f"{cpython.executable}: Python {cpython.version} cannot be packed, because"
            f" {problem}, which PyOxidizer relies on; use another release of Python"
        )
    lines = [
        f"  {'SAME' if name in fields else 'UNUSED'}({kind}, {name})"
        for name, kind in LAYOUT.items()
    ]
    return (
        _ADAPTERS.replace("$NEW", ", ".join(name for name in fields if name not in LAYOUT))
        .replace("$FIELDS", " \\\n".join(lines))
        .replace("$REAL", _STATIC if library.link_mode == "static" else _SHARED)
    )


def _problem(fields: Mapping[str, str], library: Library) -> str:
    for name, kind in LAYOUT.items():
        if name not in fields and name not in UNUSED:
            return f"its `PyConfig` has no field `{name}`"
        if fields.get(name, kind) != kind:
            return f"the field `{name}` of its `PyConfig` has type `{fields[name]}`, not `{kind}`"
    # The objects of an archive by `pack_cpython` are already renamed.
    missing = [
        name for name in REAL_NAMES if library.defined_symbols.isdisjoint({name, REAL_NAMES[name]})
    ]
    return f"{library.path} has no `{missing[0]}`" if missing else ""


def adapted_object(cpython: CPython, data: bytes) -> bytes:
    """An object of a static libpython, with symbols renamed if there are adapters."""
    return elf.with_renamed_symbols(data, REAL_NAMES) if cpython.needs_adapters else data


def pyconfig_fields(header: str) -> dict[str, str]:
    """Names and types of the fields of `PyConfig`, from CPython's `cpython/initconfig.h`.

    Skips fields in conditional sections. These are for Windows, for kinds of builds that are not
    packed, or never set by PyOxidizer, such as the one for `--enable-pystats`.
    """
    struct = re.search(r"typedef struct PyConfig \{(.*?)\n\} PyConfig;", header, re.DOTALL)
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", struct[1] if struct else "", flags=re.DOTALL)
    depth, unconditional = 0, []
    for line in text.splitlines():
        directive = re.match(r"\s*#\s*(if|endif)?", line)
        if directive:
            depth += {"if": 1, "endif": -1}.get(directive[1] or "", 0)
        elif depth == 0:
            unconditional.append(line)
    declarations = re.findall(r"(\w[\w\s*]*?)(\w+)\s*;", "\n".join(unconditional))
    return {name: " ".join(kind.replace("*", " * ").split()) for kind, name in declarations}

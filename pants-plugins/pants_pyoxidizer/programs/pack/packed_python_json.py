# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Writes the PYTHON.json, version 7, of a packed CPython."""

from __future__ import annotations

import re
from typing import Any, Iterable, Sequence

from . import libpython
from .cpython import CPython
from .libpython import Library
from .packed_tree import (
    CONFIG_C,
    FORCED_CFLAGS,
    LICENSE_FILE,
    TEST_PACKAGES,
    ExtensionModule,
    Tree,
    object_path,
    sidecar_library_name,
)

# Copyleft licenses of libraries, by SONAME prefix. They extend to extension modules linked with the
# libraries. Other licenses do not matter, because the libraries are not distributed.
COPYLEFT = {
    "libreadline.": "GPL-3.0-or-later",
    "libgdbm": "GPL-3.0-or-later",
    "libdb-5.": "Sleepycat",
    "libdb-": "AGPL-3.0-or-later",
}
# PyOxidizer reads only these of python_config_vars, for PyO3 (`standalone_builder.rs`).
READ_CONFIG_VARS = ("Py_DEBUG", "Py_REF_DEBUG", "Py_TRACE_REFS", "COUNT_ALLOCS")
# PyOxidizer's names of platforms (`python_platform_compatibility_tag`).
PLATFORM_TAGS = {
    "x86_64-unknown-linux-gnu": "linux-x86_64",
    "aarch64-unknown-linux-gnu": "linux-aarch64",
    "x86_64-apple-darwin": "macosx-10.9-x86_64",
    "aarch64-apple-darwin": "macosx-11.0-arm64",
}


def python_json(
    tree: Tree, library: Library, extensions: Iterable[ExtensionModule], glibc: str | None
) -> dict[str, Any]:
    """The content of PYTHON.json. `glibc` is the oldest one that suffices, None without glibc."""
    cpython = tree.cpython
    nodot = cpython.minor_version.replace(".", "")
    is_static = library.link_mode == "static"
    return {
        "version": "7",
        "target_triple": cpython.target_triple,
        "optimizations": "noopt",
        "python_tag": f"cp{nodot}",
        "python_abi_tag": f"cp{nodot}",
        "python_platform_tag": PLATFORM_TAGS[cpython.target_triple],
        "python_version": cpython.version,
        "python_major_minor_version": cpython.minor_version,
        "python_implementation_name": cpython.implementation,
        "python_implementation_cache_tag": cpython.cache_tag,
        "python_implementation_hex_version": cpython.hexversion,
        "python_implementation_version": [str(part) for part in cpython.version_info],
        "python_config_vars": config_vars(cpython),
        "python_paths": python_paths(tree),
        "python_paths_abstract": cpython.abstract_paths,
        "python_exe": "install/bin/python3",
        "python_stdlib_test_packages": list(TEST_PACKAGES),
        "python_suffixes": cpython.suffixes,
        "python_bytecode_magic_number": cpython.magic,
        "python_symbol_visibility": "global-default",
        "python_extension_module_loading": ["builtin", "shared-library"],
        "libpython_link_mode": library.link_mode,
        "crt_features": crt_features(glibc),
        "run_tests": "build/run_tests.py",
        "licenses": ["Python-2.0"],
        "license_path": LICENSE_FILE,
        "build_info": {
            "core": static_core(cpython, library) if is_static else shared_core(tree),
            "extensions": {
                **core_modules(tree, library),
                **{e.name: [dynamic_module(tree, e)] for e in extensions},
            },
            "inittab_object": object_path(library.inittab),
            "inittab_source": CONFIG_C,
            "inittab_cflags": ["-DNDEBUG", "-fPIC", *FORCED_CFLAGS],
            "object_file_format": "mach-o" if cpython.platform == "darwin" else "elf",
        },
        **apple_sdk(cpython),
    }


def crt_features(glibc: str | None) -> list[str]:
    return ["glibc-dynamic", f"glibc-max-symbol-version:{glibc}"] if glibc else ["libSystem"]


def config_vars(cpython: CPython) -> dict[str, str]:
    values = {name: cpython.config_vars.get(name) for name in READ_CONFIG_VARS}
    return {name: str(value) for name, value in values.items() if value is not None}


def python_paths(tree: Tree) -> dict[str, str]:
    return {
        "data": "install",
        "scripts": "install/bin",
        "include": tree.include,
        "platinclude": tree.include,
        "stdlib": tree.stdlib,
        "platstdlib": tree.stdlib,
        "purelib": f"{tree.stdlib}/site-packages",
        "platlib": f"{tree.stdlib}/site-packages",
    }


def apple_sdk(cpython: CPython) -> dict[str, str]:
    """The oldest suitable SDK: PyOxidizer uses an installed one that is at least as new."""
    if cpython.platform != "darwin":
        return {}
    version = cpython.var("MACOSX_DEPLOYMENT_TARGET") or "11.0"
    return {
        "apple_sdk_canonical_name": f"macosx{version}",
        "apple_sdk_platform": "macosx",
        "apple_sdk_version": version,
        "apple_sdk_deployment_target": version,
    }


def static_core(cpython: CPython, library: Library) -> dict[str, Any]:
    frameworks = libpython.frameworks(cpython)
    return {
        "objs": [object_path(name) for name, _ in library.objects],
        "links": [{"name": name, "system": True} for name in library.links]
        + [{"name": name, "framework": True} for name in frameworks],
        "shared_lib": None,
        "static_lib": None,
    }


def shared_core(tree: Tree) -> dict[str, Any]:
    """A shared libpython, described as a system library.

    On Linux, PyOxidizer 0.24 always links statically: a template cannot change that, and
    `libpython_link_mode` is ignored. So its static libpython contains only the table of built-in
    modules, and the shared library is a system library, found through `path_static`, whose folder
    PyOxidizer adds to the linker's search path.

    The binary has no rpath. Instead, the library for the linker has the SONAME
    `$ORIGIN/lib/libpython3_11.so`, which the dynamic linker expands, and PyOxidizer writes the
    library to that path because it is also described as an extension module. This requires
    `resources_location_fallback = "filesystem-relative:lib"` in the template, as do the other
    extension modules.
    """
    name = f"python{tree.cpython.minor_version}"
    return {
        "objs": [],
        "links": [{"name": name, "system": True, "path_static": tree.linked_library}],
        "shared_lib": tree.shared_library,
        "static_lib": None,
    }


def builtin_modules(config_c: str) -> dict[str, str]:
    """Names and init functions in the table of built-in modules of CPython's `config.c`."""
    table = config_c.partition("_PyImport_Inittab[]")[2]
    return dict(re.findall(r'^\s*\{\s*"([^"]+)"\s*,\s*(\w+)\s*\}', table, re.MULTILINE))


def core_modules(tree: Tree, library: Library) -> dict[str, list[dict[str, Any]]]:
    """The built-in modules of libpython, and a shared libpython itself."""
    with open(tree.path(CONFIG_C)) as file:
        builtins = builtin_modules(file.read())
    if library.link_mode == "static":
        return {name: [module(init, in_core=True)] for name, init in builtins.items()}
    # A shared libpython has its own table. PyOxidizer's can only refer to what it exports.
    exported = library.image.exported | {"NULL"}
    modules = {n: [module(init, in_core=True)] for n, init in builtins.items() if init in exported}
    sidecar = module("NULL", shared_lib=tree.shared_library, required=True)
    return {**modules, sidecar_library_name(tree.cpython): [sidecar]}


def dynamic_module(tree: Tree, extension: ExtensionModule) -> dict[str, Any]:
    """With libraries and license, which `extension_module_filter` of templates evaluates."""
    licenses = [
        license
        for soname in extension.image.libraries
        for start, license in COPYLEFT.items()
        if soname.startswith(start)
    ]
    names = [soname[3:].partition(".so")[0] for soname in extension.image.libraries]
    return module(
        f"PyInit_{extension.name}",
        shared_lib=tree.extension(extension),
        links=[{"name": name, "system": True} for name in names],
        licenses=licenses[:1] or None,
    )


def module(
    init_fn: str,
    *,
    in_core: bool = False,
    required: bool = False,
    shared_lib: str | None = None,
    links: Sequence[dict[str, Any]] = (),
    licenses: list[str] | None = None,
) -> dict[str, Any]:
    """An entry of `extensions`. Without `licenses`, Python's license applies."""
    return {
        "in_core": in_core,
        "init_fn": init_fn,
        "licenses": licenses,
        "license_paths": None,
        "license_public_domain": None,
        "links": list(links),
        "objs": [],
        "required": in_core or required,
        "static_lib": None,
        "shared_lib": shared_lib,
        "variant": "default",
    }

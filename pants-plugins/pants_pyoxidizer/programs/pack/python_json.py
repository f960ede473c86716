# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Reads the PYTHON.json of a python-build-standalone archive, and rejects what cannot be embedded.

The format, versions 7 and 8:
https://gregoryszorc.com/docs/python-build-standalone/main/distributions.html
"""

from __future__ import annotations

import json
import os
from typing import Any, Iterator, Mapping

from .cpython import PACKED_VERSIONS
from .full_archive import PYTHON_JSON
from .libpython import Unusable
from .packed_tree import TEST_MODULE

KNOWN_FORMATS = ("7", "8")

# The fields that PyOxidizer requires (`PythonJsonMain` in its `standalone_distribution.rs`), except
# for those that `adopt_archive` derives.
MAIN_FIELDS: Mapping[str, type] = {
    "target_triple": str,
    "python_tag": str,
    "python_config_vars": dict,
    "python_implementation_cache_tag": str,
    "python_implementation_hex_version": int,
    "python_implementation_name": str,
    "python_implementation_version": list,
    "python_version": str,
    "python_major_minor_version": str,
    "python_paths": dict,
    "python_paths_abstract": dict,
    "python_stdlib_test_packages": list,
    "python_suffixes": dict,
    "python_bytecode_magic_number": str,
    "python_symbol_visibility": str,
    "python_extension_module_loading": list,
    "run_tests": str,
    "build_info": dict,
}
BUILD_FIELDS: Mapping[str, type] = {
    "core": dict,
    "extensions": dict,
    "inittab_object": str,
    "inittab_source": str,
    "inittab_cflags": list,
    "object_file_format": str,
}
CORE_FIELDS: Mapping[str, type] = {"objs": list, "links": list}
EXTENSION_FIELDS: Mapping[str, type] = {
    "in_core": bool,
    "init_fn": str,
    "links": list,
    "objs": list,
    "required": bool,
    "variant": str,
}
LINK_FIELDS: Mapping[str, type] = {"name": str}
PATHS = ("include", "stdlib")


def read_facts(root: str) -> dict[str, Any]:
    """The content of PYTHON.json, with all fields that PyOxidizer requires.

    Raises:
        Unusable: when it is not JSON, of another version, or a field is missing.
    """
    try:
        with open(os.path.join(root, PYTHON_JSON), "rb") as file:
            facts = json.load(file)
    except ValueError as error:
        raise Unusable(f"has an invalid {PYTHON_JSON} ({error})") from None
    found = facts.get("version") if isinstance(facts, dict) else None
    if found not in KNOWN_FORMATS:
        raise Unusable(
            f"has a {PYTHON_JSON} of version {found}, but only {' and '.join(KNOWN_FORMATS)} are"
            " supported"
        )
    check_fields(facts, MAIN_FIELDS, "")
    build = facts["build_info"]
    check_fields(build, BUILD_FIELDS, "build_info.")
    check_entry(build["core"], CORE_FIELDS, "build_info.core.")
    check_fields(
        build["extensions"], dict.fromkeys(build["extensions"], list), "build_info.extensions."
    )
    for name, candidates in build["extensions"].items():
        for candidate in candidates:
            check_entry(candidate, EXTENSION_FIELDS, f"build_info.extensions.{name}.")
    return dict(facts)


def check_entry(entry: Mapping[str, Any], fields: Mapping[str, type], where: str) -> None:
    check_fields(entry, fields, where)
    for link in entry["links"]:
        check_fields(link, LINK_FIELDS, f"{where}links.")


def check_fields(facts: Mapping[str, Any], fields: Mapping[str, type], where: str) -> None:
    for name, kind in fields.items():
        if not isinstance(facts, dict) or not isinstance(facts.get(name), kind):
            raise Unusable(
                f"has a {PYTHON_JSON} in which `{where}{name}`, which PyOxidizer needs, is missing"
                " or has the wrong type"
            )


def check_facts(facts: Mapping[str, Any], target_triple: str) -> None:
    """Rejects a Python that cannot be embedded, judging by PYTHON.json.

    Raises:
        Unusable: with the reason.
    """
    problem = _problem(facts, target_triple)
    if problem:
        raise Unusable(problem)


def _problem(facts: Mapping[str, Any], target_triple: str) -> str:
    triple, version = facts["target_triple"], facts["python_version"]
    options, variables = build_options(facts), facts["python_config_vars"]
    if facts["python_implementation_name"] != "cpython":
        return f"contains {facts['python_implementation_name']}, but only CPython can be embedded"
    if triple != target_triple and "-musl" in triple:
        return (
            f"is for {triple}, but binaries are built for {target_triple}: a binary linked with"
            " musl cannot load extension modules of the standard library or of wheels; use the"
            f" archive for {target_triple}"
        )
    if triple != target_triple:
        return (
            f"is for {triple}, but binaries are built for {target_triple}; use the archive for"
            f" {target_triple}"
        )
    if facts["build_info"]["object_file_format"].startswith("llvm-bitcode"):
        return (
            "contains LLVM bitcode for LTO instead of machine code; use an archive without `lto` in"
            " its name, such as one with `pgo` or `noopt`"
        )
    if {"freethreaded", "freethreading"} & options or is_set(variables, "Py_GIL_DISABLED"):
        return "is a free-threaded build, which PyOxidizer cannot embed; use a build with the GIL"
    if "debug" in options or is_set(variables, "Py_DEBUG"):
        return (
            "is a debug build, whose ABI is incompatible with release extension modules; use a"
            " release build"
        )
    if tuple(version.split(".")[:2]) not in {tuple(map(str, known)) for known in PACKED_VERSIONS}:
        known = ", ".join("%d.%d" % version for version in PACKED_VERSIONS)
        return f"contains Python {version}, but only {known} can be embedded"
    return ""


def build_options(facts: Mapping[str, Any]) -> frozenset[str]:
    """For example, `{"pgo", "lto"}`. Version 7 stores them in `optimizations`."""
    text = f"{facts.get('build_options') or ''}+{facts.get('optimizations') or ''}"
    return frozenset(filter(None, text.split("+")))


def is_set(variables: Mapping[str, Any], name: str) -> bool:
    return str(variables.get(name)) not in ("None", "0", "")


def check_files(facts: Mapping[str, Any], root: str) -> None:
    """Checks that the archive contains the files that PYTHON.json lists.

    Otherwise, PyOxidizer could embed any file of the build machine.

    Raises:
        Unusable: when a file is missing, or outside of the archive.
    """
    paths = facts["python_paths"]
    executable = f"install/bin/python{facts['python_major_minor_version']}"
    for path in [*named_files(facts), executable]:
        if not is_inside(path) or not os.path.isfile(os.path.join(root, path)):
            raise Unusable(f"lists the file {path} in its {PYTHON_JSON}, but does not contain it")
    for path in (paths.get(name) for name in PATHS):
        if not is_inside(path) or not os.path.isdir(os.path.join(root, path)):
            raise Unusable(f"lists the folder {path} in its {PYTHON_JSON}, but does not contain it")


def is_inside(path: Any) -> bool:
    """Whether the path is below the root, which contains no symlinks."""
    return isinstance(path, str) and not os.path.isabs(path) and ".." not in path.split("/")


def named_files(facts: Mapping[str, Any]) -> Iterator[Any]:
    build = facts["build_info"]
    yield from filter(None, [facts.get("license_path"), build["inittab_object"]])
    yield from build["core"]["objs"]
    for entry in [build["core"], *variants(facts)]:
        yield from entry["objs"]
        licenses = entry.get("license_paths") or []
        yield from licenses if isinstance(licenses, list) else [licenses]
        # The core's `shared_lib`, libpython, is not used.
        yield from filter(None, [entry.get("shared_lib") if "variant" in entry else None])
        for link in entry["links"]:
            yield from filter(None, [link.get("path_static"), link.get("path_dynamic")])


def variants(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The variants of all extension modules except for test modules."""
    for name, candidates in facts["build_info"]["extensions"].items():
        if not TEST_MODULE.fullmatch(name):
            yield from candidates

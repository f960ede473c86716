# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Converts a python-build-standalone archive to one that PyOxidizer 0.24 accepts as its Python.

usage: pack.adopt_archive --archive cpython.tar.zst --target-triple TRIPLE
                          --output python.tar.zst --report report.json

The archive must be a "full" one, with a PYTHON.json of version 7 or 8. The result has version 7 and
the same additions as an archive by `pack_cpython`: its pip, the scripts in `bin`, and what
PyOxidizer needs for newer CPythons. It has no tests, and nothing in `site-packages`.

If the archive cannot be used, prints one sentence to stderr and exits with status 1. The
requirements are those of `pack_cpython`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ..formats import ar_archive, elf
from . import libpython
from .cpython import CPython, Refusal, check, probe
from .full_archive import PYTHON_JSON, unpack, write_archive
from .libpython import Image, Library, Unusable
from .pack_cpython import report
from .packed_python_json import PLATFORM_TAGS, crt_features
from .packed_tree import (
    FORCED_CFLAGS,
    TEST_MODULE,
    Tree,
    object_path,
    try_copy,
    write_distutils,
    write_forced_header,
    write_libpython,
    write_objects,
    write_pip,
    write_scripts,
)
from .python_json import build_options, check_facts, check_files, read_facts, variants

# What `optimizations` of version 7 consists of.
OPTIMIZATIONS = ("debug", "noopt", "pgo", "lto")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", required=True, help="the archive to adopt")
    parser.add_argument("--target-triple", required=True, help="the target of the binaries")
    parser.add_argument("--output", required=True, help="the archive to write, named *.tar.zst")
    parser.add_argument("--report", required=True, help="the JSON report to write, on the Python")
    options = parser.parse_args(argv)
    name = os.path.basename(options.archive)
    try:
        facts = adopt(options.archive, options.target_triple, options.output)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except (Unusable, elf.ElfError) as problem:
        print(f"{name}: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{name}: cannot be adopted: {error}", file=sys.stderr)
        return 1
    with open(options.report, "w") as file:
        json.dump(facts, file, indent=1)
    return 0


def adopt(archive: str, target_triple: str, output: str) -> dict[str, Any]:
    """Writes the new archive; returns the report.

    Raises:
        Unusable: when the archive cannot be used.
        Refusal: when its interpreter cannot be packed.
    """
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(output))) as folder:
        root = os.path.realpath(folder)
        unpack(archive, root)
        facts = read_facts(root)
        check_facts(facts, target_triple)
        check_files(facts, root)
        cpython = start(root, facts, os.path.basename(archive))
        tree = Tree(root, cpython)
        library, images, glibc = relink(tree, facts)
        write_forced_header(tree, library)
        write_distutils(tree)
        write_pip(tree)
        try_copy(tree)
        new_facts = version_7(facts, library, glibc)
        tree.write(PYTHON_JSON, json.dumps(new_facts, indent=1, sort_keys=True).encode())
        write_archive(root, output)
    return report(cpython, library, images, glibc, output)


def start(root: str, facts: Mapping[str, Any], archive: str) -> CPython:
    """Queries the archive's interpreter. The result has the archive's name, for errors."""
    write_scripts(root, facts["python_major_minor_version"])
    try:
        cpython = probe(os.path.join(root, "install", "bin", "python3"))
    except Refusal as refusal:
        said = str(refusal).partition(": ")[2]
        raise Unusable(f"contains an interpreter that does not start here: it {said}") from None
    include = os.path.join(root, facts["python_paths"]["include"])
    cpython = dataclasses.replace(cpython, executable=archive, include=include)
    check(cpython)
    if cpython.version != facts["python_version"]:
        raise Unusable(
            f"contains Python {cpython.version}, but its {PYTHON_JSON} says"
            f" {facts['python_version']}"
        )
    return cpython


# --- Objects ---


def relink(tree: Tree, facts: dict[str, Any]) -> tuple[Library, list[Image], str | None]:
    """Checks the objects to link, and moves them to where `pack_cpython` puts them.

    Updates their paths in `facts`. Also returns the images of the shared extension modules, and the
    oldest glibc that suffices.
    """
    build = facts["build_info"]
    inside = list(dict.fromkeys([*build["core"]["objs"], build["inittab_object"]]))
    of_extensions = [path for variant in variants(facts) for path in variant["objs"]]
    of_extensions = [path for path in dict.fromkeys(of_extensions) if path not in inside]
    paths = [*inside, *of_extensions]
    names = dict(zip(paths, ar_archive.unique_names(paths)))
    core, extensions = take_objects(tree, inside, names), take_objects(tree, of_extensions, names)
    library = libpython.check_objects(tree.cpython.executable, core, [])
    extensions = [(name, libpython.without_lto(data)) for name, data in extensions]
    undefined_symbols = library.undefined_symbols.union(
        *imported([extensions, *static_libraries(tree, facts)])
    )
    library = dataclasses.replace(library, undefined_symbols=undefined_symbols)
    write_libpython(tree, library)
    write_objects(tree, extensions)
    for entry in [build["core"], *variants(facts)]:
        entry["objs"] = [object_path(names[path]) for path in entry["objs"]]
    build["inittab_object"] = object_path(library.inittab)
    shared = [variant["shared_lib"] for variant in variants(facts) if variant.get("shared_lib")]
    images = [libpython.read_image(tree.path(path)) for path in shared]
    return library, images, libpython.lowest_glibc(library, images, tree.cpython.libc)


def take_objects(
    tree: Tree, paths: Iterable[str], names: Mapping[str, str]
) -> list[tuple[str, bytes]]:
    """New names and contents of objects. Removes their files."""
    objects = []
    for path in paths:
        objects.append((names[path], read(tree, path)))
        os.remove(tree.path(path))
    return objects


def static_libraries(tree: Tree, facts: Mapping[str, Any]) -> Iterator[list[tuple[str, bytes]]]:
    entries = [facts["build_info"]["core"], *variants(facts)]
    links = [link for entry in entries for link in entry["links"]]
    for path in dict.fromkeys(link["path_static"] for link in links if link.get("path_static")):
        try:
            members = list(ar_archive.members(read(tree, path)))
        except ar_archive.ArError as error:
            raise Unusable(f"contains {path}, which {error}") from None
        yield [(f"{os.path.basename(path)}: {name}", data) for name, data in members]


def imported(libraries: Iterable[Sequence[tuple[str, bytes]]]) -> Iterator[frozenset[str]]:
    for objects in libraries:
        symbols = libpython.read_symbols(objects)
        if symbols is not None:
            yield symbols.imported


def read(tree: Tree, path: str) -> bytes:
    with open(tree.path(path), "rb") as file:
        return file.read()


# --- PYTHON.json ---


def version_7(facts: Mapping[str, Any], library: Library, glibc: str | None) -> dict[str, Any]:
    """The new PYTHON.json, for the files as they are now.

    Version 8 added the field `build_options`, and deprecated `optimizations`.
    """
    build, triple = facts["build_info"], facts["target_triple"]
    optimizations = [option for option in OPTIMIZATIONS if option in build_options(facts)]
    cflags = tuple(build["inittab_cflags"])
    extensions = {
        name: [version_7_variant(variant) for variant in candidates]
        for name, candidates in build["extensions"].items()
        if not TEST_MODULE.fullmatch(name)
    }
    return {
        **{name: value for name, value in facts.items() if name != "build_options"},
        "version": "7",
        "optimizations": "+".join(optimizations) or "noopt",
        "python_exe": "install/bin/python3",
        "python_platform_tag": PLATFORM_TAGS[triple],
        "crt_features": crt_features(glibc),
        # PyOxidizer links the objects in either case, but requires a shared library for "shared".
        "libpython_link_mode": library.link_mode,
        "licenses": facts.get("licenses") or ["Python-2.0"],
        "build_info": {
            **build,
            "core": {**build["core"], "shared_lib": None, "static_lib": None},
            "extensions": extensions,
            # An archive by `pack_cpython` already has them.
            "inittab_cflags": cflags if cflags[-2:] == FORCED_CFLAGS else cflags + FORCED_CFLAGS,
        },
    }


def version_7_variant(variant: Mapping[str, Any]) -> dict[str, Any]:
    # An empty list, for "no known licenses", is not a valid license expression.
    return {**variant, "static_lib": None, "licenses": variant.get("licenses") or None}


if __name__ == "__main__":
    sys.exit(main())

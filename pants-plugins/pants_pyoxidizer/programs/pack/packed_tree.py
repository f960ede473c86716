# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Lays out the files of a packed CPython as PyOxidizer expects them, and tests the copy."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Iterable, Iterator, Sequence

from ..formats import elf
from . import libpython
from .cpython import CPython, Refusal
from .forced_header import forced_header
from .libpython import Image, Library
from .pyconfig_adapter import adapted_object

TEST_PACKAGES = (
    "ctypes.test",
    "distutils.tests",
    "idlelib.idle_test",
    "lib2to3.tests",
    "sqlite3.test",
    "test",
    "tkinter.test",
    "unittest.test",
)
# Extension modules that only CPython's own tests use, unlike `_xxsubinterpreters`.
TEST_MODULE = re.compile(r"_test\w+|_ctypes_test|_xxtestfuzz|xxlimited\w*")
# Added by whoever installed the Python: hooks, and a marker that stops pip.
FOREIGN_FILES = frozenset(["sitecustomize.py", "usercustomize.py", "EXTERNALLY-MANAGED"])
SKIPPED_SUFFIXES = (".a", ".o", ".pyc", ".pyo", ".whl")

FORCED_HEADER = "pants_pyoxidizer.h"
# Flags for compiling the table of built-in modules.
FORCED_CFLAGS = ("-include", FORCED_HEADER)
CONFIG_C = "build/config.c"
PIP = "build/pip"
KEPT_BYTECODE = "build/kept_bytecode.py"
LICENSE_FILE = "licenses/LICENSE.cpython.txt"
LICENSE_TEXT = (
    "CPython is licensed under the PSF License Agreement; its text is at"
    " https://docs.python.org/3/license.html.\n"
)
RUNS_PYTHON = """\
#!/bin/sh
# The interpreter may look for its library in its original location.
here=$(CDPATH= cd "${{0%/*}}" && pwd) || exit 1
export LD_LIBRARY_PATH="$here/../lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}" PYTHONNOUSERSITE=1
case ${{1-}} in
  */bytecode-compiler.py) set -- "$here/../../{kept_bytecode}" "$1" ;;
esac
exec "$here/{executable}" {arguments}"$@"
"""
# PyOxidizer makes setuptools use the standard library's `distutils`, which is gone since 3.12.
WITHOUT_DISTUTILS = "import os; os.environ.pop('SETUPTOOLS_USE_DISTUTILS', None)\n"
# Prints the folders of `sys.path`.
TRIAL = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps([path for path in sys.path if path]))
"""


@dataclass(frozen=True)
class ExtensionModule:
    name: str
    file: str  # Its path on the build machine.
    image: Image


@dataclass(frozen=True)
class Tree:
    """The files of the archive. Paths are relative to its root, as in PYTHON.json."""

    root: str  # Resolved, as the interpreter reports it.
    cpython: CPython

    @property
    def stdlib(self) -> str:
        return f"install/{self.cpython.platlibdir}/python{self.cpython.minor_version}"

    @property
    def include(self) -> str:
        return f"install/include/python{self.cpython.minor_version}"

    @property
    def linked_library(self) -> str:
        """The shared libpython for the linker."""
        return f"build/link/libpython{self.cpython.minor_version}.so"

    @property
    def shared_library(self) -> str:
        """The shared libpython for run time."""
        return f"install/lib/libpython{self.cpython.minor_version}.so"

    def extension(self, extension: ExtensionModule) -> str:
        return f"{self.stdlib}/lib-dynload/{os.path.basename(extension.file)}"

    def path(self, relative_path: str) -> str:
        """The absolute path; creates the parent folder."""
        path = os.path.join(self.root, relative_path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, relative_path: str, content: bytes) -> None:
        with open(self.path(relative_path), "wb") as file:
            file.write(content)

    def copy(self, source: str, relative_path: str) -> None:
        """Copies the content only, and follows symlinks."""
        shutil.copyfile(source, self.path(relative_path))


def extension_modules(cpython: CPython) -> list[ExtensionModule]:
    folder = os.path.join(cpython.platstdlib, "lib-dynload")
    files = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [
        ExtensionModule(name, path, libpython.read_image(path))
        for name, path in ((f.split(".")[0], os.path.join(folder, f)) for f in files)
        if path.endswith(".so") and not TEST_MODULE.fullmatch(name)
    ]


def existing(cpython: CPython, what: str, paths: Sequence[str]) -> str:
    """The first of the paths that is a file."""
    for path in paths:
        if os.path.isfile(path):
            return path
    raise Refusal(
        f"{cpython.executable}: has no {what}; looked for {' and '.join(paths)}. To fix,"
        f" install its development files (Debian and Ubuntu: `apt-get install"
        f" libpython{cpython.minor_version}-dev`)."
    )


def is_packed(module_path: str) -> bool:
    """Whether to pack a file of the standard library, given its path relative to the root."""
    *folders, name = module_path.split("/")
    if folders and (folders[0] == "lib-dynload" or folders[0].startswith("config-")):
        return False  # The former is copied separately; the latter is for linking.
    if not {"__pycache__", "site-packages", "dist-packages"}.isdisjoint(folders):
        return False
    package = ".".join(folders) + "."
    if any(package.startswith(f"{test_package}.") for test_package in TEST_PACKAGES):
        return False
    return not name.endswith(SKIPPED_SUFFIXES) and (bool(folders) or name not in FOREIGN_FILES)


def files_below(root: str) -> Iterator[str]:
    """Paths of files to pack, relative to `root`, with `/`. Follows symlinks to folders."""
    for folder, folders, names in os.walk(root, followlinks=True):
        relative = os.path.relpath(folder, root)
        prefix = "" if relative == "." else f"{relative}/"
        folders[:] = [name for name in folders if is_packed(f"{prefix}{name}/_")]
        yield from (prefix + name for name in names if os.path.isfile(os.path.join(folder, name)))


def write_tree(tree: Tree, library: Library, extensions: Iterable[ExtensionModule]) -> None:
    cpython = tree.cpython
    config_c = [os.path.join(folder, "config.c") for folder in cpython.config_dirs()]
    tree.copy(existing(cpython, "config.c, the list of its built-in modules", config_c), CONFIG_C)
    write_headers(tree, library)
    write_stdlib(tree, extensions)
    write_libpython(tree, library)
    write_executables(tree)
    write_license(tree)


def write_headers(tree: Tree, library: Library) -> None:
    cpython = tree.cpython
    existing(cpython, "headers", [os.path.join(cpython.include, "Python.h")])
    for path in files_below(cpython.include):
        tree.copy(os.path.join(cpython.include, path), f"{tree.include}/{path}")
    # Debian's pyconfig.h only includes the architecture's own, from another folder.
    of_machine = f"{cpython.var('MULTIARCH')}/python{cpython.minor_version}/pyconfig.h"
    config_h = [os.path.join(os.path.dirname(cpython.include), of_machine), cpython.config_h]
    tree.copy(existing(cpython, "pyconfig.h", config_h), f"{tree.include}/pyconfig.h")
    write_forced_header(tree, library)


def write_forced_header(tree: Tree, library: Library) -> None:
    forced = forced_header(tree.cpython, library)
    tree.write(f"{tree.include}/{FORCED_HEADER}", forced.encode())


def write_stdlib(tree: Tree, extensions: Iterable[ExtensionModule]) -> None:
    source = tree.cpython.stdlib
    for path in filter(is_packed, files_below(source)):
        tree.copy(f"{source}/{path}", f"{tree.stdlib}/{path}")
    for extension in extensions:
        tree.copy(extension.file, tree.extension(extension))
    write_distutils(tree)


def write_distutils(tree: Tree) -> None:
    """Adds a `distutils` stub: PyOxidizer's pip step copies it, and writes to its `command`.

    Debian ships most of it in a separate package, and Python 3.12 removed it.
    """
    missing = "raise ModuleNotFoundError(\"No module named 'distutils'\", name='distutils')\n"
    for path, content in (("distutils", missing), ("distutils/command", "")):
        if not os.path.exists(tree.path(f"{tree.stdlib}/{path}/__init__.py")):
            tree.write(f"{tree.stdlib}/{path}/__init__.py", content.encode())


def sidecar_library_name(cpython: CPython) -> str:
    """The name of the extension module that a shared libpython is described as to PyOxidizer."""
    return "libpython%d_%d" % cpython.version_info[:2]


def object_path(name: str) -> str:
    return f"build/core/{name}"


def write_objects(tree: Tree, objects: Iterable[tuple[str, bytes]]) -> None:
    """Writes the objects to link into the binary, of libpython and built-in extension modules."""
    for name, data in objects:
        tree.write(object_path(name), adapted_object(tree.cpython, data))


def write_libpython(tree: Tree, library: Library) -> None:
    write_objects(tree, library.objects)
    if library.link_mode == "shared":
        with open(library.path, "rb") as file:
            data = file.read()
        asked_for = f"$ORIGIN/lib/{sidecar_library_name(tree.cpython)}.so"
        tree.write(tree.linked_library, elf.with_soname(data, asked_for))
        tree.write(tree.shared_library, data)


def write_executables(tree: Tree) -> None:
    cpython = tree.cpython
    tree.copy(cpython.executable, f"install/bin/python{cpython.minor_version}")
    write_scripts(tree.root, cpython.minor_version)
    for needed in libpython.read_image(cpython.executable).needed:
        soname = os.path.basename(needed)
        if soname.startswith("libpython"):
            candidates = [
                os.path.join(folder, soname) for folder in libpython.library_dirs(cpython)
            ]
            tree.copy(existing(cpython, soname, candidates), f"install/lib/{soname}")


def write_scripts(root: str, minor_version: str) -> None:
    """Writes `bin/python3`, which PyOxidizer runs, and `bin/pip3`, whose absence makes it run
    ensurepip in each build. Both run the existing `bin/python<minor version>`.
    """
    executable = f"python{minor_version}"
    for name, arguments in (("python3", ""), ("pip3", "-m pip ")):
        script = RUNS_PYTHON.format(
            executable=executable, arguments=arguments, kept_bytecode=KEPT_BYTECODE
        )
        with open(os.path.join(root, "install", "bin", name), "w") as file:
            file.write(script)
    for name in (executable, "python3", "pip3"):
        os.chmod(os.path.join(root, "install", "bin", name), 0o755)
    kept_bytecode = os.path.join(root, KEPT_BYTECODE)
    os.makedirs(os.path.dirname(kept_bytecode), exist_ok=True)
    shutil.copyfile(os.path.join(os.path.dirname(__file__), "kept_bytecode.py"), kept_bytecode)


def write_license(tree: Tree) -> None:
    cpython = tree.cpython
    share, name = os.path.join(cpython.base_prefix, "share"), f"python{cpython.minor_version}"
    candidates = [
        os.path.join(cpython.stdlib, "LICENSE.txt"),
        os.path.join(share, "licenses", name, "LICENSE"),
        os.path.join(share, "doc", name, "copyright"),
    ]
    found = next((path for path in candidates if os.path.isfile(path)), None)
    if found:
        tree.copy(found, LICENSE_FILE)
    else:
        tree.write(LICENSE_FILE, LICENSE_TEXT.encode())


def write_pip(tree: Tree) -> None:
    """Copies pip outside the standard library, all of which is embedded in each binary."""
    # Its RECORD does not help: in a Pex, it does not list the files.
    spec = importlib.util.find_spec("pip")
    if spec is None or not spec.submodule_search_locations:
        raise Refusal(f"{sys.executable}: has no pip to pack")
    cpython, source = tree.cpython, spec.submodule_search_locations[0]
    for path in files_below(source):
        tree.copy(os.path.join(source, path), f"{PIP}/pip/{path}")
    version = importlib.metadata.version("pip")
    metadata = f"Metadata-Version: 2.1\nName: pip\nVersion: {version}\n"
    tree.write(f"{PIP}/pip-{version}.dist-info/METADATA", metadata.encode())
    # Ask the interpreter for its site-packages, because Debian changed the location.
    print_sites = "import json, site; print(json.dumps(site.getsitepackages()))"
    sites = json.loads(run_copy(tree, "-c", print_sites))
    inside = [path for path in sites if path.startswith(f"{tree.root}/install/")]
    if not inside:
        raise Refusal(f"{tree.cpython.executable}: its copy has no site-packages folder")
    pip = os.path.relpath(f"{tree.root}/{PIP}", inside[0])
    lines = f"{pip}\n{'' if cpython.has_distutils else WITHOUT_DISTUTILS}"
    tree.write(os.path.relpath(f"{inside[0]}/pip.pth", tree.root), lines.encode())


def try_copy(tree: Tree) -> None:
    """Tests that the copy starts, uses its own files only, and imports what the original can.

    Raises:
        Refusal: when it does not.
    """
    cpython = tree.cpython
    sys_path = json.loads(run_copy(tree, "-c", TRIAL, *cpython.importable))
    for path in sys_path:
        if not path.startswith(f"{tree.root}/"):
            raise Refusal(
                f"{cpython.executable}: its copy still uses {path}, so it cannot be packed"
            )
    run_copy(tree, "-m", "pip", "--version")


def run_copy(tree: Tree, *args: str) -> str:
    process = subprocess.run(
        [tree.path("install/bin/python3"), "-B", *args],
        cwd=tree.root,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if process.returncode != 0:
        lines = process.stderr.decode("utf-8", "replace").split("\n")
        said = " / ".join(line.strip() for line in lines if line.strip())[-500:]
        said = said or f"exit status {process.returncode}"
        raise Refusal(f"{tree.cpython.executable}: its copy does not work: {said}")
    return process.stdout.decode()

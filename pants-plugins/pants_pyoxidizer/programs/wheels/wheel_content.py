# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What a wheel puts in site-packages, by the paths of its files: modules, native code, data.

Sources: PEP 427 (where files are installed), PEP 420 (namespace packages), PEP 561 (stubs).
"""

from __future__ import annotations

import re
from typing import Any, Iterable

_EXTENSION = r"(?:\.[A-Za-z][\w-]*)?\.(?:so|pyd)"
_MODULE_FILE = re.compile(rf"(?P<name>[^.]+)(?:\.py|\.pyc|{_EXTENSION})")
_NATIVE_FILE = re.compile(r".+\.(?:so(?:\.\d+)*|pyd|dylib|dll)", re.IGNORECASE)
# setuptools writes these. The namespace packages that they create cannot be both in memory and on
# the filesystem; those of Python itself can.
NAMESPACE_PTH = "-nspkg.pth"
SCRIPT = re.compile(r"[^/]+\.data/scripts/")
_DRIVE = re.compile(r"[A-Za-z]:")


def describe_content(names: Iterable[str]) -> dict[str, Any]:
    """What a wheel with these archive members puts in site-packages.

    - "modules": dotted names that can be imported, including packages. A compiled file counts
      whatever the interpreter it is for.
    - "packages": the modules that are packages with an `__init__`.
    - "namespaces": packages without an `__init__` on the way to a module (PEP 420).
    - "executable_packages": packages and namespaces with a `__main__`, which `python -m` accepts.
    - "native_files": members that are extension modules or shared libraries, wherever they are
      installed.
    - "pth_files": what Python reads when it starts, except those that create namespace packages,
      which Python does by itself (PEP 420).
    - "data_files": paths, relative to site-packages, of other files that no import reads. Type
      information (`py.typed`, `.pyi`, `-stubs`) is left out, since no program reads it at run time.
    """
    modules: set[str] = set()
    packages: set[str] = set()
    data_files: set[str] = set()
    pth_files: set[str] = set()
    files = [name for name in names if not name.endswith("/")]
    for path in filter(None, map(site_packages_path, files)):
        module = module_name(path)
        if module:
            modules.add(module)
            if is_init(path):
                packages.add(module)
        elif is_data(path):
            is_pth = path.endswith(".pth") and "/" not in path
            (pth_files if is_pth else data_files).add(path)
    return {
        "modules": sorted(modules),
        "packages": sorted(packages),
        "namespaces": sorted(set(parents(modules)) - modules),
        "executable_packages": sorted(
            module[: -len(".__main__")] for module in modules if module.endswith(".__main__")
        ),
        "native_files": sorted(
            file for file in files if _NATIVE_FILE.fullmatch(file.rpartition("/")[2])
        ),
        "pth_files": sorted(pth_files),
        "data_files": sorted(data_files),
    }


def installed_path(name: str) -> str | None:
    """The path of a member in a folder like site-packages, or None (PEP 427).

    As with `pip install --target`, data goes to the root and scripts to `bin`.
    """
    top, _, rest = name.partition("/")
    if rest and top.endswith(".data"):
        scheme, _, inner = rest.partition("/")
        if scheme == "scripts":
            return f"bin/{inner}"
        return inner or None if scheme in ("purelib", "platlib", "data") else None
    return name


def stays_inside(path: str) -> bool:
    """Whether a path, joined to a folder, stays in that folder for any unpacker.

    Empty components are as bad as "..": once `installed_path` drops what precedes one, the rest is
    an absolute path. Some unpackers take backslashes for separators.
    """
    parts = path.split("/")
    return not ({"", ".", ".."}.intersection(parts) or "\\" in path or _DRIVE.match(path))


def site_packages_path(name: str) -> str | None:
    """Like `installed_path`, but None for dist-info and scripts."""
    top, _, rest = name.partition("/")
    if rest and top.endswith(".dist-info") or SCRIPT.match(name):
        return None
    return installed_path(name)


def module_name(path: str) -> str | None:
    """The dotted name under which a file in site-packages is imported, or None."""
    *folders, file = path.split("/")
    match = _MODULE_FILE.fullmatch(file)
    if not match or "__pycache__" in folders:
        return None
    parts = [*folders, match["name"]]
    if not all(part.isidentifier() for part in parts):
        return None
    return ".".join(folders if is_init(path) else parts)


def is_init(path: str) -> bool:
    """Whether a module's file, source or compiled, makes its folder a package."""
    folder, _, file = path.rpartition("/")
    return bool(folder) and file.split(".")[0] == "__init__"


def is_of_use(path: str) -> bool:
    """Whether a program can need this file in site-packages."""
    return not path.endswith(NAMESPACE_PTH) and "__pycache__" not in path.split("/")


def is_data(path: str) -> bool:
    """Whether a program may read this file, which is not a module."""
    *folders, file = path.split("/")
    if not is_of_use(path):
        return False
    if folders and folders[0].endswith("-stubs"):  # PEP 561
        return False
    if file.endswith(".py") and all(folder.isidentifier() for folder in folders):
        return False  # It is a module for `import_module`: its name is not an identifier.
    return file != "py.typed" and not file.endswith(".pyi")


def parents(modules: Iterable[str]) -> Iterable[str]:
    """`a` and `a.b` for `a.b.c`."""
    for module in modules:
        while "." in module:
            module = module.rpartition(".")[0]
            yield module
